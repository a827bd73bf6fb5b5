//! How a net learns to name the classes of pictures.

use std::path::PathBuf;

use dfdx::prelude::PutTape as _;
use runpipe_base::{Ctx, ParamSpec, Params as ParamsOf, Record, Spec, StageError, choice, params};

use crate::data::augment::{Augment, Scale, batch};
use crate::data::pictures::Pictures;
use crate::kit::backend::{Backend, Images, Matrix, Result, Scalar, Taped};
use crate::kit::fit::{Fit, Next, Task, fit};
use crate::kit::ops::cross_entropy::cross_entropy;
use crate::kit::optim::{Optimizer, OptimizerConfig};
use crate::kit::params::{Params, Pass};
use crate::kit::rng::Stream;
use crate::kit::schedule::Schedule;
use crate::kit::tally::Tally;

choice! {
    /// The course of the learning rate.
    pub enum Course {
        /// Down to 0 in a line. Source: MetaPruning's for MobileNets.
        Linear = "linear",
        /// A tenth of it after each quarter. Source: MetaPruning's for ResNet-50.
        Quarters = "quarters",
        /// Down to 0 along half a cosine. Source: RepGhost's.
        Cosine = "cosine",
    }
}

params! {
    /// How a net is trained.
    pub struct Recipe {
        /// Steps. On two cores the small families learn 16×16 pictures in 2000; MetaPruning takes tens of thousands on ImageNet.
        steps: u64 = 2000, in 1.., unit "steps";
        /// Passes over the pictures, in place of steps.
        epochs: Option<u64> = None, in 1.., unit "epochs";
        /// Pictures of a batch. A PruningNet shows all of them one structure.
        batch: usize = 64, in 2..=65_536, unit "pictures";
        /// Peak learning rate of SGD with momentum 0.9; MetaPruning's is 0.25 for 512 pictures of a batch, 0.5 for 1024.
        lr: f64 = 0.1, in 0.0..=10.0;
        /// Its course.
        course: Course = Course::Linear;
        /// Weight decay of all but norms and biases, nor of MetaPruning's depthwise filters unless they are generated. Source: MetaPruning's for MobileNets.
        decay: f32 = 4e-5, in 0.0..=1.0;
        /// What the true class shares with all.
        smoothing: f32 = 0.1, in 0.0..1.0;
        /// Pictures are shifted by up to so many pixels.
        shift: usize = 0, in 0..=64, unit "pixels";
        /// Pictures are mirrored half of the time.
        mirror: bool = false;
        /// A random part of each picture is shown, resized, that covers at least this share of it; none: its middle. ImageNet's
        /// nets are commonly trained with 0.08.
        crop: Option<f64> = None, in 0.01..=1.0;
        /// The folder or archive of the pictures, if they stay in their files: what `data.pictures(stream = true)` was given.
        files: Option<PathBuf> = None;
        /// Start, structures, order and variations of pictures are drawn from it.
        seed: u64 = 0;
    }
}

/// Parameters of a stage that trains a net: how it trains, and the stage's own.
#[derive(Debug, Clone, PartialEq)]
pub struct Training<P> {
    /// How it trains.
    pub recipe: Recipe,
    /// The stage's own.
    pub own: P,
}

impl<P: ParamsOf> ParamsOf for Training<P> {
    fn schema() -> Vec<ParamSpec> {
        [P::schema(), Recipe::schema()].concat()
    }

    fn from_filled(record: &Record) -> Option<Self> {
        Some(Self { recipe: Recipe::from_filled(record)?, own: P::from_filled(record)? })
    }
}

/// How training ended.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Trained {
    /// Steps.
    pub steps: u64,
    /// Loss, mean of the last steps.
    pub loss: f64,
    /// Pictures that were classified rightly in the last steps, in percent.
    pub accuracy: f64,
}

/// Steps whose mean is a point of a curve.
const POINT: u64 = 50;

/// Declares what [`Trained::report`] and [`Recipe::train`] tell.
pub fn declared(spec: Spec) -> Spec {
    spec.tensors()
        .metric("steps", "steps of training")
        .metric("loss", "smoothed cross-entropy, mean of the last 50 steps, in nats")
        .metric("accuracy", "training pictures classified rightly in the last 50 steps, in percent")
        .series("loss_curve", "smoothed cross-entropy, mean of 50 steps, in nats")
        .series("accuracy_curve", "training pictures classified rightly, mean of 50 steps, in percent")
}

impl Trained {
    /// Tells how training ended.
    pub fn report(self, cx: &mut Ctx<'_>) {
        cx.metric("steps", self.steps as f64);
        cx.metric("loss", self.loss);
        cx.metric("accuracy", self.accuracy);
    }
}

impl Recipe {
    /// Trains on pictures; `forward` makes logits of a batch at a step.
    ///
    /// # Errors
    /// As [`fit`], and [`StageError::Input`] when there are fewer pictures than a batch has.
    pub fn train<D: Backend>(
        &self,
        cx: &mut Ctx<'_>,
        params: &mut Params<D>,
        pictures: &Pictures,
        scale: &Scale,
        forward: impl Fn(&Pass<'_, D>, Images<D, Taped<D>>, u64) -> Result<Matrix<D, Taped<D>>>,
    ) -> Result<Trained> {
        if pictures.len() < self.batch {
            let message =
                format!("expected at least a batch of {} pictures, found {}", self.batch, pictures.len());
            return Err(StageError::Input(message));
        }
        let per_epoch = (pictures.len() / self.batch) as u64;
        let steps = self.epochs.map_or(self.steps, |epochs| epochs * per_epoch);
        let schedule = match self.course {
            Course::Linear => Schedule::Linear { warmup: 0 },
            Course::Cosine => Schedule::Cosine { warmup: 0, floor: 0.0 },
            Course::Quarters => Schedule::Steps { at: (1..4).map(|i| steps * i / 4).collect(), factor: 0.1 },
        };
        let plan = Fit {
            steps,
            rate: self.lr,
            schedule,
            seed: self.seed,
            curve: "loss_curve",
            report_every: POINT,
            checkpoint_every: Some(500),
        };
        let mut optimizer = Optimizer::new(OptimizerConfig::sgd(0.9, false, self.decay));
        let tally = Tally::default();
        let mut task = Classify { recipe: self, pictures, scale, per_epoch, steps, forward, tally };
        let fitted = fit(cx, &plan, params, &mut optimizer, &mut task)?;
        Ok(Trained { steps, loss: fitted.loss, accuracy: task.tally.percent() })
    }
}

/// What is trained: the class of pictures.
struct Classify<'a, F> {
    recipe: &'a Recipe,
    pictures: &'a Pictures,
    scale: &'a Scale,
    per_epoch: u64,
    steps: u64,
    forward: F,
    tally: Tally,
}

impl<F> Classify<'_, F> {
    /// The pictures of a step: every epoch whole batches of all of them in a new order.
    fn chosen(&self, step: u64) -> Vec<usize> {
        let mut stream = Stream::new(self.recipe.seed, "order").child(step / self.per_epoch);
        let order = stream.permutation(self.pictures.len());
        let first = (step % self.per_epoch) as usize * self.recipe.batch;
        order[first..first + self.recipe.batch].to_vec()
    }
}

impl<D: Backend, F> Task<D> for Classify<'_, F>
where
    F: Fn(&Pass<'_, D>, Images<D, Taped<D>>, u64) -> Result<Matrix<D, Taped<D>>>,
{
    fn loss(&mut self, pass: &Pass<'_, D>, step: u64) -> Result<Scalar<D, Taped<D>>> {
        let chosen = self.chosen(step);
        let stream = Stream::new(self.recipe.seed, "augment").child(step);
        let Recipe { crop, shift, mirror, .. } = *self.recipe;
        let augment = Augment { crop, shift, mirror };
        let numbers = batch(self.pictures, &chosen, self.scale, augment, stream)?;
        let labels: Vec<u32> = chosen.iter().map(|i| self.pictures.labels[*i]).collect();
        let [channels, height, width] = self.pictures.size;
        let x = pass.device().tensor_of(numbers, (chosen.len(), channels, height, width))?;
        let logits = (self.forward)(pass, x.put_tape(Taped::<D>::default()), step)?;
        self.tally.see(&D::view(&logits), &labels);
        cross_entropy(logits, &labels, self.recipe.smoothing)
    }

    fn after(&mut self, _: &mut Params<D>, step: u64, cx: &mut Ctx<'_>) -> Result<Next> {
        if step.is_multiple_of(POINT) || step == self.steps {
            self.tally.point(cx, "accuracy_curve", step);
        }
        Ok(Next::Go)
    }

    fn state(&self) -> Vec<u8> {
        self.tally.state().to_vec()
    }

    fn restore(&mut self, state: &[u8]) -> Result<()> {
        self.tally = Tally::resumed(state)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests;
