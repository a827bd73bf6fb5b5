//! `metapruning.train`: trains a net of certain widths from scratch.

use runpipe_base::{Ctx, Inputs, Kind, Output, Port, Spec, Stage, StageError, View, params};

use super::PAPER;
use super::forward::{Chosen, Norms, logits};
use super::net::Net;
use super::plain::PlainNet;
use super::space::{json, text};
use super::structure::{self, Structure, report};
use crate::code;
use crate::data::augment::{Scale, plain};
use crate::data::pictures::{self, Pictures};
use crate::kit::backend::{Backend, on_device};
use crate::kit::params::{Params, Pass};
use crate::vision::recipe::{Training, declared};

/// The kind of a trained net of certain widths.
pub const KIND: &str = "weights/pruned";
const SCALE: &str = "scale.json";
const WEIGHTS: &str = "model.safetensors";

params! {
    /// Parameters of [`Retrain`], but how it trains.
    pub struct RetrainParams {
        /// Pictures whose statistics norms get in the end, exactly.
        calibration: usize = 2000, in 2.., unit "pictures";
    }
}

/// A trained net of certain widths.
pub struct Trained<D: Backend> {
    /// Its structure.
    pub structure: Structure,
    /// Its family.
    pub net: Net,
    /// How pictures are normed.
    pub scale: Scale,
    /// Its numbers.
    pub params: Params<D>,
    /// Its layers.
    pub layers: PlainNet,
}

impl<D: Backend> Trained<D> {
    /// Reads an artifact of kind `weights/pruned`.
    ///
    /// # Errors
    /// [`StageError::Input`] when a file is missing or does not fit the others.
    pub fn read(view: &View<'_>, device: &D) -> Result<Self, StageError> {
        let structure = Structure::read(view)?;
        let scale: Scale = json(view, SCALE)?;
        if [scale.mean.len(), scale.std.len()] != [structure.space.picture[0]; 2] {
            return Err(StageError::Input(format!("`{SCALE}`: expected a scale for each channel")));
        }
        let net = structure.space.net()?;
        let mut params = Params::new(device, 0);
        let layers = PlainNet::new(&mut params, &net, &structure.widths)?;
        params.load(&view.bytes(WEIGHTS)?)?;
        Ok(Self { structure, net, scale, params, layers })
    }
}

/// `metapruning.train`: trains a structure from scratch.
pub struct Retrain;

impl Stage for Retrain {
    type Params = Training<RetrainParams>;

    fn spec(&self) -> Spec {
        let spec = Spec::new(
            "metapruning.train",
            code::METAPRUNING,
            KIND,
            "Trains a net of certain widths from scratch; no weight comes from PruningNet.",
        )
        .input(Port::one("structure", structure::KIND, "the widths"))
        .input(Port::one("train", pictures::KIND, "pictures to train on"))
        .metric("macs", "multiply-adds for one picture")
        .metric("counted", "the same as the authors' code counts")
        .metric("params", "numbers that are trained")
        .paper(&PAPER);
        declared(spec)
    }

    fn run(
        &self,
        p: &Training<RetrainParams>,
        inputs: &Inputs<'_>,
        cx: &mut Ctx<'_>,
    ) -> Result<Output, StageError> {
        let structure = Structure::read(&inputs.one("structure")?)?;
        let train = Pictures::open(&inputs.one("train")?, p.recipe.files.as_deref())?;
        structure.space.fits(&train, "train")?;
        report(&structure, cx);
        on_device!(cx, |device| retrain(&device, p, &structure, &train, cx))
    }
}

fn retrain<D: Backend>(
    device: &D,
    p: &Training<RetrainParams>,
    structure: &Structure,
    train: &Pictures,
    cx: &mut Ctx<'_>,
) -> Result<Output, StageError> {
    let (net, scale) = (structure.space.net()?, Scale::of(train));
    let mut params = Params::new(device, p.recipe.seed);
    let layers = PlainNet::new(&mut params, &net, &structure.widths)?;
    let chosen = Chosen::widths(structure.widths.clone());
    let trained = p.recipe.train(cx, &mut params, train, &scale, |pass, x, _| {
        logits(pass, &net, &layers, &chosen, x, &mut Norms::Batch)
    })?;
    // The moving averages of training lag behind; exact statistics take one more pass.
    let some = train.spread(p.own.calibration);
    let [channels, height, width] = train.size;
    let x = device.tensor_of(plain(&some, &scale)?, (some.len(), channels, height, width))?;
    let mut norms = Norms::First { images: some.len(), found: Vec::new() };
    logits(&Pass::eval(&params), &net, &layers, &chosen, x, &mut norms)?;
    if let Norms::First { found, .. } = norms {
        layers.set_statistics(&mut params, found)?;
    }
    trained.report(cx);
    let mut output = structure.write()?;
    output.kind = Kind::of(KIND);
    Ok(output.file(SCALE, text(&scale)?).file(WEIGHTS, params.save()?))
}

#[cfg(test)]
mod tests;
