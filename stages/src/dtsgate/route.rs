//! The arms: how each sends tokens to experts, in training and when it is judged.

use runpipe_base::{StageError, choice};
use serde::{Deserialize, Serialize};

use super::cooling::{Cooling, Moment};
use super::gate::{above, balance, capacity, gumbel, highest, limit, lists, second, shares, tempered};
use crate::kit::rng::Stream;
use crate::kit::tally::argmax;

choice! {
    /// A way to send tokens to experts.
    #[derive(Serialize, Deserialize)]
    #[serde(rename_all = "snake_case")]
    pub enum Arm {
        /// No experts: a feed-forward block of the size of one.
        Ffn = "ffn",
        /// Every token to every expert, weighted by a softmax.
        Dense = "dense",
        /// The expert that scores highest, with a capacity and a balance loss. Source: Switch.
        Switch = "switch",
        /// The two that score highest. Source: GShard.
        Top2 = "top2",
        /// An expert fixed by the token. Source: Hash layers.
        Hash = "hash",
        /// From all experts to one, as a temperature falls. Source: the paper.
        Dts = "dts",
    }
}

choice! {
    /// What an expert's output is multiplied with.
    #[derive(Serialize, Deserialize)]
    #[serde(rename_all = "snake_case")]
    pub enum Weighing {
        /// softmax(z), whatever the noise and the temperature: the paper's variant S.
        Clean = "clean",
        /// softmax((z + ζ)/τ): the paper's variant G.
        Tempered = "tempered",
    }
}

choice! {
    /// How the second of two experts is chosen in training.
    #[derive(Serialize, Deserialize)]
    #[serde(rename_all = "snake_case")]
    pub enum Runner {
        /// The highest of the others with Gumbel noise.
        Sampling = "sampling",
        /// The highest of the others.
        All = "all",
        /// The highest of the others, asked with probability 2·p at most.
        Random = "random",
    }
}

/// How a model routes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Routing {
    /// The arm.
    pub arm: Arm,
    /// What outputs are weighted by, of [`Arm::Dts`].
    pub weighing: Weighing,
    /// Whether scores get Gumbel noise in training, of [`Arm::Dts`].
    pub noise: bool,
    /// θ: experts whose weight is no greater are not asked, of [`Arm::Dts`].
    pub threshold: f32,
    /// τ and H, of [`Arm::Dts`].
    pub cooling: Cooling,
    /// c: an expert takes ⌊c·k·⌈N/E⌉⌋ rows of a batch; none: all. Of [`Arm::Switch`] and [`Arm::Top2`].
    pub capacity: Option<f64>,
    /// What the balance loss is multiplied with.
    pub balance: f64,
    /// How the second expert is chosen, of [`Arm::Top2`].
    pub second: Runner,
    /// The expert of each token, of [`Arm::Hash`]; else empty.
    pub table: Vec<u32>,
}

/// What a pass is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Look {
    /// Training, noise and all.
    Train,
    /// As in training, but without noise.
    AsTrained,
    /// The best expert of each token and no limit.
    Top1,
    /// The same, its output not weighted.
    Unit,
}

/// What experts' outputs are weighted by.
#[derive(Debug, Clone, PartialEq)]
pub enum Weights {
    /// softmax(z).
    Clean,
    /// softmax((z + s)·factor), s being zeros where it is empty.
    Tempered(Vec<f32>, f32),
    /// 1.
    One,
}

/// Where tokens go.
#[derive(Debug, Clone, PartialEq)]
pub struct Route {
    /// The rows of each expert, ascending.
    pub sent: Vec<Vec<u32>>,
    /// What their outputs are weighted by.
    pub weights: Weights,
    /// The balance loss, where there is one.
    pub balance: Option<Balance>,
}

/// A loss that is linear in probabilities.
#[derive(Debug, Clone, PartialEq)]
pub struct Balance {
    /// What each is multiplied with.
    pub slopes: Vec<f32>,
    /// Whether the probabilities are softmax(z), and not the weights.
    pub clean: bool,
}

impl Routing {
    /// Checks what depends on the number of experts.
    ///
    /// # Errors
    /// [`StageError::Input`] when no expert might be asked, or there are too few.
    pub fn check(&self, experts: usize) -> Result<(), StageError> {
        self.cooling.check()?;
        if self.arm == Arm::Dts && f64::from(self.threshold) * experts as f64 >= 1.0 {
            let message = format!(
                "expected a `threshold` below 1/{experts}, found {}: a token might ask no expert",
                self.threshold
            );
            return Err(StageError::Input(message));
        }
        if self.arm == Arm::Top2 && experts < 2 {
            return Err(StageError::Input(format!("expected two `experts` at least, found {experts}")));
        }
        Ok(())
    }

    /// Whether experts are chosen by a learned gate.
    pub fn is_gated(&self) -> bool {
        !matches!(self.arm, Arm::Ffn | Arm::Hash)
    }

    /// Where rows with logits `z` go.
    ///
    /// # Panics
    /// When `z` is not made of rows of `experts`, or `ids` has another count of rows.
    pub fn route(
        &self,
        z: &[f32],
        ids: &[u32],
        experts: usize,
        moment: Moment,
        look: Look,
        stream: Option<Stream>,
    ) -> Route {
        let rows = ids.len();
        assert_eq!(z.len(), rows * experts, "logits of {rows} rows");
        if self.arm == Arm::Hash {
            let mut sent = vec![Vec::new(); experts];
            for (row, id) in ids.iter().enumerate() {
                sent[self.table[*id as usize] as usize].push(row as u32);
            }
            return Route { sent, weights: Weights::One, balance: None };
        }
        if matches!(look, Look::Top1 | Look::Unit) {
            let weights = match (look, self.arm, self.weighing) {
                (Look::Unit, ..) => Weights::One,
                (_, Arm::Dts, Weighing::Tempered) => {
                    Weights::Tempered(Vec::new(), (1.0 / moment.temperature) as f32)
                }
                _ => Weights::Clean,
            };
            return Route { sent: lists(&highest(z, experts), experts), weights, balance: None };
        }
        let stream = stream.filter(|_| look == Look::Train);
        match self.arm {
            Arm::Switch => self.switch(z, experts),
            Arm::Top2 => self.top2(z, experts, stream),
            Arm::Dts => self.dts(z, experts, moment, stream.filter(|_| self.noise)),
            Arm::Dense | Arm::Ffn | Arm::Hash => {
                Route { sent: lists(&vec![true; z.len()], experts), weights: Weights::Clean, balance: None }
            }
        }
    }

    /// # Source
    /// The paper's gate, steps 2 to 6.
    fn dts(&self, z: &[f32], experts: usize, moment: Moment, noise: Option<Stream>) -> Route {
        let noise = noise.map_or(Vec::new(), |stream| gumbel(stream, z.len()));
        let p = tempered(z, &noise, moment.temperature, experts);
        // A softmax may round two scores to one weight: the hard phase looks at scores.
        let mask = if moment.hard {
            let scores: Vec<f32> = if noise.is_empty() {
                z.to_vec()
            } else {
                z.iter().zip(&noise).map(|(z, noise)| z + noise).collect()
            };
            highest(&scores, experts)
        } else {
            above(&p, self.threshold)
        };
        let slopes = || balance(&shares(&mask, experts), z.len() / experts, Some(&mask), self.balance);
        let balance = (self.balance > 0.0).then(|| Balance { slopes: slopes(), clean: false });
        let weights = match self.weighing {
            Weighing::Clean => Weights::Clean,
            Weighing::Tempered => Weights::Tempered(noise, (1.0 / moment.temperature) as f32),
        };
        Route { sent: lists(&mask, experts), weights, balance }
    }

    /// # Source
    /// Switch: one expert, weight p, earliest tokens first, E·Σ f·P with f before the capacity.
    fn switch(&self, z: &[f32], experts: usize) -> Route {
        let rows = z.len() / experts;
        let mut mask = highest(z, experts);
        let balance = self.first_choices(&mask, experts);
        if let Some(factor) = self.capacity {
            limit(&mut mask, &mut vec![0; experts], capacity(rows, experts, 1, factor));
        }
        Route { sent: lists(&mask, experts), weights: Weights::Clean, balance }
    }

    /// # Source
    /// GShard: two experts, second choices after all first ones, weights normalised over those that are kept.
    fn top2(&self, z: &[f32], experts: usize, stream: Option<Stream>) -> Route {
        let rows = z.len() / experts;
        let mut first = highest(z, experts);
        let balance = self.first_choices(&first, experts);
        let mut runner = self.runners(z, experts, stream);
        if let Some(factor) = self.capacity {
            let most = capacity(rows, experts, 2, factor);
            let mut taken = vec![0; experts];
            limit(&mut first, &mut taken, most);
            limit(&mut runner, &mut taken, most);
        }
        let mask: Vec<bool> = first.iter().zip(&runner).map(|(a, b)| *a || *b).collect();
        // The softmax over those that are kept: the others' logits are out of its reach.
        let shift = mask.iter().map(|kept| if *kept { 0.0 } else { -1e30 }).collect();
        Route { sent: lists(&mask, experts), weights: Weights::Tempered(shift, 1.0), balance }
    }

    /// E·Σ f·P, f from choices before any capacity and P the mean of softmax(z).
    fn first_choices(&self, mask: &[bool], experts: usize) -> Option<Balance> {
        let slopes = || balance(&shares(mask, experts), mask.len() / experts, None, self.balance);
        (self.balance > 0.0).then(|| Balance { slopes: slopes(), clean: true })
    }

    /// The second expert of each row.
    fn runners(&self, z: &[f32], experts: usize, stream: Option<Stream>) -> Vec<bool> {
        let noise = match (self.second, stream) {
            (Runner::Sampling, Some(stream)) => gumbel(stream, z.len()),
            _ => vec![0.0; z.len()],
        };
        let p = tempered(z, &[], 1.0, experts);
        let mut mask = vec![false; z.len()];
        for (row, z) in z.chunks_exact(experts).enumerate() {
            let at = row * experts;
            let noisy: Vec<f32> = z.iter().zip(&noise[at..]).map(|(z, noise)| z + noise).collect();
            let chosen = second(&noisy, argmax(z));
            let mut asked = true;
            if let (Runner::Random, Some(stream)) = (self.second, stream) {
                asked = stream.child(row as u64).chance((2.0 * f64::from(p[at + chosen])).min(1.0));
            }
            mask[at + chosen] = asked;
        }
        mask
    }
}

/// An expert for each token: drawn for each, or so that experts get as many tokens of `counts` as each other.
pub fn table(counts: &[u64], experts: usize, even: bool, stream: Stream) -> Vec<u32> {
    if !even {
        let draw = |id: usize| stream.child(id as u64).below(experts) as u32;
        return (0..counts.len()).map(draw).collect();
    }
    // The commonest first, each to the expert that has least; equals in random order.
    let mut order: Vec<usize> = stream.named("order").permutation(counts.len());
    order.sort_by_key(|id| std::cmp::Reverse(counts[*id]));
    let (mut table, mut load) = (vec![0; counts.len()], vec![(0_u64, 0_usize); experts]);
    for id in order {
        let least = (0..experts).min_by_key(|e| load[*e]).unwrap_or(0);
        table[id] = least as u32;
        load[least] = (load[least].0 + counts[id], load[least].1 + 1);
    }
    table
}

#[cfg(test)]
pub(super) mod tests;
