//! From the scores of labels to tags.

use runpipe_base::choice;

use crate::data::tags::Tag;

choice! {
    /// How the tags of a sentence are chosen.
    pub enum Decoding {
        /// The likeliest label of each word, on its own.
        Greedy = "greedy",
        /// The likeliest sequence in which every `I-X` continues an `X`.
        Valid = "valid",
    }
}

/// The labels of a sentence's words, whose rows hold a score a label, as `decoding` says. With `transitions`, those of
/// [`chain`](super::chain), it is always the likeliest sequence.
pub fn decode(
    scores: &[Vec<f32>],
    labels: &[Tag],
    decoding: Decoding,
    transitions: Option<&[f32]>,
) -> Vec<usize> {
    let follows = |before: Option<usize>, label: usize| match &labels[label] {
        Tag::Inside(kind) => before.and_then(|before| labels[before].kind()) == Some(kind),
        Tag::Outside | Tag::Begin(_) => true,
    };
    match (decoding, transitions) {
        (Decoding::Greedy, None) => greedy(scores),
        _ => likeliest(scores, |before, label| match transitions {
            _ if decoding == Decoding::Valid && !follows(before, label) => f64::NEG_INFINITY,
            None => 0.0,
            Some(table) => f64::from(table[before.unwrap_or(labels.len()) * labels.len() + label]),
        }),
    }
}

/// At each word the label of the greatest score, of equals the first.
fn greedy(scores: &[Vec<f32>]) -> Vec<usize> {
    scores.iter().map(|row| greatest(row.len(), |k| f64::from(row[k]))).collect()
}

/// The labels with the greatest sum of scores and steps, of equals the first labels from the end. A step is that from a
/// label, or from the start, to the next one; −∞ forbids it, and at least one label may follow all others.
/// Log-probabilities differ from scores by a number a word, so the sequence is the likeliest.
///
/// # Source
/// Viterbi's algorithm.
fn likeliest(scores: &[Vec<f32>], step: impl Fn(Option<usize>, usize) -> f64) -> Vec<usize> {
    let Some((first, later)) = scores.split_first() else { return Vec::new() };
    let count = first.len();
    let mut best: Vec<f64> = (0..count).map(|k| step(None, k) + f64::from(first[k])).collect();
    let mut came: Vec<Vec<usize>> = Vec::new();
    for row in later {
        let sum = |from: usize, k: usize| best[from] + step(Some(from), k);
        let from: Vec<usize> = (0..count).map(|k| greatest(count, |from| sum(from, k))).collect();
        best = from.iter().zip(row).enumerate().map(|(k, (from, x))| sum(*from, k) + f64::from(*x)).collect();
        came.push(from);
    }
    let mut path = vec![greatest(count, |k| best[k])];
    for from in came.iter().rev() {
        path.push(from[path[path.len() - 1]]);
    }
    path.reverse();
    path
}

/// The probability of one of a word's labels.
pub fn probability(scores: &[f32], label: usize) -> f64 {
    let most = scores.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let share = |k: usize| libm::exp(f64::from(scores[k]) - f64::from(most));
    share(label) / (0..scores.len()).map(share).sum::<f64>()
}

/// Which of 0 to `count` has the greatest number, the first of equals.
fn greatest(count: usize, of: impl Fn(usize) -> f64) -> usize {
    (1..count).fold(0, |best, k| if of(k).total_cmp(&of(best)).is_gt() { k } else { best })
}

#[cfg(test)]
mod tests;
