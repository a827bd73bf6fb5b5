//! How a tagged sentence becomes sequences of ids and the positions at which its words are read: the paper's idea.

use std::ops::Range;

use runpipe_base::choice;

use super::tokenizer::Special;

choice! {
    /// Where a word's tag is read.
    pub enum Site {
        /// At the word's own subwords; no masks. The baseline.
        Tokcls = "tokcls",
        /// At a mask before the word. The paper's method.
        Prepend = "prepend",
        /// At a mask behind the word.
        Append = "append",
        /// At the word's own subwords, with a mask before each word that is not read: is it the extra tokens?
        MaskFiller = "mask_filler",
        /// At one mask in place of the word, in a sequence of its own for each word: context alone.
        Cloze = "cloze",
    }
}

choice! {
    /// Which of a word's subwords are read when no mask is.
    pub enum Pool {
        /// The first.
        First = "first",
        /// The last.
        Last = "last",
    }
}

/// A sequence to encode and the words read in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sequence {
    /// What the encoder sees.
    pub ids: Vec<u32>,
    /// The position at which each word is read, in order.
    pub sites: Vec<usize>,
    /// The number of each word read, in its sentence.
    pub words: Vec<usize>,
}

/// Lays sentences out.
#[derive(Debug, Clone, Copy)]
pub struct Layout {
    /// Where tags are read.
    pub site: Site,
    /// Which subwords are read when no mask is.
    pub pool: Pool,
    /// The token beside each word.
    pub filler: u32,
    /// Ids of the special tokens.
    pub special: Special,
    /// Most tokens of a sequence.
    pub max_len: usize,
}

impl Layout {
    /// The sequences of these words, which must fit in one window.
    ///
    /// # Source
    /// MANER, the mask before every word: x = `<s>` (M s₁) (M s₂) … (M sₙ) `</s>`, mᵢ₊₁ = mᵢ + 1 + |sᵢ|.
    pub fn sequences(&self, units: &[Vec<u32>], range: Range<usize>) -> Vec<Sequence> {
        if self.site == Site::Cloze {
            return range.clone().map(|word| self.cloze(units, range.clone(), word)).collect();
        }
        let mut sequence = Sequence { ids: vec![self.special.start], sites: Vec::new(), words: Vec::new() };
        let ids = &mut sequence.ids;
        for word in range {
            let unit = self.fit(&units[word]);
            if matches!(self.site, Site::Prepend | Site::MaskFiller) {
                ids.push(self.filler);
            }
            let start = ids.len();
            ids.extend(unit);
            let site = match (self.site, self.pool) {
                (Site::Prepend, _) => start - 1,
                (Site::Append, _) => ids.len(),
                (_, Pool::First) => start,
                (_, Pool::Last) => ids.len() - 1,
            };
            if self.site == Site::Append {
                ids.push(self.filler);
            }
            sequence.sites.push(site);
            sequence.words.push(word);
        }
        sequence.ids.push(self.special.end);
        vec![sequence]
    }

    fn cloze(&self, units: &[Vec<u32>], range: Range<usize>, hidden: usize) -> Sequence {
        let mut ids = vec![self.special.start];
        let mut site = 0;
        for word in range {
            if word == hidden {
                site = ids.len();
                ids.push(self.filler);
            } else {
                ids.extend(self.fit(&units[word]));
            }
        }
        ids.push(self.special.end);
        Sequence { ids, sites: vec![site], words: vec![hidden] }
    }

    /// A word alone longer than a sequence keeps its first subwords.
    fn fit<'a>(&self, unit: &'a [u32]) -> &'a [u32] {
        &unit[..unit.len().min(self.max_len - 3)]
    }

    /// Tokens that a word takes with what stands beside it.
    fn cost(&self, unit: &[u32]) -> usize {
        let beside = matches!(self.site, Site::Prepend | Site::Append | Site::MaskFiller);
        self.fit(unit).len() + usize::from(beside)
    }

    /// The end of the longest window that starts at a word.
    fn end(&self, units: &[Vec<u32>], start: usize) -> usize {
        let mut room = self.max_len - 2;
        let mut end = start;
        while let Some(unit) = units.get(end)
            && self.cost(unit) <= room
        {
            room -= self.cost(unit);
            end += 1;
        }
        end
    }

    /// Windows that follow one another: what is trained on.
    pub fn windows(&self, units: &[Vec<u32>]) -> Vec<Range<usize>> {
        let mut windows = Vec::new();
        let mut start = 0;
        while start < units.len() {
            let end = self.end(units, start);
            windows.push(start..end);
            start = end;
        }
        windows
    }

    /// Windows that overlap by half, each with the words predicted from it: those that have more context in it than in
    /// the other windows. Every word is in exactly one of these lists.
    pub fn overlapping(&self, units: &[Vec<u32>]) -> Vec<(Range<usize>, Vec<usize>)> {
        let mut windows: Vec<Range<usize>> = Vec::new();
        let mut start = 0;
        while start < units.len() {
            let end = self.end(units, start);
            windows.push(start..end);
            if end == units.len() {
                break;
            }
            start += (end - start).div_ceil(2);
        }
        let room = |window: &Range<usize>, word: usize| (word - window.start).min(window.end - 1 - word);
        let mut predicted = vec![Vec::new(); windows.len()];
        for word in 0..units.len() {
            let holding = windows.iter().enumerate().filter(|(_, w)| w.contains(&word));
            let best = holding.max_by_key(|(i, w)| (room(w, word), std::cmp::Reverse(*i)));
            if let Some((i, _)) = best {
                predicted[i].push(word);
            }
        }
        windows.into_iter().zip(predicted).collect()
    }
}

#[cfg(test)]
mod tests;
