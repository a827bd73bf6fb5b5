//! How many of the examples that a training step sees are classified rightly.

use runpipe_base::{Ctx, StageError};

use super::backend::Result;

/// The place of the largest number, of equals the first: the class of a row of scores.
pub fn argmax(row: &[f32]) -> usize {
    (1..row.len()).fold(0, |best, i| if row[i] > row[best] { i } else { best })
}

/// Examples classified since the last point of a curve.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Tally {
    right: u64,
    all: u64,
    percent: f64,
}

impl Tally {
    /// Counts rows of scores, one for each label: right where the largest, of equals the first, is the label's.
    ///
    /// # Shapes
    /// `scores: [N, K]`, N labels.
    pub fn see(&mut self, scores: &[f32], labels: &[u32]) {
        let classes = (scores.len() / labels.len().max(1)).max(1);
        let rows = scores.chunks_exact(classes).zip(labels);
        self.right += rows.filter(|(row, label)| argmax(row) == **label as usize).count() as u64;
        self.all += labels.len() as u64;
    }

    /// Draws the share of right ones as a point of `curve`, in percent, and begins anew.
    pub fn point(&mut self, cx: &mut Ctx<'_>, curve: &str, step: u64) {
        let percent = 100.0 * self.right as f64 / self.all.max(1) as f64;
        cx.point(curve, step, percent);
        *self = Self { percent, ..Self::default() };
    }

    /// The share at the last point, in percent.
    pub fn percent(&self) -> f64 {
        self.percent
    }

    /// What a checkpoint must hold.
    pub fn state(&self) -> [u8; 24] {
        let mut state = [0; 24];
        for (bytes, number) in
            state.as_chunks_mut::<8>().0.iter_mut().zip([self.right, self.all, self.percent.to_bits()])
        {
            *bytes = number.to_le_bytes();
        }
        state
    }

    /// What [`state`](Self::state) told.
    ///
    /// # Errors
    /// [`StageError::Input`] when it is no such.
    pub fn resumed(state: &[u8]) -> Result<Self> {
        let ([right, all, percent], []) = state.as_chunks::<8>() else {
            return Err(StageError::Input("the checkpoint is damaged".into()));
        };
        let [right, all, percent] = [right, all, percent].map(|bytes| u64::from_le_bytes(*bytes));
        Ok(Self { right, all, percent: f64::from_bits(percent) })
    }
}

#[cfg(test)]
mod tests;
