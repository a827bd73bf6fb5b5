//! `data.split`: parts labelled pictures in two, each class alike.

use runpipe_base::{Ctx, Inputs, Kind, Output, Port, Spec, Stage, StageError, params};

use super::pictures::{KIND, Pictures};
use crate::code;
use crate::kit::rng::Stream;

params! {
    /// Parameters of [`Split`].
    pub struct SplitParams {
        /// How many pictures are held out, as evenly from the classes as can be.
        held: usize, in 1.., unit "pictures";
        /// How many of the others are kept; none: all.
        kept: Option<usize> = None, in 1.., unit "pictures";
        /// For sets of any size: of all, at most this share is held out, and of the others as many are kept as there are;
        /// none: fewer than are asked for are a mistake.
        share: Option<f64> = None, in 0.0..=1.0;
        /// Which: the first of one shuffled order a class and seed.
        seed: u64 = 0;
    }
}

/// `data.split`: holds labelled pictures out, as many of each class.
pub struct Split;

impl Stage for Split {
    type Params = SplitParams;

    fn spec(&self) -> Spec {
        Spec::new(
            "data.split",
            code::DATA,
            "images/split",
            "Parts labelled pictures into those kept and those held out, each class alike.",
        )
        .input(Port::one("images", KIND, "the pictures"))
        .part("kept", KIND, "pictures kept")
        .part("held", KIND, "pictures held out")
        .metric("kept_images", "pictures kept")
        .metric("held_images", "pictures held out")
    }

    fn run(&self, p: &SplitParams, inputs: &Inputs<'_>, cx: &mut Ctx<'_>) -> Result<Output, StageError> {
        let pictures = Pictures::read(&inputs.one("images")?)?;
        let held = held(&pictures, p);
        let asked = held + if p.share.is_none() { p.kept.unwrap_or(1) } else { 1 };
        if asked > pictures.len() {
            let message = format!("expected at least {asked} pictures, found {}", pictures.len());
            return Err(StageError::Input(message));
        }
        let (held, kept) = parted(&pictures, held, p);
        cx.metric("kept_images", kept.len() as f64);
        cx.metric("held_images", held.len() as f64);
        Ok(Output::new(Kind::of("images/split"))
            .part("kept", pictures.chosen(&kept).write())
            .part("held", pictures.chosen(&held).write()))
    }
}

/// How many pictures are held out, one at least.
fn held(pictures: &Pictures, p: &SplitParams) -> usize {
    p.share.map_or(p.held, |share| p.held.min((share * pictures.len() as f64) as usize).max(1))
}

/// The places of the pictures held out and of those kept, each in order.
fn parted(pictures: &Pictures, held: usize, p: &SplitParams) -> (Vec<usize>, Vec<usize>) {
    let stream = Stream::new(p.seed, "split");
    // Class by class in shuffled order, then the first of every class, the second of every class, …: any first part
    // of that list holds as many of each class, as far as there are.
    let mut turns = Vec::new();
    for class in 0..pictures.classes.len() {
        let mut places: Vec<usize> =
            (0..pictures.len()).filter(|i| pictures.labels[*i] as usize == class).collect();
        stream.child(class as u64).shuffle(&mut places);
        turns.extend(places.into_iter().enumerate().map(|(turn, place)| (turn, class, place)));
    }
    turns.sort_unstable();
    let mut places = turns.into_iter().map(|(_, _, place)| place);
    let mut held: Vec<usize> = places.by_ref().take(held).collect();
    let mut kept: Vec<usize> = places.take(p.kept.unwrap_or(usize::MAX)).collect();
    held.sort_unstable();
    kept.sort_unstable();
    (held, kept)
}

#[cfg(test)]
mod tests;
