//! Tuning itself: attempts, steps, evaluations, the best state.

use runpipe_base::{Ctx, Output, StageError};

use super::examples::{Example, Examples};
use super::{FinetuneParams, HeadKind, start};
use crate::data::tagged::Tagged;
use crate::data::tags::{self, Tag};
use crate::kit::backend::{Backend, Scalar, Taped};
use crate::kit::batches::Batches;
use crate::kit::best::Best;
use crate::kit::fit::{Fit, Next, Task, fit, kept};
use crate::kit::ops::cross_entropy::{cross_entropy, soft_cross_entropy};
use crate::kit::ops::mul::mul;
use crate::kit::optim::{Betas, Optimizer, OptimizerConfig, Rule};
use crate::kit::params::{Params, Pass};
use crate::kit::rng::Stream;
use crate::maner::chain::chain_loss;
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
    /// F1 at `dev`, and the step of the state that is kept.
    best: (f64, u64),
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
        cx.metric("dropped", examples.dropped as f64);
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
        cx.metric("dev_f1", tuned.best.0);
        cx.metric("best_step", tuned.best.1 as f64);
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
        let classes = self.labels.len();
        let mut tagger = Tagger::new(params, &model.config, classes, p.head != HeadKind::Linear)?;
        if p.crf {
            tagger = tagger.chained(params, classes)?;
        }
        start::fill(params, model, p)?;
        let batches = Batches::new(self.train.sentences.len(), p.batch, Stream::new(seed, "order"));
        let steps = (p.epochs * batches.per_epoch()).max(p.min_steps);
        let reader =
            Reader { layout: self.layout, labels: self.labels, decoding: Decoding::Greedy, overlap: None };
        let mut task = Label {
            tagger: &tagger,
            sentences: &examples.sentences,
            weights: weights(&examples.sentences, classes, p.balance),
            batches,
            p,
            steps,
            every: steps.div_ceil(p.evaluations),
            dev,
            reader,
            attempt,
            chosen: None,
            best: Best::new(p.patience),
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
        task.best.restore(params)?;
        let best = task.best.score().unwrap_or((0.0, done));
        let train_f1 = judge(&tagger, params, prepared, self.train, &reader)?.0;
        let judged = if dev.is_some() { best.0 } else { train_f1 };
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

/// What a word with each label weighs: nₖ to the power of −`balance`; 0 for a label that no word has.
fn weights(sentences: &[Vec<Example>], classes: usize, balance: f64) -> Vec<f32> {
    let mut counts = vec![0_u32; classes];
    for label in sentences.iter().flatten().flat_map(|(_, labels)| labels) {
        counts[*label as usize] += 1;
    }
    let weight = |n: u32| if n == 0 { 0.0 } else { libm::pow(f64::from(n), -balance) as f32 };
    counts.into_iter().map(weight).collect()
}

/// What is trained: label the words of sentences.
struct Label<'a> {
    tagger: &'a Tagger,
    sentences: &'a [Vec<Example>],
    /// What a word with each label weighs in the loss.
    weights: Vec<f32>,
    batches: Batches,
    p: &'a FinetuneParams,
    steps: u64,
    every: u64,
    dev: Option<&'a (Prepared, &'a Tagged)>,
    reader: Reader<'a>,
    attempt: u64,
    /// The parts of the step that was asked for last.
    chosen: Option<(u64, Vec<Vec<&'a Example>>)>,
    best: Best,
}

impl<'a> Label<'a> {
    /// The examples of a step, in parts that are encoded one after the other: every epoch all sentences in a new order.
    fn parts_of(&self, step: u64) -> Vec<Vec<&'a Example>> {
        let sentences = self.sentences;
        let mut parts: Vec<Vec<&Example>> = vec![Vec::new()];
        let mut tokens = 0;
        for example in self.batches.of(step).into_iter().flat_map(|i| &sentences[i]) {
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

    /// The loss of the words of some sequences: the mean over words, weighted by their labels.
    fn loss_of<D: Backend>(
        &self,
        pass: &Pass<'_, D>,
        examples: &[&Example],
    ) -> Result<Scalar<D, Taped<D>>, StageError> {
        let batch = Batch::of(examples.iter().map(|(sequence, _)| sequence));
        let labels: Vec<u32> = examples.iter().flat_map(|(_, labels)| labels).copied().collect();
        let logits = self.tagger.logits(pass, &batch)?;
        if let Some(transitions) = self.tagger.transitions(pass.params()) {
            let lengths: Vec<usize> = examples.iter().map(|(_, labels)| labels.len()).collect();
            return chain_loss(logits, transitions, &lengths, &labels);
        }
        if self.p.balance <= 0.0 {
            return cross_entropy(logits, &labels, 0.0);
        }
        // `soft_cross_entropy` takes the mean over rows.
        let share = labels.len() as f32 / self.mass(examples);
        let classes = self.weights.len();
        let mut q = vec![0.0; labels.len() * classes];
        for (q, label) in q.chunks_exact_mut(classes).zip(&labels) {
            q[*label as usize] = share * self.weights[*label as usize];
        }
        soft_cross_entropy(logits, &q)
    }

    /// What the words of some sequences weigh together.
    fn mass(&self, examples: &[&Example]) -> f32 {
        examples.iter().flat_map(|(_, labels)| labels).map(|label| self.weights[*label as usize]).sum()
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
        let loss = self.loss_of(pass, examples)?;
        if parts.len() == 1 {
            return Ok(loss);
        }
        // The parts' mean, in which each weighs as much as its words do.
        let all: f32 = parts.iter().map(|part| self.mass(part)).sum();
        let share = parts.len() as f32 * self.mass(examples) / all;
        mul(loss, pass.device().tensor_of(vec![share], ())?.retaped())
    }

    fn after(&mut self, params: &mut Params<D>, step: u64, cx: &mut Ctx<'_>) -> Result<Next, StageError> {
        let Some((prepared, gold)) = self.dev else { return Ok(Next::Go) };
        if !step.is_multiple_of(self.every) && step != self.steps {
            return Ok(Next::Go);
        }
        let (f1, found) = judge(self.tagger, params, prepared, gold, &self.reader)?;
        cx.point("dev_f1_curve", step, f1);
        cx.point("dev_found", step, found);
        let next = self.best.see(params, step, f1)?;
        Ok(if step < self.p.min_steps { Next::Go } else { next })
    }

    fn state(&self) -> Vec<u8> {
        [&self.attempt.to_le_bytes()[..], &self.best.state()].concat()
    }

    /// A retry does not go on from the run that collapsed.
    fn owns(&self, state: &[u8]) -> bool {
        Self::attempt_of(state) == Some(self.attempt)
    }

    fn restore(&mut self, state: &[u8]) -> Result<(), StageError> {
        let broken = || StageError::Input("the checkpoint is damaged".into());
        let (_, best) = state.split_at_checked(8).ok_or_else(broken)?;
        self.best.resume(best)
    }
}
