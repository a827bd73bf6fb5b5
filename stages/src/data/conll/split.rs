//! One file of tagged words, before its tags are settled.

use std::path::Path;

use runpipe_base::StageError;

use super::record::record;
use super::row::{Row, row};
use super::{Orphans, Untagged};
use crate::data::files;
use crate::data::tagged::Sentence;
use crate::data::tags::{self, Tag};

/// A file, sentence by sentence.
pub(super) struct Split {
    path: String,
    sentences: Vec<Vec<Row>>,
}

impl Split {
    /// Reads a file line by line. `labels` are the names of numbered tags.
    pub(super) fn read(path: &Path, untagged: Untagged, labels: Option<&[Tag]>) -> Result<Self, StageError> {
        let mut split = Self { path: path.display().to_string(), sentences: Vec::new() };
        if path.extension().is_some_and(|end| end == "jsonl") {
            split.read_records(path, labels)?;
        } else {
            split.read_lines(path, untagged)?;
        }
        if split.sentences.is_empty() {
            return Err(split.wrong(0, "expected tagged sentences, found none".into()));
        }
        if let Some(row) = split.rows().find(|row| row.word.is_empty()) {
            return Err(split.wrong(row.line, "expected a word before the tag".into()));
        }
        Ok(split)
    }

    fn read_lines(&mut self, path: &Path, untagged: Untagged) -> Result<(), StageError> {
        let mut rows = Vec::new();
        let mut columns = None;
        for (i, line) in files::lines(path)?.enumerate() {
            let line = line?;
            if line.trim().is_empty() || line.starts_with("-DOCSTART-") {
                self.end(&mut rows);
                continue;
            }
            let row = row(&line, i + 1, &mut columns, untagged);
            rows.push(row.map_err(|message| self.wrong(i + 1, message))?);
        }
        self.end(&mut rows);
        self.strip_language();
        Ok(())
    }

    fn read_records(&mut self, path: &Path, labels: Option<&[Tag]>) -> Result<(), StageError> {
        for (i, line) in files::lines(path)?.enumerate() {
            let line = line?;
            if line.trim().is_empty() {
                continue;
            }
            let mut rows = record(&line, i + 1, labels).map_err(|message| self.wrong(i + 1, message))?;
            self.end(&mut rows);
        }
        Ok(())
    }

    fn end(&mut self, rows: &mut Vec<Row>) {
        if !rows.is_empty() {
            self.sentences.push(std::mem::take(rows));
        }
    }

    pub(super) fn rows(&self) -> impl Iterator<Item = &Row> {
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
    pub(super) fn settle(&mut self, orphans: Orphans) -> Result<usize, StageError> {
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

    /// Refuses an entity type that is not among `types`, which are those that `source` tells.
    pub(super) fn allow(&self, types: &[String], source: &str) -> Result<(), StageError> {
        let known = |kind: &str| types.iter().any(|t| t == kind);
        let Some((row, kind)) =
            self.rows().find_map(|row| row.tag.kind().filter(|k| !known(k)).map(|k| (row, k)))
        else {
            return Ok(());
        };
        let allowed = if types.is_empty() { "none".to_owned() } else { format!("`{}`", types.join("`, `")) };
        Err(self.wrong(
            row.line,
            format!("expected one of the entity types {source} ({allowed}), found `{kind}`"),
        ))
    }

    pub(super) fn sentences(self) -> Vec<Sentence> {
        let split = |rows: Vec<Row>| {
            let (words, tags) = rows.into_iter().map(|row| (row.word, row.tag)).unzip();
            Sentence { words, tags }
        };
        self.sentences.into_iter().map(split).collect()
    }
}
