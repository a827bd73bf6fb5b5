//! A linear-chain conditional random field over the labels of a sentence: what a label says about the next one.

use dfdx::prelude::{HasShape as _, PutTape as _, SplitTape as _, Tape};

use crate::kit::backend::{Backend, Matrix, Result, Scalar};

/// Mean over words of −ln p(y | x), where ln p(y | x) = Σᵢ (xᵢ(yᵢ) + t(yᵢ₋₁, yᵢ)) − ln Z over a sentence's words, and y₀ is
/// the start.
///
/// dxᵢ(k) = (p(yᵢ = k | x) − [yᵢ = k]) / N, and dt is the same of pairs; both made in the forward pass, in f64.
///
/// # Shapes
/// Sentences of `lengths` words, N in all: `x: [N, K]`, N labels, `transitions: [K + 1, K]` from each label, and last from
/// the start → one number.
///
/// # Source
/// Lafferty, McCallum and Pereira 2001; the forward-backward algorithm.
///
/// # Errors
/// `StageError::Tensor` when the device refuses.
///
/// # Panics
/// When shapes do not fit, or a label is none of K.
pub fn chain_loss<D: Backend, T: Tape<f32, D>>(
    x: Matrix<D, T>,
    transitions: &Matrix<D>,
    lengths: &[usize],
    labels: &[u32],
) -> Result<Scalar<D, T>> {
    let (n, k) = *x.shape();
    assert_eq!(*transitions.shape(), (k + 1, k), "transitions between {k} labels");
    assert_eq!((lengths.iter().sum::<usize>(), labels.len()), (n, n), "a label a row");
    let (x, mut tape) = x.split_tape();
    let mut slopes = vec![0.0; n * k];
    let mut steps = vec![0.0; (k + 1) * k];
    let mut loss = 0.0;
    {
        let (x, table) = (D::view(&x), D::view(transitions));
        let mut at = 0;
        for length in lengths {
            let rows = &x[at * k..(at + length) * k];
            let labels = &labels[at..at + length];
            let chain = Chain::new(rows, &table, k);
            loss += chain.whole - chain.score(labels);
            chain.slopes(labels, &mut slopes[at * k..(at + length) * k], &mut steps);
            at += length;
        }
    }
    let share = 1.0 / n.max(1) as f64;
    let y = x.device().tensor_of(vec![(loss * share) as f32], ())?;
    let (y_ref, transitions) = (y.clone(), transitions.clone());
    tape.add_backward_op(move |grads| {
        let dy = f64::from(D::take_grad(grads, &y_ref)?[0]) * share;
        let add = |to: &mut [f32], slopes: &[f64]| {
            to.iter_mut().zip(slopes).for_each(|(to, slope)| *to += (dy * slope) as f32);
        };
        D::add_grad(grads, &transitions, |dt| add(dt, &steps))?;
        D::add_grad(grads, &x, |dx| add(dx, &slopes))
    });
    Ok(y.put_tape(tape))
}

/// A sentence's sums over all sequences of labels.
pub struct Chain<'a> {
    x: &'a [f32],
    table: &'a [f32],
    count: usize,
    /// ln of the sum over the sequences that end in a label at a word, and over those that begin after it.
    ahead: Vec<f64>,
    behind: Vec<f64>,
    /// ln Z.
    whole: f64,
}

impl<'a> Chain<'a> {
    /// Of scores, a row of `count` a word, and of transitions as [`chain_loss`] has them.
    pub fn new(x: &'a [f32], table: &'a [f32], count: usize) -> Self {
        let words = x.len() / count.max(1);
        let (mut ahead, mut behind) = (vec![0.0; x.len()], vec![0.0; x.len()]);
        let step = |from: usize, to: usize| f64::from(table[from * count + to]);
        for at in 0..words {
            for to in 0..count {
                let before = match at.checked_sub(1) {
                    None => step(count, to),
                    Some(last) => log_sum_exp(count, |from| ahead[last * count + from] + step(from, to)),
                };
                ahead[at * count + to] = before + f64::from(x[at * count + to]);
            }
        }
        for at in (1..words).rev() {
            for from in 0..count {
                let after =
                    |to: usize| step(from, to) + f64::from(x[at * count + to]) + behind[at * count + to];
                behind[(at - 1) * count + from] = log_sum_exp(count, after);
            }
        }
        let whole = match words.checked_sub(1) {
            None => 0.0,
            Some(last) => log_sum_exp(count, |k| ahead[last * count + k]),
        };
        Self { x, table, count, ahead, behind, whole }
    }

    /// The probability that a word has a label.
    pub fn probability(&self, word: usize, label: usize) -> f64 {
        let at = word * self.count + label;
        libm::exp(self.ahead[at] + self.behind[at] - self.whole)
    }

    /// Scores and transitions of one sequence of labels, added up.
    fn score(&self, labels: &[u32]) -> f64 {
        let mut before = self.count;
        let score = |(word, label): (usize, &u32)| {
            let label = *label as usize;
            let step = self.table[before * self.count + label];
            before = label;
            f64::from(self.x[word * self.count + label]) + f64::from(step)
        };
        labels.iter().enumerate().map(score).sum()
    }

    /// Adds what ln Z less the score of `labels` grows by with every score and every transition.
    fn slopes(&self, labels: &[u32], scores: &mut [f64], steps: &mut [f64]) {
        let count = self.count;
        for (word, label) in labels.iter().enumerate() {
            let label = *label as usize;
            for k in 0..count {
                scores[word * count + k] += self.probability(word, k);
            }
            scores[word * count + label] -= 1.0;
            let Some(last) = word.checked_sub(1) else {
                (0..count).for_each(|k| steps[count * count + k] += self.probability(word, k));
                steps[count * count + label] -= 1.0;
                continue;
            };
            for from in 0..count {
                for to in 0..count {
                    let at = word * count + to;
                    let both = self.ahead[last * count + from]
                        + f64::from(self.table[from * count + to])
                        + f64::from(self.x[at])
                        + self.behind[at];
                    steps[from * count + to] += libm::exp(both - self.whole);
                }
            }
            steps[labels[last] as usize * count + label] -= 1.0;
        }
    }
}

/// ln Σ eˣ over 0 to `count`.
fn log_sum_exp(count: usize, x: impl Fn(usize) -> f64) -> f64 {
    let most = (0..count).map(&x).fold(f64::NEG_INFINITY, f64::max);
    most + (0..count).map(|k| libm::exp(x(k) - most)).sum::<f64>().ln()
}

#[cfg(test)]
mod tests;
