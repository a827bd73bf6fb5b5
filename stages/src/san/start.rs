//! How the released code's nets start.

use runpipe_base::choice;

use crate::kit::backend::{Backend, Result};
use crate::kit::params::{Params, save};
use crate::kit::rng::Stream;

choice! {
    /// How weights start.
    pub enum Start {
        /// Each layer by its sizes.
        Layers = "layers",
        /// Between −0.01 and 0.01, biases at 0, but those of an LSTM's forget gates at 1; words between −0.5 and 0.5. Source: the
        /// released code.
        Small = "small",
    }
}

/// Bounds of weights and of words.
const BOUNDS: [f64; 2] = [0.01, 0.5];

/// Gives every weight and bias a [`Start::Small`]; norms keep theirs.
///
/// # Errors
/// `StageError::Tensor` when the device refuses.
pub fn small<D: Backend>(params: &mut Params<D>, seed: u64) -> Result<()> {
    let names: Vec<(String, Vec<usize>)> =
        params.describe().map(|(name, _, sizes)| (name.to_owned(), sizes)).collect();
    let arrays: Vec<(&str, Vec<usize>, Vec<f32>)> = names
        .iter()
        .filter(|(name, _)| !name.contains(".norm."))
        .map(|(name, sizes)| (name.as_str(), sizes.clone(), numbers(name, sizes.iter().product(), seed)))
        .collect();
    let bytes = save(arrays)?;
    params.load_some(&bytes, |name| !name.contains(".norm."))?;
    Ok(())
}

fn numbers(name: &str, count: usize, seed: u64) -> Vec<f32> {
    if name.ends_with("lstm.bias") {
        // A quarter a gate: input, forget, candidate, output.
        return (0..count).map(|i| if i * 4 / count == 1 { 1.0 } else { 0.0 }).collect();
    }
    if name.ends_with("bias") {
        return vec![0.0; count];
    }
    let bound = BOUNDS[usize::from(name.ends_with("word.weight"))];
    let mut stream = Stream::new(seed, "start").named(name);
    (0..count).map(|_| ((2.0 * stream.uniform() - 1.0) * bound) as f32).collect()
}

#[cfg(test)]
mod tests;
