//! Dynamic masking: which tokens a masked language model must guess, drawn anew for every batch.

use super::tokenizer::Special;
use crate::kit::rng::Stream;

/// How tokens are masked.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Masking {
    /// Chance that a token, or a word, is selected.
    pub rate: f64,
    /// Whether all subwords of a word are selected together.
    pub whole_word: bool,
    /// Special tokens, never selected and never drawn.
    pub special: Special,
    /// Entries of the vocabulary.
    pub vocabulary: usize,
}

/// A batch with holes: what the model sees, and what was there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Masked {
    /// The ids, some replaced.
    pub ids: Vec<u32>,
    /// Places of the selected tokens.
    pub sites: Vec<u32>,
    /// What stood there.
    pub words: Vec<u32>,
}

impl Masking {
    /// Masks ids. `starts` says where words begin; a special token is a word of its own. The same stream gives the
    /// same holes.
    ///
    /// # Source
    /// RoBERTa's dynamic masking: of the selected tokens 80 % become the mask, 10 % a random token, 10 % stay. Ours:
    /// the random token is never a special one.
    pub fn apply(&self, ids: &[u32], starts: &[bool], mut stream: Stream) -> Masked {
        let mut masked = Masked { ids: ids.to_vec(), sites: Vec::new(), words: Vec::new() };
        let mut selected = false;
        for (at, (id, start)) in ids.iter().zip(starts).enumerate() {
            if *start || !self.whole_word {
                selected = stream.chance(self.rate);
            }
            if selected && !self.special.contains(*id) {
                self.replace(&mut masked, at, &mut stream);
            }
        }
        if masked.sites.is_empty() {
            // A batch must have something to guess.
            let ordinary: Vec<usize> = (0..ids.len()).filter(|at| !self.special.contains(ids[*at])).collect();
            if !ordinary.is_empty() {
                let at = ordinary[stream.below(ordinary.len())];
                self.replace(&mut masked, at, &mut stream);
            }
        }
        masked
    }

    fn replace(&self, masked: &mut Masked, at: usize, stream: &mut Stream) {
        masked.sites.push(at as u32);
        masked.words.push(masked.ids[at]);
        let what = stream.uniform();
        if what < 0.8 {
            masked.ids[at] = self.special.mask;
        } else if what < 0.9 {
            masked.ids[at] = self.random(stream);
        }
    }

    /// An id that is not special; the special ones are few, so that few draws are thrown away.
    fn random(&self, stream: &mut Stream) -> u32 {
        loop {
            let id = stream.below(self.vocabulary) as u32;
            if !self.special.contains(id) {
                return id;
            }
        }
    }
}

#[cfg(test)]
mod tests;
