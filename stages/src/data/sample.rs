//! `data.sample`: a few of many labelled sentences.

use runpipe_base::{Ctx, Inputs, Output, Port, Spec, Stage, StageError, params};

use super::labelled::Labelled;
use crate::code;
use crate::kit::rng::Stream;

params! {
    /// Parameters of [`Sample`].
    pub struct SampleParams {
        /// How many examples; none: as `share` says.
        n: Option<usize> = None, in 1.., unit "examples";
        /// Share of the examples, rounded; 1: all of them.
        share: f64 = 1.0, in 0.0..=1.0;
        /// Which: the first of one shuffled order a seed, so that a smaller choice is part of a larger one.
        seed: u64 = 0;
    }
}

/// `data.sample`: chooses labelled sentences at random.
pub struct Sample;

impl Stage for Sample {
    type Params = SampleParams;

    fn spec(&self) -> Spec {
        Spec::new(
            "data.sample",
            code::DATA,
            "labelled",
            "Chooses a number or a share of labelled sentences at random, without replacement.",
        )
        .input(Port::one("examples", "labelled", "examples to choose from"))
        .metric("examples", "examples chosen")
        .metric("classes", "classes among them")
    }

    fn run(&self, p: &SampleParams, inputs: &Inputs<'_>, cx: &mut Ctx<'_>) -> Result<Output, StageError> {
        let mut labelled = Labelled::read(&inputs.one("examples")?)?;
        let all = labelled.examples.len();
        let n = p.n.unwrap_or_else(|| ((p.share * all as f64).round() as usize).max(1));
        if n > all {
            return Err(StageError::Input(format!(
                "expected at least {n} examples to choose from, found {all}"
            )));
        }
        let order = Stream::new(p.seed, "data.sample").permutation(all);
        labelled.examples = order[..n].iter().map(|i| labelled.examples[*i].clone()).collect();
        let mut classes: Vec<usize> = labelled.examples.iter().map(|example| example.class).collect();
        classes.sort_unstable();
        classes.dedup();
        cx.metric("examples", n as f64);
        cx.metric("classes", classes.len() as f64);
        Ok(labelled.write())
    }
}

#[cfg(test)]
mod tests;
