//! Folding norms and branches into convolutions, exactly; and `repghost.fuse`, which does it to a trained net.
//!
//! A norm in evaluation is z ↦ t·z + s with t = γ / √(σ² + ε) and s = β − t·μ, so that behind a convolution it becomes
//! part of its weights: W' = t·W, b' = s. The norm of a RepGhost module's branch is a filter of one tap, t in the middle, and
//! adds to the convolution beside it: K' = t_d·K + t_f at the centre, b' = s_d + s_f. Both hold at borders too, as norms
//! come after the sum over the padded window.

use runpipe_base::{Ctx, Inputs, Output, Port, Spec, Stage, StageError, choice, params};

use super::PAPER;
use super::design::{Design, Family};
use super::module::Form;
use super::trained::{self, Saved};
use crate::code;
use crate::kit::params::Arrays;

/// ε of all norms.
const EPSILON: f64 = 1e-5;

/// A norm as a line: t and s of each channel.
struct Line(Vec<(f64, f64)>);

/// Takes the norm below `prefix` out of `arrays`.
fn norm(arrays: &mut Arrays, prefix: &str) -> Result<Line, StageError> {
    let mut take = |name: &str| {
        let name = format!("{prefix}.{name}");
        let missing = || StageError::Input(format!("the weights lack `{name}`"));
        arrays.remove(&name).map(|(_, numbers)| numbers).ok_or_else(missing)
    };
    let (gain, shift) = (take("weight")?, take("bias")?);
    let (mean, variance) = (take("running_mean")?, take("running_var")?);
    let line = |i: usize| {
        let [gain, shift, mean, variance] = [gain[i], shift[i], mean[i], variance[i]].map(f64::from);
        let t = gain / (variance + EPSILON).sqrt();
        (t, shift - t * mean)
    };
    let length = [&gain, &shift, &mean, &variance].iter().map(|n| n.len()).min().unwrap_or_default();
    Ok(Line((0..length).map(line).collect()))
}

/// Folds norms and branches of a net's weights, by their names; those that are folded already stay as they are.
///
/// [`Form::Deployed`] fuses RepGhost's modules, [`Form::Folded`] every norm as well. Coefficients are computed in 64 bits.
///
/// # Errors
/// [`StageError::Input`] when the weights are not those of such a net.
///
/// # Source
/// RepGhost, section 3.3; the authors' conversion for [`Form::Deployed`].
pub fn fuse(design: &Design, mut arrays: Arrays, form: Form) -> Result<Arrays, StageError> {
    let (family, branch) = (design.family()?, design.branch()?);
    let prefixes: Vec<String> =
        arrays.keys().filter_map(|name| name.strip_suffix(".conv.weight")).map(str::to_owned).collect();
    for prefix in prefixes {
        let cheap = prefix.strip_suffix(".cheap");
        let fusion = cheap.map(|module| format!("{module}.fusion"));
        let fusion = fusion.filter(|fusion| arrays.contains_key(&format!("{fusion}.weight")));
        // What is put beside a Ghost module's input is no branch.
        let identity = branch.plain() && cheap.is_some() && family == Family::RepGhost;
        if form == Form::Trained || (form == Form::Deployed && fusion.is_none() && !identity) {
            continue;
        }
        let mut line = norm(&mut arrays, &format!("{prefix}.norm"))?;
        let weight = format!("{prefix}.conv.weight");
        let (sizes, numbers) = arrays.remove(&weight).expect("its name was found");
        if sizes.len() != 4 || sizes[0] != line.0.len() || sizes.contains(&0) {
            return Err(StageError::Input(format!(
                "`{weight}` has sizes {sizes:?}, its norm {}",
                line.0.len()
            )));
        }
        let taps = sizes[2] * sizes[3];
        let mut filters: Vec<f64> = numbers.iter().map(|w| f64::from(*w)).collect();
        let length = filters.len() / sizes[0];
        for (filter, (t, _)) in filters.chunks_exact_mut(length).zip(&line.0) {
            filter.iter_mut().for_each(|w| *w *= t);
        }
        if let Some(fusion) = fusion {
            let branch = norm(&mut arrays, &fusion)?;
            let all = filters.chunks_exact_mut(length).zip(&mut line.0).zip(branch.0);
            for ((filter, (_, s)), (t_f, s_f)) in all {
                filter[taps / 2] += t_f;
                *s += s_f;
            }
        }
        if identity {
            filters.chunks_exact_mut(length).for_each(|filter| filter[taps / 2] += 1.0);
        }
        let biases = line.0.iter().map(|(_, s)| *s as f32).collect();
        arrays.insert(format!("{prefix}.bias"), (vec![sizes[0]], biases));
        arrays.insert(format!("{prefix}.weight"), (sizes, filters.iter().map(|w| *w as f32).collect()));
    }
    Ok(arrays)
}

choice! {
    /// How much is folded.
    pub enum Fold {
        /// RepGhost's modules, as the authors do; other norms stay.
        Modules = "modules",
        /// Every norm.
        All = "all",
    }
}

params! {
    /// Parameters of [`Fuse`].
    pub struct FuseParams {
        /// How much is folded.
        fold: Fold = Fold::All;
    }
}

/// `repghost.fuse`: folds norms and branches of a trained net.
pub struct Fuse;

impl Stage for Fuse {
    type Params = FuseParams;

    fn spec(&self) -> Spec {
        Spec::new(
            "repghost.fuse",
            code::REPGHOST,
            trained::KIND,
            "Folds a trained net's norms and branches into its convolutions: as many classes, fewer layers.",
        )
        .input(Port::one("net", trained::KIND, "the trained net"))
        .metric("params", "numbers before")
        .metric("params_fused", "numbers after")
        .paper(&PAPER)
    }

    fn run(&self, p: &FuseParams, inputs: &Inputs<'_>, cx: &mut Ctx<'_>) -> Result<Output, StageError> {
        let saved = Saved::read(&inputs.one("net")?)?;
        let form = match p.fold {
            Fold::Modules => Form::Deployed,
            Fold::All => Form::Folded,
        };
        cx.metric("params", saved.params() as f64);
        let fused = saved.fused(form)?;
        cx.metric("params_fused", fused.params() as f64);
        fused.write()
    }
}

#[cfg(test)]
mod tests;
