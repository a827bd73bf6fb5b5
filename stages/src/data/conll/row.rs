//! One line of a file of tagged words.

use super::Untagged;
use crate::data::tags::Tag;

/// A word where it stands.
pub(super) struct Row {
    /// Its line in the file, from 1.
    pub(super) line: usize,
    pub(super) word: String,
    pub(super) tag: Tag,
}

/// Reads one line. A line with a tab has its word before the first and its tag after the last one; any other has
/// columns apart by blanks, as many as the first such line of the file.
pub(super) fn row(
    line: &str,
    number: usize,
    columns: &mut Option<usize>,
    untagged: Untagged,
) -> Result<Row, String> {
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
    Ok(Row { line: number, word: word.to_owned(), tag })
}
