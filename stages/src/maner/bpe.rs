//! Byte-pair merges learned from counted words.
//!
//! The `tokenizers` crate encodes; it does not learn here, because its trainer walks hash maps whose order differs
//! from process to process and may then break ties differently.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap, HashMap, HashSet};

/// What was learned: pieces in order of their ids, and pairs of ids in order of their merging.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Merges {
    /// Single characters, then merged pieces.
    pub pieces: Vec<String>,
    /// The two pieces that are joined.
    pub pairs: Vec<(usize, usize)>,
}

/// Learns at most `size` pieces from words and their counts. At most half of the pieces are single characters, the
/// commonest ones; the most frequent pair is merged first, of equals the one with the smaller ids.
///
/// # Source
/// Sennrich et al. 2016 (arXiv:1508.07909), algorithm 1.
pub fn learn(counts: &BTreeMap<String, u64>, size: usize) -> Merges {
    let mut pieces = alphabet(counts, size / 2);
    let ids: HashMap<char, usize> =
        pieces.iter().enumerate().filter_map(|(i, p)| p.chars().next().map(|c| (c, i))).collect();
    let mut names: HashMap<String, usize> = pieces.iter().cloned().zip(0..).collect();
    let mut words: Vec<(Vec<usize>, u64)> = counts
        .iter()
        .map(|(word, n)| (word.chars().filter_map(|c| ids.get(&c).copied()).collect(), *n))
        .collect();
    let mut pairs = Pairs::of(&words);
    let (mut merged, mut known) = (Vec::new(), HashSet::new());
    while pieces.len() < size {
        let Some(pair) = pairs.most_frequent() else { break };
        let name = format!("{}{}", pieces[pair.0], pieces[pair.1]);
        // Two ways to spell one piece share its id.
        let new = *names.entry(name.clone()).or_insert(pieces.len());
        if new == pieces.len() {
            pieces.push(name);
        }
        // A pair comes back when one of its pieces is spelled a second way; it is merged already then.
        if known.insert(pair) {
            merged.push(pair);
        }
        for at in pairs.places(pair) {
            let (word, n) = &mut words[at];
            pairs.count(word, *n, at, false);
            *word = join(word, pair, new);
            pairs.count(word, *n, at, true);
        }
    }
    Merges { pieces, pairs: merged }
}

/// The commonest characters in order of their code points.
fn alphabet(counts: &BTreeMap<String, u64>, most: usize) -> Vec<String> {
    let mut letters: BTreeMap<char, u64> = BTreeMap::new();
    for (word, n) in counts {
        for c in word.chars() {
            *letters.entry(c).or_default() += n;
        }
    }
    let mut letters: Vec<(char, u64)> = letters.into_iter().collect();
    letters.sort_by_key(|(c, n)| (std::cmp::Reverse(*n), *c));
    letters.truncate(most);
    letters.sort_unstable();
    letters.into_iter().map(|(c, _)| c.to_string()).collect()
}

/// Joins the pair wherever it stands, from the left.
fn join(word: &[usize], pair: (usize, usize), new: usize) -> Vec<usize> {
    let mut joined = Vec::with_capacity(word.len());
    let mut rest = word;
    while let [first, tail @ ..] = rest {
        if *first == pair.0 && tail.first() == Some(&pair.1) {
            joined.push(new);
            rest = &tail[1..];
        } else {
            joined.push(*first);
            rest = tail;
        }
    }
    joined
}

/// How often each pair of neighbours occurs, and in which words.
#[derive(Default)]
struct Pairs {
    counts: HashMap<(usize, usize), u64>,
    places: HashMap<(usize, usize), BTreeSet<usize>>,
    heap: BinaryHeap<Candidate>,
}

#[derive(PartialEq, Eq)]
struct Candidate {
    count: u64,
    pair: (usize, usize),
}

impl Ord for Candidate {
    fn cmp(&self, other: &Self) -> Ordering {
        self.count.cmp(&other.count).then_with(|| other.pair.cmp(&self.pair))
    }
}

impl PartialOrd for Candidate {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Pairs {
    fn of(words: &[(Vec<usize>, u64)]) -> Self {
        let mut pairs = Self::default();
        for (at, (word, n)) in words.iter().enumerate() {
            pairs.count(word, *n, at, true);
        }
        pairs
    }

    /// Adds a word's pairs, or takes them away.
    fn count(&mut self, word: &[usize], n: u64, at: usize, add: bool) {
        for pair in word.windows(2).map(|w| (w[0], w[1])) {
            let count = self.counts.entry(pair).or_default();
            if add {
                *count += n;
                self.places.entry(pair).or_default().insert(at);
                self.heap.push(Candidate { count: *count, pair });
            } else {
                *count -= n;
                self.places.entry(pair).or_default().remove(&at);
            }
        }
    }

    /// The pair that occurs most often, at least twice. The heap holds a pair at every count it ever grew to, and an
    /// entry is put back at the right place when its count has fallen meanwhile.
    fn most_frequent(&mut self) -> Option<(usize, usize)> {
        while let Some(Candidate { count, pair }) = self.heap.pop() {
            let now = self.counts.get(&pair).copied().unwrap_or_default();
            match now.cmp(&count) {
                Ordering::Equal if now >= 2 => return Some(pair),
                Ordering::Less if now >= 2 => self.heap.push(Candidate { count: now, pair }),
                // A greater count has its own entry; a pair that occurs once is not worth a piece.
                _ => {}
            }
        }
        None
    }

    fn places(&self, pair: (usize, usize)) -> Vec<usize> {
        self.places.get(&pair).into_iter().flatten().copied().collect()
    }
}

#[cfg(test)]
mod tests;
