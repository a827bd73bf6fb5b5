//! Tagged sentences as they lie in an artifact of kind `tagged`: canonical CoNLL, and the labels in order of their ids.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use runpipe_base::{Kind, Output, StageError, View};

use super::tags::Tag;

/// The file that holds the sentences.
pub const SENTENCES: &str = "sentences.conll";
/// The file that holds the labels.
pub const LABELS: &str = "labels.txt";

/// Words and their tags, as many of these as of those.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Sentence {
    /// The words, verbatim.
    pub words: Vec<String>,
    /// A tag for each word.
    pub tags: Vec<Tag>,
}

/// Sentences and the labels that their words may have.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Tagged {
    /// In the order of the file.
    pub sentences: Vec<Sentence>,
    /// Entity types, sorted; the labels are `O` and for each type `B-` and `I-`.
    pub types: Vec<String>,
}

impl Tagged {
    /// Sentences with the types that occur in them.
    pub fn of(sentences: Vec<Sentence>) -> Self {
        let types = types_in(&sentences);
        Self { sentences, types }
    }

    /// All labels in order of their ids: `O` is 0, then `B-` and `I-` of each type.
    pub fn labels(&self) -> Vec<Tag> {
        let pairs = self.types.iter().flat_map(|kind| [Tag::Begin(kind.clone()), Tag::Inside(kind.clone())]);
        std::iter::once(Tag::Outside).chain(pairs).collect()
    }

    /// Words in all sentences.
    pub fn words(&self) -> usize {
        self.sentences.iter().map(|s| s.words.len()).sum()
    }

    /// The sentences as text, one a line, words apart by one space.
    pub fn text(&self) -> String {
        self.sentences.iter().map(|s| s.words.join(" ") + "\n").collect()
    }

    /// Reads an artifact of kind `tagged`.
    ///
    /// # Errors
    /// [`StageError`] when a file is missing or not canonical.
    pub fn read(view: &View<'_>) -> Result<Self, StageError> {
        let labels = view.text(LABELS)?;
        let sentences = parse(&view.text(SENTENCES)?)?;
        let tags = labels
            .lines()
            .map(|line| Tag::parse(line).map_err(|e| StageError::Input(format!("`{LABELS}`: {e}"))))
            .collect::<Result<Vec<_>, _>>()?;
        let types = tags.iter().filter_map(Tag::kind).map(str::to_owned).collect::<BTreeSet<_>>();
        let tagged = Self { sentences, types: types.into_iter().collect() };
        if tagged.labels() != tags {
            return Err(StageError::Input(format!(
                "`{LABELS}` must hold `O`, then `B-` and `I-` of each type in order, found `{}`",
                labels.trim_end().replace('\n', " ")
            )));
        }
        if let Some(kind) = types_in(&tagged.sentences).iter().find(|kind| !tagged.types.contains(kind)) {
            return Err(StageError::Input(format!(
                "`{SENTENCES}` has entities of type `{kind}`, `{LABELS}` has not"
            )));
        }
        Ok(tagged)
    }

    /// The artifact.
    pub fn write(&self) -> Output {
        let labels = self.labels().iter().fold(String::new(), |text, tag| text + &tag.to_string() + "\n");
        Output::new(Kind::of("tagged")).file(SENTENCES, print(&self.sentences)).file(LABELS, labels)
    }
}

/// Canonical CoNLL: `word`, a tab, `tag` on a line; an empty line after each sentence.
pub fn print(sentences: &[Sentence]) -> String {
    let mut text = String::new();
    for sentence in sentences {
        for (word, tag) in sentence.words.iter().zip(&sentence.tags) {
            // Writing to a String cannot fail.
            let _ = writeln!(text, "{word}\t{tag}");
        }
        text.push('\n');
    }
    text
}

/// Reads canonical CoNLL.
fn parse(text: &str) -> Result<Vec<Sentence>, StageError> {
    let (mut sentences, mut sentence) = (Vec::new(), Sentence::default());
    for (i, line) in text.split_terminator('\n').enumerate() {
        if line.is_empty() {
            sentences.push(std::mem::take(&mut sentence));
            continue;
        }
        let wrong = |message: String| StageError::Data { path: SENTENCES.to_owned(), line: i + 1, message };
        let (word, tag) = line
            .split_once('\t')
            .ok_or_else(|| wrong(format!("expected a word, a tab and a tag, found `{line}`")))?;
        sentence.words.push(word.to_owned());
        sentence.tags.push(Tag::parse(tag).map_err(wrong)?);
    }
    if sentence.words.is_empty() && sentences.iter().all(|s| !s.words.is_empty()) {
        Ok(sentences)
    } else {
        Err(StageError::Input(format!("`{SENTENCES}` must have one empty line after each sentence")))
    }
}

fn types_in(sentences: &[Sentence]) -> Vec<String> {
    let kinds = sentences.iter().flat_map(|s| s.tags.iter().filter_map(Tag::kind));
    kinds.collect::<BTreeSet<_>>().into_iter().map(str::to_owned).collect()
}

#[cfg(test)]
mod tests;
