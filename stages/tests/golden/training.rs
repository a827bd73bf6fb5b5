//! Updates, moving averages and learning rates.

use dfdx::prelude::{Backward, Cpu, SumTo};
use runpipe_stages::kit::backend::{Backend, Scalar, Taped};
use runpipe_stages::kit::optim::{Average, Betas, Optimizer, OptimizerConfig, Rule};
use runpipe_stages::kit::params::{Init, Param, Params, Role};
use runpipe_stages::kit::schedule::Schedule;

use crate::case::{Case, Family, tape};

/// Steps on Σ(p − target)², compared after each.
fn descend(case: &Case<'_>, config: OptimizerConfig) {
    let target = case.vector("target");
    let mut params = Params::new(&Cpu::default(), 0);
    let p: Param<(usize,)> = params.root().param("p", (6,), Init::ZEROS, Role::Weight).expect("memory");
    params.set(p, case.numbers("p").to_vec()).expect("memory");
    let mut optimizer = Optimizer::new(config);
    for after in case.numbers("after").chunks(6) {
        let away = (tape(params.get(p)) - target.clone()).square();
        let loss: Scalar<Cpu, Taped<Cpu>> = away.sum();
        optimizer.step(&mut params, loss.backward(), 0.1).expect("memory");
        case.near("after", &params.numbers("p").expect("memory"), after);
    }
}

#[test]
fn updates() {
    let family = Family::open("optimisers");
    let betas = Betas { first: 0.9, second: 0.98, epsilon: 1e-6 };
    for (name, config) in [
        ("sgd", OptimizerConfig::sgd(0.0, false, 0.05)),
        ("sgd_momentum", OptimizerConfig::sgd(0.9, false, 0.05)),
        ("sgd_nesterov", OptimizerConfig::sgd(0.9, true, 0.05)),
        ("adam", OptimizerConfig { decay: 0.05, ..OptimizerConfig::adam() }),
        ("adam_w", OptimizerConfig { rule: Rule::AdamW(betas), decay: 0.05, clip: None }),
    ] {
        descend(&family.case(format!("optim_{name}")), config);
        descend(&family.case(format!("optim_{name}_clip")), config.clip(1.0));
    }
}

/// Each of two parameters is clipped alone, its decay inside.
#[test]
fn updates_of_parameters_that_are_clipped_alone() {
    let family = Family::open("optimisers");
    let case = family.case("optim_sgd_clip_each");
    let (target, numbers) = (case.numbers("target"), case.numbers("p"));
    let mut params = Params::new(&Cpu::default(), 0);
    let parts = [0..4, 4..7].map(|at| {
        let name = format!("p{}", at.start);
        let p: Param<(usize,)> =
            params.root().param(&name, (at.len(),), Init::ZEROS, Role::Weight).expect("memory");
        params.set(p, numbers[at.clone()].to_vec()).expect("memory");
        (p, Cpu::default().tensor_of(target[at.clone()].to_vec(), (at.len(),)).expect("memory"))
    });
    let mut optimizer = Optimizer::new(OptimizerConfig::sgd(0.9, false, 0.05)).clip_each(0.5);
    for after in case.numbers("after").chunks(7) {
        let [one, two] = parts.each_ref().map(|(p, target)| {
            let away: Scalar<Cpu, Taped<Cpu>> = (tape(params.get(*p)) - target.clone()).square().sum();
            away
        });
        optimizer.step(&mut params, (one + two).backward(), 0.1).expect("memory");
        let found =
            [params.numbers("p0").expect("it is there"), params.numbers("p4").expect("it is there")].concat();
        case.near("after", &found, after);
    }
}

#[test]
fn moving_averages() {
    let family = Family::open("optimisers");
    let case = family.case("average");
    let mut params = Params::new(&Cpu::default(), 0);
    let p: Param<(usize,)> = params.root().param("p", (3,), Init::ZEROS, Role::Weight).unwrap();
    let mut seen = case.numbers("seen").chunks(3);
    params.set(p, seen.next().unwrap().to_vec()).unwrap();
    let mut average = Average::new(&params, 0.9);
    for (numbers, mean) in seen.zip(case.numbers("means").chunks(3)) {
        params.set(p, numbers.to_vec()).unwrap();
        average.update(&params);
        average.swap(&mut params).unwrap();
        case.near("means", &params.numbers("p").unwrap(), mean);
        average.swap(&mut params).unwrap();
    }
}

#[test]
fn learning_rates() {
    let family = Family::open("schedules");
    for (name, schedule) in [
        ("linear", Schedule::Linear { warmup: 0 }),
        ("linear_warm", Schedule::Linear { warmup: 6 }),
        ("cosine", Schedule::Cosine { warmup: 0, floor: 0.05 }),
        ("cosine_warm", Schedule::Cosine { warmup: 6, floor: 0.05 }),
        ("steps", Schedule::Steps { at: vec![7, 20], factor: 0.3 }),
        ("cyclic", Schedule::Cyclic { half: 4, floor: 0.1 }),
    ] {
        let case = family.case(format!("schedule_{name}"));
        let rates: Vec<f32> = (0..30).map(|step| schedule.share(step, 30) as f32).collect();
        case.close("rates", &rates);
    }
}
