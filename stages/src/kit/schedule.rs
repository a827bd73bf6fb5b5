//! Learning rates over the steps of a training run.

use std::f64::consts::PI;

/// What the peak learning rate is multiplied with at each step.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Schedule {
    /// The peak, always.
    #[default]
    Constant,
    /// Up from 0 over `warmup` steps, then down to 0 at the last.
    Linear {
        /// Steps of the way up.
        warmup: u64,
    },
    /// Up from 0 over `warmup` steps, then half a cosine down to `floor`.
    Cosine {
        /// Steps of the way up.
        warmup: u64,
        /// Where it ends, as a share of the peak.
        floor: f64,
    },
    /// Multiplied by `factor` at each of these steps.
    Steps {
        /// The steps, in order.
        at: Vec<u64>,
        /// The factor.
        factor: f64,
    },
    /// Up from `floor` and down again in a triangle of 2·`half` steps, without end (Smith 2017).
    Cyclic {
        /// Steps of the way up, and of the way down.
        half: u64,
        /// The low end, as a share of the peak.
        floor: f64,
    },
}

impl Schedule {
    /// The share of the peak at `step`, from 0, of `total`.
    pub fn share(&self, step: u64, total: u64) -> f64 {
        match self {
            Self::Constant => 1.0,
            Self::Linear { warmup } => {
                warm(step, *warmup).unwrap_or_else(|| 1.0 - done(step, *warmup, total))
            }
            Self::Cosine { warmup, floor } => warm(step, *warmup).unwrap_or_else(|| {
                floor + (1.0 - floor) * 0.5 * (1.0 + libm::cos(PI * done(step, *warmup, total)))
            }),
            Self::Steps { at, factor } => {
                let passed = at.partition_point(|s| *s <= step);
                (0..passed).fold(1.0, |share, _| share * factor)
            }
            Self::Cyclic { half, floor } => {
                let half = (*half).max(1);
                let place = step % (2 * half);
                let up = if place < half { place } else { 2 * half - place };
                floor + (1.0 - floor) * up as f64 / half as f64
            }
        }
    }
}

/// The share of the way up, while it lasts; the first step already moves.
fn warm(step: u64, warmup: u64) -> Option<f64> {
    (step < warmup).then(|| (step + 1) as f64 / (warmup + 1) as f64)
}

/// The share of the way down that is done.
fn done(step: u64, warmup: u64, total: u64) -> f64 {
    let length = total.saturating_sub(warmup).max(1);
    ((step - warmup) as f64 / length as f64).min(1.0)
}

#[cfg(test)]
mod tests;
