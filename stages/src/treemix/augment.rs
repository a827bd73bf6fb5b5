//! The augmented set: β mixtures for every example, the same on any number of threads.

use rayon::prelude::*;
use runpipe_base::{StageError, choice};

use super::candidates::{Labels, Pool};
use super::draw::{Method, Splice};
use crate::data::labelled::{Labelled, Sentence};
use crate::kit::rng::Stream;

choice! {
    /// Which receivers and donors meet.
    pub enum Pairing {
        /// Any two, drawn anew for each attempt. Source: the paper.
        Uniform = "uniform",
        /// Each with one other, the same one in every round: two permutations are laid side by side. Source: the released
        /// code.
        Permuted = "permuted",
    }
}

/// A mixture: rows of the receiver and the donor, and a splice for each sentence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mixture {
    /// Row of the example that is cut.
    pub receiver: u32,
    /// Row of the example that is pasted from.
    pub donor: u32,
    /// In the first sentence.
    pub first: Splice,
    /// In the second sentence of a pair.
    pub second: Option<Splice>,
}

/// The sentences of an example as pools: one or two.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pools {
    /// Of the first sentence.
    pub first: Pool,
    /// Of the second one of a pair.
    pub second: Option<Pool>,
}

impl Pools {
    /// The pools of all examples, and ids of their labels.
    ///
    /// # Errors
    /// [`StageError::Input`] when trees are needed and a sentence has none.
    pub fn of(labelled: &Labelled, method: &Method) -> Result<Vec<Self>, StageError> {
        let mut labels = Labels::default();
        let mut pool = |row: usize, sentence: &Sentence| match (method, &sentence.tree) {
            (Method::Tree { rule, .. }, Some(tree)) => Ok(Pool::of(tree, &mut labels, *rule)),
            (Method::Tree { .. }, None) => Err(StageError::Input(format!(
                "expected a tree over every sentence, found none in row {} (`data.with_trees` gives them)",
                row + 1
            ))),
            (Method::Random { .. }, _) => Ok(Pool::bare(sentence.words.len())),
        };
        let rows = labelled.examples.iter().enumerate();
        rows.map(|(row, example)| {
            let first = pool(row, &example.first)?;
            let second = example.second.as_ref().map(|second| pool(row, second)).transpose()?;
            Ok(Self { first, second })
        })
        .collect()
    }

    fn receives(&self, method: &Method) -> bool {
        method.receives(&self.first) && self.second.as_ref().is_none_or(|second| method.receives(second))
    }

    /// Draws a mixture; none when a sentence has nothing that fits.
    pub fn mix(
        &self,
        donor: &Self,
        method: &Method,
        stream: &mut Stream,
    ) -> Option<(Splice, Option<Splice>)> {
        let first = method.draw(&self.first, &donor.first, stream)?;
        let second = match (&self.second, &donor.second) {
            (Some(a), Some(b)) => Some(method.draw(a, b, stream)?),
            _ => None,
        };
        Some((first, second))
    }
}

/// Mixtures, and what it took to make them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Made {
    /// The mixtures.
    pub mixtures: Vec<Mixture>,
    /// Attempts up to the last one that was needed.
    pub attempts: u64,
    /// How many were asked for.
    pub wanted: usize,
}

/// Attempts that may be made for each mixture asked for, before the rest is given up.
const MOST_ATTEMPTS: u64 = 200;

/// Makes `wanted` mixtures among these `rows`, or fewer when attempts run out.
///
/// Attempt k is a function of the seed and of k alone; mixtures are kept in the order of their attempts.
pub fn augment(
    pools: &[Pools],
    rows: &[u32],
    method: &Method,
    pairing: Pairing,
    wanted: usize,
    stream: Stream,
) -> Made {
    let mut made = Made { wanted, ..Made::default() };
    let able = rows.iter().any(|row| pools[*row as usize].receives(method));
    if rows.is_empty() || !able {
        return made;
    }
    let orders = match pairing {
        Pairing::Uniform => None,
        Pairing::Permuted => {
            let order = |name: &str| stream.named(name).permutation(rows.len());
            Some([order("receivers"), order("donors")])
        }
    };
    let draws = stream.named("draws");
    let attempt = |k: u64| {
        let mut stream = draws.child(k);
        let [receiver, donor] = match &orders {
            None => [stream.below(rows.len()), stream.below(rows.len())],
            Some(orders) => [0, 1].map(|i| orders[i][(k % rows.len() as u64) as usize]),
        };
        let (receiver, donor) = (rows[receiver], rows[donor]);
        let (first, second) = pools[receiver as usize].mix(&pools[donor as usize], method, &mut stream)?;
        Some(Mixture { receiver, donor, first, second })
    };
    let (made_all, attempts) = collect(wanted, MOST_ATTEMPTS * wanted as u64, attempt);
    (made.mixtures, made.attempts) = (made_all, attempts);
    made
}

/// The first `wanted` successes among attempts 0, 1, 2, … below `most`, in order, and how many attempts they took.
pub fn collect<T: Send>(
    wanted: usize,
    most: u64,
    attempt: impl Fn(u64) -> Option<T> + Sync,
) -> (Vec<T>, u64) {
    /// Attempts of one task.
    const BLOCK: u64 = 1024;
    let mut found: Vec<T> = Vec::with_capacity(wanted);
    let mut tried = 0;
    while found.len() < wanted && tried < most {
        // A little more than is missing; what is too much is cut off, so that blocks are the same on any machine.
        let missing = (wanted - found.len()) as u64;
        let end = most.min(tried + (missing + missing / 8 + 16).min(1 << 18));
        let starts: Vec<u64> = (tried..end).step_by(BLOCK as usize).collect();
        let blocks: Vec<Vec<(u64, T)>> = starts
            .into_par_iter()
            .map(|start| {
                let attempts = start..end.min(start + BLOCK);
                attempts.filter_map(|k| attempt(k).map(|success| (k, success))).collect()
            })
            .collect();
        tried = end;
        for (k, success) in blocks.into_iter().flatten() {
            found.push(success);
            if found.len() == wanted {
                return (found, k + 1);
            }
        }
    }
    (found, tried)
}

/// The share of examples that have nothing to cut out and can never be receivers.
pub fn skipped(pools: &[Pools], method: &Method) -> f64 {
    let skipped = pools.iter().filter(|pools| !pools.receives(method)).count();
    skipped as f64 / pools.len().max(1) as f64
}

#[cfg(test)]
mod tests;
