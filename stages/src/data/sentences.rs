//! Labelled sentences without their classes, and back: `data.sentences`, `data.trees_of`, `data.with_trees`.

use runpipe_base::{Ctx, Inputs, Output, Port, Spec, Stage, StageError, params};

use super::labelled::{Labelled, Sentence};
use super::tree::Tree;
use super::{text, trees};
use crate::code;

params! {
    /// Parameters of [`Sentences`] and [`TreesOf`].
    pub struct SentencesParams {
        /// Whether the second sentences of pairs are meant.
        second: bool = false;
    }
}

/// `data.sentences`: the words of labelled sentences as text.
pub struct Sentences;

impl Stage for Sentences {
    type Params = SentencesParams;

    fn spec(&self) -> Spec {
        Spec::new(
            "data.sentences",
            code::DATA,
            "text",
            "Makes a text of labelled sentences, one a line, for a parser to read.",
        )
        .input(Port::one("examples", "labelled", "the examples"))
        .metric("lines", "lines of the text")
    }

    fn run(&self, p: &SentencesParams, inputs: &Inputs<'_>, cx: &mut Ctx<'_>) -> Result<Output, StageError> {
        let labelled = Labelled::read(&inputs.one("examples")?)?;
        let mut lines = String::new();
        for example in &labelled.examples {
            let sentence = if p.second { example.second.as_ref() } else { Some(&example.first) };
            let sentence = sentence
                .ok_or_else(|| StageError::Input("expected pairs of sentences, found single ones".into()))?;
            lines.push_str(&sentence.text());
            lines.push('\n');
        }
        cx.metric("lines", labelled.examples.len() as f64);
        Ok(text::output(lines))
    }
}

/// `data.trees_of`: the trees of labelled sentences.
pub struct TreesOf;

impl Stage for TreesOf {
    type Params = SentencesParams;

    fn spec(&self) -> Spec {
        Spec::new("data.trees_of", code::DATA, "trees", "Takes the trees of labelled sentences.")
            .input(Port::one("examples", "labelled", "the examples"))
            .metric("trees", "sentences that have a tree")
    }

    fn run(&self, p: &SentencesParams, inputs: &Inputs<'_>, cx: &mut Ctx<'_>) -> Result<Output, StageError> {
        let labelled = Labelled::read(&inputs.one("examples")?)?;
        let place = usize::from(p.second);
        let trees: Vec<Option<&Tree>> = labelled
            .examples
            .iter()
            .map(|example| example.sentences().nth(place).and_then(|sentence| sentence.tree.as_ref()))
            .collect();
        cx.metric("trees", trees.iter().flatten().count() as f64);
        Ok(trees::output(trees))
    }
}

/// `data.with_trees`: puts trees over labelled sentences.
pub struct WithTrees;

impl Stage for WithTrees {
    type Params = ();

    fn spec(&self) -> Spec {
        Spec::new(
            "data.with_trees",
            code::DATA,
            "labelled",
            "Puts trees over labelled sentences, as any parser made them; sentences without one are left out.",
        )
        .input(Port::one("examples", "labelled", "the examples"))
        .input(Port::one("trees", "trees", "a tree for each (first) sentence, in order"))
        .input(Port::optional("second", "trees", "a tree for each second sentence of a pair, in order"))
        .metric("examples", "examples that have all their trees")
        .metric("dropped", "examples left out because a parse failed")
        .metric("reworded", "sentences whose words are now the leaves, since the parser cut words otherwise")
    }

    fn run(&self, (): &(), inputs: &Inputs<'_>, cx: &mut Ctx<'_>) -> Result<Output, StageError> {
        let mut labelled = Labelled::read(&inputs.one("examples")?)?;
        let first = trees::read(&inputs.one("trees")?)?;
        let second = inputs.optional("second").map(|view| trees::read(&view)).transpose()?;
        let all = labelled.examples.len();
        for (port, trees) in std::iter::once(("trees", &first)).chain(second.as_ref().map(|t| ("second", t)))
        {
            if trees.len() != all {
                let found = trees.len();
                return Err(StageError::Input(format!("expected {all} trees at `{port}`, found {found}")));
            }
        }
        if labelled.paired() != second.is_some() {
            let message = "expected trees at `second` for pairs of sentences, and for them only";
            return Err(StageError::Input(message.into()));
        }
        let mut reworded = 0;
        let mut put = |sentence: &mut Sentence, tree: Option<Tree>| {
            let Some(tree) = tree else { return false };
            *sentence = sentence.under(tree.clone()).unwrap_or_else(|| {
                reworded += 1;
                Sentence::of_tree(tree)
            });
            true
        };
        let mut first = first.into_iter();
        let mut second = second.into_iter().flatten();
        labelled.examples.retain_mut(|example| {
            let one = put(&mut example.first, first.next().flatten());
            let two = example.second.as_mut().is_none_or(|sentence| put(sentence, second.next().flatten()));
            one && two
        });
        cx.metric("examples", labelled.examples.len() as f64);
        cx.metric("dropped", (all - labelled.examples.len()) as f64);
        cx.metric("reworded", f64::from(reworded));
        Ok(labelled.write())
    }
}

#[cfg(test)]
mod tests;
