//! Tags of whole sentences, windows put together again.

use runpipe_base::StageError;

use super::chain::Chain;
use super::decode::{self, Decoding};
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

/// How sentences are read.
#[derive(Debug, Clone, Copy)]
pub struct Reader<'a> {
    /// How words are laid out.
    pub layout: Layout,
    /// What a word may be.
    pub labels: &'a [Tag],
    /// How tags are chosen.
    pub decoding: Decoding,
    /// Words that neighbouring windows share; none: half of a window.
    pub overlap: Option<usize>,
}

/// What a tagger says.
#[derive(Debug, Clone, Default)]
pub struct Predicted {
    /// A tag for each word of each sentence.
    pub tags: Vec<Vec<Tag>>,
    /// The probability of each of these tags.
    pub certainty: Vec<Vec<f64>>,
    /// Sentences that did not fit in one window.
    pub windowed: usize,
    /// Words that were cut off and count as `O`.
    pub dropped: usize,
    /// Tokens of the longest sequence.
    pub longest: usize,
}

/// A sequence with its sentence and the words that are taken from it.
struct Asked {
    sentence: usize,
    sequence: Sequence,
    taken: Vec<usize>,
}

/// Tags every word of every sentence exactly once; words that are cut off are `O`.
///
/// # Errors
/// [`StageError::Tensor`] when the device refuses.
pub fn predict<D: Backend>(
    tagger: &Tagger,
    params: &Params<D>,
    prepared: &Prepared,
    reader: &Reader<'_>,
) -> Result<Predicted, StageError> {
    let mut said = Predicted::default();
    let asked = ask(prepared, reader, &mut said);
    let mut scores: Vec<Vec<Vec<f32>>> =
        prepared.units.iter().map(|units| vec![Vec::new(); units.len()]).collect();
    let mut rest = asked.as_slice();
    while !rest.is_empty() {
        let mut room = ROOM;
        let fits = rest.iter().take_while(|asked| {
            let fits = asked.sequence.ids.len() <= room;
            room = room.saturating_sub(asked.sequence.ids.len());
            fits
        });
        let (now, later) = rest.split_at(fits.count().max(1));
        rest = later;
        let batch = Batch::of(now.iter().map(|asked| &asked.sequence));
        let mut found = tagger.scores(params, &batch)?.into_iter();
        for Asked { sentence, sequence, taken } in now {
            for (word, row) in sequence.words.iter().zip(&mut found) {
                if taken.contains(word) {
                    scores[*sentence][*word] = row;
                }
            }
        }
    }
    let table = tagger.transitions(params).map(|table| D::view(table).into_owned());
    for mut scores in scores {
        let words = scores.len();
        scores.retain(|row| !row.is_empty());
        said.dropped += words - scores.len();
        let chosen = decode::decode(&scores, reader.labels, reader.decoding, table.as_deref());
        let mut tags: Vec<Tag> = chosen.iter().map(|label| reader.labels[*label].clone()).collect();
        tags.resize(words, Tag::Outside);
        said.tags.push(tags);
        let mut certainty = certainty(&scores, &chosen, table.as_deref());
        certainty.resize(words, 0.0);
        said.certainty.push(certainty);
    }
    Ok(said)
}

/// The probability of each word's label, on its own or in its sentence.
fn certainty(scores: &[Vec<f32>], chosen: &[usize], transitions: Option<&[f32]>) -> Vec<f64> {
    let Some(table) = transitions else {
        return scores.iter().zip(chosen).map(|(row, label)| decode::probability(row, *label)).collect();
    };
    let rows = scores.concat();
    let chain = Chain::new(&rows, table, scores.first().map_or(1, Vec::len));
    chosen.iter().enumerate().map(|(word, label)| chain.probability(word, *label)).collect()
}

/// The sequences of all windows of all sentences.
fn ask(prepared: &Prepared, reader: &Reader<'_>, said: &mut Predicted) -> Vec<Asked> {
    let mut asked = Vec::new();
    for (sentence, units) in prepared.units.iter().enumerate() {
        let windows = reader.layout.overlapping(units, reader.overlap);
        said.windowed += usize::from(windows.first().is_some_and(|(window, _)| window.len() < units.len()));
        for (window, words) in windows {
            for sequence in reader.layout.sequences(units, window) {
                said.longest = said.longest.max(sequence.ids.len());
                let taken: Vec<usize> =
                    words.iter().copied().filter(|word| sequence.words.contains(word)).collect();
                if !taken.is_empty() {
                    asked.push(Asked { sentence, sequence, taken });
                }
            }
        }
    }
    asked
}

#[cfg(test)]
mod tests;
