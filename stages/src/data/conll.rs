//! `data.conll`: reads files of tagged words as they circulate.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use runpipe_base::{Ctx, Inputs, Kind, Output, Spec, Stage, StageError, choice, params};

use super::files;
use super::tagged::{Sentence, Tagged};
use super::tags::{self, Tag};
use crate::code;

choice! {
    /// What becomes of an `I-X` that continues no entity of type `X`.
    pub enum Orphans {
        /// It stays as it is.
        Keep = "keep",
        /// It becomes `B-X`.
        Repair = "repair",
        /// It is a mistake.
        Reject = "reject",
    }
}

choice! {
    /// What a word without a tag is.
    pub enum Untagged {
        /// A mistake.
        Reject = "reject",
        /// In no entity.
        Outside = "outside",
    }
}

params! {
    /// Parameters of [`Conll`].
    pub struct ConllParams {
        /// Folder with the files `train`, `dev` (or `valid`, `validation`) and `test`, each with the ending `.txt`,
        /// `.conll`, `.tsv`, `.bio` or none.
        dir: PathBuf;
        /// What becomes of an `I-X` that continues no entity of type `X`.
        orphans: Orphans = Orphans::Keep;
        /// What a word without a tag is.
        untagged: Untagged = Untagged::Reject;
        /// Entity types that may occur, such as `PER`; empty: those of the training sentences.
        types: Vec<String> = Vec::new();
    }
}

/// `data.conll`: reads tagged sentences from a folder of CoNLL files.
pub struct Conll;

impl Stage for Conll {
    type Params = ConllParams;

    fn spec(&self) -> Spec {
        Spec::new(
            "data.conll",
            code::DATA,
            "corpus/tagged",
            "Reads tagged sentences from a folder of CoNLL, WikiAnn or MasakhaNER files.",
        )
        .part("train", "tagged", "sentences to train on")
        .part("dev", "tagged", "sentences to choose by")
        .part("test", "tagged", "sentences to judge by")
        .part("text", "text", "the training sentences without their tags")
        .metric("train_sentences", "sentences to train on")
        .metric("dev_sentences", "sentences to choose by")
        .metric("test_sentences", "sentences to judge by")
        .metric("repaired", "tags that were repaired")
    }

    fn run(&self, p: &ConllParams, _: &Inputs<'_>, cx: &mut Ctx<'_>) -> Result<Output, StageError> {
        let mut splits = Vec::new();
        let mut repaired = 0;
        for names in [&["train"][..], &["dev", "valid", "validation"], &["test"]] {
            let path = files::one(&p.dir, names, &["", ".txt", ".conll", ".tsv", ".bio"])?;
            let mut split = Split::read(&path, p.untagged)?;
            repaired += split.settle(p.orphans)?;
            splits.push(split);
        }
        let types: BTreeSet<String> = if p.types.is_empty() {
            splits[0].rows().filter_map(|row| row.tag.kind()).map(str::to_owned).collect()
        } else {
            p.types.iter().cloned().collect()
        };
        let types: Vec<String> = types.into_iter().collect();
        let mut output = Output::new(Kind::of("corpus/tagged"));
        for (split, name) in splits.into_iter().zip(["train", "dev", "test"]) {
            split.allow(&types, p.types.is_empty())?;
            let tagged = Tagged { sentences: split.sentences(), types: types.clone() };
            cx.metric(&format!("{name}_sentences"), tagged.sentences.len() as f64);
            if name == "train" {
                output = output.part("text", super::text::output(tagged.text()));
            }
            output = output.part(name, tagged.write());
        }
        cx.metric("repaired", repaired as f64);
        Ok(output)
    }
}

/// A word where it stands.
struct Row {
    line: usize,
    word: String,
    tag: Tag,
}

/// A file, sentence by sentence.
struct Split {
    path: String,
    sentences: Vec<Vec<Row>>,
}

impl Split {
    fn read(path: &Path, untagged: Untagged) -> Result<Self, StageError> {
        let text = files::text(path)?;
        let mut split = Self { path: path.display().to_string(), sentences: Vec::new() };
        let mut rows = Vec::new();
        let mut columns = None;
        for (i, line) in text.lines().enumerate() {
            if line.trim().is_empty() || line.starts_with("-DOCSTART-") {
                split.end(&mut rows);
                continue;
            }
            let row = row(line, &mut columns, untagged).map_err(|message| split.wrong(i + 1, message))?;
            rows.push(Row { line: i + 1, ..row });
        }
        split.end(&mut rows);
        if split.sentences.is_empty() {
            return Err(split.wrong(0, "expected tagged sentences, found none".into()));
        }
        split.strip_language();
        if let Some(row) = split.rows().find(|row| row.word.is_empty()) {
            return Err(split.wrong(row.line, "expected a word before the tag".into()));
        }
        Ok(split)
    }

    fn end(&mut self, rows: &mut Vec<Row>) {
        if !rows.is_empty() {
            self.sentences.push(std::mem::take(rows));
        }
    }

    fn rows(&self) -> impl Iterator<Item = &Row> {
        self.sentences.iter().flatten()
    }

    fn wrong(&self, line: usize, message: String) -> StageError {
        StageError::Data { path: self.path.clone(), line, message }
    }

    /// WikiAnn writes `yo:word`. A prefix that all words of a file share is such a code.
    fn strip_language(&mut self) {
        let code = |word: &str| {
            let (code, _) = word.split_once(':')?;
            let letters = code.bytes().all(|b| b.is_ascii_lowercase() || b == b'-');
            (letters && (2..=12).contains(&code.len())).then(|| code.to_owned())
        };
        let Some(first) = self.rows().next().and_then(|row| code(&row.word)) else { return };
        if self.rows().all(|row| code(&row.word).as_ref() == Some(&first)) {
            for row in self.sentences.iter_mut().flatten() {
                row.word.drain(..=first.len());
            }
        }
    }

    /// Treats tags that continue nothing; says how many were repaired.
    fn settle(&mut self, orphans: Orphans) -> Result<usize, StageError> {
        let mut repaired = 0;
        for s in 0..self.sentences.len() {
            let rows = &self.sentences[s];
            let found: Vec<Tag> = rows.iter().map(|row| row.tag.clone()).collect();
            let Some(at) = tags::orphan(&found) else { continue };
            match orphans {
                Orphans::Keep => {}
                Orphans::Reject => {
                    let kind = found[at].kind().unwrap_or_default();
                    let message =
                        format!("expected `B-{kind}` or a word of type `{kind}` before it, found `I-{kind}`");
                    return Err(self.wrong(rows[at].line, message));
                }
                Orphans::Repair => {
                    for (row, tag) in self.sentences[s].iter_mut().zip(tags::repair(&found)) {
                        repaired += usize::from(row.tag != tag);
                        row.tag = tag;
                    }
                }
            }
        }
        Ok(repaired)
    }

    fn allow(&self, types: &[String], of_train: bool) -> Result<(), StageError> {
        let known = |kind: &str| types.iter().any(|t| t == kind);
        let Some((row, kind)) =
            self.rows().find_map(|row| row.tag.kind().filter(|k| !known(k)).map(|k| (row, k)))
        else {
            return Ok(());
        };
        let allowed = if types.is_empty() { "none".to_owned() } else { format!("`{}`", types.join("`, `")) };
        let whose = if of_train { "of the training sentences" } else { "in `types`" };
        Err(self
            .wrong(row.line, format!("expected one of the entity types {whose} ({allowed}), found `{kind}`")))
    }

    fn sentences(self) -> Vec<Sentence> {
        let split = |rows: Vec<Row>| {
            let (words, tags) = rows.into_iter().map(|row| (row.word, row.tag)).unzip();
            Sentence { words, tags }
        };
        self.sentences.into_iter().map(split).collect()
    }
}

/// Reads one line. A line with a tab has its word before the first and its tag after the last one; any other has
/// columns apart by blanks, as many as the first such line of the file.
fn row(line: &str, columns: &mut Option<usize>, untagged: Untagged) -> Result<Row, String> {
    let (word, tag) = if let Some((word, rest)) = line.split_once('\t') {
        (word, Some(rest.rsplit('\t').next().unwrap_or(rest).trim()))
    } else {
        let fields: Vec<&str> = line.split(' ').filter(|field| !field.is_empty()).collect();
        if fields.len() == 1 {
            (fields[0], None)
        } else {
            let expected = *columns.get_or_insert(fields.len());
            if fields.len() != expected {
                return Err(format!(
                    "expected {expected} columns as above, found {}: `{line}`",
                    fields.len()
                ));
            }
            (fields[0], Some(fields[expected - 1]))
        }
    };
    let tag = match (tag.filter(|tag| !tag.is_empty()), untagged) {
        (Some(tag), _) => Tag::parse(tag)?,
        (None, Untagged::Outside) => Tag::Outside,
        (None, Untagged::Reject) => {
            return Err(format!("expected a word and a tag, found `{}`", line.trim_end()));
        }
    };
    Ok(Row { line: 0, word: word.to_owned(), tag })
}

#[cfg(test)]
mod tests;
