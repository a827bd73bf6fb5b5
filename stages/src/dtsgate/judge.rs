//! How well a model foretells a text, and where its gates send it.

use dfdx::prelude::NoneTape;

use super::cooling::Moment;
use super::model::{Decoder, Load, Router};
use super::route::{Look, Routing};
use super::tokens::Sequences;
use crate::kit::backend::{Backend, Result};
use crate::kit::cpu::par;
use crate::kit::ops::attention::Packed;
use crate::kit::ops::softmax::log_sum_exp;
use crate::kit::params::{Params, Pass};

/// What is judged, and how its tokens are routed.
pub struct Judge<'a, D: Backend> {
    /// The numbers.
    pub params: &'a Params<D>,
    /// The model.
    pub decoder: &'a Decoder,
    /// How it routes.
    pub routing: &'a Routing,
    /// Where its gates stand.
    pub moment: Moment,
    /// Sequences at once: where experts have a capacity, it is that of so many.
    pub batch: usize,
}

impl<D: Backend> Judge<'_, D> {
    /// Goes through sequences; `see` gets the place of each sequence, the loss of each token in nats, and what gates did.
    ///
    /// # Errors
    /// `StageError::Tensor` when the device refuses; what `see` returns.
    pub fn each(
        &self,
        sequences: &Sequences<'_>,
        which: &[usize],
        look: Look,
        mut see: impl FnMut(&[usize], &[f64], &[Load]) -> Result<()>,
    ) -> Result<()> {
        let router = Router { routing: self.routing, moment: self.moment, look };
        for part in which.chunks(self.batch.max(1)) {
            let (ids, next) = sequences.batch(part);
            let packed = Packed::new(vec![sequences.length; part.len()]);
            let pass = Pass::eval(self.params);
            let passed = self.decoder.forward::<D, NoneTape>(&pass, &ids, &packed, router)?;
            see(part, &losses(&D::view(&passed.logits), &next), &passed.loads)?;
        }
        Ok(())
    }

    /// Mean cross-entropy of the tokens of these sequences, in nats.
    ///
    /// # Errors
    /// As [`each`](Self::each).
    pub fn loss(&self, sequences: &Sequences<'_>, which: &[usize], look: Look) -> Result<f64> {
        let (mut sum, mut count) = (0.0, 0);
        self.each(sequences, which, look, |_, losses, _| {
            sum += losses.iter().sum::<f64>();
            count += losses.len();
            Ok(())
        })?;
        Ok(sum / f64::from(count.max(1) as u32))
    }
}

/// −ln softmax of each row at its label.
fn losses(logits: &[f32], labels: &[u32]) -> Vec<f64> {
    let width = (logits.len() / labels.len().max(1)).max(1);
    par::simd!(|| {
        let rows = logits.chunks_exact(width).zip(labels);
        rows.map(|(row, label)| {
            let (top, whole) = log_sum_exp(row);
            f64::from(whole - (row[*label as usize] - top))
        })
        .collect()
    })
}

/// As many of `count` sequences as have `tokens` together, spread evenly; all of fewer.
pub fn spread(count: usize, length: usize, tokens: usize) -> Vec<usize> {
    let wanted = tokens.div_ceil(length).clamp(1, count);
    (0..wanted).map(|i| i * count / wanted).collect()
}

#[cfg(test)]
mod tests;
