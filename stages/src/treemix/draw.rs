//! The draw of one mixture: two spans, what comes out, and with which weights.

use super::candidates::{Pool, Rule, Span, Window};
use crate::kit::rng::Stream;

/// What the two nodes must share.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Match {
    /// The label.
    pub label: bool,
    /// The length.
    pub length: bool,
}

/// A span cut out of the receiver, and one of the donor in its place: `[start, end)` each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Splice {
    /// Cut out of the receiver.
    pub cut: (u32, u32),
    /// Pasted from the donor.
    pub paste: (u32, u32),
}

impl Splice {
    /// Of two spans.
    pub fn of(cut: Span, paste: Span) -> Self {
        Self { cut: (cut.start, cut.end), paste: (paste.start, paste.end) }
    }

    /// Words pasted.
    pub fn pasted(&self) -> usize {
        (self.paste.1 - self.paste.0) as usize
    }

    /// Words that a receiver of `words` words has afterwards: l_A − |t_A| + |t_B|.
    pub fn length(&self, words: usize) -> usize {
        words - (self.cut.1 - self.cut.0) as usize + self.pasted()
    }

    /// x_A[0, r_A) ++ x_B[r_B, s_B) ++ x_A[s_A, …).
    pub fn apply<T: Clone>(&self, receiver: &[T], donor: &[T]) -> Vec<T> {
        let [cut, paste] = [self.cut, self.paste].map(|(start, end)| (start as usize, end as usize));
        [&receiver[..cut.0], &donor[paste.0..paste.1], &receiver[cut.1..]].concat()
    }
}

/// How spans are drawn.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Method {
    /// Constituents.
    Tree {
        /// Which nodes take part.
        rule: Rule,
        /// How long they may be.
        window: Window,
        /// What the two must share.
        matching: Match,
    },
    /// Any words in a row, as many out as in: the control that knows no syntax. Its share of the receiver is drawn
    /// between 0 and this.
    Random {
        /// Greatest share.
        upper: f64,
    },
}

impl Method {
    /// Draws what is cut and pasted between two sentences; none when no nodes fit.
    ///
    /// # Source
    /// TreeMix, algorithm 1. The control: k = max(1, ⌊λ·l_A⌋) words, at most l_B, with λ uniform below `upper`.
    pub fn draw(&self, receiver: &Pool, donor: &Pool, stream: &mut Stream) -> Option<Splice> {
        match *self {
            Self::Tree { rule, window, matching } => {
                let own = window.lengths(receiver.words);
                let other = if rule == Rule::AsRun { own } else { window.lengths(donor.words) };
                let (cut, paste) = pick(receiver.within(own), donor.within(other), matching, stream)?;
                Some(Splice::of(cut, paste))
            }
            Self::Random { upper } => {
                let share = upper * stream.uniform();
                let k = ((share * receiver.words as f64) as usize).max(1).min(donor.words);
                let mut at = |words: usize| {
                    let start = stream.below(words - k + 1) as u32;
                    (start, start + k as u32)
                };
                (k <= receiver.words && k > 0)
                    .then(|| Splice { cut: at(receiver.words), paste: at(donor.words) })
            }
        }
    }

    /// Whether a sentence has anything that could be cut out.
    pub fn receives(&self, pool: &Pool) -> bool {
        match self {
            Self::Tree { window, .. } => !pool.within(window.lengths(pool.words)).is_empty(),
            Self::Random { .. } => pool.words > 0,
        }
    }
}

/// One of each, uniformly under what they must share; none when no two fit.
///
/// # Source
/// The released code: with labels, one of the shared labels first and a node of it on each side then; with lengths, one
/// of all pairs of equal length (and label).
pub fn pick(a: &[Span], b: &[Span], matching: Match, stream: &mut Stream) -> Option<(Span, Span)> {
    if a.is_empty() || b.is_empty() {
        return None;
    }
    match matching {
        Match { label: false, length: false } => Some((a[stream.below(a.len())], b[stream.below(b.len())])),
        Match { label: true, length: false } => {
            let mut shared: Vec<u32> = a.iter().map(|span| span.label).collect();
            shared.retain(|label| b.iter().any(|span| span.label == *label));
            shared.sort_unstable();
            shared.dedup();
            if shared.is_empty() {
                return None;
            }
            let label = shared[stream.below(shared.len())];
            let mut of = |spans: &[Span]| {
                let count = spans.iter().filter(|span| span.label == label).count();
                let chosen = stream.below(count);
                spans.iter().filter(|span| span.label == label).nth(chosen).copied()
            };
            Some((of(a)?, of(b)?))
        }
        Match { label, length: true } => {
            let fits = |x: &Span, y: &Span| x.len() == y.len() && (!label || x.label == y.label);
            let pairs = || a.iter().flat_map(|x| b.iter().filter(|y| fits(x, y)).map(|y| (*x, *y)));
            let count = pairs().count();
            if count == 0 {
                return None;
            }
            pairs().nth(stream.below(count))
        }
    }
}

#[cfg(test)]
mod tests;
