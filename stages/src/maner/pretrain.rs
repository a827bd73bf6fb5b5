//! `maner.pretrain`: a masked language model from raw text.

use runpipe_base::{Ctx, Inputs, Output, Port, Spec, Stage, StageError, params};

use super::PAPER;
use super::config::Config;
use super::hub::Arrays;
use super::layout::{Layout, Pool, Sequence, Site};
use super::masking::{Masked, Masking};
use super::model::Model;
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
        if !p.width.is_multiple_of(p.heads) {
            return Err(StageError::Input(format!(
                "`width` {} is no multiple of `heads` {}",
                p.width, p.heads
            )));
        }
        let lines = text::lines(&inputs.one("text")?)?;
        let subwords = Subwords::learn(lines.iter().map(String::as_str), p.vocabulary)?;
        let corpus = Corpus::new(&lines, &subwords, p)?;
        corpus.measure(cx);
        on_device!(cx, |dev| train(&dev, p, subwords, &corpus, cx))
    }
}

/// Learning rate rises and falls over the first part of the steps.
pub(super) fn linear_schedule(warmup: f64, steps: u64) -> Schedule {
    Schedule::Linear { warmup: (warmup * steps as f64).round() as u64 }
}

fn train<D: Backend>(
    dev: &D,
    p: &PretrainParams,
    subwords: Subwords,
    corpus: &Corpus,
    cx: &mut Ctx<'_>,
) -> Result<Output, StageError> {
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
    let mut params = Params::new(dev, p.seed);
    let encoder = Encoder::new(params.root().at("encoder"), sizes)?;
    let head = MaskedHead::new(params.root().at("masked"), &encoder)?;
    cx.metric("weights", params.count() as f64);
    let masking = Masking {
        rate: p.mask_rate,
        whole_word: p.whole_word,
        special: subwords.special,
        vocabulary: subwords.size,
    };
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
    let config = Config::new(sizes, subwords.special.pad);
    let mut model = Model { config, subwords, arrays: Arrays::new() };
    model.take(&params)?;
    model.write("weights/encoder")
}

/// Lines as sequences of ids.
struct Corpus {
    train: Vec<Line>,
    held_out: Vec<Line>,
    words: usize,
    tokens: usize,
    unknown: usize,
    vocabulary: usize,
}

/// A sequence, and where words begin in it.
struct Line {
    ids: Vec<u32>,
    starts: Vec<bool>,
}

impl Corpus {
    fn new(lines: &[String], subwords: &Subwords, p: &PretrainParams) -> Result<Self, StageError> {
        let special = subwords.special;
        let layout = Layout {
            site: Site::Tokcls,
            pool: Pool::First,
            filler: special.mask,
            special,
            max_len: p.max_len,
        };
        let mut known = std::collections::HashMap::new();
        let (mut words, mut tokens, mut unknown) = (0, 0, 0);
        let mut cut = |line: &String| -> Result<Vec<Line>, StageError> {
            let mut units = Vec::new();
            for word in line.split(' ').filter(|word| !word.is_empty()) {
                if !known.contains_key(word) {
                    known.insert(word.to_owned(), subwords.word(word)?);
                }
                units.push(known[word].clone());
            }
            words += units.len();
            tokens += units.iter().map(Vec::len).sum::<usize>();
            unknown += units.iter().flatten().filter(|id| **id == special.unknown).count();
            let windows = layout.windows(&units);
            Ok(windows.into_iter().flat_map(|w| layout.sequences(&units, w)).map(Line::of).collect())
        };
        // Which lines are kept aside depends on the seed alone.
        let aside = p.held_out.min(lines.len() / 10);
        let order = Stream::new(p.seed, "held out").permutation(lines.len());
        let mut is_aside = vec![false; lines.len()];
        order[..aside].iter().for_each(|&i| is_aside[i] = true);
        let (mut train, mut held_out) = (Vec::new(), Vec::new());
        for (line, aside) in lines.iter().zip(is_aside) {
            if aside { held_out.extend(cut(line)?) } else { train.extend(cut(line)?) }
        }
        if train.is_empty() || held_out.is_empty() {
            return Err(StageError::Input(format!(
                "expected at least 10 lines of text, found {}",
                lines.len()
            )));
        }
        Ok(Self { train, held_out, words, tokens, unknown, vocabulary: subwords.size })
    }

    fn measure(&self, cx: &mut Ctx<'_>) {
        cx.metric("vocabulary", self.vocabulary as f64);
        cx.metric("fertility", self.tokens as f64 / self.words as f64);
        cx.metric("unknown", 100.0 * self.unknown as f64 / self.tokens as f64);
    }
}

impl Line {
    fn of(sequence: Sequence) -> Self {
        let mut starts = vec![false; sequence.ids.len()];
        // The sites of this layout are the first pieces of words.
        sequence.sites.iter().for_each(|site| starts[*site] = true);
        let last = starts.len() - 1;
        (starts[0], starts[last]) = (true, true);
        Self { ids: sequence.ids, starts }
    }
}

/// Which lines make the batch of a step: every epoch all lines in a new order, as many as fit in a batch.
struct Order<'a> {
    lines: &'a [Line],
    room: usize,
    stream: Stream,
    epoch: u64,
    /// The step of the epoch's first batch.
    first: u64,
    batches: Vec<Vec<usize>>,
}

impl<'a> Order<'a> {
    fn new(corpus: &'a Corpus, p: &PretrainParams) -> Self {
        let stream = Stream::new(p.seed, "order");
        let mut order =
            Self { lines: &corpus.train, room: p.batch, stream, epoch: 0, first: 0, batches: Vec::new() };
        order.fill();
        order
    }

    fn fill(&mut self) {
        self.batches.clear();
        let (mut batch, mut tokens) = (Vec::new(), 0);
        for i in self.stream.child(self.epoch).permutation(self.lines.len()) {
            let length = self.lines[i].ids.len();
            if tokens + length > self.room && !batch.is_empty() {
                self.batches.push(std::mem::take(&mut batch));
                tokens = 0;
            }
            batch.push(i);
            tokens += length;
        }
        self.batches.push(batch);
    }

    /// The lines of a step; steps must not go back.
    fn batch(&mut self, step: u64) -> &[usize] {
        while step >= self.first + self.batches.len() as u64 {
            self.first += self.batches.len() as u64;
            self.epoch += 1;
            self.fill();
        }
        &self.batches[(step - self.first) as usize]
    }
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
            for (row, word) in D::view(&logits).chunks_exact(self.corpus.vocabulary).zip(&masked.words) {
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
