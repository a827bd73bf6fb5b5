//! Stages that are never run: what a pipeline can be bound to without tensors.

use std::path::PathBuf;

use runpipe_base::{
    Ctx, Inputs, Kind, KindSpec, Output, Port, Registry, Spec, Stage, StageError, choice, params,
};

choice! {
    /// Where a tag is read.
    pub enum Site {
        /// At a mask before the word.
        Prepend = "prepend",
        /// At the word.
        Tokcls = "tokcls",
    }
}

params! {
    /// Parameters of [`Corpus`].
    pub struct CorpusParams {
        /// Folder with files.
        dir: Option<PathBuf> = None;
        /// Sentences.
        n: u32 = 10, in 1..=1000;
        /// One stream.
        seed: u64 = 0;
        /// Languages.
        langs: Vec<String> = Vec::new();
    }
}

params! {
    /// Parameters of [`Take`].
    pub struct TakeParams {
        /// Sentences.
        n: u32, in 1..;
        /// One stream.
        seed: u64 = 0;
    }
}

params! {
    /// Parameters of [`Pretrain`].
    pub struct PretrainParams {
        /// Layers.
        layers: u32 = 2;
        /// Learning rate.
        lr: f32 = 1e-3, in 0.0..=1.0;
    }
}

params! {
    /// Parameters of [`Finetune`].
    pub struct FinetuneParams {
        /// Where a tag is read.
        site: Site = Site::Prepend;
        /// Passes.
        epochs: u32 = 3, in 1..=100;
        /// One stream.
        seed: u64 = 0;
    }
}

macro_rules! stages {
    ($($stage:ident: $params:ty => $spec:expr;)*) => {
        $(
            struct $stage;

            impl Stage for $stage {
                type Params = $params;

                fn spec(&self) -> Spec {
                    $spec
                }

                fn run(&self, _: &$params, _: &Inputs<'_>, _: &mut Ctx<'_>) -> Result<Output, StageError> {
                    Ok(Output::new(Kind::ANY))
                }
            }
        )*

        /// Every stage here.
        pub(crate) fn registry() -> Registry {
            let kinds = ["corpus/ner", "images", "scores", "text", "weights"];
            let kinds = kinds.map(|name| KindSpec { name, layout: "", check: |_| Ok(()) });
            Registry::new(&[$(&$stage),*], &kinds)
        }
    };
}

stages! {
    Corpus: CorpusParams => Spec::new("toy.corpus", "c0", "corpus/ner", "Makes sentences.")
        .part("train", "corpus/ner", "to learn from")
        .part("test", "corpus/ner", "to test on")
        .part("text", "text", "without tags");
    Take: TakeParams => Spec::new("data.take", "c1", "corpus/ner", "The first of some sentences.")
        .input(Port::one("corpus", "corpus/ner", "sentences"));
    Pretrain: PretrainParams => Spec::new("toy.pretrain", "c2", "weights", "Trains on text.")
        .input(Port::one("text", "text", "text"))
        .series("loss", "nats")
        .tensors();
    Finetune: FinetuneParams => Spec::new("toy.finetune", "c3", "weights", "Trains on tags.")
        .input(Port::one("encoder", "weights", "what to begin with"))
        .input(Port::one("corpus", "corpus/ner", "what to learn"))
        .series("loss", "nats")
        .metric("loss", "nats at the end")
        .tensors();
    Evaluate: () => Spec::new("toy.evaluate", "c4", "scores", "Scores a tagger.")
        .input(Port::one("model", "weights", "the tagger"))
        .input(Port::one("corpus", "corpus/ner", "what to score on"))
        .part("confusion", "images", "a picture")
        .metric("f1", "0 to 1")
        .metric("recall", "0 to 1");
    Merge: () => Spec::new("toy.merge", "c5", "weights", "The mean of weights.")
        .input(Port::many("models", "weights", "weights"));
    Continue: FinetuneParams => Spec::new("toy.continue", "c6", "weights", "Goes on.")
        .input(Port::one("corpus", "corpus/ner", "what to learn"))
        .input(Port::optional("from", "weights", "what to begin with"));
    All: CorpusParams => Spec::new("toy.all", "c8", "any", "All of it.")
        .input(Port::many("inputs", "any", "anything"));
    Copy: () => Spec::new("toy.copy", "c7", "any", "The same again.")
        .input(Port::one("input", "any", "anything"));
}
