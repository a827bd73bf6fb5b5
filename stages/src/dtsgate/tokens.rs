//! Text as ids: artifacts of kind `tokens`.

use runpipe_base::{Kind, Output, StageError, View};
use serde::{Deserialize, Serialize};

use crate::data::npy;

/// The kind of a text as ids.
pub const KIND: &str = "tokens";
/// The kind of two such, to train on and to judge by.
pub const CORPUS: &str = "corpus/tokens";
const FILE: &str = "tokens.json";
const IDS: &str = "ids.npy";

/// A text as ids.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Tokens {
    /// The tokens in order of their ids.
    pub vocabulary: Vec<String>,
    /// Tokens of a sentence, where the text is made of sentences of one length that have nothing to do with each other.
    pub sentence: Option<usize>,
    /// Bytes of the text.
    pub bytes: u64,
    /// Where the text is from.
    pub domains: Vec<String>,
    /// The tokens at which a domain begins, in order, and the domain.
    pub starts: Vec<(usize, usize)>,
    /// The ids.
    #[serde(skip)]
    pub ids: Vec<u32>,
}

impl Tokens {
    /// Reads an artifact of kind `tokens`.
    ///
    /// # Errors
    /// [`StageError::Input`] when a file is missing or does not fit the other.
    pub fn read(view: &View<'_>) -> Result<Self, StageError> {
        let wrong = |message: String| StageError::Input(format!("`{FILE}`: {message}"));
        let mut tokens: Self = serde_json::from_str(&view.text(FILE)?).map_err(|e| wrong(e.to_string()))?;
        let file = view.bytes(IDS)?;
        let (_, ids) = npy::numbers(&file).map_err(|e| StageError::Input(format!("`{IDS}`: {e}")))?;
        let size = tokens.vocabulary.len();
        if let Some(id) = ids.iter().find(|id| **id as usize >= size) {
            return Err(StageError::Input(format!("`{IDS}`: expected ids below {size}, found {id}")));
        }
        if tokens.sentence.is_some_and(|n| n < 2 || !ids.len().is_multiple_of(n)) {
            return Err(wrong(format!("expected sentences of one length in {} tokens", ids.len())));
        }
        let ascending = tokens.starts.windows(2).all(|pair| pair[0].0 < pair[1].0);
        let named = tokens.starts.iter().all(|(_, domain)| *domain < tokens.domains.len());
        if !ascending || !named || tokens.starts.first().is_none_or(|(at, _)| *at != 0) {
            return Err(wrong("expected domains that begin one after the other, the first at 0".into()));
        }
        tokens.ids = ids;
        Ok(tokens)
    }

    /// An artifact of kind `tokens`.
    ///
    /// # Errors
    /// [`StageError::Other`] when the format refuses.
    pub fn write(&self) -> Result<Output, StageError> {
        let json = serde_json::to_string(self).map_err(|e| StageError::Other(e.to_string()))?;
        Ok(Output::new(Kind::of(KIND))
            .file(FILE, json + "\n")
            .file(IDS, npy::of_numbers(&[self.ids.len()], &self.ids)))
    }

    /// How often each token occurs.
    pub fn counts(&self) -> Vec<u64> {
        let mut counts = vec![0; self.vocabulary.len()];
        self.ids.iter().for_each(|id| counts[*id as usize] += 1);
        counts
    }

    /// The domain of the token at a place.
    pub fn domain(&self, at: usize) -> usize {
        let after = self.starts.partition_point(|(start, _)| *start <= at);
        self.starts[after.saturating_sub(1)].1
    }

    /// The text cut into sequences: its sentences, or as many tokens each as told.
    ///
    /// # Errors
    /// [`StageError::Input`] when there is not one.
    pub fn sequences(&self, length: usize) -> Result<Sequences<'_>, StageError> {
        let (length, step) = self.sentence.map_or((length, length), |n| (n - 1, n));
        let count = match self.sentence {
            Some(n) => self.ids.len() / n,
            None => self.ids.len().saturating_sub(1) / step,
        };
        if count == 0 {
            let message = format!("expected a text of more than {length} tokens, found {}", self.ids.len());
            return Err(StageError::Input(message));
        }
        Ok(Sequences { ids: &self.ids, length, step, count })
    }
}

/// Sequences of one length, each with the token after it.
#[derive(Debug, Clone, Copy)]
pub struct Sequences<'a> {
    ids: &'a [u32],
    /// Tokens of a sequence.
    pub length: usize,
    step: usize,
    /// How many there are.
    pub count: usize,
}

impl Sequences<'_> {
    /// The place of the first token of sequence `i`.
    pub fn start(&self, i: usize) -> usize {
        i * self.step
    }

    /// Tokens of these sequences one after the other, and the token that follows each.
    ///
    /// # Panics
    /// When there is no such sequence.
    pub fn batch(&self, which: &[usize]) -> (Vec<u32>, Vec<u32>) {
        let (mut ids, mut next) = (Vec::new(), Vec::new());
        for i in which {
            let all = &self.ids[self.start(*i)..][..=self.length];
            ids.extend_from_slice(&all[..self.length]);
            next.extend_from_slice(&all[1..]);
        }
        (ids, next)
    }
}

#[cfg(test)]
mod tests;
