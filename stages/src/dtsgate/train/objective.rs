//! What is trained, and what is told of it.

use runpipe_base::{Ctx, StageError};
use serde::{Deserialize, Serialize};

use super::TrainParams;
use crate::dtsgate::judge::{Judge, spread};
use crate::dtsgate::model::{Decoder, Load, Router};
use crate::dtsgate::route::{Arm, Look, Routing};
use crate::dtsgate::tokens::Sequences;
use crate::dtsgate::trained::{About, Point};
use crate::dtsgate::work::{TRAINING, of_experts, of_token};
use crate::kit::backend::{Backend, Scalar, Taped};
use crate::kit::batches::Batches;
use crate::kit::fit::{Next, Task};
use crate::kit::ops::act::Act;
use crate::kit::ops::add::add;
use crate::kit::ops::attention::Packed;
use crate::kit::ops::cross_entropy::cross_entropy;
use crate::kit::params::{Params, Pass};
use crate::kit::rng::Stream;

/// What is told of a training run; kept with a checkpoint.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Default)]
pub(super) struct Told {
    pub(super) work: u64,
    pub(super) expert_work: u64,
    pub(super) curve: Vec<Point>,
    /// Experts that a token asked, in the first update, in the last, the most once the gate was hard, and their sum over
    /// updates.
    first: f64,
    last: f64,
    hard: f64,
    sum: f64,
    /// Updates whose sum that is.
    updates: u64,
}

impl Told {
    pub(super) fn report(&self, cx: &mut Ctx<'_>) {
        let Some(end) = self.curve.last() else { return };
        let rise = self.curve.windows(2).map(|pair| pair[1].asked - pair[0].asked).fold(0.0, f64::max);
        cx.metric("loss", end.loss);
        cx.metric("perplexity", libm::exp(end.loss));
        cx.metric("as_trained", end.as_trained);
        cx.metric("work", self.work as f64 / 1e9);
        cx.metric("expert_work", self.expert_work as f64 / 1e9);
        cx.metric("asked", self.sum / self.updates.max(1) as f64);
        cx.metric("first_asked", self.first);
        cx.metric("hard_asked", self.hard);
        cx.metric("rise", rise);
    }
}

/// What is trained: the cross-entropy of the next token, and the balance of experts.
pub(super) struct Objective<'a> {
    p: &'a TrainParams,
    decoder: &'a Decoder,
    routing: &'a Routing,
    train: Sequences<'a>,
    valid: Sequences<'a>,
    probe: Vec<usize>,
    batches: Batches,
    every: u64,
    told: Told,
    /// Updates before the first of this stage.
    before: u64,
    /// Pairs of a token and an expert, and tokens, of the update so far.
    pairs: u64,
    tokens: u64,
}

impl<'a> Objective<'a> {
    pub(super) fn new(
        p: &'a TrainParams,
        decoder: &'a Decoder,
        routing: &'a Routing,
        [train, valid]: [Sequences<'a>; 2],
        before: Option<&About>,
    ) -> Self {
        let (work, expert_work) = before.map_or((0, 0), |about| (about.work, about.expert_work));
        Self {
            p,
            decoder,
            routing,
            train,
            valid,
            probe: spread(valid.count, valid.length, p.probe),
            batches: Batches::new(train.count, p.batch, Stream::new(p.seed, "dtsgate.order")),
            every: p.steps.div_ceil(p.evaluations),
            told: Told { work, expert_work, hard: 1.0, ..Told::default() },
            before: before.map_or(0, |about| about.updates),
            pairs: 0,
            tokens: 0,
        }
    }

    pub(super) fn told(self) -> Told {
        self.told
    }

    /// The loss of some sequences at an update.
    fn loss_of<D: Backend>(
        &mut self,
        pass: &Pass<'_, D>,
        which: &[usize],
        step: u64,
    ) -> Result<Scalar<D, Taped<D>>, StageError> {
        let (ids, next) = self.train.batch(which);
        let packed = Packed::new(vec![self.train.length; which.len()]);
        let router =
            Router { routing: self.routing, moment: self.routing.cooling.at(step), look: Look::Train };
        let passed = self.decoder.forward(pass, &ids, &packed, router)?;
        self.tokens += ids.len() as u64;
        self.pairs += passed.loads.iter().map(Load::pairs).sum::<usize>() as u64;
        let loss = cross_entropy(passed.logits, &next, 0.0)?;
        match passed.balance {
            None => Ok(loss),
            Some(balance) => add(loss, balance, Act::Identity),
        }
    }

    /// Sequences of a part of an update of so many. The last part may have fewer: losses of parts are weighted alike.
    fn part_size(&self, sequences: usize) -> usize {
        sequences.div_ceil(self.p.parts as usize)
    }

    /// Takes in the experts that a token of the last update asked, on average over layers; 1 without experts.
    fn settle(&mut self, update: u64) {
        let sizes = self.decoder.sizes();
        let layers = sizes.sparse() as u64;
        let gated = if self.routing.is_gated() { layers * self.tokens } else { 0 };
        let experts = TRAINING * of_experts(sizes, self.pairs, gated);
        self.told.expert_work += experts;
        self.told.work += experts + TRAINING * self.tokens * of_token(sizes, self.train.length);
        let asked = if layers == 0 { 1.0 } else { self.pairs as f64 / (layers * self.tokens).max(1) as f64 };
        (self.pairs, self.tokens) = (0, 0);
        if update == 0 {
            self.told.first = asked;
        }
        if self.routing.arm == Arm::Dts && self.routing.cooling.at(update).hard {
            self.told.hard = self.told.hard.max(asked);
        }
        self.told.sum += asked;
        self.told.updates += 1;
        self.told.last = asked;
    }

    fn point<D: Backend>(&self, params: &Params<D>, step: u64) -> Result<Point, StageError> {
        let moment = self.routing.cooling.at(step - 1);
        let judge = Judge {
            params,
            decoder: self.decoder,
            routing: self.routing,
            moment,
            batch: self.part_size(self.p.batch),
        };
        let loss = judge.loss(&self.valid, &self.probe, Look::Top1)?;
        let as_trained = judge.loss(&self.valid, &self.probe, Look::AsTrained)?;
        let (work, asked, temperature) = (self.told.work, self.told.last, moment.temperature);
        Ok(Point { update: self.before + step, work, loss, as_trained, asked, temperature })
    }
}

impl<D: Backend> Task<D> for Objective<'_> {
    fn loss(&mut self, pass: &Pass<'_, D>, step: u64) -> Result<Scalar<D, Taped<D>>, StageError> {
        self.loss_of(pass, &self.batches.of(self.before + step), step)
    }

    fn parts(&self, step: u64) -> u64 {
        let count = self.batches.of(self.before + step).len();
        count.div_ceil(self.part_size(count)) as u64
    }

    fn part(&mut self, pass: &Pass<'_, D>, step: u64, part: u64) -> Result<Scalar<D, Taped<D>>, StageError> {
        let all = self.batches.of(self.before + step);
        let size = self.part_size(all.len());
        let which: Vec<usize> = all.into_iter().skip(part as usize * size).take(size).collect();
        self.loss_of(pass, &which, step)
    }

    fn after(&mut self, params: &mut Params<D>, step: u64, cx: &mut Ctx<'_>) -> Result<Next, StageError> {
        self.settle(step - 1);
        if step.is_multiple_of(self.every) || step == self.p.steps || step == 1 {
            let point = self.point(params, step)?;
            cx.point("valid_loss", point.update, point.loss);
            cx.point("valid_as_trained", point.update, point.as_trained);
            cx.point("asked_curve", point.update, point.asked);
            cx.point("temperature", point.update, point.temperature);
            cx.point("work_curve", point.update, point.work as f64 / 1e9);
            self.told.curve.push(point);
        }
        // The learning rate may be that of a longer course.
        Ok(if step == self.p.steps { Next::Stop } else { Next::Go })
    }

    fn state(&self) -> Vec<u8> {
        serde_json::to_vec(&self.told).unwrap_or_default()
    }

    fn restore(&mut self, state: &[u8]) -> Result<(), StageError> {
        self.told = serde_json::from_slice(state)
            .map_err(|e| StageError::Input(format!("the checkpoint is damaged: {e}")))?;
        Ok(())
    }
}
