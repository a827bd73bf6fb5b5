//! `data.parsed`: reads sentences or pairs that another parser has parsed, as the authors of TreeMix store them.

use std::path::{Path, PathBuf};

use runpipe_base::{Ctx, Inputs, Kind, Output, Spec, Stage, StageError, choice, params};

use super::labelled::{Labelled, Sentence};
use super::tree::{Node, Tree};
use super::{files, text};
use crate::code;

choice! {
    /// What is taken of a text of several sentences.
    pub enum Extent {
        /// The first sentence's tree alone. Source: the released code, whose parser returns no more.
        First = "first_sentence",
        /// All trees, joined under one `ROOT`.
        All = "all_sentences",
    }
}

params! {
    /// Parameters of [`Parsed`].
    pub struct ParsedParams {
        /// Folder with `train.csv` and `test.csv`, or `.csv.gz`, each with a line of column names.
        dir: PathBuf;
        /// Column of the classes.
        class: String = "label".to_owned();
        /// Column of the trees of (first) sentences: brackets over as many lines as they like, `None` for a failed parse.
        trees: String = "parsing1".to_owned();
        /// Column of the trees of second sentences; none: examples are single sentences.
        second: Option<String> = None;
        /// What is taken of a text of several sentences.
        extent: Extent = Extent::First;
    }
}

/// `data.parsed`: reads parsed sentences from CSV files.
pub struct Parsed;

impl Stage for Parsed {
    type Params = ParsedParams;

    fn spec(&self) -> Spec {
        Spec::new(
            "data.parsed",
            code::DATA,
            "corpus/labelled",
            "Reads labelled sentences or pairs with the trees of another parser from CSV files.",
        )
        .part("train", "labelled", "examples to train on, with trees")
        .part("test", "labelled", "examples to judge by, with trees")
        .part("text", "text", "the sentences to train on without their classes")
        .metric("train_sentences", "examples to train on")
        .metric("test_sentences", "examples to judge by")
        .metric("dropped", "examples left out because a parse failed")
    }

    fn run(&self, p: &ParsedParams, _: &Inputs<'_>, cx: &mut Ctx<'_>) -> Result<Output, StageError> {
        let mut dropped = 0;
        let mut splits = Vec::new();
        for name in ["train", "test"] {
            let path = files::one(&p.dir, &[name], &[".csv", ".csv.gz"])?;
            let (rows, failed) = read(&path, p)?;
            cx.metric(&format!("{name}_sentences"), rows.len() as f64);
            dropped += failed;
            splits.push(rows);
        }
        cx.metric("dropped", dropped as f64);
        // One list of classes for both splits.
        let train = splits[0].len();
        let all = Labelled::of(splits.concat());
        let part = |range: std::ops::Range<usize>| Labelled {
            classes: all.classes.clone(),
            examples: all.examples[range].to_vec(),
        };
        let (train, test) = (part(0..train), part(train..all.examples.len()));
        let sentences = train.examples.iter().flat_map(super::labelled::Example::sentences);
        let lines: String = sentences.map(|sentence| sentence.text() + "\n").collect();
        Ok(Output::new(Kind::of("corpus/labelled"))
            .part("text", text::output(lines))
            .part("train", train.write())
            .part("test", test.write()))
    }
}

type Row = (String, Sentence, Option<Sentence>);

/// The rows of a file, and how many were left out.
fn read(path: &Path, p: &ParsedParams) -> Result<(Vec<Row>, usize), StageError> {
    let wrong = |line: u64, message: String| StageError::Data {
        path: path.display().to_string(),
        line: line as usize,
        message,
    };
    let text = files::text(path)?;
    let mut csv = csv::Reader::from_reader(text.as_bytes());
    let names = csv.headers().map_err(|e| wrong(1, e.to_string()))?.clone();
    let column = |name: &str| {
        names.iter().position(|n| n == name).ok_or_else(|| {
            let names: Vec<&str> = names.iter().collect();
            wrong(1, format!("expected a column `{name}`, found `{}`", names.join("`, `")))
        })
    };
    let (class, first) = (column(&p.class)?, column(&p.trees)?);
    let second = p.second.as_deref().map(column).transpose()?;
    let (mut rows, mut failed) = (Vec::new(), 0);
    for row in csv.records() {
        let row = row.map_err(|e| wrong(e.position().map_or(0, csv::Position::line), e.to_string()))?;
        let line = row.position().map_or(0, csv::Position::line);
        let class = row[class].trim().to_owned();
        if class.is_empty() || class.contains(['\t', '\n']) {
            return Err(wrong(line, "expected a class of one line".into()));
        }
        let tree = |column: usize| sentence(&row[column], p.extent).map_err(|message| wrong(line, message));
        let sentences = (tree(first)?, second.map(tree).transpose()?);
        match sentences {
            (Some(first), None) => rows.push((class, first, None)),
            (Some(first), Some(Some(second))) => rows.push((class, first, Some(second))),
            _ => failed += 1,
        }
    }
    if rows.is_empty() {
        return Err(wrong(0, "expected parsed sentences, found none".into()));
    }
    Ok((rows, failed))
}

/// The sentence of a cell; none for a failed parse.
fn sentence(cell: &str, extent: Extent) -> Result<Option<Sentence>, String> {
    if matches!(cell.trim(), "" | "None" | "()") {
        return Ok(None);
    }
    let trees = Tree::parse_all(cell).map_err(|e| format!("a tree's {e}"))?;
    let mut trees = trees.into_iter().map(|(_, tree)| tree);
    Ok(match extent {
        Extent::First => trees.next(),
        Extent::All => join(trees.collect()),
    }
    .map(Sentence::of_tree))
}

/// Trees under one root.
fn join(mut trees: Vec<Tree>) -> Option<Tree> {
    if trees.len() < 2 {
        return trees.pop();
    }
    let words: Vec<String> = trees.iter().flat_map(|tree| tree.words().iter().cloned()).collect();
    let size = 1 + trees.iter().map(|tree| tree.nodes().len()).sum::<usize>();
    let mut nodes = vec![Node { label: "ROOT".into(), start: 0, end: words.len(), size }];
    let mut before = 0;
    for tree in &trees {
        let moved = |node: &Node| Node { start: node.start + before, end: node.end + before, ..node.clone() };
        nodes.extend(tree.nodes().iter().map(moved));
        before += tree.words().len();
    }
    Some(Tree::new(words, nodes))
}

#[cfg(test)]
mod tests;
