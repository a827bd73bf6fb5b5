//! `dtsgate.spawn`: experts from the feed-forward blocks of a model that has none.

use runpipe_base::{Ctx, Inputs, Output, Port, Spec, Stage, StageError, choice, params};

use super::PAPER;
use super::model::Sizes;
use super::route::Arm;
use super::trained::{self, About, Trained};
use crate::code;
use crate::kit::params::{Arrays, load, save};
use crate::kit::rng::Stream;

choice! {
    /// How experts are made unlike each other.
    pub enum Diversity {
        /// They are not.
        Copy = "copy",
        /// A share of each weight's numbers is drawn anew. Source: the paper, as far as it is known.
        Mask = "mask",
        /// Noise is added to all of them.
        Noise = "noise",
    }
}

params! {
    /// Parameters of [`Spawn`].
    pub struct SpawnParams {
        /// Experts that each block becomes.
        experts: usize = 8, in 1..=1024;
        /// One layer in so many gets them, the last of each run.
        every: usize = 2, in 1..=96;
        /// How they are made unlike each other; the first stays as it is.
        diversity: Diversity = Diversity::Mask;
        /// Share of a weight's numbers that is drawn anew, of `mask`.
        share: f64 = 0.2, in 0.0..=1.0;
        /// Size of what is drawn, beside that of a fresh weight; 0: zeros, of `mask`.
        scale: f64 = 0.1, in 0.0..=10.0;
        /// Gates start from it, and what is drawn.
        seed: u64 = 0;
    }
}

/// `dtsgate.spawn`: makes experts of feed-forward blocks.
pub struct Spawn;

impl Stage for Spawn {
    type Params = SpawnParams;

    fn spec(&self) -> Spec {
        Spec::new(
            "dtsgate.spawn",
            code::DTSGATE,
            trained::KIND,
            "Makes experts of the feed-forward blocks of a model that has none, unlike each other, behind fresh gates.",
        )
        .input(Port::one("model", trained::KIND, "a model without experts"))
        .metric("weights", "numbers that are trained")
        .metric("changed", "numbers of the new experts' weights that are not the block's, in percent")
        .paper(&PAPER)
    }

    fn run(&self, p: &SpawnParams, inputs: &Inputs<'_>, cx: &mut Ctx<'_>) -> Result<Output, StageError> {
        let view = inputs.one("model")?;
        let trained = Trained::read(&view)?;
        if trained.about.sizes.experts > 0 {
            return Err(StageError::Input("expected a model without experts".into()));
        }
        let sizes = Sizes { experts: p.experts, every: p.every, ..trained.about.sizes.clone() };
        sizes.check()?;
        let (arrays, changed) = spawn(p, &sizes, load(&Trained::weights(&view)?)?)?;
        cx.metric("weights", arrays.values().map(|(_, numbers)| numbers.len()).sum::<usize>() as f64);
        cx.metric("changed", changed);
        let weights =
            save(arrays.iter().map(|(name, (sizes, x))| (name.as_str(), sizes.clone(), x.clone())))?;
        // Its gates know nothing yet: until it is trained it is a mixture in which every token asks all.
        let mut routing = trained.about.routing.clone();
        routing.arm = Arm::Dense;
        let about = About { sizes, routing, clock: 0, ..trained.about };
        Trained { about, curve: trained.curve }.write(weights)
    }
}

/// The arrays of a model with experts, and how much of their weights is not the block's, in percent.
fn spawn(p: &SpawnParams, sizes: &Sizes, mut arrays: Arrays) -> Result<(Arrays, f64), StageError> {
    let bound = 1.0 / (sizes.width as f64).sqrt();
    let stream = Stream::new(p.seed, "dtsgate.spawn");
    let (mut changed, mut all) = (0, 0);
    for layer in (0..sizes.layers).filter(|i| sizes.is_sparse(*i)) {
        let gate = format!("layer.{layer}.gate.weight");
        let mut draws = stream.named(&gate);
        let numbers = (0..sizes.experts * sizes.width).map(|_| uniform(&mut draws, bound) as f32);
        let numbers = numbers.collect();
        arrays.insert(gate, (vec![sizes.experts, sizes.width], numbers));
        for part in ["up.weight", "up.bias", "down.weight", "down.bias"] {
            let name = format!("layer.{layer}.{part}");
            let block = arrays
                .remove(&name)
                .ok_or_else(|| StageError::Input(format!("the weights lack `{name}`")))?;
            for e in 0..sizes.experts {
                let name = format!("layer.{layer}.expert.{e}.{part}");
                let (shape, mut numbers) = block.clone();
                if e > 0 && part.ends_with("weight") {
                    vary(p, &mut numbers, bound, stream.named(&name));
                    changed += numbers
                        .iter()
                        .zip(&block.1)
                        .filter(|(new, old)| new.to_bits() != old.to_bits())
                        .count();
                    all += numbers.len();
                }
                arrays.insert(name, (shape, numbers));
            }
        }
    }
    Ok((arrays, 100.0 * changed as f64 / all.max(1) as f64))
}

/// Makes a weight unlike what it was; a fresh one is uniform within `bound`.
fn vary(p: &SpawnParams, numbers: &mut [f32], bound: f64, mut stream: Stream) {
    for x in numbers {
        match p.diversity {
            Diversity::Copy => {}
            Diversity::Mask => {
                if stream.chance(p.share) {
                    *x = (p.scale * uniform(&mut stream, bound)) as f32;
                }
            }
            Diversity::Noise => *x += (p.scale * uniform(&mut stream, bound)) as f32,
        }
    }
}

fn uniform(stream: &mut Stream, bound: f64) -> f64 {
    (2.0 * stream.uniform() - 1.0) * bound
}

#[cfg(test)]
mod tests;
