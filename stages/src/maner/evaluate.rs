//! `maner.evaluate`: tags sentences and scores the tags.

use runpipe_base::{Ctx, Inputs, Output, Port, Spec, Stage, StageError, params};

use super::config::Reading;
use super::decode::Decoding;
use super::layout::Layout;
use super::model::{Model, Tagger};
use super::predict::{Predicted, Prepared, Reader, predict};
use super::scores;
use crate::code;
use crate::data::tagged::Tagged;
use crate::data::tags::Tag;
use crate::kit::backend::on_device;
use crate::kit::params::Params;

params! {
    /// Parameters of [`Evaluate`].
    pub struct EvaluateParams {
        /// How the tags of a sentence are chosen. Source: MANER takes the likeliest of each word.
        decoding: Decoding = Decoding::Greedy;
        /// Words that neighbouring windows of a long sentence share; none: half of a window.
        overlap: Option<usize> = None, unit "words";
    }
}

/// `maner.evaluate`: tags sentences with a tagger and scores the tags.
pub struct Evaluate;

impl Stage for Evaluate {
    type Params = EvaluateParams;

    fn spec(&self) -> Spec {
        let spec = Spec::new(
            "maner.evaluate",
            code::MANER,
            "scores",
            "Tags sentences with a tagger and scores the entities found.",
        )
        .input(Port::one("tagger", "weights/tagger", "the tagger"))
        .input(Port::one("sentences", "tagged", "sentences with their true tags"))
        .input(Port::optional(
            "train",
            "tagged",
            "what the tagger was trained on: parts seen from unseen entities",
        ))
        .tensors()
        .metric("windowed", "sentences longer than a sequence may be")
        .metric("dropped", "words cut off and counted as `O`")
        .metric("longest", "tokens of the longest sequence");
        scores::declare(spec)
    }

    fn run(&self, p: &EvaluateParams, inputs: &Inputs<'_>, cx: &mut Ctx<'_>) -> Result<Output, StageError> {
        let model = Model::read(&inputs.one("tagger")?)?;
        let gold = Tagged::read(&inputs.one("sentences")?)?;
        let predicted = tag(&model, &gold, p.decoding, p.overlap, cx)?;
        cx.metric("windowed", predicted.windowed as f64);
        cx.metric("dropped", predicted.dropped as f64);
        cx.metric("longest", predicted.longest as f64);
        scores::report(&gold, predicted.tags, inputs.optional("train"), cx)
    }
}

/// Tags the words of sentences with a tagger.
///
/// # Errors
/// [`StageError`] when the model is no tagger or the device refuses.
pub(super) fn tag(
    model: &Model,
    sentences: &Tagged,
    decoding: Decoding,
    overlap: Option<usize>,
    cx: &mut Ctx<'_>,
) -> Result<Predicted, StageError> {
    let (layout, labels, how) = reading(model)?;
    let prepared = Prepared::new(sentences, &model.subwords)?;
    let reader = Reader { layout, labels: &labels, decoding, overlap };
    on_device!(cx, |dev| {
        let mut params = Params::new(&dev, 0);
        let mut tagger = Tagger::new(&mut params, &model.config, labels.len(), how.hidden_layer)?;
        if how.crf {
            tagger = tagger.chained(&mut params, labels.len())?;
        }
        model.fill(&mut params, |_| true)?;
        predict(&tagger, &params, &prepared, &reader)
    })
}

/// How a tagger reads words: its layout, its labels, and the rest of what its `config.json` says.
pub(super) fn reading(model: &Model) -> Result<(Layout, Vec<Tag>, &Reading), StageError> {
    let wrong = |message: &str| StageError::Input(format!("`config.json`: {message}"));
    let reading = model.config.maner.as_ref().ok_or_else(|| wrong("expected `maner`: this is no tagger"))?;
    let layout = reading.layout(model.subwords.special)?;
    let room = model.config.sizes().positions;
    if reading.max_len > room || reading.max_len < 4 {
        return Err(wrong(&format!("expected `maner.max_len` of 4 to {room}, found {}", reading.max_len)));
    }
    let mut labels = Vec::new();
    for (id, label) in &model.config.id2label {
        if *id != labels.len() {
            return Err(wrong(&format!("`id2label` has no {}", labels.len())));
        }
        labels.push(Tag::parse(label).map_err(|e| wrong(&e))?);
    }
    if labels.is_empty() {
        return Err(wrong("expected labels in `id2label`, found none"));
    }
    Ok((layout, labels, reading))
}

#[cfg(test)]
mod tests;
