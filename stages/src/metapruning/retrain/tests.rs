use std::collections::BTreeSet;

use runpipe_base::{FromRecord as _, ParamSpec, Params as _, Record, Value};

use super::super::learn::LearnParams;
use super::super::tests::Small;
use super::*;
use crate::kit::testing::threads;
use crate::testing::int;

/// One batch is learnt by heart, with the same bytes whatever the number of threads.
#[test]
fn a_batch_is_overfitted() {
    let mut small = Small::new(1, "doubling");
    let structure = small.structure(&[("ratio", Value::Float(0.5))]);
    let few = small.bench.run("data.split", &[("held", int(32))], &[("images", &small.train)]);
    let inputs = [("structure", &structure), ("train", few.part("held"))];
    let params = [("steps", int(120)), ("batch", int(32)), ("calibration", int(32))];
    let net = threads(1, || small.bench.run("metapruning.train", &params, &inputs));
    assert!(net.metrics["accuracy"] > 95.0, "{:?}", net.metrics);
    assert_eq!(net, threads(3, || small.bench.run("metapruning.train", &params, &inputs)));
    let inputs = [("net", &net.artifact), ("images", few.part("held"))];
    let scores = small.bench.run("metapruning.evaluate", &[], &inputs);
    assert!(scores.metrics["accuracy"] > 95.0, "{:?}", scores.metrics);
}

#[test]
fn pictures_that_do_not_fit_are_told() {
    let mut small = Small::new(1, "doubling");
    let structure = small.structure(&[("ratio", Value::Float(0.5))]);
    let shapes = small.bench.run("data.shapes", &[("train", int(20)), ("test", int(10))], &[]);
    let inputs = [("structure", &structure), ("train", shapes.part("train"))];
    let error = small.bench.attempt("metapruning.train", &[], &inputs).unwrap_err().to_string();
    assert!(error.starts_with("expected the classes [\"0\", "), "{error}");
    let inputs = [("structure", &structure), ("train", &small.val)];
    let error = small.bench.attempt("metapruning.train", &[("batch", int(128))], &inputs).unwrap_err();
    assert_eq!(error.to_string(), "expected at least a batch of 128 pictures, found 100");
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
