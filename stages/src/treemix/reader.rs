//! Words to ids: a vocabulary of whole words, or the subwords of a pre-trained encoder.

use std::collections::{BTreeMap, BTreeSet};

use runpipe_base::{Output, StageError, View};

use crate::maner::tokenizer::Subwords;

/// The file that holds a vocabulary of whole words.
pub const VOCABULARY: &str = "vocabulary.txt";
/// The file that holds subwords.
pub const TOKENIZER: &str = "tokenizer.json";

/// The id of words that are not in a vocabulary, and of what stands between two sentences.
pub const UNKNOWN: u32 = 0;
const BETWEEN: u32 = 1;
const SPECIAL: usize = 2;

/// How words become ids.
pub enum Reader {
    /// Whole words, by the vocabulary of the training sentences.
    Words {
        /// Ids.
        ids: BTreeMap<String, u32>,
        /// Whether words are lowered first.
        lower: bool,
    },
    /// Subwords, between a start and an end token.
    Pieces(Box<Subwords>),
}

impl Reader {
    /// A reader of the words that occur in sentences.
    pub fn learn<'a>(sentences: impl Iterator<Item = &'a [String]>, lower: bool) -> Self {
        let words: BTreeSet<String> = sentences.flatten().map(|word| fold(word, lower)).collect();
        Self::of(words, lower)
    }

    fn of(words: impl IntoIterator<Item = String>, lower: bool) -> Self {
        let ids = words.into_iter().zip(SPECIAL as u32..).collect();
        Self::Words { ids, lower }
    }

    /// Ids in all.
    pub fn size(&self) -> usize {
        match self {
            Self::Words { ids, .. } => ids.len() + SPECIAL,
            Self::Pieces(subwords) => subwords.size,
        }
    }

    /// The ids of a sentence or of two, at most `most` of them.
    ///
    /// # Errors
    /// [`StageError::Other`] when the tokenizer refuses.
    pub fn read(
        &self,
        first: &[String],
        second: Option<&[String]>,
        most: usize,
    ) -> Result<Vec<u32>, StageError> {
        let mut all = match self {
            Self::Words { ids, lower } => {
                let id = |word: &String| ids.get(&fold(word, *lower)).copied().unwrap_or(UNKNOWN);
                let mut all: Vec<u32> = first.iter().map(id).collect();
                if let Some(second) = second {
                    all.push(BETWEEN);
                    all.extend(second.iter().map(id));
                }
                all
            }
            Self::Pieces(subwords) => {
                let special = subwords.special;
                let pieces = |words: &[String]| -> Result<Vec<u32>, StageError> {
                    Ok(subwords.words(words.iter().map(String::as_str))?.concat())
                };
                // As RoBERTa has it: `<s> a </s></s> b </s>`.
                let mut all = vec![special.start];
                all.extend(pieces(first)?);
                all.push(special.end);
                if let Some(second) = second {
                    all.push(special.end);
                    all.extend(pieces(second)?);
                    all.push(special.end);
                }
                all
            }
        };
        all.truncate(most.max(1));
        if all.is_empty() {
            all.push(UNKNOWN);
        }
        Ok(all)
    }

    /// Adds its file to an artifact.
    ///
    /// # Errors
    /// [`StageError::Other`] when the tokenizer cannot be written.
    pub fn write(&self, output: Output) -> Result<Output, StageError> {
        Ok(match self {
            Self::Words { ids, .. } => {
                let words: String = ids.keys().flat_map(|word| [word.as_str(), "\n"]).collect();
                output.file(VOCABULARY, words)
            }
            Self::Pieces(subwords) => output.file(TOKENIZER, subwords.save()?),
        })
    }

    /// The reader of an artifact.
    ///
    /// # Errors
    /// [`StageError`] when its file is missing or broken.
    pub fn of_artifact(view: &View<'_>, lower: bool) -> Result<Self, StageError> {
        if view.has(TOKENIZER) {
            return Ok(Self::Pieces(Box::new(Subwords::load(&view.bytes(TOKENIZER)?)?)));
        }
        Ok(Self::of(view.text(VOCABULARY)?.lines().map(str::to_owned), lower))
    }
}

fn fold(word: &str, lower: bool) -> String {
    if lower { word.to_lowercase() } else { word.to_owned() }
}

#[cfg(test)]
mod tests;
