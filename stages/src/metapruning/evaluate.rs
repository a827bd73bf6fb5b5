//! `metapruning.evaluate`: the accuracy of a trained net. `metapruning.score`: that which PruningNet predicts.

use std::path::PathBuf;

use runpipe_base::{Ctx, Inputs, Kind, Output, Port, Spec, Stage, StageError, View, params};
use serde::{Deserialize, Serialize};

use super::PAPER;
use super::forward::{Chosen, Norms, logits};
use super::learn::{self, Learned};
use super::retrain::{self, Trained};
use super::score::{Exam, scores};
use super::space::{json, text};
use super::structure::{self, Structure};
use crate::code;
use crate::data::augment::plain;
use crate::data::pictures::{self, Pictures};
use crate::kit::backend::{Backend, on_device};
use crate::kit::ops::batch_norm::Statistics;
use crate::kit::params::Pass;
use crate::kit::tally::argmax;

/// The kind of an accuracy.
pub const KIND: &str = "scores/top1";
/// The file that it stands in.
pub const FILE: &str = "scores.json";

/// How well a structure does.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Top1 {
    /// Pictures classified rightly, in percent.
    pub accuracy: f64,
    /// Pictures.
    pub images: usize,
    /// Multiply-adds for one picture.
    pub macs: u64,
    /// Numbers that are trained in the plain net.
    pub params: u64,
    /// Width of each wire.
    pub widths: Vec<usize>,
}

impl Top1 {
    /// Reads an artifact of kind `scores/top1`.
    ///
    /// # Errors
    /// [`StageError::Input`] when it is broken.
    pub fn read(view: &View<'_>) -> Result<Self, StageError> {
        let found: Self = json(view, FILE)?;
        if (0.0..=100.0).contains(&found.accuracy) {
            return Ok(found);
        }
        Err(StageError::Input(format!(
            "`{FILE}`: expected an accuracy of 0 to 100, found {}",
            found.accuracy
        )))
    }

    fn of(structure: &Structure, accuracy: f64, images: usize) -> Self {
        let (cost, widths) = (structure.cost, structure.widths.clone());
        Self { accuracy, images, macs: cost.macs, params: cost.params, widths }
    }

    fn write(&self, cx: &mut Ctx<'_>) -> Result<Output, StageError> {
        cx.metric("accuracy", self.accuracy);
        cx.metric("images", self.images as f64);
        cx.metric("macs", self.macs as f64);
        cx.metric("params", self.params as f64);
        Ok(Output::new(Kind::of(KIND)).file(FILE, text(self)?))
    }
}

fn declare(spec: Spec) -> Spec {
    spec.tensors()
        .metric("accuracy", "pictures classified rightly, in percent")
        .metric("images", "pictures")
        .metric("macs", "multiply-adds for one picture")
        .metric("params", "numbers that are trained in the plain net")
        .paper(&PAPER)
}

params! {
    /// Parameters of [`Evaluate`].
    pub struct EvaluateParams {
        /// The folder or archive of the pictures, if they stay in their files: what `data.pictures(stream = true)` was given.
        files: Option<PathBuf> = None;
    }
}

/// `metapruning.evaluate`: the accuracy of a trained net.
pub struct Evaluate;

/// Pictures that go through a net at once.
const AT_ONCE: usize = 500;

impl Stage for Evaluate {
    type Params = EvaluateParams;

    fn spec(&self) -> Spec {
        declare(
            Spec::new(
                "metapruning.evaluate",
                code::METAPRUNING,
                KIND,
                "Classifies pictures with a trained net.",
            )
            .input(Port::one("net", retrain::KIND, "the trained net"))
            .input(Port::one("images", pictures::KIND, "pictures to judge by")),
        )
    }

    fn run(&self, p: &EvaluateParams, inputs: &Inputs<'_>, cx: &mut Ctx<'_>) -> Result<Output, StageError> {
        let pictures = Pictures::open(&inputs.one("images")?, p.files.as_deref())?;
        let view = inputs.one("net")?;
        let scores = on_device!(cx, |device| {
            let trained = Trained::read(&view, &device)?;
            trained.structure.space.fits(&pictures, "images")?;
            let accuracy = accuracy(&trained, &pictures, cx)?;
            Ok(Top1::of(&trained.structure, accuracy, pictures.len()))
        })?;
        scores.write(cx)
    }
}

fn accuracy<D: Backend>(trained: &Trained<D>, pictures: &Pictures, cx: &Ctx<'_>) -> Result<f64, StageError> {
    let Trained { structure, net, scale, params, layers } = trained;
    let chosen = Chosen::widths(structure.widths.clone());
    let mut norms = Norms::Given(layers.statistics(params));
    let all: Vec<usize> = (0..pictures.len()).collect();
    let mut right = 0;
    for (i, places) in all.chunks(AT_ONCE).enumerate() {
        cx.stop_point()?;
        cx.progress((i * AT_ONCE) as u64, all.len() as u64, "pictures", "");
        let part = pictures.chosen(places);
        let [channels, height, width] = part.size;
        let x = params.device().tensor_of(plain(&part, scale)?, (part.len(), channels, height, width))?;
        let logits = logits(&Pass::eval(params), net, layers, &chosen, x, &mut norms)?;
        let logits = D::view(&logits);
        let rows = logits.chunks_exact(net.classes).zip(&part.labels);
        right += rows.filter(|(row, label)| argmax(row) == **label as usize).count();
    }
    Ok(100.0 * right as f64 / pictures.len().max(1) as f64)
}

params! {
    /// Parameters of [`Score`].
    pub struct ScoreParams {
        /// Pictures by whose statistics norms are calibrated.
        calibration: usize = 1000, in 2.., unit "pictures";
        /// Without it norms keep mean 0 and variance 1, and the score means nothing.
        recalibrate: bool = true;
        /// The folder or archive of the pictures, if they stay in their files: what `data.pictures(stream = true)` was given.
        files: Option<PathBuf> = None;
    }
}

/// `metapruning.score`: the accuracy of a structure with generated weights.
pub struct Score;

impl Stage for Score {
    type Params = ScoreParams;

    fn spec(&self) -> Spec {
        declare(
            Spec::new(
                "metapruning.score",
                code::METAPRUNING,
                KIND,
                "Classifies pictures with a structure whose weights a PruningNet generates.",
            )
            .input(Port::one("prunenet", learn::KIND, "the PruningNet"))
            .input(Port::one("structure", structure::KIND, "the structure, chosen by a gene"))
            .input(Port::one("train", pictures::KIND, "pictures by which norms are calibrated"))
            .input(Port::one("images", pictures::KIND, "pictures to judge by")),
        )
    }

    fn run(&self, p: &ScoreParams, inputs: &Inputs<'_>, cx: &mut Ctx<'_>) -> Result<Output, StageError> {
        let structure = Structure::read(&inputs.one("structure")?)?;
        let [calibration, pictures] =
            ["train", "images"].map(|port| Pictures::open(&inputs.one(port)?, p.files.as_deref()));
        let (calibration, pictures) = (calibration?, pictures?);
        let view = inputs.one("prunenet")?;
        let gene = structure.gene.clone().ok_or_else(|| {
            StageError::Input(
                "expected a structure chosen by a gene, found free widths: weights are generated from \
                               places in the grid"
                    .into(),
            )
        })?;
        let accuracy = on_device!(cx, |device| {
            let learned = Learned::read(&view, &device)?;
            if learned.space != structure.space {
                return Err(StageError::Input("expected a structure of the PruningNet's family".into()));
            }
            learned.space.fits(&calibration, "train")?;
            learned.space.fits(&pictures, "images")?;
            if p.recalibrate {
                let exam = Exam::new(&device, &calibration, p.calibration, &pictures, &learned.scale)?;
                Ok(scores(&learned.params, &learned.net, &learned.layers, &[gene], &exam)?[0])
            } else {
                uncalibrated(&learned, &gene, &pictures)
            }
        })?;
        Top1::of(&structure, accuracy, pictures.len()).write(cx)
    }
}

/// The accuracy with norms as they are before any calibration.
fn uncalibrated<D: Backend>(
    learned: &Learned<D>,
    gene: &[u8],
    pictures: &Pictures,
) -> Result<f64, StageError> {
    let chosen = Chosen::of(&learned.net, gene);
    let fresh = learned.net.convs().map(|conv| {
        let channels = chosen.widths[conv.output];
        Statistics { mean: vec![0.0; channels], variance: vec![1.0; channels], count: 1 }
    });
    let mut norms = Norms::Given(fresh.collect());
    let [channels, height, width] = pictures.size;
    let numbers = plain(pictures, &learned.scale)?;
    let x = learned.params.device().tensor_of(numbers, (pictures.len(), channels, height, width))?;
    let pass = Pass::eval(&learned.params);
    let logits = logits(&pass, &learned.net, &learned.layers, &chosen, x, &mut norms)?;
    let logits = D::view(&logits);
    let rows = logits.chunks_exact(learned.net.classes).zip(&pictures.labels);
    let right = rows.filter(|(row, label)| argmax(row) == **label as usize).count();
    Ok(100.0 * right as f64 / pictures.len().max(1) as f64)
}

#[cfg(test)]
mod tests;
