//! `maner.pretrain`: a masked language model from raw text.

mod corpus;

use runpipe_base::{Ctx, Inputs, Output, Port, Spec, Stage, StageError, params};

use self::corpus::{Corpus, Line, Order};
use super::PAPER;
use super::config::Config;
use super::hub::Arrays;
use super::masking::{Masked, Masking};
use super::model::{Model, no_head};
use super::tokenizer::Subwords;
use crate::code;
use crate::data::text;
use crate::kit::backend::{Backend, Scalar, Taped, on_device};
use crate::kit::fit::{Fit, Next, Task, fit};
use crate::kit::nn::encoder::{Encoder, EncoderSizes, MaskedHead};
use crate::kit::ops::attention::Packed;
use crate::kit::optim::{Betas, Optimizer, OptimizerConfig, Rule};
use crate::kit::params::{Params, Pass};
use crate::kit::rng::Stream;
use crate::kit::schedule::Schedule;

params! {
    /// Parameters of [`Pretrain`].
    pub struct PretrainParams {
        /// Tokens of the vocabulary, at most. A small one breaks words into many pieces.
        vocabulary: usize = 1500, in 16..=65_536, unit "tokens";
        /// Layers of the encoder.
        layers: usize = 2, in 1..=48;
        /// Numbers that stand for a token.
        width: usize = 64, in 4..=4096;
        /// Attention heads a layer; `width` is a multiple of it.
        heads: usize = 4, in 1..=64;
        /// Width inside a feed-forward block; none: four times `width`.
        inner: Option<usize> = None, in 1..=16_384;
        /// Chance that dropout drops a number, in training only.
        dropout: f32 = 0.1, in 0.0..1.0;
        /// Tokens of the longest sequence; longer lines are cut between words.
        max_len: usize = 128, in 8..=4096, unit "tokens";
        /// Steps of training.
        steps: u64 = 3000, in 1.., unit "steps";
        /// Tokens of a batch, at most (a longer sequence is a batch of its own).
        batch: usize = 2048, in 8.., unit "tokens";
        /// Peak learning rate of AdamW with betas 0.9 and 0.98 and decay 0.01. Source: RoBERTa's constants; the rate
        /// is ours, for small encoders.
        lr: f64 = 2e-3, in 0.0..=1.0;
        /// Share of the steps in which the learning rate rises; it falls to 0 in the others.
        warmup: f64 = 0.1, in 0.0..=1.0;
        /// Share of the tokens that must be guessed. Source: BERT.
        mask_rate: f64 = 0.15, in 0.001..=1.0;
        /// Whether the pieces of a word are masked together.
        whole_word: bool = false;
        /// Whether a sequence holds as many lines as fit, one after the other, and not one alone. Source: RoBERTa.
        pack: bool = false;
        /// Lines kept aside to measure on, at most a tenth of all.
        held_out: usize = 200, in 1.., unit "lines";
        /// One random stream a purpose is derived from it: weights, order, masks, dropout.
        seed: u64 = 0;
    }
}

/// `maner.pretrain`: learns a vocabulary and a masked language model from raw text.
pub struct Pretrain;

impl Stage for Pretrain {
    type Params = PretrainParams;

    fn spec(&self) -> Spec {
        Spec::new(
            "maner.pretrain",
            code::MANER,
            "weights/encoder",
            "Learns a vocabulary and a masked language model from raw text.",
        )
        .input(Port::one("text", "text", "raw text, one sentence a line"))
        .input(Port::optional(
            "start",
            "weights/encoder",
            "an encoder that learns on, with its vocabulary and sizes in place of those told",
        ))
        .tensors()
        .metric("loss", "cross-entropy of masked tokens held aside, in nats")
        .metric("perplexity", "e to the loss")
        .metric("accuracy", "masked tokens held aside that are guessed right, in percent")
        .metric("vocabulary", "tokens of the vocabulary")
        .metric("fertility", "tokens a word, on average")
        .metric("unknown", "tokens that the vocabulary lacks, in percent")
        .metric("weights", "numbers that are trained")
        .series("train_loss", "cross-entropy of masked tokens in training, mean of 50 steps, in nats")
        .series("held_out_loss", "cross-entropy of masked tokens held aside, in nats")
        .series("held_out_accuracy", "masked tokens held aside that are guessed right, in percent")
        .paper(&PAPER)
    }

    fn run(&self, p: &PretrainParams, inputs: &Inputs<'_>, cx: &mut Ctx<'_>) -> Result<Output, StageError> {
        let lines = text::lines(&inputs.one("text")?)?;
        let mut model = match inputs.optional("start") {
            Some(view) => Model::read(&view)?,
            None => new(p, &lines)?,
        };
        model.config.hidden_dropout_prob = p.dropout;
        model.config.attention_probs_dropout_prob = p.dropout;
        let room = model.config.sizes().positions;
        if p.max_len > room {
            return Err(StageError::Input(format!(
                "`max_len` is {}, but the encoder at `start` has {room} positions",
                p.max_len
            )));
        }
        let corpus = Corpus::new(&lines, &model.subwords, p)?;
        corpus.measure(cx);
        on_device!(cx, |dev| train(&dev, p, model, &corpus, cx))
    }
}

/// A model that has learned its vocabulary and nothing else; its arrays are made by training.
fn new(p: &PretrainParams, lines: &[String]) -> Result<Model, StageError> {
    if !p.width.is_multiple_of(p.heads) {
        return Err(StageError::Input(format!("`width` {} is no multiple of `heads` {}", p.width, p.heads)));
    }
    let subwords = Subwords::learn(lines.iter().map(String::as_str), p.vocabulary)?;
    let sizes = EncoderSizes {
        vocabulary: subwords.size,
        positions: p.max_len,
        width: p.width,
        layers: p.layers,
        heads: p.heads,
        inner: p.inner.unwrap_or(4 * p.width),
        dropout: p.dropout,
        epsilon: 1e-5,
    };
    let config = Config::new(sizes, subwords.special.pad);
    Ok(Model { config, subwords, arrays: Arrays::new() })
}

/// Learning rate rises and falls over the first part of the steps.
pub(super) fn linear_schedule(warmup: f64, steps: u64) -> Schedule {
    Schedule::Linear { warmup: (warmup * steps as f64).round() as u64 }
}

fn train<D: Backend>(
    dev: &D,
    p: &PretrainParams,
    mut model: Model,
    corpus: &Corpus,
    cx: &mut Ctx<'_>,
) -> Result<Output, StageError> {
    let (config, special) = (&model.config, model.subwords.special);
    let mut params = Params::new(dev, p.seed);
    let encoder = Encoder::new(params.root().at("encoder"), config.sizes())?.acting(config.act());
    let mut head = MaskedHead::new(params.root().at("masked"), &encoder)?.acting(config.head_act());
    if !config.tie_word_embeddings {
        head = head.untied(params.root().at("masked"), &encoder)?;
    }
    if !model.arrays.is_empty() {
        let parts = ["masked.bias", "masked.decoder.weight"].into_iter();
        let mut needed = parts.take(1 + usize::from(!config.tie_word_embeddings));
        if !needed.all(|part| model.arrays.contains_key(part)) {
            return Err(no_head());
        }
        model.fill(&mut params, |_| true)?;
    }
    cx.metric("weights", params.count() as f64);
    let masking =
        Masking { rate: p.mask_rate, whole_word: p.whole_word, special, vocabulary: model.subwords.size };
    let every = p.steps.div_ceil(10).max(1);
    let mut task =
        Guess { encoder, head, masking, corpus, order: Order::new(corpus, p), every, steps: p.steps };
    let rule = Rule::AdamW(Betas { first: 0.9, second: 0.98, epsilon: 1e-6 });
    let mut optimizer = Optimizer::new(OptimizerConfig { rule, decay: 0.01, clip: Some(1.0) });
    let plan = Fit {
        steps: p.steps,
        rate: p.lr,
        schedule: linear_schedule(p.warmup, p.steps),
        seed: p.seed,
        curve: "train_loss",
        report_every: 50,
        checkpoint_every: Some(250),
    };
    fit(cx, &plan, &mut params, &mut optimizer, &mut task)?;
    let (loss, accuracy) = task.held_out(&params)?;
    cx.metric("loss", loss);
    cx.metric("perplexity", loss.exp());
    cx.metric("accuracy", accuracy);
    model.take(&params)?;
    model.write("weights/encoder")
}

/// What is trained: guess what masks hide.
struct Guess<'a> {
    encoder: Encoder,
    head: MaskedHead,
    masking: Masking,
    corpus: &'a Corpus,
    order: Order<'a>,
    every: u64,
    steps: u64,
}

impl Guess<'_> {
    /// Lines end to end, with holes.
    fn masked<'b>(&self, lines: impl Iterator<Item = &'b Line>, stream: Stream) -> (Masked, Packed) {
        let (mut ids, mut starts, mut lengths) = (Vec::new(), Vec::new(), Vec::new());
        for line in lines {
            ids.extend(&line.ids);
            starts.extend(&line.starts);
            lengths.push(line.ids.len());
        }
        (self.masking.apply(&ids, &starts, stream), Packed::new(lengths))
    }

    /// Loss in nats and accuracy in percent on the lines kept aside, masked always the same way.
    fn held_out<D: Backend>(&self, params: &Params<D>) -> Result<(f64, f64), StageError> {
        let (mut loss, mut right, mut count) = (0.0, 0, 0);
        for (i, lines) in self.corpus.held_out.chunks(32).enumerate() {
            let stream = Stream::new(0, "held-out masks").child(i as u64);
            let (masked, packed) = self.masked(lines.iter(), stream);
            let pass = Pass::eval(params);
            let hidden = self.encoder.forward::<D, dfdx::prelude::NoneTape>(&pass, &masked.ids, &packed)?;
            let logits = self.head.logits(&pass, hidden, &masked.sites)?;
            for (row, word) in
                D::view(&logits).chunks_exact(self.encoder.sizes().vocabulary).zip(&masked.words)
            {
                let word = *word as usize;
                let most = row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
                let sum: f64 = row.iter().map(|x| f64::from(x - most).exp()).sum();
                loss += sum.ln() - f64::from(row[word] - most);
                right += usize::from(row.iter().position(|x| *x >= most) == Some(word));
                count += 1;
            }
        }
        Ok((loss / count.max(1) as f64, 100.0 * right as f64 / count.max(1) as f64))
    }
}

impl<D: Backend> Task<D> for Guess<'_> {
    fn loss(&mut self, pass: &Pass<'_, D>, step: u64) -> Result<Scalar<D, Taped<D>>, StageError> {
        let lines: Vec<usize> = self.order.batch(step).to_vec();
        let stream = self.order.stream.named("masks").child(step);
        let (masked, packed) = self.masked(lines.into_iter().map(|i| &self.corpus.train[i]), stream);
        let hidden = self.encoder.forward(pass, &masked.ids, &packed)?;
        self.head.loss(pass, hidden, &masked.sites, &masked.words)
    }

    fn after(&mut self, params: &mut Params<D>, step: u64, cx: &mut Ctx<'_>) -> Result<Next, StageError> {
        if step.is_multiple_of(self.every) || step == self.steps {
            let (loss, accuracy) = self.held_out(params)?;
            cx.point("held_out_loss", step, loss);
            cx.point("held_out_accuracy", step, accuracy);
        }
        Ok(Next::Go)
    }
}

#[cfg(test)]
mod tests;
