//! The temperature of a gate over the updates, and when it becomes hard.

use runpipe_base::{StageError, choice};
use serde::{Deserialize, Serialize};

choice! {
    /// How the temperature falls.
    #[derive(Serialize, Deserialize)]
    #[serde(rename_all = "snake_case")]
    pub enum Course {
        /// In a line.
        Linear = "linear",
        /// By the same factor at every update.
        Exponential = "exponential",
    }
}

/// The temperature and the phase as functions of the update alone, so that a resumed run cannot differ.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Cooling {
    /// How it falls.
    pub course: Course,
    /// The temperature of the first update.
    pub hot: f64,
    /// The temperature that it ends at.
    pub cold: f64,
    /// D, updates on the way.
    pub until: u64,
    /// H, the update from which each token asks one expert; none: never.
    pub hard: Option<u64>,
}

/// A gate at one update.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Moment {
    /// τ.
    pub temperature: f64,
    /// Whether each token asks the one expert that scores highest.
    pub hard: bool,
}

impl Cooling {
    /// Checks the numbers.
    ///
    /// # Errors
    /// [`StageError::Input`] unless 0 < cold ≤ hot and D ≥ 1.
    pub fn check(&self) -> Result<(), StageError> {
        if !(self.cold > 0.0 && self.cold <= self.hot && self.hot.is_finite()) {
            let (cold, hot) = (self.cold, self.hot);
            let message = format!("expected temperatures with 0 < `cold` <= `hot`, found {cold} and {hot}");
            return Err(StageError::Input(message));
        }
        if self.until == 0 {
            return Err(StageError::Input(
                "expected a temperature that falls over an update at least".into(),
            ));
        }
        Ok(())
    }

    /// τ(t) and the phase of update t, from 0.
    ///
    /// # Source
    /// The authors' code: linear `max(τmax − t·(τmax − τmin)/D, τmin)`, exponential `max(τmax·(τmin/τmax)^(t/D), τmin)`.
    pub fn at(&self, update: u64) -> Moment {
        let share = update as f64 / self.until as f64;
        let temperature = if update >= self.until {
            self.cold
        } else {
            match self.course {
                Course::Linear => self.hot - share * (self.hot - self.cold),
                Course::Exponential => self.hot * libm::pow(self.cold / self.hot, share),
            }
        };
        Moment { temperature: temperature.max(self.cold), hard: self.hard.is_some_and(|hard| update >= hard) }
    }
}

#[cfg(test)]
mod tests;
