use std::sync::Mutex;

use dfdx::prelude::{Cpu, MeanTo, SumTo};
use runpipe_base::{Device, Host, NullHost};

use super::*;
use crate::kit::nn::linear::Linear;
use crate::kit::ops::act::Act;
use crate::kit::ops::cross_entropy::cross_entropy;
use crate::kit::ops::dropout::{Mask, dropout};
use crate::kit::optim::OptimizerConfig;
use crate::kit::params::Init;
use crate::kit::testing::normals;

/// A host that keeps checkpoints and stops the run after some questions.
#[derive(Default)]
struct Keeper {
    kept: Mutex<Option<Vec<u8>>>,
    left: Mutex<Option<u32>>,
}

impl Host for Keeper {
    fn cancelled(&self) -> bool {
        match &mut *self.left.lock().unwrap() {
            Some(0) => true,
            Some(left) => {
                *left -= 1;
                false
            }
            None => false,
        }
    }
    fn progress(&self, _: u64, _: u64, _: &str, _: &str) {}
    fn save(&self, state: &[u8]) -> Result<()> {
        *self.kept.lock().unwrap() = Some(state.to_vec());
        Ok(())
    }
    fn load(&self) -> Option<Vec<u8>> {
        self.kept.lock().unwrap().clone()
    }
}

fn plan() -> Fit {
    Fit {
        steps: 20,
        rate: 0.05,
        schedule: Schedule::Linear { warmup: 3 },
        seed: 5,
        curve: "loss",
        report_every: 3,
        checkpoint_every: Some(8),
    }
}

/// Points of a curve.
type Curve = Vec<(u64, f64)>;

/// A small classifier with dropout; returns the bytes of its weights and its curve.
fn train(host: &dyn Host, plan: &Fit) -> Result<(Vec<u8>, Curve)> {
    let mut params = Params::new(&Cpu::default(), 1);
    let up = Linear::new(params.root().at("up"), 4, 16, Init::fan_in(4))?;
    let down = Linear::new(params.root().at("down"), 16, 3, Init::fan_in(16))?;
    let mut optimizer = Optimizer::new(OptimizerConfig::adam_w(0.01).clip(1.0));
    let mut cx = Ctx::new(host, Device::Cpu);
    let mut task = |pass: &Pass<'_, Cpu>, step: u64| {
        let x = pass.device().tensor_of(normals(step, 8 * 4), (8, 4))?;
        let labels: Vec<u32> =
            x.as_vec().chunks(4).map(|x| u32::from(x[0] > 0.0) + u32::from(x[1] > 0.0)).collect();
        let x = up.forward(pass, x.retaped::<Taped<Cpu>>(), Act::Gelu)?;
        let x = dropout(x, Mask::new(0.2, pass.stream()))?;
        cross_entropy(down.forward(pass, x, Act::Identity)?, &labels, 0.0)
    };
    fit(&mut cx, plan, &mut params, &mut optimizer, &mut task)?;
    Ok((params.save()?, cx.into_reported().1.remove(0).points))
}

#[test]
fn a_resumed_run_ends_with_the_bytes_of_one_never_stopped() {
    let straight = train(&NullHost, &plan()).unwrap();
    // Stopped at once, in the middle of a point of the curve, and right after a checkpoint.
    for stop in [0, 7, 8, 19] {
        let keeper = Keeper { left: Mutex::new(Some(stop)), ..Keeper::default() };
        assert!(matches!(train(&keeper, &plan()), Err(StageError::Cancelled)));
        *keeper.left.lock().unwrap() = None;
        assert_eq!(train(&keeper, &plan()).unwrap(), straight, "stopped before step {stop}");
    }
}

#[test]
fn what_a_task_keeps_can_be_read_from_a_checkpoint() {
    let blocks = [&b"numbers"[..], b"", b"the task's"];
    let bytes: Vec<u8> =
        blocks.iter().flat_map(|b| [&(b.len() as u64).to_le_bytes()[..], b].concat()).collect();
    assert_eq!(kept(&bytes), Some(&b"the task's"[..]));
    assert_eq!(kept(&bytes[..bytes.len() - 1]), None, "cut short");
    assert_eq!(kept(b""), None);
}

#[test]
fn a_killed_run_goes_on_from_its_last_checkpoint() {
    let straight = train(&NullHost, &plan()).unwrap();
    let keeper = Keeper::default();
    train(&keeper, &plan()).unwrap();
    assert!(keeper.kept.lock().unwrap().is_some(), "one was kept at step 16");
    assert_eq!(train(&keeper, &plan()).unwrap(), straight);
}

#[test]
fn the_loss_falls_and_its_curve_has_a_point_every_few_steps() {
    let (_, curve) = train(&NullHost, &Fit { steps: 200, ..plan() }).unwrap();
    assert_eq!(curve.len(), 67);
    assert_eq!((curve[0].0, curve[66].0), (3, 200));
    assert!(curve[66].1 < 0.7 * curve[0].1, "{curve:?}");
}

#[test]
fn a_loss_that_is_not_finite_ends_the_run_and_names_the_step() {
    let mut params = Params::new(&Cpu::default(), 1);
    let p = params.root().param("p", (1,), Init::ONES, crate::kit::params::Role::Weight).unwrap();
    let mut optimizer = Optimizer::new(OptimizerConfig::sgd(0.0, false, 0.0));
    let mut task = |pass: &Pass<'_, Cpu>, step: u64| {
        let scale = if step == 3 { f32::INFINITY } else { 1.0 };
        let p = pass.get(p).retaped::<Taped<Cpu>>();
        Ok((p * scale).sum())
    };
    let mut cx = Ctx::new(&NullHost, Device::Cpu);
    let error = fit(&mut cx, &plan(), &mut params, &mut optimizer, &mut task).unwrap_err();
    assert_eq!(error.to_string(), "the loss is inf at step 3");
}

#[test]
fn a_damaged_checkpoint_is_an_error() {
    let keeper = Keeper::default();
    Ctx::new(&keeper, Device::Cpu).checkpoint(b"nonsense").unwrap();
    assert_eq!(train(&keeper, &plan()).unwrap_err().to_string(), "the checkpoint is damaged");
}

/// A least-squares task whose batch of 8 comes in parts.
struct Parts(u64, crate::kit::params::Param<(usize, usize)>);

impl Task<Cpu> for Parts {
    fn loss(&mut self, pass: &Pass<'_, Cpu>, step: u64) -> Result<Scalar<Cpu, Taped<Cpu>>> {
        self.part(pass, step, 0)
    }
    fn parts(&self, _: u64) -> u64 {
        self.0
    }
    fn part(&mut self, pass: &Pass<'_, Cpu>, step: u64, part: u64) -> Result<Scalar<Cpu, Taped<Cpu>>> {
        let rows = 8 / self.0 as usize;
        let x = &normals(step, 8 * 3)[part as usize * rows * 3..][..rows * 3];
        let x = pass.device().tensor_of(x.to_vec(), (rows, 3))?;
        let y = crate::kit::ops::linear::linear(
            x.retaped::<Taped<Cpu>>(),
            pass.get(self.1),
            None,
            Act::Identity,
        )?;
        Ok((y - 1.0).square().mean())
    }
}

#[test]
fn a_batch_in_parts_moves_as_the_whole_batch() {
    let run = |parts| {
        let mut params = Params::new(&Cpu::default(), 1);
        let w = params.root().param("w", (2, 3), Init::ONES, crate::kit::params::Role::Weight).unwrap();
        let mut optimizer = Optimizer::new(OptimizerConfig::adam());
        let mut cx = Ctx::new(&NullHost, Device::Cpu);
        let fitted = fit(&mut cx, &plan(), &mut params, &mut optimizer, &mut Parts(parts, w)).unwrap();
        (params.numbers("w").unwrap(), fitted.loss as f32)
    };
    let (whole, loss) = run(1);
    for parts in [2, 4] {
        let (numbers, again) = run(parts);
        crate::kit::testing::close(&numbers, &whole, 1e-5);
        crate::kit::testing::close(&[again], &[loss], 1e-5);
    }
}
