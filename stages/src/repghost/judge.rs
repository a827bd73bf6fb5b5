//! `repghost.evaluate`: how well a net names classes. `repghost.agree`: how far two forms of a net differ.

use std::path::PathBuf;

use dfdx::prelude::NoneTape;
use runpipe_base::{Ctx, Inputs, Kind, Output, Port, Spec, Stage, StageError, View, params};
use serde::{Deserialize, Serialize};

use super::PAPER;
use super::trained::{self, Saved};
use crate::code;
use crate::data::augment::plain;
use crate::data::json;
use crate::data::pictures::{self, Pictures};
use crate::kit::backend::{Backend, Matrix, on_device};
use crate::kit::params::Pass;
use crate::kit::tally::argmax;

/// The kind of how well a net names classes.
pub const SCORES: &str = "scores/pictures";
/// The kind of how far two nets differ.
pub const AGREEMENT: &str = "scores/agreement";
const FILE: &str = "scores.json";
/// Pictures that go through a net at once.
const AT_ONCE: usize = 500;

/// How well a net names classes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Scores {
    /// Pictures whose class has the largest score, in percent.
    pub accuracy: f64,
    /// Pictures whose class is among the five largest scores, in percent.
    pub top5: f64,
    /// Pictures.
    pub images: usize,
}

/// How far two nets differ.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Agreement {
    /// The largest difference between two scores.
    pub difference: f64,
    /// The largest score, of either sign.
    pub largest: f64,
    /// Pictures that the nets give other classes.
    pub flips: usize,
    /// Pictures.
    pub images: usize,
}

/// Checks that a file is such scores.
///
/// # Errors
/// [`StageError::Input`] when it is broken.
pub fn check<T: for<'a> Deserialize<'a>>(view: &View<'_>) -> Result<(), StageError> {
    json::read::<T>(view, FILE).map(drop)
}

/// Scores of the classes, a row a picture.
fn logits<D: Backend>(
    device: &D,
    saved: &Saved,
    pictures: &Pictures,
    cx: &Ctx<'_>,
) -> Result<Vec<f32>, StageError> {
    pictures.fits(saved.design.picture, &saved.design.classes, "images")?;
    let (params, net) = saved.net(device)?;
    let all: Vec<usize> = (0..pictures.len()).collect();
    let mut rows = Vec::with_capacity(pictures.len() * pictures.classes.len());
    for (i, places) in all.chunks(AT_ONCE).enumerate() {
        cx.stop_point()?;
        cx.progress((i * AT_ONCE) as u64, all.len() as u64, "pictures", "");
        let part = pictures.chosen(places);
        let [channels, height, width] = part.size;
        let x = device.tensor_of(plain(&part, &saved.scale)?, (part.len(), channels, height, width))?;
        let y: Matrix<D, NoneTape> = net.forward(&Pass::eval(&params), &x)?;
        rows.extend_from_slice(&D::view(&y));
    }
    Ok(rows)
}

params! {
    /// Parameters of [`Evaluate`] and [`Agree`].
    pub struct JudgeParams {
        /// The folder or archive of the pictures, if they stay in their files: what `data.pictures(stream = true)` was given.
        files: Option<PathBuf> = None;
    }
}

/// `repghost.evaluate`: how well a net names classes.
pub struct Evaluate;

impl Stage for Evaluate {
    type Params = JudgeParams;

    fn spec(&self) -> Spec {
        Spec::new("repghost.evaluate", code::REPGHOST, SCORES, "Classifies pictures with a trained net.")
            .input(Port::one("net", trained::KIND, "the trained net, in any form"))
            .input(Port::one("images", pictures::KIND, "pictures to judge by"))
            .tensors()
            .metric("accuracy", "pictures whose class has the largest score, in percent")
            .metric("top5", "pictures whose class is among the five largest scores, in percent")
            .metric("params", "numbers of the net, but the statistics of norms")
            .paper(&PAPER)
    }

    fn run(&self, p: &JudgeParams, inputs: &Inputs<'_>, cx: &mut Ctx<'_>) -> Result<Output, StageError> {
        let saved = Saved::read(&inputs.one("net")?)?;
        let pictures = Pictures::open(&inputs.one("images")?, p.files.as_deref())?;
        let logits = on_device!(cx, |device| logits(&device, &saved, &pictures, cx))?;
        let rows = || logits.chunks_exact(pictures.classes.len()).zip(&pictures.labels);
        let percent = |right: usize| 100.0 * right as f64 / pictures.len().max(1) as f64;
        let scores = Scores {
            accuracy: percent(rows().filter(|(row, label)| place(row, **label as usize) == 0).count()),
            top5: percent(rows().filter(|(row, label)| place(row, **label as usize) < 5).count()),
            images: pictures.len(),
        };
        cx.metric("accuracy", scores.accuracy);
        cx.metric("top5", scores.top5);
        cx.metric("params", saved.params() as f64);
        Ok(Output::new(Kind::of(SCORES)).file(FILE, json::text(&scores)?))
    }
}

/// How many classes come before `label`; of equal scores the first class does.
fn place(row: &[f32], label: usize) -> usize {
    let before =
        |(i, score): (usize, &f32)| if i < label { *score >= row[label] } else { *score > row[label] };
    row.iter().enumerate().filter(|found| before(*found)).count()
}

/// `repghost.agree`: how far two forms of a net differ.
pub struct Agree;

impl Stage for Agree {
    type Params = JudgeParams;

    fn spec(&self) -> Spec {
        Spec::new(
            "repghost.agree",
            code::REPGHOST,
            AGREEMENT,
            "Compares the scores that two nets give the same pictures: a trained net and its fused form.",
        )
        .input(Port::one("net", trained::KIND, "a net"))
        .input(Port::one("other", trained::KIND, "another one, for the same pictures"))
        .input(Port::one("images", pictures::KIND, "pictures to compare by"))
        .tensors()
        .metric("difference", "the largest difference between two scores")
        .metric("largest", "the largest score, of either sign")
        .metric("relative", "the largest difference, relative to the largest score where that is above 1")
        .metric("flips", "pictures that the nets give other classes")
        .metric("same", "pictures that the nets give the same class, in percent")
        .paper(&PAPER)
    }

    fn run(&self, p: &JudgeParams, inputs: &Inputs<'_>, cx: &mut Ctx<'_>) -> Result<Output, StageError> {
        let (one, other) = (Saved::read(&inputs.one("net")?)?, Saved::read(&inputs.one("other")?)?);
        let pictures = Pictures::open(&inputs.one("images")?, p.files.as_deref())?;
        let [a, b] = on_device!(cx, |device| {
            Ok([logits(&device, &one, &pictures, cx)?, logits(&device, &other, &pictures, cx)?])
        })?;
        let agreement = compare(&a, &b, pictures.classes.len());
        let Agreement { difference, largest, flips, images } = agreement;
        cx.metric("difference", difference);
        cx.metric("largest", largest);
        cx.metric("relative", difference / largest.max(1.0));
        cx.metric("flips", flips as f64);
        cx.metric("same", 100.0 * (images - flips) as f64 / images.max(1) as f64);
        Ok(Output::new(Kind::of(AGREEMENT)).file(FILE, json::text(&agreement)?))
    }
}

fn compare(a: &[f32], b: &[f32], classes: usize) -> Agreement {
    let difference = a.iter().zip(b).map(|(a, b)| f64::from((a - b).abs())).fold(0.0, f64::max);
    let largest = a.iter().map(|a| f64::from(a.abs())).fold(0.0, f64::max);
    let rows = a.chunks_exact(classes).zip(b.chunks_exact(classes));
    let flips = rows.filter(|(a, b)| argmax(a) != argmax(b)).count();
    Agreement { difference, largest, flips, images: a.len() / classes }
}

#[cfg(test)]
mod tests;
