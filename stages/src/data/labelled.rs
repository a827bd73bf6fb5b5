//! Labelled sentences as they lie in an artifact of kind `labelled`: classes, sentences or pairs of them, trees.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use runpipe_base::{Kind, Output, StageError, View};

use super::tree::{Tree, escape};

/// The file that holds the classes, in order of their ids.
pub const CLASSES: &str = "classes.txt";
/// The file that holds a class and one sentence or two a line.
pub const SENTENCES: &str = "sentences.tsv";
/// The files that hold the trees of first and second sentences.
pub const TREES: [&str; 2] = ["trees.mrg", "trees-second.mrg"];

/// Words and, when there is one, their tree.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Sentence {
    /// The words, without blanks inside.
    pub words: Vec<String>,
    /// A tree over exactly these words.
    pub tree: Option<Tree>,
}

/// What a class is given to: a sentence or a pair of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Example {
    /// Id of its class.
    pub class: usize,
    /// The sentence.
    pub first: Sentence,
    /// The second one of a pair.
    pub second: Option<Sentence>,
}

/// Examples and the classes that they may have.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Labelled {
    /// Names of the classes by id.
    pub classes: Vec<String>,
    /// The examples: all of one sentence, or all of two.
    pub examples: Vec<Example>,
}

impl Sentence {
    /// The words of a text, parted by ASCII blanks.
    pub fn of(text: &str) -> Self {
        Self { words: text.split_ascii_whitespace().map(str::to_owned).collect(), tree: None }
    }

    /// The words of a tree, with the tree.
    pub fn of_tree(tree: Tree) -> Self {
        Self { words: tree.words().to_vec(), tree: Some(tree) }
    }

    /// The same words under a tree whose leaves are those words, as they are or as brackets write them.
    pub fn under(&self, tree: Tree) -> Option<Self> {
        let fits = tree.words().len() == self.words.len()
            && tree.words().iter().zip(&self.words).all(|(leaf, word)| leaf == word || *leaf == escape(word));
        fits.then(|| Self { words: self.words.clone(), tree: Some(tree) })
    }

    /// The words, one blank between them.
    pub fn text(&self) -> String {
        self.words.join(" ")
    }
}

impl Example {
    /// Its sentences: one or two.
    pub fn sentences(&self) -> impl Iterator<Item = &Sentence> {
        std::iter::once(&self.first).chain(&self.second)
    }
}

impl Labelled {
    /// Examples of named classes; ids follow the order of the names.
    pub fn of(examples: Vec<(String, Sentence, Option<Sentence>)>) -> Self {
        let ids: BTreeMap<String, usize> = examples.iter().map(|(class, ..)| (class.clone(), 0)).collect();
        let classes: Vec<String> = ids.into_keys().collect();
        let id = |class: &String| classes.binary_search(class).expect("classes are those of the examples");
        let examples = examples
            .into_iter()
            .map(|(class, first, second)| Example { class: id(&class), first, second })
            .collect();
        Self { classes, examples }
    }

    /// Whether its examples are pairs.
    pub fn paired(&self) -> bool {
        self.examples.iter().any(|example| example.second.is_some())
    }

    /// Reads an artifact.
    ///
    /// # Errors
    /// [`StageError::Input`] when a file is missing, or a line of it does not fit the others.
    pub fn read(view: &View<'_>) -> Result<Self, StageError> {
        let classes: Vec<String> = view.text(CLASSES)?.lines().map(str::to_owned).collect();
        let wrong = |file: &str, line: usize, message: String| {
            StageError::Input(format!("`{file}`, line {}: {message}", line + 1))
        };
        let text = view.text(SENTENCES)?;
        let mut examples = Vec::new();
        for (line, row) in text.lines().enumerate() {
            let fields: Vec<&str> = row.split('\t').collect();
            let (&class, sentences) = fields.split_first().expect("a split has a first field");
            let class = classes
                .iter()
                .position(|name| name == class)
                .ok_or_else(|| wrong(SENTENCES, line, format!("`{class}` is no class of `{CLASSES}`")))?;
            let (first, second) = match sentences {
                [first] => (Sentence::of(first), None),
                [first, second] => (Sentence::of(first), Some(Sentence::of(second))),
                _ => {
                    let found = sentences.len();
                    return Err(wrong(SENTENCES, line, format!("expected 1 sentence or 2, found {found}")));
                }
            };
            examples.push(Example { class, first, second });
        }
        let mut labelled = Self { classes, examples };
        let paired = labelled.paired();
        if let Some(line) = labelled.examples.iter().position(|e| e.second.is_some() != paired) {
            return Err(wrong(SENTENCES, line, "expected a second sentence as in other lines".into()));
        }
        for (place, file) in TREES.iter().enumerate().filter(|(_, file)| view.has(file)) {
            labelled
                .attach(&view.text(file)?, place)
                .map_err(|(line, message)| wrong(file, line, message))?;
        }
        Ok(labelled)
    }

    /// Puts the trees of a file, one a line, over the first or second sentences.
    fn attach(&mut self, text: &str, place: usize) -> Result<(), (usize, String)> {
        let lines: Vec<&str> = text.lines().collect();
        if lines.len() != self.examples.len() {
            let message = format!("expected {} trees, found {}", self.examples.len(), lines.len());
            return Err((lines.len().saturating_sub(1), message));
        }
        for (line, (row, example)) in lines.iter().zip(&mut self.examples).enumerate() {
            let sentence = if place == 0 { Some(&mut example.first) } else { example.second.as_mut() };
            let (Some(sentence), Some(tree)) = (sentence, read_tree(row).map_err(|e| (line, e))?) else {
                continue;
            };
            let told = || (line, "the leaves of the tree are not the words of the sentence".to_owned());
            *sentence = sentence.under(tree).ok_or_else(told)?;
        }
        Ok(())
    }

    /// The artifact.
    pub fn write(&self) -> Output {
        let mut classes = String::new();
        self.classes.iter().for_each(|class| classes.extend([class, "\n"]));
        let mut rows = String::new();
        for example in &self.examples {
            rows.push_str(&self.classes[example.class]);
            for sentence in example.sentences() {
                rows.push('\t');
                rows.push_str(&sentence.text());
            }
            rows.push('\n');
        }
        let output = Output::new(Kind::of("labelled")).file(CLASSES, classes).file(SENTENCES, rows);
        TREES.iter().enumerate().fold(output, |output, (place, file)| {
            let trees = self.examples.iter().map(|e| e.sentences().nth(place).and_then(|s| s.tree.as_ref()));
            if trees.clone().any(|tree| tree.is_some()) {
                output.file(*file, write_trees(trees))
            } else {
                output
            }
        })
    }
}

/// Trees one a line; `()` where there is none.
pub fn write_trees<'a>(trees: impl IntoIterator<Item = Option<&'a Tree>>) -> String {
    let mut text = String::new();
    for tree in trees {
        match tree {
            Some(tree) => writeln!(text, "{tree}").expect("a String takes all"),
            None => text.push_str("()\n"),
        }
    }
    text
}

/// The tree of a line; none for `()`, which stands for a sentence that has none.
///
/// # Errors
/// What is wrong with the brackets.
pub fn read_tree(line: &str) -> Result<Option<Tree>, String> {
    if line.trim_ascii() == "()" {
        return Ok(None);
    }
    Tree::parse(line).map(Some).map_err(|e| e.message)
}

#[cfg(test)]
mod tests;
