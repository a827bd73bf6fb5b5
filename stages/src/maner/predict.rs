//! Tags of whole sentences, windows put together again.

use runpipe_base::StageError;

use super::layout::{Layout, Sequence};
use super::model::{Batch, Tagger};
use super::tokenizer::Subwords;
use crate::data::tagged::Tagged;
use crate::data::tags::Tag;
use crate::kit::backend::Backend;
use crate::kit::params::Params;

/// Tokens that are encoded together.
const ROOM: usize = 4096;

/// Sentences as pieces of words.
pub struct Prepared {
    /// The pieces of each word of each sentence.
    pub units: Vec<Vec<Vec<u32>>>,
}

impl Prepared {
    /// Encodes the words of all sentences.
    ///
    /// # Errors
    /// [`StageError::Other`] when the tokenizer refuses.
    pub fn new(tagged: &Tagged, subwords: &Subwords) -> Result<Self, StageError> {
        let units = tagged.sentences.iter().map(|s| subwords.words(s.words.iter().map(String::as_str)));
        Ok(Self { units: units.collect::<Result<_, _>>()? })
    }
}

/// What a tagger says.
pub struct Predicted {
    /// A tag for each word of each sentence.
    pub tags: Vec<Vec<Tag>>,
    /// Sentences that did not fit in one window.
    pub windowed: usize,
}

/// Tags every word of every sentence exactly once.
///
/// # Errors
/// [`StageError::Tensor`] when the device refuses.
pub fn predict<D: Backend>(
    tagger: &Tagger,
    params: &Params<D>,
    prepared: &Prepared,
    layout: Layout,
    labels: &[Tag],
) -> Result<Predicted, StageError> {
    let mut windowed = 0;
    // Sequences with their sentence and the words that are taken from them.
    let mut sequences: Vec<(usize, Sequence, Vec<usize>)> = Vec::new();
    for (sentence, units) in prepared.units.iter().enumerate() {
        let windows = layout.overlapping(units);
        windowed += usize::from(windows.len() > 1);
        for (window, words) in windows {
            for sequence in layout.sequences(units, window) {
                let taken =
                    words.iter().copied().filter(|word| sequence.words.contains(word)).collect::<Vec<_>>();
                if !taken.is_empty() {
                    sequences.push((sentence, sequence, taken));
                }
            }
        }
    }
    let mut tags: Vec<Vec<Tag>> =
        prepared.units.iter().map(|units| vec![Tag::Outside; units.len()]).collect();
    let mut rest = sequences.as_slice();
    while !rest.is_empty() {
        let mut room = ROOM;
        let fits = rest.iter().take_while(|(_, sequence, _)| {
            let fits = sequence.ids.len() <= room;
            room = room.saturating_sub(sequence.ids.len());
            fits
        });
        let (now, later) = rest.split_at(fits.count().max(1));
        rest = later;
        let batch = Batch::of(now.iter().map(|(_, sequence, _)| sequence));
        let mut found = tagger.labels(params, &batch)?.into_iter();
        for (sentence, sequence, taken) in now {
            for (word, label) in sequence.words.iter().zip(&mut found) {
                if taken.contains(word) {
                    tags[*sentence][*word] = labels[label].clone();
                }
            }
        }
    }
    Ok(Predicted { tags, windowed })
}

#[cfg(test)]
mod tests;
