//! `san.world`: the stage that makes a world.

use runpipe_base::{Ctx, Inputs, Kind, Output, ParamSpec, Params, Record, Spec, Stage, StageError, params};

use super::{FILE, Laws, World};
use crate::code;
use crate::san::PAPER;
use crate::san::questions::{DATASET, KIND, dataset};

params! {
    /// Parameters of [`MakeWorld`], but the laws.
    pub struct Splits {
        /// Questions to judge by. Those to learn from are drawn when they are wanted, each a new one.
        test: u64 = 2000, in 1..=1_000_000, unit "questions";
    }
}

/// Parameters of [`MakeWorld`].
#[derive(Debug, Clone, PartialEq)]
pub struct WorldParams {
    laws: Laws,
    splits: Splits,
}

impl Params for WorldParams {
    fn schema() -> Vec<ParamSpec> {
        [Splits::schema(), Laws::schema()].concat()
    }

    fn from_filled(record: &Record) -> Option<Self> {
        Some(Self { laws: Laws::from_filled(record)?, splits: Splits::from_filled(record)? })
    }
}

/// `san.world`: generates questions about painted things that take one step or two.
pub struct MakeWorld;

impl Stage for MakeWorld {
    type Params = WorldParams;

    fn spec(&self) -> Spec {
        Spec::new(
            "san.world",
            code::SAN,
            DATASET,
            "Generates questions about painted things on a grid: half of them take two steps, by construction.",
        )
        .part("train", KIND, "questions to learn from, endless")
        .part("test", KIND, "questions to judge by")
        .paper(&PAPER)
    }

    fn run(&self, p: &WorldParams, _: &Inputs<'_>, _: &mut Ctx<'_>) -> Result<Output, StageError> {
        let train = World::new(p.laws.clone(), "train")?;
        let test = World::new(p.laws.clone(), "test")?.draw(0..p.splits.test);
        Ok(dataset(Output::new(Kind::of(KIND)).file(FILE, train.text()?), test.write()?))
    }
}
