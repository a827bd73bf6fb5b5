//! The best state of a training run by a score, and when to stop waiting for a better one.

use runpipe_base::StageError;

use super::backend::{Backend, Result};
use super::fit::Next;
use super::params::Params;

/// Keeps the parameters that scored best: see them after each evaluation, restore them when training has ended.
#[derive(Debug, Clone)]
pub struct Best {
    patience: Option<u64>,
    /// Evaluations since the best one.
    since: u64,
    found: Option<Found>,
}

#[derive(Debug, Clone)]
struct Found {
    score: f64,
    step: u64,
    weights: Vec<u8>,
}

impl Best {
    /// Nothing seen yet. Training should stop after `patience` evaluations in a row that are no better, if given.
    pub fn new(patience: Option<u64>) -> Self {
        Self { patience, since: 0, found: None }
    }

    /// Looks at the parameters after `step` steps, which scored `score`; larger is better, and the first of equals is
    /// kept. Says whether to go on.
    ///
    /// # Errors
    /// [`StageError::NonFinite`] when the score is not a number; [`StageError::Tensor`] when the device refuses.
    pub fn see<D: Backend>(&mut self, params: &Params<D>, step: u64, score: f64) -> Result<Next> {
        if score.is_nan() {
            let what = "the score of an evaluation".into();
            return Err(StageError::NonFinite { what, value: score, step: step as usize });
        }
        if self.found.as_ref().is_none_or(|best| score > best.score) {
            self.found = Some(Found { score, step, weights: params.save()? });
            self.since = 0;
        } else {
            self.since += 1;
        }
        Ok(if self.patience.is_some_and(|patience| self.since >= patience.max(1)) {
            Next::Stop
        } else {
            Next::Go
        })
    }

    /// The best score and the step it was reached at.
    pub fn score(&self) -> Option<(f64, u64)> {
        self.found.as_ref().map(|best| (best.score, best.step))
    }

    /// Gives the parameters the numbers that scored best; leaves them when none was seen.
    ///
    /// # Errors
    /// [`StageError::Input`] when they are parameters of another model.
    pub fn restore<D: Backend>(&self, params: &mut Params<D>) -> Result<()> {
        self.found.as_ref().map_or(Ok(()), |best| params.load(&best.weights))
    }

    /// What must be remembered across a stop.
    pub fn state(&self) -> Vec<u8> {
        let mut bytes = self.since.to_le_bytes().to_vec();
        if let Some(best) = &self.found {
            bytes.extend(best.score.to_le_bytes());
            bytes.extend(best.step.to_le_bytes());
            bytes.extend(&best.weights);
        }
        bytes
    }

    /// Goes on from [`state`](Self::state).
    ///
    /// # Errors
    /// [`StageError::Input`] when the bytes are no such state.
    pub fn resume(&mut self, state: &[u8]) -> Result<()> {
        let broken = || StageError::Input("the checkpoint is damaged".into());
        let (since, rest) = state.split_first_chunk::<8>().ok_or_else(broken)?;
        self.since = u64::from_le_bytes(*since);
        self.found = match rest.split_first_chunk::<8>() {
            None if rest.is_empty() => None,
            None => return Err(broken()),
            Some((score, rest)) => {
                let (step, weights) = rest.split_first_chunk::<8>().ok_or_else(broken)?;
                Some(Found {
                    score: f64::from_le_bytes(*score),
                    step: u64::from_le_bytes(*step),
                    weights: weights.to_vec(),
                })
            }
        };
        Ok(())
    }
}

#[cfg(test)]
mod tests;
