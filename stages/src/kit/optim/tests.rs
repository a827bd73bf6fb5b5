#![expect(clippy::float_cmp, reason = "these very numbers are promised")]

use dfdx::prelude::{Backward, Cpu, SumTo};

use super::*;
use crate::kit::backend::{Scalar, Taped};
use crate::kit::params::{Init, Param};
use crate::kit::testing::{close, threads};

/// One parameter `p` of these numbers.
fn params(numbers: &[f32], role: Role) -> (Params<Cpu>, Param<(usize,)>) {
    let mut params = Params::new(&Cpu::default(), 0);
    let p = params.root().param("p", (numbers.len(),), Init::ZEROS, role).unwrap();
    params.set(p, numbers.to_vec()).unwrap();
    (params, p)
}

/// A step on the loss Σp².
fn step(optimizer: &mut Optimizer, params: &mut Params<Cpu>, p: Param<(usize,)>, rate: f32) -> f32 {
    let loss: Scalar<Cpu, Taped<Cpu>> = params.get(p).retaped::<Taped<Cpu>>().square().sum();
    optimizer.step(params, loss.backward(), rate).unwrap()
}

/// Numbers after each step from (1, −2) at rate 0.1, made with PyTorch.
fn check(config: OptimizerConfig, expected: &[[f32; 2]]) {
    let (mut params, p) = params(&[1.0, -2.0], Role::Weight);
    let mut optimizer = Optimizer::new(config);
    for expected in expected {
        step(&mut optimizer, &mut params, p, 0.1);
        close(&params.numbers("p").unwrap(), expected, 2e-7);
    }
}

#[test]
fn steps_agree_with_pytorch() {
    check(
        OptimizerConfig::adam_w(0.01),
        &[[0.899, -1.898], [0.798_519, -1.796_272_6], [0.698_911_2, -1.694_944_5]],
    );
}

#[test]
fn steps_of_sgd_worked_by_hand() {
    // g = 2p, so a step of 0.1 leaves 0.8p.
    check(OptimizerConfig::sgd(0.0, false, 0.0), &[[0.8, -1.6], [0.64, -1.28]]);
    // v = 2, then 0.9·2 + 1.6 = 3.4.
    check(OptimizerConfig::sgd(0.9, false, 0.0), &[[0.8, -1.6], [0.46, -0.92]]);
    // g + 0.9v = 3.8; then g = 1.24, v = 3.04, g + 0.9v = 3.976.
    check(OptimizerConfig::sgd(0.9, true, 0.0), &[[0.62, -1.24], [0.222_4, -0.444_8]]);
    // g = 2p + 0.5p.
    check(OptimizerConfig::sgd(0.0, false, 0.5), &[[0.75, -1.5]]);
}

/// From (0.3, −0.4) g = 2p has norm 1: clipped to 0.5 it is p; to 2 it stays. With a decay of 2 it is 4p before, of norm 2.
#[test]
fn a_parameter_clipped_alone_keeps_its_direction() {
    for (most, decay, expected) in [
        (0.5, 0.0, [0.27, -0.36]),
        (2.0, 0.0, [0.24, -0.32]),
        (0.5, 2.0, [0.27, -0.36]),
        (4.0, 2.0, [0.18, -0.24]),
    ] {
        let (mut params, p) = params(&[0.3, -0.4], Role::Weight);
        let mut optimizer = Optimizer::new(OptimizerConfig::sgd(0.0, false, decay)).clip_each(most);
        step(&mut optimizer, &mut params, p, 0.1);
        close(&params.numbers("p").unwrap(), &expected, 1e-6);
    }
    // AdamW's decay never enters the gradient: one step of it is of its sign, whatever the norm.
    let (mut params, p) = params(&[0.3, -0.4], Role::Weight);
    step(&mut Optimizer::new(OptimizerConfig::adam_w(0.5)).clip_each(0.1), &mut params, p, 0.1);
    close(&params.numbers("p").unwrap(), &[0.3 * 0.95 - 0.1, -0.4 * 0.95 + 0.1], 1e-5);
}

#[test]
fn biases_and_norms_do_not_decay() {
    let (mut params, p) = params(&[1.0, -2.0], Role::Plain);
    step(&mut Optimizer::new(OptimizerConfig::adam_w(0.5)), &mut params, p, 0.1);
    close(&params.numbers("p").unwrap(), &[0.9, -1.9], 1e-6);
}

#[test]
fn frozen_parameters_stay() {
    let (mut params, p) = params(&[1.0, -2.0], Role::Buffer);
    step(&mut Optimizer::new(OptimizerConfig::adam()), &mut params, p, 0.1);
    assert_eq!(params.numbers("p").unwrap(), [1.0, -2.0]);
}

#[test]
fn the_norm_is_clipped_over_all_parameters() {
    // The gradient is (6, 8), its norm 10.
    let (mut params, p) = params(&[3.0, 4.0], Role::Weight);
    let mut optimizer = Optimizer::new(OptimizerConfig::sgd(0.0, false, 0.0).clip(1.0));
    assert_eq!(step(&mut optimizer, &mut params, p, 1.0), 10.0);
    close(&params.numbers("p").unwrap(), &[2.4, 3.2], 1e-6);
}

#[test]
fn a_gradient_that_is_not_finite_moves_nothing() {
    let (mut params, p) = params(&[f32::INFINITY, 1.0], Role::Weight);
    let mut optimizer = Optimizer::new(OptimizerConfig::adam());
    assert!(!step(&mut optimizer, &mut params, p, 0.1).is_finite());
    assert_eq!(params.numbers("p").unwrap(), [f32::INFINITY, 1.0]);
    assert_eq!(optimizer.steps(), 0);
}

#[test]
fn a_restored_optimizer_goes_on_with_the_same_bytes() {
    for config in [OptimizerConfig::adam_w(0.1), OptimizerConfig::sgd(0.9, true, 0.1)] {
        let (mut one, p) = params(&[1.0, -2.0, 0.3], Role::Weight);
        let mut first = Optimizer::new(config);
        step(&mut first, &mut one, p, 0.1);
        let mut two = one.clone();
        let mut second = Optimizer::new(config);
        second.restore(&two, &first.state(&one).unwrap()).unwrap();
        step(&mut first, &mut one, p, 0.1);
        step(&mut second, &mut two, p, 0.1);
        assert_eq!(one.save().unwrap(), two.save().unwrap());
        assert_eq!(first.state(&one).unwrap(), second.state(&two).unwrap());
        assert!(second.restore(&two, b"short").is_err());
    }
}

#[test]
fn bytes_do_not_depend_on_threads() {
    let numbers: Vec<f32> = (0..100_000).map(|i| (i as f32).sin()).collect();
    let run = |count| {
        threads(count, || {
            let (mut params, p) = params(&numbers, Role::Weight);
            let mut optimizer = Optimizer::new(OptimizerConfig::adam_w(0.01).clip(1.0));
            let norms = [0; 2].map(|_| step(&mut optimizer, &mut params, p, 0.1));
            (params.numbers("p"), norms)
        })
    };
    assert_eq!(run(1), run(3));
}

#[test]
fn an_average_follows_and_steps_aside() {
    let (mut params, p) = params(&[1.0, 2.0], Role::Weight);
    let mut average = Average::new(&params, 0.75);
    params.set(p, vec![5.0, 6.0]).unwrap();
    average.update(&params);
    average.swap(&mut params).unwrap();
    assert_eq!(params.numbers("p").unwrap(), [2.0, 3.0]);
    average.swap(&mut params).unwrap();
    assert_eq!(params.numbers("p").unwrap(), [5.0, 6.0]);
}

#[test]
fn a_group_goes_its_own_way() {
    let mut params = Params::new(&Cpu::default(), 0);
    let mut add = |name: &str, role| {
        let p: Param<(usize,)> = params.root().param(name, (1,), Init::ONES, role).unwrap();
        p
    };
    let all =
        [add("word.weight", Role::Weight), add("head.weight", Role::Weight), add("head.bias", Role::Plain)];
    let sgd = OptimizerConfig::sgd(0.0, false, 0.5);
    let mut optimizer = Optimizer::new(sgd).group("", 1.0, None).group("word.", 10.0, Some(0.0)).group(
        "head.bias",
        0.0,
        None,
    );
    let sum = all.map(|p| params.get(p).retaped::<Taped<Cpu>>().square().sum::<(), _>());
    let [a, b, c] = sum;
    let loss: Scalar<Cpu, Taped<Cpu>> = a + b + c;
    optimizer.step(&mut params, loss.backward(), 0.01).unwrap();
    // g = 2p, and of the head's weight 0.5p more.
    let found = ["word.weight", "head.weight", "head.bias"].map(|name| params.numbers(name).unwrap()[0]);
    close(&found, &[1.0 - 0.1 * 2.0, 1.0 - 0.01 * 2.5, 1.0], 1e-6);
}
