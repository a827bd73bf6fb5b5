//! `dtsgate.evaluate`: how well a model foretells a text, and where its gates send it.

use runpipe_base::{Ctx, Inputs, Kind, Output, Port, Spec, Stage, StageError, View, params};
use serde::{Deserialize, Serialize};

use super::PAPER;
use super::judge::Judge;
use super::model::Load;
use super::route::Look;
use super::tokens::{self, Tokens};
use super::traffic::Traffic;
use super::trained::{self, Trained};
use crate::code;
use crate::data::json;
use crate::kit::backend::{Backend, on_device};

/// The kind of scores of a language model.
pub const KIND: &str = "scores/language-model";
const FILE: &str = "scores.json";

/// Scores of a language model.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Scores {
    /// Cross-entropy in nats a token, each token asking its best expert.
    pub loss: f64,
    /// The same, routed as in training but without noise.
    pub as_trained: f64,
    /// Tokens.
    pub tokens: usize,
}

impl Scores {
    /// Reads an artifact of kind `scores/language-model`.
    ///
    /// # Errors
    /// [`StageError::Input`] when it is broken.
    pub fn read(view: &View<'_>) -> Result<Self, StageError> {
        json::read(view, FILE)
    }
}

params! {
    /// Parameters of [`Evaluate`].
    pub struct EvaluateParams {
        /// Whether the best expert's output counts whole, and not as its weight says.
        unit: bool = false;
    }
}

/// `dtsgate.evaluate`: judges a language model.
pub struct Evaluate;

impl Stage for Evaluate {
    type Params = EvaluateParams;

    fn spec(&self) -> Spec {
        Spec::new(
            "dtsgate.evaluate",
            code::DTSGATE,
            KIND,
            "Tells how well a language model foretells a text, and where its gates send it.",
        )
        .input(Port::one("model", trained::KIND, "the model"))
        .input(Port::one("text", tokens::KIND, "text of the corpus that it was trained on"))
        .tensors()
        .metric("loss", "cross-entropy, each token asking its best expert, in nats a token")
        .metric("perplexity", "e to the loss")
        .metric("bits", "the loss in bits a byte of text")
        .metric("as_trained", "cross-entropy routed as in training but without noise, in nats a token")
        .metric("tokens", "tokens that were foretold")
        .metric("asked", "experts that a token asks as in training, on average over layers")
        .metric("flops", "operations for a token that asks its best expert, in units of 10³")
        .metric("unused", "experts that are nobody's best, in percent of a layer's, in the worst layer")
        .metric(
            "load",
            "tokens of the expert that is asked most, over those of an even share, in the worst layer",
        )
        .metric("top", "tokens of the most asked fifth of experts, in percent, on average over layers")
        .metric("bottom", "tokens of the least asked fifth of experts, in percent, on average over layers")
        .metric("entropy", "entropy of a token's softmax over experts, on average over layers, in nats")
        .metric("told", "what a token's best expert tells of its domain, on average over layers, in nats")
        .paper(&PAPER)
    }

    fn run(&self, p: &EvaluateParams, inputs: &Inputs<'_>, cx: &mut Ctx<'_>) -> Result<Output, StageError> {
        let view = inputs.one("model")?;
        let trained = Trained::read(&view)?;
        let text = Tokens::read(&inputs.one("text")?)?;
        on_device!(cx, |device| judge(&device, p, &trained, &view, &text, cx))
    }
}

fn judge<D: Backend>(
    device: &D,
    p: &EvaluateParams,
    trained: &Trained,
    view: &View<'_>,
    text: &Tokens,
    cx: &mut Ctx<'_>,
) -> Result<Output, StageError> {
    let about = &trained.about;
    let (params, decoder) = trained.load(view, device)?;
    if text.vocabulary.len() != about.sizes.vocabulary {
        return Err(StageError::Input(format!(
            "the model has a vocabulary of {} tokens, the text one of {}",
            about.sizes.vocabulary,
            text.vocabulary.len()
        )));
    }
    let sequences = text.sequences(about.sizes.positions)?;
    if sequences.length > about.sizes.positions {
        return Err(StageError::Input("the text has longer sentences than the model".into()));
    }
    let (routing, moment, batch) = (&about.routing, about.moment(), about.batch);
    let judge = Judge { params: &params, decoder: &decoder, routing, moment, batch };
    let all: Vec<usize> = (0..sequences.count).collect();
    let mut traffic = Traffic::new(about.sizes.sparse(), about.sizes.experts, &text.domains);
    let look = if p.unit { Look::Unit } else { Look::Top1 };
    judge.each(&sequences, &all, look, |which, losses, loads| {
        cx.stop_point()?;
        let places = which.iter().flat_map(|i| sequences.start(*i)..sequences.start(*i) + sequences.length);
        let domains: Vec<usize> = places.map(|at| text.domain(at)).collect();
        traffic.see(&domains, losses, loads);
        Ok(())
    })?;
    let (mut sum, mut pairs) = (0.0, 0);
    judge.each(&sequences, &all, Look::AsTrained, |_, losses, loads| {
        cx.stop_point()?;
        sum += losses.iter().sum::<f64>();
        pairs += loads.iter().map(Load::pairs).sum::<usize>();
        Ok(())
    })?;
    let tokens = traffic.tokens();
    let scores = Scores { loss: traffic.loss(), as_trained: sum / tokens as f64, tokens };
    let layers = about.sizes.sparse();
    cx.metric("asked", if layers == 0 { 1.0 } else { pairs as f64 / (layers * tokens) as f64 });
    cx.metric("flops", flops(trained, sequences.length) / 1e3);
    // Every token but the first is foretold; a text is longer than what fits into whole sequences.
    let bytes = text.bytes as f64 / text.ids.len() as f64;
    cx.metric("bits", scores.loss / std::f64::consts::LN_2 / bytes);
    cx.metric("loss", scores.loss);
    cx.metric("perplexity", libm::exp(scores.loss));
    cx.metric("as_trained", scores.as_trained);
    cx.metric("tokens", tokens as f64);
    traffic.report(cx);
    Ok(Output::new(Kind::of(KIND))
        .file(FILE, json::text(&scores)?)
        .file("routing.csv", traffic.routing()?)
        .file("domains.csv", traffic.domains()?))
}

/// Operations of a forward pass for a token that asks one expert a layer.
fn flops(trained: &Trained, length: usize) -> f64 {
    let about = &trained.about;
    let layers = about.sizes.sparse() as u64;
    let gated = if about.routing.is_gated() { layers } else { 0 };
    (super::work::of_token(&about.sizes, length) + super::work::of_experts(&about.sizes, layers, gated))
        as f64
}

#[cfg(test)]
mod tests;
