//! `maner.finetune`: a tagger that reads each word where its site says.

mod examples;
mod start;
mod tune;

use std::collections::BTreeMap;

use runpipe_base::{Ctx, Inputs, Output, Port, Spec, Stage, StageError, choice, params};

use self::tune::Tuning;
use super::PAPER;
use super::config::Reading;
use super::layout::{Layout, Long, Places, Pool, Site, Visibility};
use super::model::Model;
use crate::code;
use crate::data::tagged::Tagged;
use crate::kit::backend::on_device;

choice! {
    /// What the mask's vector is before tuning.
    pub enum MaskInit {
        /// What pre-training made of it.
        Pretrained = "pretrained",
        /// Random numbers, normal with standard deviation 0.02.
        Random = "random",
        /// The mean of all vectors of the vocabulary.
        Mean = "mean",
    }
}

choice! {
    /// The token beside each word.
    pub enum Filler {
        /// The mask.
        Mask = "mask",
        /// The unknown token.
        Unk = "unk",
        /// A new token with a random vector.
        New = "new",
    }
}

choice! {
    /// What the encoder's weights are before tuning.
    pub enum EncoderInit {
        /// What pre-training made of them.
        Pretrained = "pretrained",
        /// Random numbers: no pre-training at all.
        Random = "random",
    }
}

choice! {
    /// What tuning leaves as it is.
    pub enum Freeze {
        /// Nothing. Source: MANER, encoder and head are trained together.
        None = "none",
        /// The vectors of tokens and positions.
        Embeddings = "embeddings",
        /// The whole encoder: only the head is trained.
        Encoder = "encoder",
    }
}

choice! {
    /// What stands between encoder and labels.
    pub enum HeadKind {
        /// One linear layer.
        Linear = "linear",
        /// A hidden layer with GELU and norm, and a linear one.
        Mlp = "mlp",
        /// The same, its hidden layer and norm those of the encoder's masked head.
        MlmMlp = "mlm_mlp",
    }
}

params! {
    /// Parameters of [`Finetune`].
    pub struct FinetuneParams {
        /// Where a word's tag is read.
        site: Site = Site::Prepend;
        /// Which of a word's pieces are read when no mask is.
        pool: Pool = Pool::First;
        /// Who sees the tokens beside words.
        mask_visibility: Visibility = Visibility::Full;
        /// Where the tokens beside words stand.
        mask_position_ids: Places = Places::Consecutive;
        /// Whether, with `site = "tokcls"`, all pieces of a word are trained to have its tag; later ones `I-`. The
        /// word is tagged by those that `pool` tells all the same.
        label_all_pieces: bool = false;
        /// What the mask's vector is before tuning.
        mask_init: MaskInit = MaskInit::Pretrained;
        /// The token beside each word.
        filler: Filler = Filler::Mask;
        /// What the encoder's weights are before tuning.
        encoder_init: EncoderInit = EncoderInit::Pretrained;
        /// What tuning leaves as it is.
        freeze: Freeze = Freeze::None;
        /// What stands between encoder and labels.
        head: HeadKind = HeadKind::Linear;
        /// Whether labels are trained and chosen as a sequence, by a linear-chain conditional random field over the
        /// words of a sentence.
        crf: bool = false;
        /// How much rare labels weigh in the loss: a word with label k weighs nₖ to the power of minus this, where nₖ
        /// is how many words have it. 0: all words alike, as in the paper; 1: all labels alike.
        balance: f64 = 0.0, in 0.0..=1.0;
        /// Passes over the sentences.
        epochs: u64 = 30, in 1..=10_000, unit "epochs";
        /// Steps at least: a hundred sentences make few batches, and the head must leave the all-`O` answer.
        min_steps: u64 = 300, in 1.., unit "steps";
        /// Sentences of a batch.
        batch: usize = 8, in 1..=1024, unit "sentences";
        /// Tokens that are encoded at once in training, at most (a longer sequence is encoded alone): a batch with
        /// more is taken in parts whose gradients are added. None: every batch at once.
        pass: Option<usize> = None, in 8.., unit "tokens";
        /// Peak learning rate of AdamW; 1e-3 for small encoders, 5e-5 to 1e-5 for large ones.
        lr: f64 = 1e-3, in 0.0..=1.0;
        /// Share of the steps in which the learning rate rises; it falls to 0 in the others.
        warmup: f64 = 0.1, in 0.0..=1.0;
        /// Weight decay.
        decay: f32 = 0.01, in 0.0..=1.0;
        /// ε of AdamW.
        epsilon: f32 = 1e-8, in 0.0..=1.0;
        /// Chance that dropout drops a number; none: that of the encoder.
        dropout: Option<f32> = None, in 0.0..1.0;
        /// Most tokens of a sequence; none: as many as the encoder has positions.
        max_len: Option<usize> = None, in 8.., unit "tokens";
        /// What becomes of longer sentences, here and in evaluation.
        long: Long = Long::Windows;
        /// How often the sentences at `dev` are tagged; the best of these states is kept.
        evaluations: u64 = 6, in 1..=1000;
        /// Evaluations after the best one at which tuning ends, not before `min_steps`; none: it goes to the end.
        patience: Option<u64> = None, in 1..=1000, unit "evaluations";
        /// How often a tagger that collapsed is tuned anew, from other random numbers on the same sentences.
        retries: u64 = 1, in 0..=10;
        /// Five random streams are derived from it: head, mask, order, dropout and, with `data.take`, the choice of
        /// sentences. Taggers of one seed see the same sentences in the same order, whatever their site.
        seed: u64 = 0;
    }
}

/// `maner.finetune`: trains a tagger on an encoder.
pub struct Finetune;

impl Stage for Finetune {
    type Params = FinetuneParams;

    fn spec(&self) -> Spec {
        Spec::new(
            "maner.finetune",
            code::MANER,
            "weights/tagger",
            "Trains a tagger that reads each word through a mask token, or as a baseline without.",
        )
        .input(Port::one("encoder", "weights/encoder", "the masked language model"))
        .input(Port::one("sentences", "tagged", "sentences to train on"))
        .input(Port::optional("dev", "tagged", "sentences by which the best state is chosen"))
        .tensors()
        .metric("train_f1", "F1 of entities in the training sentences, in percent")
        .metric("dev_f1", "F1 of entities at `dev`, best of all evaluations, in percent (0 without `dev`)")
        .metric("best_step", "step of the state that is kept")
        .metric("steps", "steps of training")
        .metric("retried", "how often the tagger collapsed and was tuned anew")
        .metric("windowed", "training sentences longer than a sequence may be")
        .metric("dropped", "words of them that are cut off")
        .metric(
            "collapsed",
            "1 when the tagger finds next to nothing (F1 below 5, at `dev` or in training) also after retries, else 0",
        )
        .series("train_loss", "cross-entropy of words in training, mean of 10 steps, in nats")
        .series("dev_f1_curve", "F1 of entities at `dev`, in percent")
        .series("dev_found", "words tagged as entities at `dev`, in percent of those that are: near 0 it collapses")
        .paper(&PAPER)
    }

    fn run(&self, p: &FinetuneParams, inputs: &Inputs<'_>, cx: &mut Ctx<'_>) -> Result<Output, StageError> {
        let mut model = Model::read(&inputs.one("encoder")?)?;
        let train = Tagged::read(&inputs.one("sentences")?)?;
        let dev = inputs.optional("dev").map(|view| Tagged::read(&view)).transpose()?;
        if train.types.is_empty() {
            return Err(StageError::Input("expected sentences with entities to train on, found none".into()));
        }
        p.check()?;
        let room = model.config.sizes().positions;
        let max_len = p.max_len.unwrap_or(room);
        if max_len > room {
            return Err(StageError::Input(format!(
                "`max_len` is {max_len}, but the encoder has {room} positions"
            )));
        }
        if let Some(dropout) = p.dropout {
            model.config.hidden_dropout_prob = dropout;
            model.config.classifier_dropout = None;
        }
        // The kit has one dropout for states and attention.
        model.config.attention_probs_dropout_prob = model.config.hidden_dropout_prob;
        let filler = start::prepare_tokens(&mut model, p)?;
        let labels = train.labels();
        let ids = labels.iter().map(ToString::to_string).zip(0..).collect::<BTreeMap<String, usize>>();
        model.config.id2label = ids.iter().map(|(label, id)| (*id, label.clone())).collect();
        model.config.label2id = ids;
        let layout = Layout {
            site: p.site,
            pool: p.pool,
            visibility: p.mask_visibility,
            places: p.mask_position_ids,
            filler,
            special: model.subwords.special,
            max_len,
            long: p.long,
        };
        model.config.maner = Some(Reading::of(&layout, p.head != HeadKind::Linear, p.crf));
        let tuning = Tuning { p, layout, train: &train, dev: dev.as_ref(), labels: &labels };
        on_device!(cx, |device| tuning.run(&device, model, cx))
    }
}

impl FinetuneParams {
    /// What of them does not go together.
    fn check(&self) -> Result<(), StageError> {
        let refuse = |other: &str, why: &str| Err(StageError::Input(format!("`crf` and {other}: {why}")));
        match self {
            Self { crf: false, .. } => Ok(()),
            Self { site: Site::Cloze, .. } => {
                refuse("`site = \"cloze\"`", "each word is in a sequence of its own, without a next one")
            }
            Self { label_all_pieces: true, .. } => {
                refuse("`label_all_pieces`", "labels follow one another by words, not by pieces")
            }
            Self { balance, .. } if *balance > 0.0 => {
                refuse("`balance`", "a sequence is learned as a whole, whose words have no weights")
            }
            Self { .. } => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests;
