//! Training sentences laid out.

use crate::data::tagged::Tagged;
use crate::data::tags::Tag;
use crate::maner::layout::{Layout, Sequence, Site};
use crate::maner::predict::Prepared;

/// A sequence and the labels of what is read in it.
pub(super) type Example = (Sequence, Vec<u32>);

/// The examples of each training sentence.
pub(super) struct Examples {
    pub(super) sentences: Vec<Vec<Example>>,
    /// Sentences longer than a sequence.
    pub(super) windowed: usize,
    /// Words of them that are cut off.
    pub(super) dropped: usize,
}

impl Examples {
    /// Lays sentences out; with `all_pieces` every piece of a word has a label.
    pub(super) fn new(
        prepared: &Prepared,
        layout: &Layout,
        train: &Tagged,
        labels: &[Tag],
        all_pieces: bool,
    ) -> Self {
        let id = |tag: &Tag| {
            labels.iter().position(|label| label == tag).expect("labels are those of `train`") as u32
        };
        let (mut windowed, mut dropped) = (0, 0);
        let sentences = prepared.units.iter().zip(&train.sentences).map(|(units, sentence)| {
            let windows = layout.windows(units);
            windowed += usize::from(windows.first().is_some_and(|window| window.len() < units.len()));
            dropped += units.len() - windows.iter().map(ExactSizeIterator::len).sum::<usize>();
            let sequences = windows.into_iter().flat_map(|window| layout.sequences(units, window));
            sequences
                .map(|sequence| {
                    let tags: Vec<&Tag> = sequence.words.iter().map(|word| &sentence.tags[*word]).collect();
                    if all_pieces && layout.site == Site::Tokcls {
                        let lengths = sequence.words.iter().map(|word| layout.fit(&units[*word]).len());
                        return pieces(&tags, &lengths.collect::<Vec<_>>(), sequence, id);
                    }
                    let labels = tags.into_iter().map(&id).collect();
                    (sequence, labels)
                })
                .collect()
        });
        let sentences = sentences.collect();
        Self { sentences, windowed, dropped }
    }
}

/// The same sequence, read at every piece: all tokens but the first and the last. `lengths` are the pieces of each word.
fn pieces(tags: &[&Tag], lengths: &[usize], sequence: Sequence, id: impl Fn(&Tag) -> u32) -> Example {
    let mut labels = Vec::new();
    for (tag, length) in tags.iter().zip(lengths) {
        let later = match tag {
            Tag::Begin(kind) => Tag::Inside(kind.clone()),
            tag => (*tag).clone(),
        };
        labels.push(id(tag));
        labels.extend(std::iter::repeat_n(id(&later), length - 1));
    }
    let sites: Vec<usize> = (1..=labels.len()).collect();
    (Sequence { spans: vec![1; sites.len()], sites, ..sequence }, labels)
}
