//! The training loop: loss, gradient, update, report, checkpoint; the same for every stage.

use dfdx::prelude::Backward;
use runpipe_base::{Ctx, StageError};

use super::backend::{Backend, Result, Scalar, Taped};
use super::optim::{Optimizer, Slopes};
use super::params::{Params, Pass};
use super::rng::Stream;
use super::schedule::Schedule;

/// How long and how fast to train.
#[derive(Debug, Clone)]
pub struct Fit {
    /// Steps.
    pub steps: u64,
    /// Peak learning rate.
    pub rate: f64,
    /// Its course over the steps.
    pub schedule: Schedule,
    /// Seed of the dropout masks.
    pub seed: u64,
    /// Name of the curve that gets the loss.
    pub curve: &'static str,
    /// A point of the curve is the mean of this many steps.
    pub report_every: u64,
    /// A checkpoint is kept after this many steps, if any.
    pub checkpoint_every: Option<u64>,
}

/// What is trained: one batch's loss, and what happens between steps.
pub trait Task<D: Backend> {
    /// The loss of the batch of `step`, from 0. Batches must be a function of the step and of what
    /// [`state`](Self::state) keeps, or a resumed run differs.
    ///
    /// # Errors
    /// Any; they end the run.
    fn loss(&mut self, pass: &Pass<'_, D>, step: u64) -> Result<Scalar<D, Taped<D>>>;

    /// Into how many parts the batch of `step` is cut, for batches whose activations would not fit into memory; the loss
    /// and its gradient are the means of the parts'.
    fn parts(&self, step: u64) -> u64 {
        let _ = step;
        1
    }

    /// The loss of one part of the batch of `step`, where there are several.
    ///
    /// # Errors
    /// Any; they end the run.
    fn part(&mut self, pass: &Pass<'_, D>, step: u64, part: u64) -> Result<Scalar<D, Taped<D>>> {
        let _ = part;
        self.loss(pass, step)
    }

    /// Called when `step` steps are done, before a checkpoint: the place to evaluate and to keep the best.
    ///
    /// # Errors
    /// Any; they end the run.
    fn after(&mut self, params: &mut Params<D>, step: u64, cx: &mut Ctx<'_>) -> Result<Next> {
        let _ = (params, step, cx);
        Ok(Next::Go)
    }

    /// What the task itself must remember across a stop.
    fn state(&self) -> Vec<u8> {
        Vec::new()
    }

    /// Whether this task goes on from a state, or begins anew since it is that of another attempt.
    fn owns(&self, state: &[u8]) -> bool {
        let _ = state;
        true
    }

    /// Goes on from [`state`](Self::state).
    ///
    /// # Errors
    /// `StageError::Input` when the bytes are not such a state.
    fn restore(&mut self, state: &[u8]) -> Result<()> {
        let _ = state;
        Ok(())
    }
}

/// A task that is its loss alone.
impl<D: Backend, F> Task<D> for F
where
    F: FnMut(&Pass<'_, D>, u64) -> Result<Scalar<D, Taped<D>>>,
{
    fn loss(&mut self, pass: &Pass<'_, D>, step: u64) -> Result<Scalar<D, Taped<D>>> {
        self(pass, step)
    }
}

/// Whether training goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// It does.
    Go,
    /// It ends here.
    Stop,
}

/// How training ended.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Fitted {
    /// Steps done, counting those before a resume.
    pub steps: u64,
    /// Mean loss of the last point of the curve; NaN without steps.
    pub loss: f64,
}

/// Trains `params` and reports to `cx`. When `cx` holds a checkpoint of this very computation it goes on from there,
/// and ends with the same bytes as a run that was never stopped.
///
/// # Errors
/// [`StageError::NonFinite`] when a loss or a gradient is; [`StageError::Cancelled`] when the run is being stopped,
/// after a checkpoint; what the task returns.
pub fn fit<D: Backend>(
    cx: &mut Ctx<'_>,
    plan: &Fit,
    params: &mut Params<D>,
    optimizer: &mut Optimizer,
    task: &mut impl Task<D>,
) -> Result<Fitted> {
    let mut now = Progress::default();
    if let Some(bytes) = cx.resume()
        && kept(&bytes).is_none_or(|state| task.owns(state))
    {
        now = restore(&bytes, params, optimizer, task)?;
    }
    let noise = Stream::new(plan.seed, "fit");
    while now.step < plan.steps {
        if cx.cancelled() {
            cx.checkpoint(&state(&now, params, optimizer, task)?)?;
            return Err(StageError::Cancelled);
        }
        let step = now.step;
        let (value, slopes) = slopes(params, task, noise.child(step), step)?;
        let rate = plan.rate * plan.schedule.share(step, plan.steps);
        let norm = optimizer.apply(params, slopes, rate as f32)?;
        finite("the norm of the gradient", f64::from(norm), step)?;

        now.step += 1;
        now.sum += value;
        now.count += 1;
        if now.count >= plan.report_every.max(1) || now.step == plan.steps {
            now.loss = now.sum / now.count as f64;
            (now.sum, now.count) = (0.0, 0);
            cx.point(plan.curve, now.step, now.loss);
        }
        cx.progress(now.step, plan.steps, "steps", &format!("loss {value:.4}"));
        if task.after(params, now.step, cx)? == Next::Stop {
            break;
        }
        if plan.checkpoint_every.is_some_and(|every| now.step.is_multiple_of(every.max(1)))
            && now.step < plan.steps
        {
            cx.checkpoint(&state(&now, params, optimizer, task)?)?;
        }
    }
    Ok(Fitted { steps: now.step, loss: now.loss })
}

/// The loss of a step and its gradients.
fn slopes<D: Backend>(
    params: &mut Params<D>,
    task: &mut impl Task<D>,
    noise: Stream,
    step: u64,
) -> Result<(f64, Slopes)> {
    let parts = task.parts(step).max(1);
    let mut sum: Option<(f64, Slopes)> = None;
    for part in 0..parts {
        let pass = Pass::train(params, if parts == 1 { noise } else { noise.child(part) });
        let loss = if parts == 1 { task.loss(&pass, step)? } else { task.part(&pass, step, part)? };
        let updates = pass.into_updates();
        let value = f64::from(D::view(&loss)[0]);
        finite("the loss", value, step)?;
        let slopes = Slopes::take(params, loss.try_backward().map_err(D::refusal)?)?;
        params.apply(updates)?;
        match &mut sum {
            None => sum = Some((value, slopes)),
            Some((values, sum)) => {
                *values += value;
                sum.add(&slopes);
            }
        }
    }
    let (value, mut slopes) = sum.expect("there is a part");
    if parts > 1 {
        slopes.scale(1.0 / parts as f32);
    }
    Ok((value / parts as f64, slopes))
}

/// What the task itself kept in a checkpoint of [`fit`].
pub fn kept(checkpoint: &[u8]) -> Option<&[u8]> {
    let (mut rest, mut last) = (checkpoint, None);
    while let Some((length, blocks)) = rest.split_first_chunk::<8>() {
        let (block, after) = blocks.split_at_checked(usize::try_from(u64::from_le_bytes(*length)).ok()?)?;
        (last, rest) = (Some(block), after);
    }
    last
}

/// Where the loop is.
#[derive(Debug, Clone, Copy)]
struct Progress {
    step: u64,
    /// Sum and count of the losses since the last point of the curve.
    sum: f64,
    count: u64,
    loss: f64,
}

impl Default for Progress {
    fn default() -> Self {
        Self { step: 0, sum: 0.0, count: 0, loss: f64::NAN }
    }
}

fn finite(what: &str, value: f64, step: u64) -> Result<()> {
    if value.is_finite() {
        return Ok(());
    }
    Err(StageError::NonFinite { what: what.into(), value, step: step as usize })
}

/// All that the rest of the run depends on, as length-prefixed blocks.
fn state<D: Backend>(
    now: &Progress,
    params: &Params<D>,
    optimizer: &Optimizer,
    task: &impl Task<D>,
) -> Result<Vec<u8>> {
    let numbers = [now.step, now.sum.to_bits(), now.count, now.loss.to_bits()];
    let numbers = numbers.iter().flat_map(|n| n.to_le_bytes()).collect();
    let mut bytes = Vec::new();
    for block in [numbers, params.save()?, optimizer.state(params)?, task.state()] {
        bytes.extend((block.len() as u64).to_le_bytes());
        bytes.extend(block);
    }
    Ok(bytes)
}

fn restore<D: Backend>(
    mut bytes: &[u8],
    params: &mut Params<D>,
    optimizer: &mut Optimizer,
    task: &mut impl Task<D>,
) -> Result<Progress> {
    let broken = || StageError::Input("the checkpoint is damaged".into());
    let mut block = || {
        let (length, rest) = bytes.split_first_chunk::<8>()?;
        let (block, rest) = rest.split_at_checked(usize::try_from(u64::from_le_bytes(*length)).ok()?)?;
        bytes = rest;
        Some(block)
    };
    let (numbers, _) = block().ok_or_else(broken)?.as_chunks::<8>();
    let [step, sum, count, loss] = numbers else { return Err(broken()) };
    params.load(block().ok_or_else(broken)?)?;
    optimizer.restore(params, block().ok_or_else(broken)?)?;
    task.restore(block().ok_or_else(broken)?)?;
    let (step, count) = (u64::from_le_bytes(*step), u64::from_le_bytes(*count));
    Ok(Progress { step, sum: f64::from_le_bytes(*sum), count, loss: f64::from_le_bytes(*loss) })
}

#[cfg(test)]
mod tests;
