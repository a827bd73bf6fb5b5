//! Where gates send a text: counts by layer, domain and expert.

use runpipe_base::{Ctx, StageError};

use super::model::Load;

/// Counts of tokens by the expert that each asks first.
#[derive(Debug, Clone, PartialEq)]
pub struct Traffic {
    /// For each layer and domain, the tokens of each expert.
    counts: Vec<Vec<Vec<u64>>>,
    /// For each layer, the sum of entropies of softmax(z).
    entropy: Vec<f64>,
    /// For each domain, tokens and the sum of their losses.
    losses: Vec<(usize, f64)>,
    names: Vec<String>,
    experts: usize,
}

impl Traffic {
    /// Nothing seen yet.
    pub fn new(layers: usize, experts: usize, domains: &[String]) -> Self {
        Self {
            counts: vec![vec![vec![0; experts]; domains.len()]; layers],
            entropy: vec![0.0; layers],
            losses: vec![(0, 0.0); domains.len()],
            names: domains.to_vec(),
            experts,
        }
    }

    /// Takes in tokens: their domains, their losses, and the experts that each layer sends them to.
    pub fn see(&mut self, domains: &[usize], losses: &[f64], loads: &[Load]) {
        for (domain, loss) in domains.iter().zip(losses) {
            self.losses[*domain].0 += 1;
            self.losses[*domain].1 += loss;
        }
        for ((counts, entropy), load) in self.counts.iter_mut().zip(&mut self.entropy).zip(loads) {
            for (e, rows) in load.sent.iter().enumerate() {
                rows.iter().for_each(|row| counts[domains[*row as usize]][e] += 1);
            }
            *entropy += load.p.iter().map(|p| plogp(f64::from(*p))).sum::<f64>();
        }
    }

    /// Tokens seen.
    pub fn tokens(&self) -> usize {
        self.losses.iter().map(|(count, _)| count).sum()
    }

    /// Their mean loss.
    pub fn loss(&self) -> f64 {
        self.losses.iter().map(|(_, sum)| sum).sum::<f64>() / self.tokens().max(1) as f64
    }

    /// The share of each expert of a layer.
    fn shares(&self, layer: usize) -> Vec<f64> {
        let all = |e: usize| self.counts[layer].iter().map(|counts| counts[e]).sum::<u64>() as f64;
        (0..self.experts).map(|e| all(e) / self.tokens().max(1) as f64).collect()
    }

    /// Mutual information of domain and expert in a layer, in nats.
    fn told(&self, layer: usize) -> f64 {
        let total = self.tokens().max(1) as f64;
        let shares = self.shares(layer);
        let mut told = 0.0;
        for counts in &self.counts[layer] {
            let domain = counts.iter().sum::<u64>() as f64 / total;
            for (count, share) in counts.iter().zip(&shares).filter(|(count, _)| **count > 0) {
                let joint = *count as f64 / total;
                told += joint * libm::log(joint / (domain * share));
            }
        }
        told
    }

    /// Reports what is told of all layers; as if there was one expert where there are none.
    pub fn report(&self, cx: &mut Ctx<'_>) {
        let layers: Vec<Vec<f64>> = (0..self.counts.len()).map(|layer| self.shares(layer)).collect();
        let worst = |of: &dyn Fn(&[f64]) -> f64| layers.iter().map(|shares| of(shares)).fold(0.0, f64::max);
        let mean = |of: &dyn Fn(&[f64]) -> f64, without: f64| {
            if layers.is_empty() {
                return without;
            }
            layers.iter().map(|shares| of(shares)).sum::<f64>() / layers.len() as f64
        };
        let unused =
            |shares: &[f64]| shares.iter().filter(|s| **s <= 0.0).count() as f64 / shares.len() as f64;
        let load = |shares: &[f64]| shares.len() as f64 * shares.iter().copied().fold(0.0, f64::max);
        cx.metric("unused", 100.0 * worst(&unused));
        cx.metric("load", if layers.is_empty() { 1.0 } else { worst(&load) });
        cx.metric("top", 100.0 * mean(&|shares| fifth(shares, true), 1.0));
        cx.metric("bottom", 100.0 * mean(&|shares| fifth(shares, false), 1.0));
        let count = layers.len().max(1) as f64;
        cx.metric("entropy", self.entropy.iter().sum::<f64>() / (count * self.tokens().max(1) as f64));
        cx.metric("told", (0..layers.len()).map(|layer| self.told(layer)).sum::<f64>() / count);
    }

    /// A row for each layer and expert: its share of all tokens, and of each domain's.
    ///
    /// # Errors
    /// [`StageError::Other`] when the format refuses.
    pub fn routing(&self) -> Result<Vec<u8>, StageError> {
        let head = ["layer", "expert", "share"].map(str::to_owned).into_iter();
        let mut rows = vec![head.chain(self.names.iter().cloned()).collect::<Vec<String>>()];
        for (layer, domains) in self.counts.iter().enumerate() {
            for (e, share) in self.shares(layer).into_iter().enumerate() {
                let mut row = vec![(layer + 1).to_string(), e.to_string(), format!("{share:.6}")];
                row.extend(domains.iter().map(|counts| {
                    let all = counts.iter().sum::<u64>().max(1);
                    format!("{:.6}", counts[e] as f64 / all as f64)
                }));
                rows.push(row);
            }
        }
        csv(rows)
    }

    /// A row for each domain: its tokens and their mean loss.
    ///
    /// # Errors
    /// [`StageError::Other`] when the format refuses.
    pub fn domains(&self) -> Result<Vec<u8>, StageError> {
        let mut rows = vec![["domain", "tokens", "loss"].map(str::to_owned).to_vec()];
        for (name, (tokens, sum)) in self.names.iter().zip(&self.losses).filter(|(_, (n, _))| *n > 0) {
            rows.push(vec![name.clone(), tokens.to_string(), format!("{:.6}", sum / *tokens as f64)]);
        }
        csv(rows)
    }
}

/// −p·ln p.
fn plogp(p: f64) -> f64 {
    if p > 0.0 { -p * libm::log(p) } else { 0.0 }
}

/// What the most or least asked fifth of experts has, at least one of them.
fn fifth(shares: &[f64], most: bool) -> f64 {
    let mut sorted = shares.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    if most {
        sorted.reverse();
    }
    sorted.iter().take((shares.len() / 5).max(1)).sum()
}

fn csv(rows: Vec<Vec<String>>) -> Result<Vec<u8>, StageError> {
    let mut csv = csv::Writer::from_writer(Vec::new());
    for row in rows {
        csv.write_record(row).map_err(|e| StageError::Other(e.to_string()))?;
    }
    csv.into_inner().map_err(|e| StageError::Other(e.to_string()))
}

#[cfg(test)]
mod tests;
