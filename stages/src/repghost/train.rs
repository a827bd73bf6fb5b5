//! `repghost.train`: trains a net from scratch.

use dfdx::prelude::{NoneTape, SplitTape as _};
use runpipe_base::{Ctx, Inputs, Output, Port, Spec, Stage, StageError, params};

use super::PAPER;
use super::design::{self, Design};
use super::module::Form;
use super::net::Net;
use super::trained::{self, Saved};
use crate::code;
use crate::data::augment::{Scale, plain};
use crate::data::pictures::{self, Pictures};
use crate::kit::backend::{Backend, Matrix, on_device};
use crate::kit::params::{self as numbers, Params, Pass};
use crate::kit::rng::Stream;
use crate::vision::recipe::{Training, declared};

params! {
    /// Parameters of [`Train`], but how it trains.
    pub struct TrainParams {
        /// Chance that dropout drops a feature before the classes. The paper's nets drop 0.2.
        dropout: f32 = 0.0, in 0.0..1.0;
        /// Pictures whose statistics norms get in the end, exactly.
        calibration: usize = 2000, in 2.., unit "pictures";
    }
}

/// `repghost.train`: trains a net from scratch.
pub struct Train;

impl Stage for Train {
    type Params = Training<TrainParams>;

    fn spec(&self) -> Spec {
        let spec = Spec::new(
            "repghost.train",
            code::REPGHOST,
            trained::KIND,
            "Trains a RepGhost or a Ghost net from scratch, in the form with all its branches.",
        )
        .input(Port::one("design", design::KIND, "the net"))
        .input(Port::one("train", pictures::KIND, "pictures to train on"))
        .metric("params", "numbers that are trained")
        .paper(&PAPER);
        declared(spec)
    }

    fn run(
        &self,
        p: &Training<TrainParams>,
        inputs: &Inputs<'_>,
        cx: &mut Ctx<'_>,
    ) -> Result<Output, StageError> {
        let design = Design::read(&inputs.one("design")?)?;
        let train = Pictures::open(&inputs.one("train")?, p.recipe.files.as_deref())?;
        train.fits(design.picture, &design.classes, "train")?;
        let saved = on_device!(cx, |device| trained(&device, p, design, &train, cx))?;
        cx.metric("params", saved.params() as f64);
        saved.write()
    }
}

fn trained<D: Backend>(
    device: &D,
    p: &Training<TrainParams>,
    design: Design,
    train: &Pictures,
    cx: &mut Ctx<'_>,
) -> Result<Saved, StageError> {
    let scale = Scale::of(train);
    let mut params = Params::new(device, p.recipe.seed);
    let mut net = Net::new(&mut params, &design, Form::Trained)?;
    net.dropout = p.own.dropout;
    let result = p.recipe.train(cx, &mut params, train, &scale, |pass, x, _| {
        let (x, _) = x.split_tape();
        net.forward(pass, &x)
    })?;
    calibrate(&net, &mut params, &train.spread(p.own.calibration), &scale)?;
    result.report(cx);
    Ok(Saved { design, form: Form::Trained, scale, arrays: numbers::load(&params.save()?)? })
}

/// Gives every norm the exact statistics of these pictures: the moving averages of training lag behind.
fn calibrate<D: Backend>(
    net: &Net,
    params: &mut Params<D>,
    pictures: &Pictures,
    scale: &Scale,
) -> Result<(), StageError> {
    let mut exact = net.clone();
    exact.norms().into_iter().for_each(|norm| norm.momentum = 1.0);
    let [channels, height, width] = pictures.size;
    let x = params.device().tensor_of(plain(pictures, scale)?, (pictures.len(), channels, height, width))?;
    let pass = Pass::train(params, Stream::new(0, "calibrate"));
    let _: Matrix<D, NoneTape> = exact.forward(&pass, &x)?;
    let updates = pass.into_updates();
    params.apply(updates)
}

#[cfg(test)]
mod tests;
