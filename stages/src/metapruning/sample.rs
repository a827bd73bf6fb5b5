//! Which genes may be chosen, and random ones among them.

use std::ops::RangeInclusive;

use runpipe_base::StageError;

use super::grid;
use super::net::{Gene, Net};
use crate::kit::rng::Stream;

/// Draws before a search for a gene within the limit is given up.
const TRIES: usize = 2000;
/// Share of the most that a net may cost which a random one costs at least: far below it nets are needlessly poor.
pub const NEAR: f64 = 0.95;

/// The genes among which a search goes.
pub struct Domain<'a> {
    /// The net.
    pub net: &'a Net,
    /// What widths cost, in any unit.
    pub price: &'a (dyn Fn(&[usize]) -> f64 + Sync),
    /// The least that a net may cost.
    pub least: f64,
    /// The most that a net may cost.
    pub most: f64,
    /// Places in the grid from which random genes are drawn; others may come in by mutation.
    pub drawn: RangeInclusive<u8>,
}

/// Why there is no gene.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum SampleError {
    /// Even the narrowest net costs more.
    #[error("expected a limit of at least {cheapest:.0}, what the narrowest net costs, found {most:.0}")]
    Infeasible {
        /// What the narrowest net costs.
        cheapest: f64,
        /// The limit.
        most: f64,
    },
    /// None was found.
    #[error(
        "found no {new}structure that costs {least:.0} to {most:.0} in {tries} tries: widen the limits, or ask for \
         fewer structures"
    )]
    NotFound {
        /// `"new "` when others were found before.
        new: &'static str,
        /// The least that it should cost.
        least: f64,
        /// The most that it may cost.
        most: f64,
        /// How many tries there were.
        tries: usize,
    },
}

impl From<SampleError> for StageError {
    fn from(error: SampleError) -> Self {
        Self::Input(error.to_string())
    }
}

impl Domain<'_> {
    /// What a gene costs.
    pub fn cost(&self, gene: &[u8]) -> f64 {
        (self.price)(&self.net.widths(gene))
    }

    /// Whether a gene's net keeps to the limits.
    pub fn allows(&self, gene: &[u8]) -> bool {
        (self.least..=self.most).contains(&self.cost(gene))
    }

    /// Whether any net can keep to the limits.
    ///
    /// # Errors
    /// [`SampleError::Infeasible`].
    pub fn check(&self) -> Result<(), SampleError> {
        let cheapest = self.cost(&vec![0; self.net.genes]);
        if cheapest <= self.most {
            Ok(())
        } else {
            Err(SampleError::Infeasible { cheapest, most: self.most })
        }
    }

    /// Places in the grid drawn uniformly and each on its own, whatever the net costs.
    pub fn any(&self, stream: &mut Stream) -> Gene {
        uniform(self.net.genes, &self.drawn, stream)
    }

    /// A random gene within the limits and near the most: drawn, then moved gene by gene.
    ///
    /// Most uniform genes cost far less than a usual limit, or far more than a tight one, so rejecting them would
    /// take for ever.
    ///
    /// # Errors
    /// [`SampleError`] when even the narrowest net costs more, or none that `wanted` accepts is found.
    pub fn near(&self, stream: &mut Stream, wanted: impl Fn(&[u8]) -> bool) -> Result<Gene, SampleError> {
        self.check()?;
        let least = self.least.max(NEAR * self.most);
        let within = |cost: f64| cost >= least && cost <= self.most;
        for _ in 0..TRIES {
            let mut gene = self.any(stream);
            for _ in 0..64 * self.net.genes {
                let cost = self.cost(&gene);
                if within(cost) {
                    if wanted(&gene) {
                        return Ok(gene);
                    }
                    break;
                }
                if !step(&mut gene, cost < least, stream) {
                    break;
                }
            }
        }
        let new = if within(self.cost(&self.net.full())) { "new " } else { "" };
        Err(SampleError::NotFound { new, least, most: self.most, tries: TRIES })
    }
}

/// Places in the grid, uniform among these and each on its own.
pub fn uniform(genes: usize, drawn: &RangeInclusive<u8>, stream: &mut Stream) -> Gene {
    let count = usize::from(drawn.end() - drawn.start()) + 1;
    (0..genes).map(|_| drawn.start() + stream.below(count) as u8).collect()
}

/// Moves one gene that can be moved by one place.
fn step(gene: &mut [u8], up: bool, stream: &mut Stream) -> bool {
    let end = if up { grid::FULL } else { 0 };
    let free: Vec<usize> = (0..gene.len()).filter(|i| gene[*i] != end).collect();
    if free.is_empty() {
        return false;
    }
    let chosen = free[stream.below(free.len())];
    gene[chosen] = if up { gene[chosen] + 1 } else { gene[chosen] - 1 };
    true
}

#[cfg(test)]
mod tests;
