use dfdx::prelude::{Cpu, NoneTape, Tensor};

use super::*;
use crate::kit::params::Params;
use crate::kit::rng::Stream;

type Maps = Tensor<(usize, usize, usize, usize), f32, Cpu, NoneTape>;

fn noise(shape: (usize, usize, usize, usize), seed: u64) -> Maps {
    let mut stream = Stream::new(seed, "test");
    let numbers = (0..shape.0 * shape.1 * shape.2 * shape.3).map(|_| stream.normal() as f32).collect();
    Cpu::default().tensor_of(numbers, shape).unwrap()
}

fn repghost(branch: Branch) -> (Params<Cpu>, Module) {
    let mut params = Params::new(&Cpu::default(), 3);
    let module = Module::repghost(params.root(), (5, 6), branch, Form::Trained).unwrap();
    (params, module)
}

fn run(params: &Params<Cpu>, module: &Module, x: Maps, act: Act) -> Vec<f32> {
    Cpu::view(&module.forward(&Pass::eval(params), x, act).unwrap()).into_owned()
}

/// Invariant 13: nothing below 0 with a ReLU, and something without.
#[test]
fn signs_follow_the_activation() {
    let (params, module) = repghost(Branch::Norm);
    let x = noise((2, 5, 7, 6), 1);
    assert!(run(&params, &module, x.clone(), Act::Relu).iter().all(|y| *y >= 0.0));
    assert!(run(&params, &module, x, Act::Identity).iter().any(|y| *y < 0.0));
}

/// Invariant 5: without an activation a module in evaluation is affine.
#[test]
fn without_an_activation_it_is_affine() {
    for branch in [Branch::Norm, Branch::Identity, Branch::Both, Branch::None] {
        let (params, module) = repghost(branch);
        let (a, b) = (noise((1, 5, 4, 4), 1), noise((1, 5, 4, 4), 2));
        let mixed: Vec<f32> =
            Cpu::view(&a).iter().zip(Cpu::view(&b).iter()).map(|(a, b)| 0.3 * a + 0.7 * b).collect();
        let mixed = Cpu::default().tensor_of(mixed, (1, 5, 4, 4)).unwrap();
        let [a, b, mixed] = [a, b, mixed].map(|x| run(&params, &module, x, Act::Identity));
        for ((a, b), mixed) in a.iter().zip(&b).zip(&mixed) {
            assert!((0.3 * a + 0.7 * b - mixed).abs() < 1e-5, "{branch:?}");
        }
    }
}

/// The branches by hand: with K = 0 what is left is the branch, norms of fresh statistics being 1 / √(1 + ε).
#[test]
fn branches_are_added() {
    let share = (1.0 + 1e-5_f32).sqrt().recip();
    for (branch, expected) in
        [(Branch::Norm, share), (Branch::Identity, 1.0), (Branch::Both, 1.0 + share), (Branch::None, 0.0)]
    {
        let (mut params, module) = repghost(branch);
        let Module::RepGhost { primary, cheap: Cheap::Branched { conv, .. } } = module else { panic!() };
        params.set(conv.conv.weight, vec![0.0; 6 * 9]).unwrap();
        let x = noise((1, 5, 3, 3), 1);
        let a = primary.forward(&Pass::eval(&params), x.clone(), Act::Identity).unwrap();
        for (y, a) in run(&params, &module, x, Act::Identity).iter().zip(Cpu::view(&a).iter()) {
            assert!((y - expected * a).abs() < 1e-5, "{branch:?}: {y}, {a}");
        }
    }
}

/// Invariant 14: what the first convolution makes stands before what is made of it.
#[test]
fn a_ghost_module_puts_side_by_side() {
    let mut params = Params::new(&Cpu::default(), 3);
    let module = Module::ghost(params.root(), (5, 8), Form::Trained).unwrap();
    let Module::Ghost { primary, .. } = module else { panic!() };
    let x = noise((1, 5, 4, 3), 1);
    let y = run(&params, &module, x.clone(), Act::Relu);
    assert_eq!(y.len(), 8 * 12);
    let a = primary.forward(&Pass::eval(&params), x, Act::Relu).unwrap();
    assert_eq!(y[..4 * 12], *Cpu::view(&a));
}
