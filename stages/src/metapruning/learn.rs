//! `metapruning.prunenet`: trains the layers that generate weights, with another random structure at every step.

use runpipe_base::{Ctx, Inputs, Kind, Output, Port, Spec, Stage, StageError, View, params};
use serde::{Deserialize, Serialize};

use super::PAPER;
use super::forward::{Chosen, Norms, logits};
use super::grid;
use super::net::{Gene, Net};
use super::prunenet::{Making, PruningNet};
use super::recipe::{Course, Recipe};
use super::sample::uniform;
use super::space::{self, Space, json, text};
use crate::code;
use crate::data::augment::{Augment, Scale};
use crate::data::pictures::{self, Pictures};
use crate::kit::backend::{Backend, on_device};
use crate::kit::params::Params;
use crate::kit::rng::Stream;

/// The kind of a trained PruningNet.
pub const KIND: &str = "weights/prunenet";
const FILE: &str = "prunenet.json";
const WEIGHTS: &str = "model.safetensors";

params! {
    /// Parameters of [`Learn`].
    pub struct LearnParams {
        /// Steps. Source: the specification's small scale.
        steps: u64 = 2000, in 1.., unit "steps";
        /// Passes over the pictures, in place of steps.
        epochs: Option<u64> = None, in 1.., unit "epochs";
        /// Pictures of a batch; all go through one structure.
        batch: usize = 64, in 2..=65_536, unit "pictures";
        /// Peak learning rate of SGD with momentum 0.9; the paper's is 0.25 for 512 pictures.
        lr: f64 = 0.1, in 0.0..=10.0;
        /// Its course.
        course: Course = Course::Linear;
        /// Weight decay. Source: the paper's for MobileNet V1.
        decay: f32 = 4e-5, in 0.0..=1.0;
        /// What the true class shares with all.
        smoothing: f32 = 0.1, in 0.0..1.0;
        /// Pictures are shifted by up to so many pixels.
        shift: usize = 0, in 0..=64, unit "pixels";
        /// Pictures are mirrored half of the time.
        mirror: bool = false;
        /// One large weight a convolution is learnt and cropped, and nothing generates it: what the paper compares with.
        shared: bool = false;
        /// Norms have a gain and a shift for each place in the grid; else none.
        affine: bool = false;
        /// Start, structures, order and variations of pictures are drawn from it.
        seed: u64 = 0;
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
        let layers = PruningNet::new(&mut params, &net, Making { shared, affine })?;
        params.load(&view.bytes(WEIGHTS)?)?;
        Ok(Self { space, net, scale, params, layers })
    }
}

/// `metapruning.prunenet`: trains a PruningNet.
pub struct Learn;

impl Stage for Learn {
    type Params = LearnParams;

    fn spec(&self) -> Spec {
        Spec::new(
            "metapruning.prunenet",
            code::METAPRUNING,
            KIND,
            "Trains layers that generate a net's weights for any widths, with other random widths at every step.",
        )
        .input(Port::one("space", space::KIND, "the family of nets"))
        .input(Port::one("train", pictures::KIND, "pictures to train on"))
        .tensors()
        .metric("steps", "steps of training")
        .metric("loss", "smoothed cross-entropy, mean of the last 50 steps, in nats")
        .metric("accuracy", "training pictures classified rightly in the last 50 steps, in percent")
        .metric("trained", "numbers that are trained")
        .series("loss_curve", "smoothed cross-entropy, mean of 50 steps, in nats")
        .series("accuracy_curve", "training pictures classified rightly, mean of 50 steps, in percent")
        .paper(&PAPER)
    }

    fn run(&self, p: &LearnParams, inputs: &Inputs<'_>, cx: &mut Ctx<'_>) -> Result<Output, StageError> {
        let space = Space::read(&inputs.one("space")?)?;
        let train = Pictures::read(&inputs.one("train")?)?;
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
    p: &LearnParams,
    space: &Space,
    train: &Pictures,
    cx: &mut Ctx<'_>,
) -> Result<Output, StageError> {
    let (net, scale) = (space.net()?, Scale::of(train));
    let mut params = Params::new(device, p.seed);
    let layers = PruningNet::new(&mut params, &net, Making { shared: p.shared, affine: p.affine })?;
    let recipe = Recipe {
        steps: p.steps,
        epochs: p.epochs,
        batch: p.batch,
        lr: p.lr,
        course: p.course,
        decay: p.decay,
        smoothing: p.smoothing,
        augment: Augment { shift: p.shift, mirror: p.mirror },
        seed: p.seed,
    };
    let trained = recipe.train(cx, &mut params, train, &scale, |pass, x, step| {
        let chosen = Chosen::of(&net, &drawn(&net, p.seed, step));
        logits(pass, &net, &layers, &chosen, x, &mut Norms::Batch)
    })?;
    cx.metric("steps", trained.steps as f64);
    cx.metric("loss", trained.loss);
    cx.metric("accuracy", trained.accuracy);
    cx.metric("trained", params.count() as f64);
    let settings = Settings { shared: p.shared, affine: p.affine, scale };
    Ok(Output::new(Kind::of(KIND))
        .file(space::FILE, space.file()?)
        .file(FILE, text(&settings)?)
        .file(WEIGHTS, params.save()?))
}

#[cfg(test)]
mod tests;
