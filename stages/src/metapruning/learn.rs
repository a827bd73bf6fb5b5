//! `metapruning.prunenet`: trains the layers that generate weights, with another random structure at every step.

use runpipe_base::{Ctx, Inputs, Kind, Output, Port, Spec, Stage, StageError, View, params};
use serde::{Deserialize, Serialize};

use super::PAPER;
use super::forward::{Chosen, Norms, logits};
use super::grid;
use super::net::{Gene, Net};
use super::prunenet::{Making, PruningNet, Start};
use super::sample::uniform;
use super::space::{self, Space, json, text};
use crate::code;
use crate::data::augment::Scale;
use crate::data::pictures::{self, Pictures};
use crate::kit::backend::{Backend, on_device};
use crate::kit::params::Params;
use crate::kit::rng::Stream;
use crate::vision::recipe::{Training, declared};

/// The kind of a trained PruningNet.
pub const KIND: &str = "weights/prunenet";
const FILE: &str = "prunenet.json";
const WEIGHTS: &str = "model.safetensors";

params! {
    /// Parameters of [`Learn`], but how it trains.
    pub struct LearnParams {
        /// One large weight a convolution is learnt and cropped, and nothing generates it: what the paper compares with.
        shared: bool = false;
        /// How weights that are shared start: uniform within 1 / √fan-in as PyTorch's convolutions, or normal with
        /// variance 2 / fan-in as those of `metapruning.train`.
        start: Start = Start::Uniform;
        /// Norms have a gain and a shift for each place in the grid; else none.
        affine: bool = false;
    }
}

/// What a PruningNet is but its weights.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Settings {
    shared: bool,
    affine: bool,
    scale: Scale,
}

/// A trained PruningNet.
pub struct Learned<D: Backend> {
    /// The family of nets.
    pub space: Space,
    /// The net.
    pub net: Net,
    /// How pictures are normed.
    pub scale: Scale,
    /// Its numbers.
    pub params: Params<D>,
    /// Its layers.
    pub layers: PruningNet,
}

impl<D: Backend> Learned<D> {
    /// Reads an artifact of kind `weights/prunenet`.
    ///
    /// # Errors
    /// [`StageError::Input`] when a file is missing or does not fit the others.
    pub fn read(view: &View<'_>, device: &D) -> Result<Self, StageError> {
        let space = Space::read(view)?;
        let Settings { shared, affine, scale } = json(view, FILE)?;
        if scale.mean.len() != space.picture[0] || scale.std.len() != space.picture[0] {
            return Err(StageError::Input(format!("`{FILE}`: expected a scale for each channel")));
        }
        let net = space.net()?;
        let mut params = Params::new(device, 0);
        let layers = PruningNet::new(&mut params, &net, Making { shared, affine, ..Making::default() })?;
        params.load(&view.bytes(WEIGHTS)?)?;
        Ok(Self { space, net, scale, params, layers })
    }
}

/// `metapruning.prunenet`: trains a PruningNet.
pub struct Learn;

impl Stage for Learn {
    type Params = Training<LearnParams>;

    fn spec(&self) -> Spec {
        let spec = Spec::new(
            "metapruning.prunenet",
            code::METAPRUNING,
            KIND,
            "Trains layers that generate a net's weights for any widths, with other random widths at every step.",
        )
        .input(Port::one("space", space::KIND, "the family of nets"))
        .input(Port::one("train", pictures::KIND, "pictures to train on"))
        .metric("trained", "numbers that are trained")
        .paper(&PAPER);
        declared(spec)
    }

    fn run(
        &self,
        p: &Training<LearnParams>,
        inputs: &Inputs<'_>,
        cx: &mut Ctx<'_>,
    ) -> Result<Output, StageError> {
        let space = Space::read(&inputs.one("space")?)?;
        let train = Pictures::open(&inputs.one("train")?, p.recipe.files.as_deref())?;
        space.fits(&train, "train")?;
        on_device!(cx, |device| learn(&device, p, &space, &train, cx))
    }
}

/// The structure of a step: places drawn uniformly, each on its own.
pub fn drawn(net: &Net, seed: u64, step: u64) -> Gene {
    uniform(net.genes, &(0..=grid::FULL), &mut Stream::new(seed, "structures").child(step))
}

fn learn<D: Backend>(
    device: &D,
    p: &Training<LearnParams>,
    space: &Space,
    train: &Pictures,
    cx: &mut Ctx<'_>,
) -> Result<Output, StageError> {
    let (net, scale) = (space.net()?, Scale::of(train));
    let mut params = Params::new(device, p.recipe.seed);
    let making = Making { shared: p.own.shared, start: p.own.start, affine: p.own.affine };
    let layers = PruningNet::new(&mut params, &net, making)?;
    let trained = p.recipe.train(cx, &mut params, train, &scale, |pass, x, step| {
        let chosen = Chosen::of(&net, &drawn(&net, p.recipe.seed, step));
        logits(pass, &net, &layers, &chosen, x, &mut Norms::Batch)
    })?;
    trained.report(cx);
    cx.metric("trained", params.count() as f64);
    let settings = Settings { shared: p.own.shared, affine: p.own.affine, scale };
    Ok(Output::new(Kind::of(KIND))
        .file(space::FILE, space.file()?)
        .file(FILE, text(&settings)?)
        .file(WEIGHTS, params.save()?))
}

#[cfg(test)]
mod tests;
