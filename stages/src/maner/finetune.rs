//! `maner.finetune`: a tagger that reads each word where its site says.

use std::collections::BTreeMap;

use runpipe_base::{Ctx, Inputs, Output, Port, Spec, Stage, StageError, choice, params};

use super::PAPER;
use super::config::Reading;
use super::layout::{Layout, Pool, Sequence, Site};
use super::model::{Batch, Model, Tagger};
use super::predict::{Prepared, predict};
use super::pretrain::linear_schedule;
use super::score::Score;
use crate::code;
use crate::data::tagged::Tagged;
use crate::data::tags::{self, Tag};
use crate::kit::backend::{Backend, Scalar, Taped, on_device};
use crate::kit::fit::{Fit, Next, Task, fit};
use crate::kit::ops::cross_entropy::cross_entropy;
use crate::kit::optim::{Optimizer, OptimizerConfig};
use crate::kit::params::{Params, Pass, Role};
use crate::kit::rng::Stream;

choice! {
    /// What the mask's vector is before tuning.
    pub enum MaskInit {
        /// What pre-training made of it.
        Pretrained = "pretrained",
        /// Random numbers, normal with standard deviation 0.02.
        Random = "random",
        /// The mean of all vectors of the vocabulary.
        Mean = "mean",
    }
}

choice! {
    /// The token beside each word.
    pub enum Filler {
        /// The mask.
        Mask = "mask",
        /// The unknown token.
        Unk = "unk",
        /// A new token with a random vector.
        New = "new",
    }
}

choice! {
    /// What the encoder's weights are before tuning.
    pub enum EncoderInit {
        /// What pre-training made of them.
        Pretrained = "pretrained",
        /// Random numbers: no pre-training at all.
        Random = "random",
    }
}

choice! {
    /// What tuning leaves as it is.
    pub enum Freeze {
        /// Nothing. Source: MANER, encoder and head are trained together.
        None = "none",
        /// The vectors of tokens and positions.
        Embeddings = "embeddings",
        /// The whole encoder: only the head is trained.
        Encoder = "encoder",
    }
}

choice! {
    /// What stands between encoder and labels.
    pub enum HeadKind {
        /// One linear layer.
        Linear = "linear",
        /// A hidden layer with GELU and norm, and a linear one.
        Mlp = "mlp",
    }
}

params! {
    /// Parameters of [`Finetune`].
    pub struct FinetuneParams {
        /// Where a word's tag is read.
        site: Site = Site::Prepend;
        /// Which of a word's pieces is read when no mask is.
        pool: Pool = Pool::First;
        /// What the mask's vector is before tuning.
        mask_init: MaskInit = MaskInit::Pretrained;
        /// The token beside each word.
        filler: Filler = Filler::Mask;
        /// What the encoder's weights are before tuning.
        encoder_init: EncoderInit = EncoderInit::Pretrained;
        /// What tuning leaves as it is.
        freeze: Freeze = Freeze::None;
        /// What stands between encoder and labels.
        head: HeadKind = HeadKind::Linear;
        /// Passes over the sentences.
        epochs: u64 = 30, in 1..=10_000, unit "epochs";
        /// Steps at least: a hundred sentences make few batches, and the head must leave the all-`O` answer.
        min_steps: u64 = 300, in 1.., unit "steps";
        /// Sentences of a batch.
        batch: usize = 8, in 1..=1024, unit "sentences";
        /// Peak learning rate of AdamW; 1e-3 for small encoders, 5e-5 to 1e-5 for large ones.
        lr: f64 = 1e-3, in 0.0..=1.0;
        /// Share of the steps in which the learning rate rises; it falls to 0 in the others.
        warmup: f64 = 0.1, in 0.0..=1.0;
        /// Weight decay.
        decay: f32 = 0.01, in 0.0..=1.0;
        /// Chance that dropout drops a number; none: that of the encoder.
        dropout: Option<f32> = None, in 0.0..1.0;
        /// Most tokens of a sequence; none: as many as the encoder has positions.
        max_len: Option<usize> = None, in 8.., unit "tokens";
        /// How often the sentences at `dev` are tagged; the best of these states is kept.
        evaluations: u64 = 6, in 1..=1000;
        /// Five random streams are derived from it: head, mask, order, dropout and, with `data.take`, the choice of
        /// sentences. Taggers of one seed see the same sentences in the same order, whatever their site.
        seed: u64 = 0;
    }
}

/// `maner.finetune`: trains a tagger on an encoder.
pub struct Finetune;

impl Stage for Finetune {
    type Params = FinetuneParams;

    fn spec(&self) -> Spec {
        Spec::new(
            "maner.finetune",
            code::MANER,
            "weights/tagger",
            "Trains a tagger that reads each word through a mask token, or as a baseline without.",
        )
        .input(Port::one("encoder", "weights/encoder", "the masked language model"))
        .input(Port::one("sentences", "tagged", "sentences to train on"))
        .input(Port::optional("dev", "tagged", "sentences by which the best state is chosen"))
        .tensors()
        .metric("train_f1", "F1 of entities in the training sentences, in percent")
        .metric("dev_f1", "F1 of entities at `dev`, best of all evaluations, in percent (0 without `dev`)")
        .metric("best_step", "step of the state that is kept")
        .metric("steps", "steps of training")
        .metric("windowed", "training sentences cut into windows")
        .metric(
            "collapsed",
            "1 when the tagger finds next to nothing (F1 below 5, at `dev` or in training), else 0",
        )
        .series("train_loss", "cross-entropy of words in training, mean of 10 steps, in nats")
        .series("dev_f1_curve", "F1 of entities at `dev`, in percent")
        .paper(&PAPER)
    }

    fn run(&self, p: &FinetuneParams, inputs: &Inputs<'_>, cx: &mut Ctx<'_>) -> Result<Output, StageError> {
        let mut model = Model::read(&inputs.one("encoder")?)?;
        let train = Tagged::read(&inputs.one("sentences")?)?;
        let dev = inputs.optional("dev").map(|view| Tagged::read(&view)).transpose()?;
        if train.types.is_empty() {
            return Err(StageError::Input("expected sentences with entities to train on, found none".into()));
        }
        let room = model.config.sizes().positions;
        let max_len = p.max_len.unwrap_or(room);
        if max_len > room {
            return Err(StageError::Input(format!(
                "`max_len` is {max_len}, but the encoder has {room} positions"
            )));
        }
        model.config.hidden_dropout_prob = p.dropout.unwrap_or(model.config.hidden_dropout_prob);
        model.config.attention_probs_dropout_prob = model.config.hidden_dropout_prob;
        let filler = prepare_tokens(&mut model, p)?;
        let labels = train.labels();
        let ids = labels.iter().map(ToString::to_string).zip(0..).collect::<BTreeMap<String, usize>>();
        model.config.id2label = ids.iter().map(|(label, id)| (*id, label.clone())).collect();
        model.config.label2id = ids;
        model.config.maner = Some(Reading {
            site: p.site.as_str().to_owned(),
            pool: p.pool.as_str().to_owned(),
            filler,
            hidden_layer: p.head == HeadKind::Mlp,
            max_len,
        });
        let layout = Layout { site: p.site, pool: p.pool, filler, special: model.subwords.special, max_len };
        on_device!(cx, |device| tune(&device, p, model, layout, &train, dev.as_ref(), &labels, cx))
    }
}

/// Makes the vectors of the mask and of the filler as told; returns the filler's id.
fn prepare_tokens(model: &mut Model, p: &FinetuneParams) -> Result<u32, StageError> {
    const TABLE: &str = "encoder.embed.word.weight";
    let special = model.subwords.special;
    let width = model.config.hidden_size;
    let (sizes, numbers) = model
        .arrays
        .get_mut(TABLE)
        .ok_or_else(|| StageError::Input("the encoder has no vectors of tokens".into()))?;
    let random = |purpose: &str| -> Vec<f32> {
        let mut stream = Stream::new(p.seed, purpose);
        (0..width).map(|_| (0.02 * stream.normal()) as f32).collect()
    };
    let mask = special.mask as usize * width..(special.mask as usize + 1) * width;
    match p.mask_init {
        MaskInit::Pretrained => {}
        MaskInit::Random => numbers[mask].copy_from_slice(&random("mask")),
        MaskInit::Mean => {
            let mut mean = vec![0.0_f64; width];
            for row in numbers.chunks_exact(width) {
                mean.iter_mut().zip(row).for_each(|(m, x)| *m += f64::from(*x));
            }
            let rows = (numbers.len() / width) as f64;
            numbers[mask].iter_mut().zip(mean).for_each(|(x, m)| *x = (m / rows) as f32);
        }
    }
    Ok(match p.filler {
        Filler::Mask => special.mask,
        Filler::Unk => special.unknown,
        Filler::New => {
            numbers.extend(random("filler"));
            sizes[0] += 1;
            model.config.vocab_size += 1;
            model.config.vocab_size as u32 - 1
        }
    })
}

#[expect(clippy::too_many_arguments, reason = "what a run reads, gathered before the device is known")]
fn tune<D: Backend>(
    device: &D,
    p: &FinetuneParams,
    mut model: Model,
    layout: Layout,
    train: &Tagged,
    dev: Option<&Tagged>,
    labels: &[Tag],
    cx: &mut Ctx<'_>,
) -> Result<Output, StageError> {
    let mut params = Params::new(device, p.seed);
    let tagger = Tagger::new(&mut params, &model.config, labels.len(), p.head == HeadKind::Mlp)?;
    if p.encoder_init == EncoderInit::Pretrained {
        model.fill(&mut params, |name| name.starts_with("encoder."))?;
    }
    match p.freeze {
        Freeze::None => {}
        Freeze::Embeddings => params.set_role("encoder.embed.", Role::Buffer),
        Freeze::Encoder => params.set_role("encoder.", Role::Buffer),
    }
    let examples = Examples::new(&Prepared::new(train, &model.subwords)?, layout, train, labels);
    cx.metric("windowed", examples.windowed as f64);
    let per_epoch = (train.sentences.len() as u64).div_ceil(p.batch as u64);
    let steps = (p.epochs * per_epoch).max(p.min_steps);
    let mut task = Label {
        tagger: &tagger,
        examples: &examples,
        order: Stream::new(p.seed, "order"),
        batch: p.batch,
        per_epoch,
        steps,
        every: steps.div_ceil(p.evaluations),
        dev: dev
            .map(|dev| Prepared::new(dev, &model.subwords).map(|prepared| (prepared, dev)))
            .transpose()?,
        layout,
        labels,
        best: None,
    };
    let mut optimizer = Optimizer::new(OptimizerConfig::adam_w(p.decay).clip(1.0));
    let plan = Fit {
        steps,
        rate: p.lr,
        schedule: linear_schedule(p.warmup, steps),
        seed: p.seed,
        curve: "train_loss",
        report_every: 10,
        checkpoint_every: Some(200),
    };
    fit(cx, &plan, &mut params, &mut optimizer, &mut task)?;
    let mut best = Best { f1: 0.0, step: steps, weights: Vec::new() };
    if let Some(found) = task.best.take() {
        best = found;
        params.load(&best.weights)?;
    }
    let prepared = Prepared::new(train, &model.subwords)?;
    let train_f1 = f1(&tagger, &params, &prepared, train, layout, labels)?;
    let judged = if dev.is_some() { best.f1 } else { train_f1 };
    cx.metric("train_f1", train_f1);
    cx.metric("dev_f1", best.f1);
    cx.metric("best_step", best.step as f64);
    cx.metric("steps", steps as f64);
    cx.metric("collapsed", f64::from(u8::from(judged < 5.0)));
    model.take(&params)?;
    model.write("weights/tagger")
}

/// F1 of a tagger in percent.
fn f1<D: Backend>(
    tagger: &Tagger,
    params: &Params<D>,
    prepared: &Prepared,
    gold: &Tagged,
    layout: Layout,
    labels: &[Tag],
) -> Result<f64, StageError> {
    let predicted = predict(tagger, params, prepared, layout, labels)?.tags;
    let gold: Vec<Vec<Tag>> = gold.sentences.iter().map(|s| s.tags.clone()).collect();
    Ok(100.0 * Score::of(&gold, &predicted, tags::lenient).map_err(StageError::Other)?.micro().f1())
}

/// Training sentences laid out: the sequences of each, and the labels of the words read in them.
struct Examples {
    sentences: Vec<Vec<(Sequence, Vec<u32>)>>,
    windowed: usize,
}

impl Examples {
    fn new(prepared: &Prepared, layout: Layout, train: &Tagged, labels: &[Tag]) -> Self {
        let id = |tag: &Tag| {
            labels.iter().position(|label| label == tag).expect("labels are those of `train`") as u32
        };
        let mut windowed = 0;
        let sentences = prepared.units.iter().zip(&train.sentences).map(|(units, sentence)| {
            let windows = layout.windows(units);
            windowed += usize::from(windows.len() > 1);
            let sequences = windows.into_iter().flat_map(|window| layout.sequences(units, window));
            sequences
                .map(|sequence| {
                    let labels = sequence.words.iter().map(|word| id(&sentence.tags[*word])).collect();
                    (sequence, labels)
                })
                .collect()
        });
        let sentences = sentences.collect();
        Self { sentences, windowed }
    }
}

/// The state that is kept.
#[derive(Clone)]
struct Best {
    f1: f64,
    step: u64,
    weights: Vec<u8>,
}

/// What is trained: label the words of sentences.
struct Label<'a> {
    tagger: &'a Tagger,
    examples: &'a Examples,
    order: Stream,
    batch: usize,
    per_epoch: u64,
    steps: u64,
    every: u64,
    dev: Option<(Prepared, &'a Tagged)>,
    layout: Layout,
    labels: &'a [Tag],
    best: Option<Best>,
}

impl Label<'_> {
    /// The sentences of a step: every epoch all of them in a new order.
    fn chosen(&self, step: u64) -> Vec<usize> {
        let order = self.order.child(step / self.per_epoch).permutation(self.examples.sentences.len());
        let first = (step % self.per_epoch) as usize * self.batch;
        order.into_iter().skip(first).take(self.batch).collect()
    }
}

impl<D: Backend> Task<D> for Label<'_> {
    /// L = −(1/N) Σ log softmax(zᵢ)[yᵢ] over all N words of the batch.
    fn loss(&mut self, pass: &Pass<'_, D>, step: u64) -> Result<Scalar<D, Taped<D>>, StageError> {
        let chosen = self.chosen(step);
        let examples = || chosen.iter().flat_map(|i| &self.examples.sentences[*i]);
        let batch = Batch::of(examples().map(|(sequence, _)| sequence));
        let labels: Vec<u32> = examples().flat_map(|(_, labels)| labels).copied().collect();
        cross_entropy(self.tagger.logits(pass, &batch)?, &labels, 0.0)
    }

    fn after(&mut self, params: &mut Params<D>, step: u64, cx: &mut Ctx<'_>) -> Result<Next, StageError> {
        let Some((prepared, gold)) = &self.dev else { return Ok(Next::Go) };
        if step.is_multiple_of(self.every) || step == self.steps {
            let f1 = f1(self.tagger, params, prepared, gold, self.layout, self.labels)?;
            cx.point("dev_f1_curve", step, f1);
            if self.best.as_ref().is_none_or(|best| f1 > best.f1) {
                self.best = Some(Best { f1, step, weights: params.save()? });
            }
        }
        Ok(Next::Go)
    }

    fn state(&self) -> Vec<u8> {
        self.best.as_ref().map_or_else(Vec::new, |best| {
            [&best.f1.to_le_bytes()[..], &best.step.to_le_bytes(), &best.weights].concat()
        })
    }

    fn restore(&mut self, state: &[u8]) -> Result<(), StageError> {
        let (numbers, weights) = state.split_at(state.len().min(16));
        self.best = match numbers.as_chunks::<8>().0 {
            [] => None,
            [f1, step] => Some(Best {
                f1: f64::from_le_bytes(*f1),
                step: u64::from_le_bytes(*step),
                weights: weights.to_vec(),
            }),
            _ => return Err(StageError::Input("the checkpoint is damaged".into())),
        };
        Ok(())
    }
}

#[cfg(test)]
mod tests;
