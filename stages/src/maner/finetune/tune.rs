//! Tuning itself: attempts, steps, evaluations, the best state.

use runpipe_base::{Ctx, Output, StageError};

use super::examples::{Example, Examples};
use super::{FinetuneParams, HeadKind, start};
use crate::data::tagged::Tagged;
use crate::data::tags::{self, Tag};
use crate::kit::backend::{Backend, Scalar, Taped};
use crate::kit::fit::{Fit, Next, Task, fit, kept};
use crate::kit::ops::cross_entropy::cross_entropy;
use crate::kit::optim::{Betas, Optimizer, OptimizerConfig, Rule};
use crate::kit::params::{Params, Pass};
use crate::kit::rng::Stream;
use crate::maner::decode::Decoding;
use crate::maner::layout::Layout;
use crate::maner::model::{Batch, Model, Tagger};
use crate::maner::predict::{Prepared, Reader, predict};
use crate::maner::pretrain::linear_schedule;
use crate::maner::score::Score;

/// F1 in percent below which a tagger has collapsed.
const COLLAPSED: f64 = 5.0;

/// What is tuned, on what and how.
pub(super) struct Tuning<'a> {
    pub(super) p: &'a FinetuneParams,
    pub(super) layout: Layout,
    pub(super) train: &'a Tagged,
    pub(super) dev: Option<&'a Tagged>,
    pub(super) labels: &'a [Tag],
}

/// How an attempt ended.
struct Tuned {
    best: Best,
    steps: u64,
    train_f1: f64,
    collapsed: bool,
}

impl Tuning<'_> {
    /// Tunes until a tagger has not collapsed or no retry is left; makes the artifact.
    pub(super) fn run<D: Backend>(
        &self,
        device: &D,
        mut model: Model,
        cx: &mut Ctx<'_>,
    ) -> Result<Output, StageError> {
        let prepared = Prepared::new(self.train, &model.subwords)?;
        let all_pieces = self.p.label_all_pieces;
        let examples = Examples::new(&prepared, &self.layout, self.train, self.labels, all_pieces);
        cx.metric("windowed", examples.windowed as f64);
        let dev = match self.dev {
            Some(dev) => Some((Prepared::new(dev, &model.subwords)?, dev)),
            None => None,
        };
        // A run that was stopped in a later attempt goes on with that one.
        let mut attempt = cx.resume().as_deref().and_then(kept).and_then(Label::attempt_of).unwrap_or(0);
        let (params, tuned) = loop {
            let mut params = Params::new(device, self.seed(attempt));
            let tuned = self.attempt(attempt, &mut params, &model, &examples, &prepared, dev.as_ref(), cx)?;
            if !tuned.collapsed || attempt >= self.p.retries {
                break (params, tuned);
            }
            attempt += 1;
        };
        cx.metric("train_f1", tuned.train_f1);
        cx.metric("dev_f1", tuned.best.f1);
        cx.metric("best_step", tuned.best.step as f64);
        cx.metric("steps", tuned.steps as f64);
        cx.metric("retried", attempt as f64);
        cx.metric("collapsed", f64::from(u8::from(tuned.collapsed)));
        model.take(&params)?;
        model.write("weights/tagger")
    }

    /// The seed of head, order and dropout: a retry has others than the run that collapsed.
    fn seed(&self, attempt: u64) -> u64 {
        if attempt == 0 { self.p.seed } else { Stream::new(self.p.seed, "retry").at(attempt) }
    }

    #[expect(clippy::too_many_arguments, reason = "what all attempts share, made once")]
    fn attempt<D: Backend>(
        &self,
        attempt: u64,
        params: &mut Params<D>,
        model: &Model,
        examples: &Examples,
        prepared: &Prepared,
        dev: Option<&(Prepared, &Tagged)>,
        cx: &mut Ctx<'_>,
    ) -> Result<Tuned, StageError> {
        let (p, seed) = (self.p, self.seed(attempt));
        let tagger = Tagger::new(params, &model.config, self.labels.len(), p.head != HeadKind::Linear)?;
        start::fill(params, model, p)?;
        let per_epoch = (self.train.sentences.len() as u64).div_ceil(p.batch as u64);
        let steps = (p.epochs * per_epoch).max(p.min_steps);
        let reader =
            Reader { layout: self.layout, labels: self.labels, decoding: Decoding::Greedy, overlap: None };
        let mut task = Label {
            tagger: &tagger,
            sentences: &examples.sentences,
            order: Stream::new(seed, "order"),
            p,
            per_epoch,
            steps,
            every: steps.div_ceil(p.evaluations),
            dev,
            reader,
            attempt,
            chosen: None,
            best: None,
        };
        let rule = Rule::AdamW(Betas { epsilon: p.epsilon, ..Betas::default() });
        let mut optimizer = Optimizer::new(OptimizerConfig { rule, decay: p.decay, clip: Some(1.0) });
        let plan = Fit {
            steps,
            rate: p.lr,
            schedule: linear_schedule(p.warmup, steps),
            seed,
            curve: "train_loss",
            report_every: 10,
            checkpoint_every: Some(200),
        };
        let done = fit(cx, &plan, params, &mut optimizer, &mut task)?.steps;
        let mut best = Best { f1: 0.0, step: done, weights: Vec::new() };
        if let Some(found) = task.best.take() {
            best = found;
            params.load(&best.weights)?;
        }
        let train_f1 = judge(&tagger, params, prepared, self.train, &reader)?.0;
        let judged = if dev.is_some() { best.f1 } else { train_f1 };
        Ok(Tuned { best, steps: done, train_f1, collapsed: judged < COLLAPSED })
    }
}

/// F1 of a tagger, and words that it tags as entities in relation to those that are, both in percent.
fn judge<D: Backend>(
    tagger: &Tagger,
    params: &Params<D>,
    prepared: &Prepared,
    gold: &Tagged,
    reader: &Reader<'_>,
) -> Result<(f64, f64), StageError> {
    let predicted = predict(tagger, params, prepared, reader)?.tags;
    let gold: Vec<Vec<Tag>> = gold.sentences.iter().map(|s| s.tags.clone()).collect();
    let f1 = Score::of(&gold, &predicted, tags::lenient).map_err(StageError::Other)?.micro().f1();
    let inside = |tags: &[Vec<Tag>]| tags.iter().flatten().filter(|tag| **tag != Tag::Outside).count();
    Ok((100.0 * f1, 100.0 * inside(&predicted) as f64 / inside(&gold).max(1) as f64))
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
    sentences: &'a [Vec<Example>],
    order: Stream,
    p: &'a FinetuneParams,
    per_epoch: u64,
    steps: u64,
    every: u64,
    dev: Option<&'a (Prepared, &'a Tagged)>,
    reader: Reader<'a>,
    attempt: u64,
    /// The parts of the step that was asked for last.
    chosen: Option<(u64, Vec<Vec<&'a Example>>)>,
    best: Option<Best>,
}

impl<'a> Label<'a> {
    /// The examples of a step, in parts that are encoded one after the other: every epoch all sentences in a new order.
    fn parts_of(&self, step: u64) -> Vec<Vec<&'a Example>> {
        let order = self.order.child(step / self.per_epoch).permutation(self.sentences.len());
        let first = (step % self.per_epoch) as usize * self.p.batch;
        let chosen = order.into_iter().skip(first).take(self.p.batch);
        let sentences = self.sentences;
        let mut parts: Vec<Vec<&Example>> = vec![Vec::new()];
        let mut tokens = 0;
        for example in chosen.flat_map(|i| &sentences[i]) {
            let length = example.0.ids.len();
            if self.p.pass.is_some_and(|pass| tokens > 0 && tokens + length > pass) {
                parts.push(Vec::new());
                tokens = 0;
            }
            tokens += length;
            parts.last_mut().expect("there is one from the start").push(example);
        }
        parts
    }

    /// The attempt that a state is of.
    fn attempt_of(state: &[u8]) -> Option<u64> {
        state.split_first_chunk::<8>().map(|(attempt, _)| u64::from_le_bytes(*attempt))
    }
}

impl<D: Backend> Task<D> for Label<'_> {
    fn loss(&mut self, pass: &Pass<'_, D>, step: u64) -> Result<Scalar<D, Taped<D>>, StageError> {
        self.part(pass, step, 0)
    }

    fn parts(&self, step: u64) -> u64 {
        if self.p.pass.is_none() { 1 } else { self.parts_of(step).len() as u64 }
    }

    /// L = −(1/N) Σ log softmax(zᵢ)[yᵢ] over all N words of the batch, of which a part has its share.
    fn part(&mut self, pass: &Pass<'_, D>, step: u64, part: u64) -> Result<Scalar<D, Taped<D>>, StageError> {
        if self.chosen.as_ref().is_none_or(|(of, _)| *of != step) {
            self.chosen = Some((step, self.parts_of(step)));
        }
        let parts = self.chosen.as_ref().map_or(&[][..], |(_, parts)| parts);
        let examples = &parts[part as usize];
        let batch = Batch::of(examples.iter().map(|(sequence, _)| sequence));
        let labels: Vec<u32> = examples.iter().flat_map(|(_, labels)| labels).copied().collect();
        let loss = cross_entropy(self.tagger.logits(pass, &batch)?, &labels, 0.0)?;
        if parts.len() == 1 {
            return Ok(loss);
        }
        // The parts' mean, in which each weighs as much as it has words.
        let words: usize = parts.iter().flatten().map(|(_, labels)| labels.len()).sum();
        Ok(loss * (parts.len() as f32 * labels.len() as f32 / words as f32))
    }

    fn after(&mut self, params: &mut Params<D>, step: u64, cx: &mut Ctx<'_>) -> Result<Next, StageError> {
        let Some((prepared, gold)) = self.dev else { return Ok(Next::Go) };
        if !step.is_multiple_of(self.every) && step != self.steps {
            return Ok(Next::Go);
        }
        let (f1, found) = judge(self.tagger, params, prepared, gold, &self.reader)?;
        cx.point("dev_f1_curve", step, f1);
        cx.point("dev_found", step, found);
        if self.best.as_ref().is_none_or(|best| f1 > best.f1) {
            self.best = Some(Best { f1, step, weights: params.save()? });
        }
        let since = step - self.best.as_ref().map_or(step, |best| best.step);
        let patient = self.p.patience.is_none_or(|patience| since < patience * self.every);
        Ok(if patient || step < self.p.min_steps { Next::Go } else { Next::Stop })
    }

    fn state(&self) -> Vec<u8> {
        let best = self.best.as_ref().map_or_else(Vec::new, |best| {
            [&best.f1.to_le_bytes()[..], &best.step.to_le_bytes(), &best.weights].concat()
        });
        [&self.attempt.to_le_bytes()[..], &best].concat()
    }

    /// A retry does not go on from the run that collapsed.
    fn owns(&self, state: &[u8]) -> bool {
        Self::attempt_of(state) == Some(self.attempt)
    }

    fn restore(&mut self, state: &[u8]) -> Result<(), StageError> {
        let broken = || StageError::Input("the checkpoint is damaged".into());
        let (_, state) = state.split_at_checked(8).ok_or_else(broken)?;
        let (numbers, weights) = state.split_at(state.len().min(16));
        self.best = match numbers.as_chunks::<8>().0 {
            [] => None,
            [f1, step] => Some(Best {
                f1: f64::from_le_bytes(*f1),
                step: u64::from_le_bytes(*step),
                weights: weights.to_vec(),
            }),
            _ => return Err(broken()),
        };
        Ok(())
    }
}
