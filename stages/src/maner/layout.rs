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
        /// The mean of all.
        Mean = "mean",
    }
}

choice! {
    /// Who sees the tokens beside words.
    pub enum Visibility {
        /// Every token. The paper's.
        Full = "full",
        /// Nobody but each of them itself: words keep the states that they have without.
        QueryOnly = "query_only",
    }
}

choice! {
    /// Where the tokens beside words stand, as the encoder is told.
    pub enum Places {
        /// One after the other, as all tokens. The paper's.
        Consecutive = "consecutive",
        /// Where the word beside them begins; words stand where they stand without.
        Shared = "shared",
    }
}

choice! {
    /// What becomes of a sentence that is longer than a sequence may be.
    pub enum Long {
        /// It is read in windows, every word of it once.
        Windows = "windows",
        /// Its beginning alone is read; the other words count as `O`. As common scripts do.
        Truncate = "truncate",
    }
}

/// A sequence to encode and the words read in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sequence {
    /// What the encoder sees.
    pub ids: Vec<u32>,
    /// The position at which each word is read, in order.
    pub sites: Vec<usize>,
    /// How many positions from there on are averaged, of each word.
    pub spans: Vec<usize>,
    /// The number of each word read, in its sentence.
    pub words: Vec<usize>,
    /// Which tokens are seen by themselves alone; none told: all are seen by all.
    pub veil: Vec<bool>,
    /// Where each token stands; none told: one after the other.
    pub places: Vec<u32>,
}

impl Sequence {
    fn new(first: u32) -> Self {
        Self {
            ids: vec![first],
            sites: Vec::new(),
            spans: Vec::new(),
            words: Vec::new(),
            veil: Vec::new(),
            places: Vec::new(),
        }
    }

    fn read(&mut self, site: usize, span: usize, word: usize) {
        self.sites.push(site);
        self.spans.push(span);
        self.words.push(word);
    }
}

/// Lays sentences out.
#[derive(Debug, Clone, Copy)]
pub struct Layout {
    /// Where tags are read.
    pub site: Site,
    /// Which subwords are read when no mask is.
    pub pool: Pool,
    /// Who sees the tokens beside words.
    pub visibility: Visibility,
    /// Where the tokens beside words stand.
    pub places: Places,
    /// The token beside each word.
    pub filler: u32,
    /// Ids of the special tokens.
    pub special: Special,
    /// Most tokens of a sequence.
    pub max_len: usize,
    /// What becomes of longer sentences.
    pub long: Long,
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
        let mut sequence = Sequence::new(self.special.start);
        // The positions of the tokens beside words, and of the first piece of the word of each.
        let mut beside = Vec::new();
        for word in range {
            let unit = self.fit(&units[word]);
            if matches!(self.site, Site::Prepend | Site::MaskFiller) {
                beside.push((sequence.ids.len(), sequence.ids.len() + 1));
                sequence.ids.push(self.filler);
            }
            let start = sequence.ids.len();
            sequence.ids.extend(unit);
            let end = sequence.ids.len();
            let (site, span) = match (self.site, self.pool) {
                (Site::Prepend, _) => (start - 1, 1),
                (Site::Append, _) => (end, 1),
                (_, Pool::First) => (start, 1),
                (_, Pool::Last) => (end - 1, 1),
                (_, Pool::Mean) => (start, unit.len()),
            };
            if self.site == Site::Append {
                beside.push((end, start));
                sequence.ids.push(self.filler);
            }
            sequence.read(site, span, word);
        }
        sequence.ids.push(self.special.end);
        self.set_apart(&mut sequence, &beside);
        vec![sequence]
    }

    /// Tells who sees the tokens beside words and where these stand, where it is not as with all tokens.
    fn set_apart(&self, sequence: &mut Sequence, beside: &[(usize, usize)]) {
        let mut apart = vec![false; sequence.ids.len()];
        for (at, _) in beside {
            apart[*at] = true;
        }
        if self.places == Places::Shared {
            let steps = apart.iter().map(|apart| u32::from(!apart));
            sequence.places =
                steps.scan(0, |next, step| Some(std::mem::replace(next, *next + step))).collect();
            for (at, first) in beside {
                sequence.places[*at] = sequence.places[*first];
            }
        }
        if self.visibility == Visibility::QueryOnly {
            sequence.veil = apart;
        }
    }

    fn cloze(&self, units: &[Vec<u32>], range: Range<usize>, hidden: usize) -> Sequence {
        let mut sequence = Sequence::new(self.special.start);
        for word in range {
            if word == hidden {
                sequence.read(sequence.ids.len(), 1, hidden);
                sequence.ids.push(self.filler);
            } else {
                sequence.ids.extend(self.fit(&units[word]));
            }
        }
        sequence.ids.push(self.special.end);
        sequence
    }

    /// A word alone longer than a sequence keeps its first subwords.
    pub(super) fn fit<'a>(&self, unit: &'a [u32]) -> &'a [u32] {
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
        while start < units.len() && (self.long == Long::Windows || windows.is_empty()) {
            let end = self.end(units, start);
            windows.push(start..end);
            start = end;
        }
        windows
    }

    /// Windows that share `overlap` words, half of a window when none is told, each with the words predicted from it:
    /// those that have more context in it than in the other windows. Every word is in exactly one of these lists, but for
    /// those that are cut off.
    pub fn overlapping(&self, units: &[Vec<u32>], overlap: Option<usize>) -> Vec<(Range<usize>, Vec<usize>)> {
        let mut windows: Vec<Range<usize>> = Vec::new();
        let mut start = 0;
        while start < units.len() {
            let end = self.end(units, start);
            windows.push(start..end);
            if end == units.len() || self.long == Long::Truncate {
                break;
            }
            let words = end - start;
            start += words - overlap.unwrap_or(words / 2).min(words - 1);
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
