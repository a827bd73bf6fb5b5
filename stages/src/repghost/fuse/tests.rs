use dfdx::prelude::{Cpu, NoneTape, Tensor};
use proptest::prelude::*;

use super::super::design::{Branch, Size};
use super::super::module::Module;
use super::super::net::Net;
use super::*;
use crate::data::augment::Scale;
use crate::kit::backend::Backend as _;
use crate::kit::ops::act::Act;
use crate::kit::params::{Params, Pass, load, save};
use crate::kit::rng::Stream;

/// Gives norms statistics, gains and shifts as a trained net might have: μ ~ N(0, ½), σ² ~ U(0.2, 2), γ ~ U(0.5, 1.5), β ~ N(0, 0.3).
fn unsettle(arrays: &mut Arrays, seed: u64) {
    for (name, (sizes, numbers)) in arrays.iter_mut().filter(|(_, (sizes, _))| sizes.len() == 1) {
        let mut stream = Stream::new(seed, "norms").named(name);
        let mut between = |low: f64, high: f64| low + (high - low) * stream.uniform();
        for number in numbers.iter_mut() {
            *number = match name.rsplit_once('.').map(|(_, last)| last) {
                Some("running_var") => between(0.2, 2.0),
                Some("weight") => between(0.5, 1.5),
                Some("running_mean") => between(-0.9, 0.9),
                _ => between(-0.5, 0.5),
            } as f32;
        }
        assert_eq!(sizes[0], numbers.len());
    }
}

fn design(family: Family, branch: Branch, size: Size, width: f64, picture: [usize; 3]) -> Design {
    let classes = (0..10).map(|i| i.to_string()).collect();
    let branch = branch.as_str().to_owned();
    Design { branch, ..Design::new(family, size, width, picture, classes) }
}

fn saved(design: Design, seed: u64) -> Saved {
    let mut params = Params::new(&Cpu::default(), seed);
    Net::new(&mut params, &design, Form::Trained).unwrap();
    let mut arrays = load(&params.save().unwrap()).unwrap();
    unsettle(&mut arrays, seed);
    let channels = design.picture[0];
    let scale = Scale { mean: vec![0.0; channels], std: vec![1.0; channels] };
    Saved { design, form: Form::Trained, scale, arrays }
}

fn scores(saved: &Saved, images: usize) -> Vec<f32> {
    let [channels, height, width] = saved.design.picture;
    let mut stream = Stream::new(5, "pictures");
    let numbers = (0..images * channels * height * width).map(|_| stream.normal() as f32).collect();
    let x = Cpu::default().tensor_of(numbers, (images, channels, height, width)).unwrap();
    let (params, net) = saved.net(&Cpu::default()).unwrap();
    let y: Tensor<(usize, usize), f32, Cpu, NoneTape> = net.forward(&Pass::eval(&params), &x).unwrap();
    Cpu::view(&y).into_owned()
}

/// S2: a whole net gives the same scores in every form, to 10⁻⁴ of the largest, and the same classes.
#[test]
fn a_fused_net_is_the_same_net() {
    let check = |design: Design, images: usize| {
        let label = format!("{} {} {:?}", design.family, design.branch, design.picture);
        let trained = saved(design, 1);
        let before = scores(&trained, images);
        for form in [Form::Deployed, Form::Folded] {
            let fused = trained.clone().fused(form).unwrap();
            let after = scores(&fused, images);
            let largest = before.iter().fold(1.0_f32, |most, y| most.max(y.abs()));
            let difference = before.iter().zip(&after).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
            assert!(difference <= 1e-4 * largest, "{label}, {form:?}: {difference} of {largest}");
            let best = |scores: &[f32]| scores.chunks(10).map(crate::kit::tally::argmax).collect::<Vec<_>>();
            assert_eq!(best(&before), best(&after), "{label}, {form:?}");
        }
    };
    for branch in [Branch::Norm, Branch::Identity, Branch::Both, Branch::None] {
        check(design(Family::RepGhost, branch, Size::Small, 1.0, [3, 16, 16]), 4);
    }
    check(design(Family::Ghost, Branch::Norm, Size::Small, 1.0, [1, 17, 15]), 4);
    for width in [0.5, 1.0] {
        check(design(Family::RepGhost, Branch::Norm, Size::Paper, width, [3, 64, 64]), 4);
    }
    check(design(Family::RepGhost, Branch::Norm, Size::Paper, 0.5, [3, 224, 224]), 1);
}

/// Invariants 2 and 7: fusing twice changes nothing, and takes the numbers away that it should.
#[test]
fn fusing_is_final_and_counted() {
    for branch in [Branch::Norm, Branch::Identity, Branch::None] {
        let mut design = design(Family::RepGhost, branch, Size::Paper, 0.5, [3, 32, 32]);
        design.classes.truncate(7);
        let cost = super::super::cost::cost(&design).unwrap();
        let trained = saved(design, 2);
        assert_eq!(trained.params() as u64, cost.trained.params, "{branch:?}");
        let deployed = trained.clone().fused(Form::Deployed).unwrap();
        assert_eq!(deployed.params() as u64, cost.deployed.params, "{branch:?}");
        let folded = deployed.clone().fused(Form::Folded).unwrap();
        assert_eq!(folded.params() as u64, cost.folded.params, "{branch:?}");
        assert_eq!(deployed.clone().fused(Form::Deployed).unwrap(), deployed);
        assert_eq!(folded.clone().fused(Form::Deployed).unwrap(), folded, "what is folded stays so");
        assert_eq!(folded.clone().fused(Form::Folded).unwrap(), folded);
        assert_eq!(trained.clone().fused(Form::Trained).unwrap(), trained);
    }
}

/// Invariant 4, and the zero of a variance: the branch adds t_f to the middle tap alone, and ε keeps it finite.
#[test]
fn the_branch_is_a_filter_of_one_tap() {
    let design = design(Family::RepGhost, Branch::Norm, Size::Small, 1.0, [3, 8, 8]);
    let with = saved(design, 3);
    let mut without = with.clone();
    let fusion = "blocks.0.first.fusion";
    for name in ["weight", "bias"] {
        without.arrays.get_mut(&format!("{fusion}.{name}")).unwrap().1.fill(0.0);
    }
    let mut with = with;
    with.arrays.get_mut(&format!("{fusion}.running_var")).unwrap().1[0] = 0.0;
    let gain = with.arrays[&format!("{fusion}.weight")].1.clone();
    let variance = with.arrays[&format!("{fusion}.running_var")].1.clone();
    let [with, without] = [with, without].map(|s| s.fused(Form::Deployed).unwrap().arrays);
    let weight = |arrays: &Arrays| arrays["blocks.0.first.cheap.weight"].1.clone();
    let (with, without) = (weight(&with), weight(&without));
    for (i, (a, b)) in with.iter().zip(&without).enumerate() {
        let t = f64::from(gain[i / 9]) / (f64::from(variance[i / 9]) + 1e-5).sqrt();
        let expected = if i % 9 == 4 { t } else { 0.0 };
        assert!((f64::from(a - b) - expected).abs() <= 1e-5 * expected.max(1.0), "tap {i}: {a}, {b}");
    }
    assert!(with[4].abs() > 100.0 && with[4].is_finite(), "{}", with[4]);
}

#[test]
fn broken_weights_are_told() {
    let design = design(Family::RepGhost, Branch::Norm, Size::Small, 1.0, [3, 8, 8]);
    let mut saved = saved(design, 3);
    saved.arrays.remove("stem.norm.running_var");
    let message = saved.fused(Form::Folded).unwrap_err().to_string();
    assert!(message.contains("the weights lack `stem.norm.running_var`"), "{message}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    /// Invariant 1: a module of any size and its fused form make the same maps, borders and single pixels included.
    #[test]
    fn modules_of_any_size_fuse(
        inputs in 1_usize..12, outputs in 1_usize..40, height in 1_usize..18, width in 1_usize..18, which in 0_usize..4, seed in 0_u64..1000,
    ) {
        let branch = [Branch::Norm, Branch::Identity, Branch::Both, Branch::None][which];
        let mut design = design(Family::RepGhost, branch, Size::Small, 1.0, [3, 8, 8]);
        design.classes.truncate(1);
        let mut params = Params::new(&Cpu::default(), seed);
        Module::repghost(params.root().at("m"), (inputs, outputs), branch, Form::Trained).unwrap();
        let mut arrays = load(&params.save().unwrap()).unwrap();
        unsettle(&mut arrays, seed);
        let mut stream = Stream::new(seed, "maps");
        let x: Vec<f32> = (0..2 * inputs * height * width).map(|_| stream.normal() as f32).collect();
        let run = |arrays: &Arrays, form: Form| {
            let mut params = Params::new(&Cpu::default(), 0);
            let module = Module::repghost(params.root().at("m"), (inputs, outputs), branch, form).unwrap();
            let arrays = arrays.iter().map(|(n, (s, v))| (n.as_str(), s.clone(), v.clone()));
            params.load(&save(arrays).unwrap()).unwrap();
            let x = Cpu::default().tensor_of(x.clone(), (2, inputs, height, width)).unwrap();
            let y = module.forward(&Pass::eval(&params), x, Act::Relu).unwrap();
            Cpu::view(&y).into_owned()
        };
        let before = run(&arrays, Form::Trained);
        let largest = before.iter().fold(1.0_f32, |most, y| most.max(y.abs()));
        for form in [Form::Deployed, Form::Folded] {
            let fused = fuse(&design, arrays.clone(), form).unwrap();
            for (a, b) in before.iter().zip(run(&fused, form)) {
                prop_assert!((a - b).abs() <= 1e-5 * largest, "{form:?} {branch:?}: {a}, {b}");
            }
        }
    }
}
