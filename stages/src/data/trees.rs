//! `data.trees`: reads bracketed trees. `data.leaves`: their words as text.

use std::path::PathBuf;

use runpipe_base::{Ctx, Inputs, Kind, Output, Port, Spec, Stage, StageError, View, params};

use super::labelled::{read_tree, write_trees};
use super::tree::{Node, Tree};
use super::{files, text};
use crate::code;

/// The file of an artifact of kind `trees`.
pub const FILE: &str = "trees.mrg";

params! {
    /// Parameters of [`Trees`].
    pub struct TreesParams {
        /// A file of bracketed trees, each over as many lines as it likes, or a folder whose files are read in order
        /// of their names; gzip files are unpacked.
        path: PathBuf;
        /// Which files of the folder: `*` stands for any characters, `?` for one.
        names: String = "*".to_owned();
        /// Whether traces (`-NONE-`) and what they leave empty are dropped, and labels cut at `-` or `=`: `NP-SBJ` to
        /// `NP`.
        clean: bool = true;
        /// Share of the trees, the last ones, that is held out.
        held_out: f64 = 0.1, in 0.0..=1.0;
    }
}

/// `data.trees`: reads bracketed trees, such as a treebank.
pub struct Trees;

impl Stage for Trees {
    type Params = TreesParams;

    fn spec(&self) -> Spec {
        Spec::new("data.trees", code::DATA, "corpus/trees", "Reads bracketed trees, such as a treebank.")
            .part("train", "trees", "trees to read a grammar off")
            .part("held_out", "trees", "trees to judge a parser by")
            .metric("trees", "trees in both parts")
            .metric("words", "words in both parts")
            .metric("empty", "trees dropped because nothing but traces is in them")
    }

    fn run(&self, p: &TreesParams, _: &Inputs<'_>, cx: &mut Ctx<'_>) -> Result<Output, StageError> {
        let mut trees = Vec::new();
        for path in text::select(&p.path, &p.names, false)? {
            let found = Tree::parse_all(&files::text(&path)?).map_err(|e| StageError::Data {
                path: path.display().to_string(),
                line: e.line,
                message: e.message,
            })?;
            trees.extend(found.into_iter().map(|(_, tree)| tree));
        }
        let all = trees.len();
        if p.clean {
            trees = trees.iter().filter_map(clean).collect();
        }
        if trees.is_empty() {
            let message = "expected trees, found none".to_owned();
            return Err(StageError::Data { path: p.path.display().to_string(), line: 0, message });
        }
        cx.metric("trees", trees.len() as f64);
        cx.metric("words", trees.iter().map(|tree| tree.words().len()).sum::<usize>() as f64);
        cx.metric("empty", (all - trees.len()) as f64);
        let held_out = (p.held_out * trees.len() as f64).round() as usize;
        let (train, held_out) = trees.split_at(trees.len() - held_out);
        Ok(Output::new(Kind::of("corpus/trees"))
            .part("train", output(train.iter().map(Some)))
            .part("held_out", output(held_out.iter().map(Some))))
    }
}

/// A tree of a treebank as grammars want it: no traces, no functional tags, `ROOT` over all.
pub fn clean(tree: &Tree) -> Option<Tree> {
    let category = |label: &str| match label {
        "" => "ROOT".to_owned(),
        // `-LRB-` and its like are whole names.
        special if special.starts_with('-') => special.to_owned(),
        // A bar parts alternatives, as in `ADVP|PRT`: the first one is taken.
        label => label.split(['-', '=', '|']).next().unwrap_or(label).to_owned(),
    };
    tree.pruned(|node| node.label == "-NONE-", category)
}

/// `data.leaves`: the words of trees as text.
pub struct Leaves;

impl Stage for Leaves {
    type Params = ();

    fn spec(&self) -> Spec {
        Spec::new("data.leaves", code::DATA, "text", "Makes a text of the words of trees, a tree a line.")
            .input(Port::one("trees", "trees", "the trees"))
            .metric("lines", "lines of the text")
    }

    fn run(&self, (): &(), inputs: &Inputs<'_>, cx: &mut Ctx<'_>) -> Result<Output, StageError> {
        let trees = read(&inputs.one("trees")?)?;
        let mut lines = String::new();
        for (line, tree) in trees.iter().enumerate() {
            let tree = tree.as_ref().ok_or_else(|| {
                StageError::Input(format!("line {} of the trees is `()`: no words", line + 1))
            })?;
            lines.push_str(&tree.words().join(" "));
            lines.push('\n');
        }
        cx.metric("lines", trees.len() as f64);
        Ok(text::output(lines))
    }
}

/// An artifact of kind `trees`.
pub fn output<'a>(trees: impl IntoIterator<Item = Option<&'a Tree>>) -> Output {
    Output::new(Kind::of("trees")).file(FILE, write_trees(trees))
}

/// The trees of an artifact of kind `trees`; none where a sentence has none.
///
/// # Errors
/// [`StageError::Input`] when a line is no tree.
pub fn read(view: &View<'_>) -> Result<Vec<Option<Tree>>, StageError> {
    let wrong = |line: usize, message| StageError::Input(format!("`{FILE}`, line {}: {message}", line + 1));
    let text = view.text(FILE)?;
    text.lines().enumerate().map(|(i, line)| read_tree(line).map_err(|e| wrong(i, e))).collect()
}

/// Whether a node is a tag of punctuation, which bracket scores leave out.
pub fn is_punctuation(node: &Node) -> bool {
    matches!(node.label.as_str(), "," | "." | ":" | "``" | "''")
}

#[cfg(test)]
mod tests;
