//! `san.split`: holds pictures out, with all their questions.

use runpipe_base::{Ctx, Inputs, Kind, Output, Port, Spec, Stage, StageError, View, params};

use super::PAPER;
use super::questions::KIND;
use super::sets::held_out;
use super::source::Source;
use super::world::{FILE, World};
use crate::code;

/// The kind of questions parted by their pictures.
pub const SPLIT: &str = "questions/split";

/// That both parts are there.
pub(super) fn parts(view: &View<'_>) -> Result<(), StageError> {
    ["kept", "held"].iter().try_for_each(|name| match view.part(name) {
        Some(part) => Source::read(&part).map(drop),
        None => Err(StageError::Input(format!("expected a part `{name}`"))),
    })
}

params! {
    /// Parameters of [`Split`].
    pub struct SplitParams {
        /// The share of the pictures that are held out.
        share: f64 = 0.1, in 0.01..=0.99;
        /// Of a world, whose questions have no end, so many are drawn apart.
        count: u64 = 1000, in 1..=1_000_000, unit "questions";
        /// Which.
        seed: u64 = 0;
    }
}

/// `san.split`: holds pictures out, with all their questions.
pub struct Split;

impl Stage for Split {
    type Params = SplitParams;

    fn spec(&self) -> Spec {
        Spec::new("san.split", code::SAN, SPLIT, "Holds pictures out, with all their questions.")
            .input(Port::one("questions", KIND, "the questions"))
            .part("kept", KIND, "questions about the pictures kept")
            .part("held", KIND, "questions about the pictures held out")
            .metric("kept_questions", "questions about the pictures kept, if they end")
            .metric("held_questions", "questions about the pictures held out")
            .paper(&PAPER)
    }

    fn run(&self, p: &SplitParams, inputs: &Inputs<'_>, cx: &mut Ctx<'_>) -> Result<Output, StageError> {
        let set = match Source::read(&inputs.one("questions")?)? {
            Source::Held(set) => set,
            Source::Drawn(world) => {
                let apart = World::new(world.laws.clone(), &format!("{}/held", world.split))?;
                cx.metric("held_questions", p.count as f64);
                return Ok(Output::new(Kind::of(SPLIT))
                    .part("kept", Output::new(Kind::of(KIND)).file(FILE, world.text()?))
                    .part("held", apart.draw(0..p.count).write()?));
            }
        };
        let pictures = set.scenes.len();
        if pictures < 2 {
            return Err(StageError::Input(format!("expected two pictures or more, found {pictures}")));
        }
        let held = held_out(&(0..pictures as u64).collect::<Vec<_>>(), p.share, p.seed);
        let [kept, held] = [false, true].map(|which| set.chosen(|picture| held[picture] == which));
        cx.metric("kept_questions", kept.questions.len() as f64);
        cx.metric("held_questions", held.questions.len() as f64);
        Ok(Output::new(Kind::of(SPLIT)).part("kept", kept.write()?).part("held", held.write()?))
    }
}

#[cfg(test)]
mod tests;
