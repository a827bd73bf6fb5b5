//! `data.take`: a few of many tagged sentences.

use runpipe_base::{Ctx, Inputs, Output, Port, Spec, Stage, StageError, choice, params};

use super::tagged::Tagged;
use crate::code;
use crate::kit::rng::Stream;

choice! {
    /// What happens where there are fewer sentences than are asked for.
    pub enum Fewer {
        /// It is a mistake.
        Reject = "reject",
        /// All there are, in the same order.
        All = "all",
    }
}

params! {
    /// Parameters of [`Take`].
    pub struct TakeParams {
        /// How many sentences.
        n: usize, in 1.., unit "sentences";
        /// What happens where there are fewer.
        fewer: Fewer = Fewer::Reject;
        /// Which: the first `n` of one shuffled order a seed, so that a smaller choice is part of a larger one.
        seed: u64 = 0;
    }
}

/// `data.take`: chooses sentences at random.
pub struct Take;

impl Stage for Take {
    type Params = TakeParams;

    fn spec(&self) -> Spec {
        Spec::new("data.take", code::DATA, "tagged", "Chooses a number of tagged sentences at random.")
            .input(Port::one("sentences", "tagged", "sentences to choose from"))
            .metric("sentences", "sentences chosen")
            .metric("words", "words in them")
    }

    fn run(&self, p: &TakeParams, inputs: &Inputs<'_>, cx: &mut Ctx<'_>) -> Result<Output, StageError> {
        let mut tagged = Tagged::read(&inputs.one("sentences")?)?;
        let all = tagged.sentences.len();
        if p.n > all && p.fewer == Fewer::Reject {
            return Err(StageError::Input(format!(
                "expected at least {} sentences to take, found {all}",
                p.n
            )));
        }
        let order = Stream::new(p.seed, "data.take").permutation(all);
        let n = p.n.min(all);
        tagged.sentences = order[..n].iter().map(|&i| tagged.sentences[i].clone()).collect();
        cx.metric("sentences", n as f64);
        cx.metric("words", tagged.words() as f64);
        Ok(tagged.write())
    }
}

#[cfg(test)]
mod tests;
