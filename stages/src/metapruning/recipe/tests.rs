use std::collections::BTreeSet;

use dfdx::prelude::Cpu;
use runpipe_base::FromRecord as _;

use super::super::learn::LearnParams;
use super::super::retrain::RetrainParams;
use super::*;

/// Invariant 17: where all classes are as likely, the loss is the logarithm of their number however labels are smoothed; the
/// rate falls in a line from all of it.
#[test]
fn losses_and_rates_are_those_of_the_recipe() {
    for smoothing in [0.0, 0.1, 0.9] {
        let logits = Cpu::default().tensor_of(vec![2.5; 3 * 7], (3, 7)).unwrap();
        let loss = cross_entropy(logits.put_tape(Taped::<Cpu>::default()), &[0, 3, 6], smoothing).unwrap();
        assert!((Cpu::view(&loss)[0] - 7.0_f32.ln()).abs() < 1e-6, "smoothing {smoothing}");
    }
    let schedule = Schedule::Linear { warmup: 0 };
    for (step, share) in [(0, 1.0), (500, 0.5), (999, 0.001)] {
        assert!((schedule.share(step, 1000) - share).abs() < 1e-12, "step {step}");
    }
}

/// Both stages that train take all of the recipe and parameters of their own, none twice.
#[test]
fn parameters_are_the_recipes_and_the_stages() {
    let check = |schema: Vec<ParamSpec>, own: &str| {
        let names: BTreeSet<String> = schema.iter().map(|spec| spec.name.clone()).collect();
        assert_eq!(names.len(), schema.len(), "{names:?}");
        assert!(["steps", "lr", "seed", own].iter().all(|name| names.contains(*name)), "{names:?}");
    };
    check(Training::<LearnParams>::schema(), "shared");
    check(Training::<RetrainParams>::schema(), "calibration");
    let given = Record::from([
        ("steps".to_owned(), 7_usize.into_value()),
        ("calibration".to_owned(), 9_usize.into_value()),
    ]);
    let read = Training::<RetrainParams>::decode(&given).unwrap();
    assert_eq!((read.recipe.steps, read.recipe.batch, read.own.calibration), (7, 64, 9));
}
