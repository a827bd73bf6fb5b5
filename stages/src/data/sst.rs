//! `data.sst`: reads the Stanford Sentiment Treebank, whose trees bear a sentiment at every node.

use std::path::{Path, PathBuf};

use runpipe_base::{Ctx, Inputs, Kind, Output, Spec, Stage, StageError, choice, params};

use super::labelled::{Example, Labelled, Sentence};
use super::tree::{Node, Tree};
use super::{files, text};
use crate::code;

choice! {
    /// Which classes sentences have.
    pub enum Sentiments {
        /// `negative` (0 and 1) and `positive` (3 and 4); neutral sentences are left out.
        Two = "two",
        /// `0` to `4`, from very negative to very positive.
        Five = "five",
    }
}

choice! {
    /// Which file holds the sentences to judge by.
    pub enum Judge {
        /// `dev`.
        Dev = "dev",
        /// `test`.
        Test = "test",
    }
}

params! {
    /// Parameters of [`Sst`].
    pub struct SstParams {
        /// Folder with the files `train`, `dev` and, if it is asked for, `test`, each with the ending `.txt` or
        /// `.txt.gz`: one tree a line.
        dir: PathBuf;
        /// Which classes sentences have.
        classes: Sentiments = Sentiments::Two;
        /// Which file holds the sentences to judge by.
        judge: Judge = Judge::Dev;
    }
}

/// `data.sst`: reads the Stanford Sentiment Treebank.
pub struct Sst;

impl Stage for Sst {
    type Params = SstParams;

    fn spec(&self) -> Spec {
        Spec::new(
            "data.sst",
            code::DATA,
            "corpus/labelled",
            "Reads the Stanford Sentiment Treebank: sentences with classes and gold trees.",
        )
        .part("train", "labelled", "sentences to train on, with trees")
        .part("test", "labelled", "sentences to judge by, with trees")
        .part("text", "text", "all sentences to train on, neutral ones too, without their classes")
        .metric("train_sentences", "sentences to train on")
        .metric("test_sentences", "sentences to judge by")
    }

    fn run(&self, p: &SstParams, _: &Inputs<'_>, cx: &mut Ctx<'_>) -> Result<Output, StageError> {
        let train = read(&p.dir, "train")?;
        let test = read(&p.dir, p.judge.as_str())?;
        let lines: String = train.iter().map(|tree| tree.words().join(" ") + "\n").collect();
        let mut output = Output::new(Kind::of("corpus/labelled")).part("text", text::output(lines));
        for (name, trees) in [("train", train), ("test", test)] {
            let labelled = labelled(trees, p.classes);
            cx.metric(&format!("{name}_sentences"), labelled.examples.len() as f64);
            output = output.part(name, labelled.write());
        }
        Ok(output)
    }
}

/// The trees of a split, whose labels are the digits 0 to 4.
fn read(dir: &Path, split: &str) -> Result<Vec<Tree>, StageError> {
    let path = files::one(dir, &[split], &[".txt", ".txt.gz"])?;
    let wrong = |line, message| StageError::Data { path: path.display().to_string(), line, message };
    let trees = Tree::parse_all(&files::text(&path)?).map_err(|e| wrong(e.line, e.message))?;
    let other = |node: &&Node| !matches!(node.label.as_bytes(), [b'0'..=b'4']);
    for (line, tree) in &trees {
        if let Some(node) = tree.nodes().iter().find(other) {
            let message = format!("expected a sentiment of `0` to `4` at every node, found `{}`", node.label);
            return Err(wrong(*line, message));
        }
    }
    if trees.is_empty() {
        return Err(wrong(0, "expected trees, found none".into()));
    }
    Ok(trees.into_iter().map(|(_, tree)| tree).collect())
}

/// Sentences with their classes, of which there are all in a split that lacks some.
fn labelled(trees: Vec<Tree>, classes: Sentiments) -> Labelled {
    let names = match classes {
        Sentiments::Two => &["negative", "positive"][..],
        Sentiments::Five => &["0", "1", "2", "3", "4"],
    };
    let class = |tree: &Tree| match (classes, tree.root().label.as_str()) {
        (Sentiments::Two, "2") => None,
        (Sentiments::Two, label) => Some(usize::from(label > "2")),
        (Sentiments::Five, label) => names.iter().position(|name| *name == label),
    };
    let example =
        |tree: Tree| Some(Example { class: class(&tree)?, first: Sentence::of_tree(tree), second: None });
    let examples = trees.into_iter().filter_map(example).collect();
    Labelled { classes: names.iter().map(|name| (*name).to_owned()).collect(), examples }
}

#[cfg(test)]
mod tests;
