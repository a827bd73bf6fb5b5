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

/// The labels of a sentence's words, whose rows hold a score a label: at each word the greatest, of equals the first.
pub fn greedy(scores: &[Vec<f32>]) -> Vec<usize> {
    scores.iter().map(|row| greatest(row.len(), |k| f64::from(row[k]))).collect()
}

/// The labels with the greatest sum of scores among the sequences that are valid IOB2; of equals the first labels from
/// the end. Log-probabilities differ from scores by a number a word, so the sequence is the likeliest.
///
/// # Source
/// Viterbi's algorithm, with the transitions of IOB2.
pub fn valid(scores: &[Vec<f32>], labels: &[Tag]) -> Vec<usize> {
    let Some((first, later)) = scores.split_first() else { return Vec::new() };
    let follows = |before: Option<&Tag>, tag: &Tag| match tag {
        Tag::Inside(kind) => before.and_then(Tag::kind) == Some(kind),
        Tag::Outside | Tag::Begin(_) => true,
    };
    let start = |k: usize| if follows(None, &labels[k]) { f64::from(first[k]) } else { f64::NEG_INFINITY };
    let mut best: Vec<f64> = (0..labels.len()).map(start).collect();
    let mut came: Vec<Vec<usize>> = Vec::new();
    for row in later {
        let from: Vec<usize> = labels
            .iter()
            .map(|tag| {
                let sum = |k: usize| if follows(Some(&labels[k]), tag) { best[k] } else { f64::NEG_INFINITY };
                greatest(labels.len(), sum)
            })
            .collect();
        // `O` may follow everything, so that for `I-X` without an `X` the sum stays at −∞ and is never chosen.
        let sum = |k: usize| {
            let allowed = follows(Some(&labels[from[k]]), &labels[k]);
            if allowed { best[from[k]] + f64::from(row[k]) } else { f64::NEG_INFINITY }
        };
        best = (0..labels.len()).map(sum).collect();
        came.push(from);
    }
    let mut path = vec![greatest(labels.len(), |k| best[k])];
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
