//! How good structures would be: recalibrated norms and the share of pictures that are classified rightly.
//!
//! Evaluating candidates is the cost of a search, so nothing is done twice. Pictures are made into numbers once. Those
//! by which norms are calibrated and those that are judged go through a net together. And the maps of a block depend
//! only on the widths of the wires up to it, so candidates that agree on the first blocks share their maps: the
//! candidates of a generation, offspring of a few parents, are a tree that is walked once.

use super::forward::{Chosen, Layers, Norms, block_forward, classify};
use super::net::{Gene, Net};
use crate::data::augment::{Scale, plain};
use crate::data::pictures::Pictures;
use crate::kit::backend::{Backend, Images, Result};
use crate::kit::params::{Params, Pass};
use crate::kit::tally::argmax;

/// Pictures by which candidates are scored.
#[derive(Debug, Clone)]
pub struct Exam<D: Backend> {
    images: Images<D>,
    /// How many of them, the first, are there to calibrate norms.
    calibration: usize,
    /// The classes of the others.
    labels: Vec<u32>,
}

impl<D: Backend> Exam<D> {
    /// Some pictures of one set, evenly spread over it, to calibrate norms, and all of another to be judged.
    ///
    /// # Errors
    /// `StageError::Tensor` when the device refuses.
    pub fn new(
        device: &D,
        calibration: &Pictures,
        count: usize,
        judged: &Pictures,
        scale: &Scale,
    ) -> Result<Self> {
        let some = calibration.spread(count);
        let mut numbers = plain(&some, scale)?;
        numbers.extend(plain(judged, scale)?);
        let [channels, height, width] = judged.size;
        let shape = (some.len() + judged.len(), channels, height, width);
        let images = device.tensor_of(numbers, shape)?;
        Ok(Self { images, calibration: some.len(), labels: judged.labels.clone() })
    }

    /// The share of judged pictures, in percent, whose largest logit is their class's.
    fn accuracy(&self, logits: &[f32], classes: usize) -> f64 {
        let judged = logits.chunks_exact(classes).skip(self.calibration);
        let right = judged.zip(&self.labels).filter(|(row, label)| argmax(row) == **label as usize).count();
        100.0 * right as f64 / self.labels.len().max(1) as f64
    }
}

/// The accuracy of each gene's net in percent, its norms calibrated first; in the order of the genes.
///
/// # Errors
/// `StageError::Tensor` when the device refuses.
pub fn scores<D: Backend>(
    params: &Params<D>,
    net: &Net,
    layers: &impl Layers<D>,
    genes: &[Gene],
    exam: &Exam<D>,
) -> Result<Vec<f64>> {
    let candidates: Vec<(usize, Chosen)> =
        genes.iter().enumerate().map(|(i, gene)| (i, Chosen::of(net, gene))).collect();
    let tree = Tree { params, net, layers, exam };
    let mut found = tree.walk(0, 0, &exam.images, candidates)?;
    found.sort_by_key(|(i, _)| *i);
    Ok(found.into_iter().map(|(_, score)| score).collect())
}

/// Candidates that share the maps of their first blocks.
struct Tree<'a, D: Backend, L> {
    params: &'a Params<D>,
    net: &'a Net,
    layers: &'a L,
    exam: &'a Exam<D>,
}

impl<D: Backend, L: Layers<D>> Tree<'_, D, L> {
    /// The scores of candidates whose maps before `block` are `x`.
    fn walk(
        &self,
        block: usize,
        conv: usize,
        x: &Images<D>,
        mut candidates: Vec<(usize, Chosen)>,
    ) -> Result<Vec<(usize, f64)>> {
        let pass = Pass::eval(self.params);
        let Some(layer) = self.net.blocks.get(block) else {
            let logits = classify(&pass, self.layers, x.clone())?;
            let score = self.exam.accuracy(&D::view(&logits), self.net.classes);
            return Ok(candidates.into_iter().map(|(i, _)| (i, score)).collect());
        };
        let wires: Vec<usize> = layer
            .all()
            .flat_map(|conv| conv.seen.iter().chain([&conv.input, &conv.output]))
            .copied()
            .collect();
        let key = |chosen: &Chosen| wires.iter().map(|wire| chosen.places[*wire]).collect::<Vec<u8>>();
        candidates.sort_by_cached_key(|(i, chosen)| (key(chosen), *i));
        let mut groups: Vec<Vec<(usize, Chosen)>> = Vec::new();
        for candidate in candidates {
            match groups.last_mut().filter(|group| key(&group[0].1) == key(&candidate.1)) {
                Some(group) => group.push(candidate),
                None => groups.push(vec![candidate]),
            }
        }
        let mut found = Vec::new();
        for group in groups {
            let mut norms = Norms::First { images: self.exam.calibration, found: Vec::new() };
            let y = block_forward(&pass, layer, conv, self.layers, &group[0].1, x.clone(), &mut norms)?;
            found.extend(self.walk(block + 1, conv + layer.all().count(), &y, group)?);
        }
        Ok(found)
    }
}

#[cfg(test)]
mod tests;
