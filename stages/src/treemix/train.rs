//! `treemix.train`: a classifier of sentences, trained on examples and on mixtures of them.

use runpipe_base::{Ctx, Inputs, Output, Port, Spec, Stage, StageError, params};

use super::PAPER;
use super::mixed::{self, Mixed};
use super::model::{Classifier, Model, Net, Shape};
use super::reader::{Reader, UNKNOWN};
use crate::code;
use crate::data::labelled::Labelled;
use crate::kit::backend::{Backend, Scalar, Taped, on_device};
use crate::kit::batches::Batches;
use crate::kit::fit::{Fit, Next, Task, fit};
use crate::kit::ops::cross_entropy::soft_cross_entropy;
use crate::kit::optim::{Optimizer, OptimizerConfig};
use crate::kit::params::{Params, Pass};
use crate::kit::rng::Stream;
use crate::kit::schedule::Schedule;
use crate::maner;

params! {
    /// Parameters of [`Train`].
    pub struct TrainParams {
        /// What reads a sentence, when no encoder is given.
        net: Net = Net::Cnn;
        /// Numbers that stand for a word, when no encoder is given.
        width: usize = 32, in 1..=4096;
        /// Channels of the convolution.
        channels: usize = 64, in 1..=4096;
        /// Whether words are lowered, when no encoder is given.
        lower: bool = true;
        /// Most words, or pieces of words, of an example; what is more is cut off.
        max_len: usize = 128, in 2.., unit "words";
        /// Chance that dropout drops a number.
        dropout: f32 = 0.3, in 0.0..1.0;
        /// Chance that a word counts as unknown in training, so that unknown words mean something.
        unknown: f64 = 0.0, in 0.0..1.0;
        /// γ: weight of the mixtures' loss beside that of the examples.
        gamma: f64 = 0.5, in -1.0..=10.0;
        /// Whether only mixtures are trained on, each with weight 1.
        mixed_only: bool = false;
        /// Steps of training.
        steps: u64 = 300, in 1.., unit "steps";
        /// Examples of a batch, and as many mixtures.
        batch: usize = 32, in 1..=4096, unit "examples";
        /// Peak learning rate of AdamW.
        lr: f64 = 3e-3, in 0.0..=1.0;
        /// Share of the steps in which the learning rate rises; it falls to 0 in the others. None: it is constant.
        warmup: Option<f64> = None, in 0.0..=1.0;
        /// Weight decay.
        decay: f32 = 0.01, in 0.0..=1.0;
        /// How often the sentences at `dev` are classified.
        evaluations: u64 = 5, in 1..=1000;
        /// Random streams are derived from it: weights, orders, dropout. Runs of one seed see the same examples in the
        /// same order, with mixtures and without.
        seed: u64 = 0;
    }
}

/// `treemix.train`: trains a classifier of sentences.
pub struct Train;

impl Stage for Train {
    type Params = TrainParams;

    fn spec(&self) -> Spec {
        Spec::new(
            "treemix.train",
            code::TREEMIX,
            "weights/classifier",
            "Trains a classifier of sentences or pairs on examples and, beside them, on mixtures with shared labels.",
        )
        .input(Port::one("examples", "labelled", "examples to train on"))
        .input(Port::optional("mixed", "mixed", "mixtures of them"))
        .input(Port::optional("encoder", "weights/encoder", "a pre-trained encoder to start from"))
        .input(Port::optional("dev", "labelled", "examples by which the way of training is told; none is chosen"))
        .tensors()
        .metric("train_accuracy", "training examples classified rightly, in percent")
        .metric("dev_accuracy", "examples at `dev` classified rightly after the last step, in percent (0 without)")
        .metric("best_accuracy", "the most of `dev_accuracy` at any evaluation, in percent (0 without `dev`)")
        .metric("parameters", "numbers that are trained")
        .series("train_loss", "loss, mean of 10 steps, in nats")
        .series("dev_curve", "examples at `dev` classified rightly, in percent")
        .paper(&PAPER)
    }

    fn run(&self, p: &TrainParams, inputs: &Inputs<'_>, cx: &mut Ctx<'_>) -> Result<Output, StageError> {
        let train = Labelled::read(&inputs.one("examples")?)?;
        let mixed = inputs.optional("mixed").map(|view| mixed::read(&view)).transpose()?;
        let dev = inputs.optional("dev").map(|view| Labelled::read(&view)).transpose()?;
        let encoder = inputs.optional("encoder").map(|view| maner::model::Model::read(&view)).transpose()?;
        check(p, &train, mixed.as_ref().map(|(classes, _)| classes), dev.as_ref())?;
        let mixed = mixed.map_or(Vec::new(), |(_, mixed)| mixed);
        let (shape, reader, start) = start(p, &train, encoder)?;
        let data = Data::new(&train, &mixed, dev.as_ref(), &reader, &shape)?;
        let weights = on_device!(cx, |device| teach(&device, p, &shape, &data, start.as_ref(), cx))?;
        Model { shape, reader, weights }.write()
    }
}

/// What of the inputs does not go together.
fn check(
    p: &TrainParams,
    train: &Labelled,
    mixed: Option<&Vec<String>>,
    dev: Option<&Labelled>,
) -> Result<(), StageError> {
    let refuse = |message: &str| Err(StageError::Input(message.to_owned()));
    if train.examples.is_empty() {
        return refuse("expected examples to train on, found none");
    }
    if mixed.is_some_and(|classes| *classes != train.classes) {
        return refuse("the mixtures have other classes than the examples");
    }
    if dev.is_some_and(|dev| dev.classes != train.classes) {
        return refuse("the examples at `dev` have other classes than those to train on");
    }
    if p.mixed_only && mixed.is_none() {
        return refuse("`mixed_only` needs mixtures at `mixed`");
    }
    Ok(())
}

/// The shape of the classifier, how it reads, and the encoder that it starts from.
fn start(
    p: &TrainParams,
    train: &Labelled,
    encoder: Option<maner::model::Model>,
) -> Result<(Shape, Reader, Option<maner::model::Model>), StageError> {
    let mut shape = Shape {
        classes: train.classes.clone(),
        net: p.net.as_str().to_owned(),
        vocabulary: 0,
        width: p.width,
        channels: p.channels,
        lower: p.lower,
        max_len: p.max_len,
        dropout: p.dropout,
        encoder: None,
    };
    let Some(encoder) = encoder else {
        let sentences = train.examples.iter().flat_map(|e| e.sentences().map(|s| s.words.as_slice()));
        let reader = Reader::learn(sentences, p.lower);
        shape.vocabulary = reader.size();
        return Ok((shape, reader, None));
    };
    "encoder".clone_into(&mut shape.net);
    shape.lower = false;
    shape.vocabulary = encoder.config.vocab_size;
    shape.width = encoder.config.hidden_size;
    shape.max_len = p.max_len.min(encoder.config.sizes().positions);
    shape.encoder = Some(encoder.config.clone());
    let reader = Reader::Pieces(Box::new(encoder.subwords.copy()?));
    Ok((shape, reader, Some(encoder)))
}

/// Everything as ids.
struct Data {
    train: Vec<(Vec<u32>, usize)>,
    mixed: Vec<(Vec<u32>, Vec<f32>)>,
    dev: Vec<(Vec<u32>, usize)>,
    classes: usize,
}

impl Data {
    fn new(
        train: &Labelled,
        mixed: &[Mixed],
        dev: Option<&Labelled>,
        reader: &Reader,
        shape: &Shape,
    ) -> Result<Self, StageError> {
        let classes = shape.classes.len();
        let mixed = mixed
            .iter()
            .map(|m| Ok((reader.read(&m.first, m.second.as_deref(), shape.max_len)?, m.label(classes))));
        let mixed = mixed.collect::<Result<_, StageError>>()?;
        let dev = dev.map_or(Ok(Vec::new()), |dev| read(dev, reader, shape.max_len))?;
        Ok(Self { train: read(train, reader, shape.max_len)?, mixed, dev, classes })
    }
}

/// Examples as ids with their classes.
pub(super) fn read(
    labelled: &Labelled,
    reader: &Reader,
    most: usize,
) -> Result<Vec<(Vec<u32>, usize)>, StageError> {
    let examples = labelled.examples.iter().map(|example| {
        let second = example.second.as_ref().map(|second| second.words.as_slice());
        Ok((reader.read(&example.first.words, second, most)?, example.class))
    });
    examples.collect()
}

fn teach<D: Backend>(
    device: &D,
    p: &TrainParams,
    shape: &Shape,
    data: &Data,
    start: Option<&maner::model::Model>,
    cx: &mut Ctx<'_>,
) -> Result<Vec<u8>, StageError> {
    let mut params = Params::new(device, p.seed);
    let classifier = Classifier::new(&mut params, shape)?;
    if let Some(encoder) = start {
        encoder.fill(&mut params, |name| name.starts_with("encoder."))?;
    }
    let order = |name: &str, count: usize| Batches::new(count, p.batch, Stream::new(p.seed, name));
    let mut task = Objective {
        classifier: &classifier,
        data,
        p,
        examples: order("examples", data.train.len()),
        mixtures: (!data.mixed.is_empty()).then(|| order("mixtures", data.mixed.len())),
        words: Stream::new(p.seed, "words"),
        every: p.steps.div_ceil(p.evaluations),
        best: 0.0,
        last: 0.0,
    };
    let mut optimizer = Optimizer::new(OptimizerConfig::adam_w(p.decay).clip(1.0));
    let warmup = |share: f64| Schedule::Linear { warmup: (share * p.steps as f64).round() as u64 };
    let plan = Fit {
        steps: p.steps,
        rate: p.lr,
        schedule: p.warmup.map_or(Schedule::Constant, warmup),
        seed: p.seed,
        curve: "train_loss",
        report_every: 10,
        checkpoint_every: Some(500),
    };
    fit(cx, &plan, &mut params, &mut optimizer, &mut task)?;
    cx.metric("dev_accuracy", task.last);
    cx.metric("best_accuracy", task.best);
    cx.metric("train_accuracy", accuracy(&classifier, &params, &data.train)?);
    cx.metric("parameters", params.count() as f64);
    params.save()
}

/// Share of examples classified rightly, in percent.
fn accuracy<D: Backend>(
    classifier: &Classifier,
    params: &Params<D>,
    examples: &[(Vec<u32>, usize)],
) -> Result<f64, StageError> {
    let sentences: Vec<Vec<u32>> = examples.iter().map(|(ids, _)| ids.clone()).collect();
    let found = classifier.classes(params, &sentences)?;
    let right = found.iter().zip(examples).filter(|(found, (_, class))| *found == class).count();
    Ok(100.0 * right as f64 / examples.len().max(1) as f64)
}

/// What is trained: L = mean over examples of CE(y, p) + γ · mean over mixtures of −Σ ȳ·ln p.
struct Objective<'a> {
    classifier: &'a Classifier,
    data: &'a Data,
    p: &'a TrainParams,
    examples: Batches,
    mixtures: Option<Batches>,
    words: Stream,
    every: u64,
    best: f64,
    last: f64,
}

impl Objective<'_> {
    /// The sentences of a step with their labels: rows of q whose sum is a sentence's weight in the loss. Examples come
    /// first, so that their dropout is the same with mixtures and without.
    fn batch(&self, step: u64) -> (Vec<Vec<u32>>, Vec<f32>) {
        let classes = self.data.classes;
        let (mut sentences, mut labels) = (Vec::new(), Vec::new());
        if !self.p.mixed_only {
            for row in self.examples.of(step) {
                let (ids, class) = &self.data.train[row];
                sentences.push(ids.clone());
                labels.extend((0..classes).map(|k| if k == *class { 1.0 } else { 0.0 }));
            }
        }
        let plain = labels.len();
        for row in self.mixtures.map_or_else(Vec::new, |mixtures| mixtures.of(step)) {
            let (ids, label) = &self.data.mixed[row];
            sentences.push(ids.clone());
            labels.extend_from_slice(label);
        }
        // `soft_cross_entropy` takes the mean over all rows: each half is to be the mean over its own.
        let total = sentences.len() as f64;
        let gamma = if self.p.mixed_only { 1.0 } else { self.p.gamma };
        let (plain, mixed) = labels.split_at_mut(plain);
        for (half, weight) in [(plain, 1.0), (mixed, gamma)] {
            let rows = half.len() as f64 / classes as f64;
            half.iter_mut().for_each(|q| *q *= (weight * total / rows.max(1.0)) as f32);
        }
        if self.p.unknown > 0.0 {
            let mut stream = self.words.child(step);
            for id in sentences.iter_mut().flatten() {
                *id = if stream.chance(self.p.unknown) { UNKNOWN } else { *id };
            }
        }
        (sentences, labels)
    }
}

impl<D: Backend> Task<D> for Objective<'_> {
    /// # Source
    /// TreeMix, equation of the training objective: one batch of examples and one of mixtures a step.
    fn loss(&mut self, pass: &Pass<'_, D>, step: u64) -> Result<Scalar<D, Taped<D>>, StageError> {
        let (sentences, labels) = self.batch(step);
        let sentences: Vec<&[u32]> = sentences.iter().map(Vec::as_slice).collect();
        soft_cross_entropy(self.classifier.logits(pass, &sentences)?, &labels)
    }

    fn after(&mut self, params: &mut Params<D>, step: u64, cx: &mut Ctx<'_>) -> Result<Next, StageError> {
        if !self.data.dev.is_empty() && (step.is_multiple_of(self.every) || step == self.p.steps) {
            self.last = accuracy(self.classifier, params, &self.data.dev)?;
            self.best = self.best.max(self.last);
            cx.point("dev_curve", step, self.last);
        }
        Ok(Next::Go)
    }

    fn state(&self) -> Vec<u8> {
        [self.best, self.last].iter().flat_map(|x| x.to_le_bytes()).collect()
    }

    fn restore(&mut self, state: &[u8]) -> Result<(), StageError> {
        let ([best, last], []) = state.as_chunks::<8>() else {
            return Err(StageError::Input("the checkpoint is damaged".into()));
        };
        (self.best, self.last) = (f64::from_le_bytes(*best), f64::from_le_bytes(*last));
        Ok(())
    }
}

#[cfg(test)]
mod tests;
