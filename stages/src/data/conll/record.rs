//! One sentence of a file of JSON lines.

use serde::Deserialize;

use super::row::Row;
use crate::data::tags::Tag;

/// The fields that matter; hubs have others beside them.
#[derive(Deserialize)]
struct Record {
    #[serde(alias = "words")]
    tokens: Vec<String>,
    #[serde(alias = "tags")]
    ner_tags: Vec<Label>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Label {
    Number(usize),
    Name(String),
}

/// Reads one line; numbered tags stand for those of `labels` in order.
pub(super) fn record(line: &str, number: usize, labels: Option<&[Tag]>) -> Result<Vec<Row>, String> {
    let record: Record = serde_json::from_str(line).map_err(|e| {
        format!("expected a sentence such as `{{\"tokens\": [\"Ana\"], \"ner_tags\": [\"B-PER\"]}}`: {e}")
    })?;
    let (words, tags) = (record.tokens, record.ner_tags);
    if words.len() != tags.len() {
        return Err(format!("expected as many tags as words, found {} and {}", tags.len(), words.len()));
    }
    if let Some(word) = words.iter().find(|word| word.contains(['\t', '\n', '\r'])) {
        return Err(format!("expected words without tabs and line ends, found `{}`", word.escape_default()));
    }
    let tag = |label: Label| match label {
        Label::Name(name) => Tag::parse(&name),
        Label::Number(id) => {
            let labels = labels.ok_or_else(|| {
                format!("expected a file `labels.txt` that names the tags, or names for them, found the number {id}")
            })?;
            labels.get(id).cloned().ok_or_else(|| {
                format!("expected a tag below {}, as many as `labels.txt` names, found {id}", labels.len())
            })
        }
    };
    words
        .into_iter()
        .zip(tags)
        .map(|(word, label)| Ok(Row { line: number, word, tag: tag(label)? }))
        .collect()
}
