//! `metapruning.space`: a family of nets for pictures of a certain size: what a structure is chosen from.

use runpipe_base::{
    Ctx, FromRecord as _, Inputs, Kind, Output, Port, Spec, Stage, StageError, Value, View, params,
};
use serde::{Deserialize, Serialize};

use super::PAPER;
use super::cost::{cost, generator_params};
use super::net::{Family, Net};
use crate::code;
pub(super) use crate::data::json::{read as json, text};
use crate::data::pictures::{self, Pictures};

/// The kind of a family of nets.
pub const KIND: &str = "space";
/// The file that says which family it is.
pub const FILE: &str = "space.json";

/// A family of nets for pictures of a certain size.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Space {
    /// The family's name.
    pub family: String,
    /// What its widths are multiplied by.
    pub times: usize,
    /// Channels, height and width of a picture.
    pub picture: [usize; 3],
    /// Names of the classes.
    pub classes: Vec<String>,
}

impl Space {
    /// The net.
    ///
    /// # Errors
    /// [`StageError::Input`] when no family has that name.
    pub fn net(&self) -> Result<Net, StageError> {
        let family = Family::from_value(&Value::Str(self.family.clone())).ok_or_else(|| {
            StageError::Input(format!("expected a family of nets, found `{}`", self.family))
        })?;
        if self.times == 0 || self.picture.contains(&0) || self.classes.is_empty() {
            return Err(StageError::Input(format!("expected numbers above 0 in `{FILE}`")));
        }
        Ok(Net::new(family, self.times, self.picture, self.classes.len()))
    }

    /// Whether pictures are such as the nets read.
    ///
    /// # Errors
    /// [`StageError::Input`] when they are not; `port` names them.
    pub fn fits(&self, pictures: &Pictures, port: &str) -> Result<(), StageError> {
        pictures.fits(self.picture, &self.classes, port)
    }

    /// Reads the file that says which family it is.
    ///
    /// # Errors
    /// [`StageError::Input`] when it is broken.
    pub fn read(view: &View<'_>) -> Result<Self, StageError> {
        let space: Self = json(view, FILE)?;
        space.net()?;
        Ok(space)
    }

    /// The file that says which family it is.
    ///
    /// # Errors
    /// [`StageError::Other`] when the format refuses.
    pub fn file(&self) -> Result<String, StageError> {
        text(self)
    }
}

params! {
    /// Parameters of [`DefineSpace`].
    pub struct SpaceParams {
        /// The family of nets.
        family: Family = Family::Flat;
        /// What all widths are multiplied by.
        times: usize = 1, in 1..=16;
    }
}

/// `metapruning.space`: names a family of nets for pictures like these.
pub struct DefineSpace;

impl Stage for DefineSpace {
    type Params = SpaceParams;

    fn spec(&self) -> Spec {
        Spec::new(
            "metapruning.space",
            code::METAPRUNING,
            KIND,
            "Names a family of nets whose widths can be chosen, for pictures like these.",
        )
        .input(Port::one("images", pictures::KIND, "pictures such as the nets read"))
        .metric("genes", "widths that can be chosen")
        .metric("macs", "multiply-adds of the whole net for one picture")
        .metric("counted", "the same as the authors' code counts")
        .metric("params", "numbers that are trained in the whole net")
        .metric("least_macs", "multiply-adds of the narrowest net for one picture")
        .metric("generator_params", "numbers that are trained in the PruningNet of the family")
        .paper(&PAPER)
    }

    fn run(&self, p: &SpaceParams, inputs: &Inputs<'_>, cx: &mut Ctx<'_>) -> Result<Output, StageError> {
        let pictures = Pictures::read(&inputs.one("images")?)?;
        let family = p.family.as_str().to_owned();
        let space = Space { family, times: p.times, picture: pictures.size, classes: pictures.classes };
        let net = space.net()?;
        let whole = cost(&net, &net.widths(&net.full()));
        cx.metric("genes", net.genes as f64);
        cx.metric("macs", whole.macs as f64);
        cx.metric("counted", whole.counted as f64);
        cx.metric("params", whole.params as f64);
        cx.metric("least_macs", cost(&net, &net.widths(&vec![0; net.genes])).macs as f64);
        cx.metric("generator_params", generator_params(&net) as f64);
        Ok(Output::new(Kind::of(KIND)).file(FILE, space.file()?))
    }
}
