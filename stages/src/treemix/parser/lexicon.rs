//! Which tags a word may have: by how often it had them, and for rare and unknown words by what they look like.

use std::collections::BTreeMap;

/// How often each tag was seen, by tag id.
pub type Tags = BTreeMap<u32, u32>;

/// Words and classes of words with their tags.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Lexicon {
    /// Words.
    pub words: BTreeMap<String, Tags>,
    /// Classes of words that occur once.
    pub classes: BTreeMap<String, Tags>,
}

/// Words seen more often are taken to have shown all their tags.
const RARE: u32 = 10;
/// How many sightings the look of a rare word counts for.
const LOOK: f64 = 1.0;

impl Lexicon {
    /// A lexicon of words with their tags, in the order of a corpus; `initial` says whether a word begins a sentence.
    pub fn of<'a>(tagged: impl Iterator<Item = (&'a str, u32, bool)> + Clone) -> Self {
        let mut lexicon = Self::default();
        for (word, tag, _) in tagged.clone() {
            *lexicon.words.entry(word.to_owned()).or_default().entry(tag).or_default() += 1;
        }
        for (word, tag, initial) in tagged {
            if lexicon.words[word].values().sum::<u32>() == 1 {
                for class in looks(word, initial) {
                    *lexicon.classes.entry(class).or_default().entry(tag).or_default() += 1;
                }
            }
        }
        lexicon
    }

    /// ln P(tag | word) − ln P(tag) for every tag that the word may have, by tag id: up to ln P(word), which is the same
    /// for all, that is ln P(word | tag).
    pub fn scores(&self, word: &str, initial: bool, priors: &[f64]) -> Vec<(u32, f32)> {
        let lowered = word.to_lowercase();
        // At the beginning of a sentence a known word may only be capitalised.
        let known = self.words.get(word).or_else(|| self.words.get(&lowered).filter(|_| initial));
        let count: u32 = known.map_or(0, |tags| tags.values().sum());
        let mut shares: BTreeMap<u32, f64> = BTreeMap::new();
        if count <= RARE {
            let looks = looks(word, initial);
            let class = looks.iter().find_map(|look| self.classes.get(look));
            let total: u32 = class.map_or(1, |tags| tags.values().sum());
            for (tag, n) in class.into_iter().flatten() {
                *shares.entry(*tag).or_default() += LOOK * f64::from(*n) / f64::from(total);
            }
        }
        for (tag, n) in known.into_iter().flatten() {
            *shares.entry(*tag).or_default() += f64::from(*n);
        }
        let total: f64 = shares.values().sum();
        let score =
            |(tag, share): (u32, f64)| (tag, (libm::log(share / total) - priors[tag as usize]) as f32);
        shares.into_iter().map(score).collect()
    }
}

/// What a word looks like, the finest class first, the last one for all words.
pub fn looks(word: &str, initial: bool) -> Vec<String> {
    let first = word.chars().next().unwrap_or(' ');
    let letters = word.chars().any(char::is_alphabetic);
    let upper = word.chars().filter(|c| c.is_uppercase()).count();
    let digits = word.chars().filter(char::is_ascii_digit).count();
    let case = match (first.is_uppercase(), upper) {
        (true, 1) if initial => "Initial",
        (true, 1) => "Capital",
        (true, _) if word.chars().all(|c| !c.is_lowercase()) => "CAPITALS",
        (_, 0) if letters => "lower",
        (_, 0) => "signs",
        _ => "miXed",
    };
    let shape = match (digits, letters, word.contains('-')) {
        (0, _, false) => "",
        (0, _, true) => "-",
        (_, false, _) => "1",
        (_, true, _) => "1a",
    };
    let mut looks = Vec::new();
    if letters && digits == 0 {
        let tail: Vec<char> = word.to_lowercase().chars().rev().take(3).collect();
        for length in (1..=tail.len().min(3)).rev().filter(|length| length + 1 < word.chars().count()) {
            let suffix: String = tail[..length].iter().rev().collect();
            looks.push(format!("{case}{shape}+{suffix}"));
        }
    }
    looks.extend([format!("{case}{shape}"), "any".to_owned()]);
    looks
}

#[cfg(test)]
mod tests;
