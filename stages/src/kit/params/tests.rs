use dfdx::prelude::Cpu;

use super::*;

fn model(seed: u64) -> Params<Cpu> {
    let mut params = Params::new(&Cpu::default(), seed);
    let mut root = params.root();
    root.at("b").param("weight", (2, 3), Init::Normal { std: 1.0 }, Role::Weight).unwrap();
    root.at("a").param("bias", (3,), Init::Uniform { bound: 0.5 }, Role::Plain).unwrap();
    root.param("mean", (4,), Init::ONES, Role::Buffer).unwrap();
    params
}

#[test]
fn a_start_depends_on_seed_and_name_alone() {
    let (one, two) = (model(1), model(2));
    assert_eq!(one.numbers("b.weight"), model(1).numbers("b.weight"));
    assert_ne!(one.numbers("b.weight"), two.numbers("b.weight"));
    let mut alone = Params::new(&Cpu::default(), 1);
    alone.root().at("a").param("bias", (3,), Init::Uniform { bound: 0.5 }, Role::Plain).unwrap();
    assert_eq!(one.numbers("a.bias"), alone.numbers("a.bias"));
    assert!(one.numbers("a.bias").unwrap().iter().all(|x| x.abs() <= 0.5));
    assert_eq!(one.count(), 9);
}

#[test]
fn saved_numbers_come_back_as_the_same_bytes() {
    let (from, mut to) = (model(1), model(2));
    let bytes = from.save().unwrap();
    assert_eq!(bytes, model(1).save().unwrap());
    to.load(&bytes).unwrap();
    assert_eq!(to.save().unwrap(), bytes);
}

#[test]
fn what_does_not_fit_is_refused_by_name() {
    let refusal = |arrays: Vec<(&str, Vec<usize>, Vec<f32>)>| {
        model(1).load(&save(arrays).unwrap()).unwrap_err().to_string()
    };
    let whole = || {
        vec![
            ("a.bias", vec![3], vec![0.0; 3]),
            ("b.weight", vec![2, 3], vec![0.0; 6]),
            ("mean", vec![4], vec![0.0; 4]),
        ]
    };
    let mut arrays = whole();
    arrays.remove(1);
    assert_eq!(refusal(arrays), "the weights lack `b.weight`");
    let mut arrays = whole();
    arrays[1].1 = vec![3, 2];
    assert_eq!(refusal(arrays), "`b.weight` has sizes [2, 3], found [3, 2] in the weights");
    let mut arrays = whole();
    arrays.push(("c", vec![1], vec![0.0]));
    assert_eq!(refusal(arrays), "the weights hold `c`, which the model lacks");
    let found = model(1).load(b"nonsense").unwrap_err().to_string();
    assert!(found.starts_with("the weights are no safetensors file: "), "{found}");
}

#[test]
fn a_part_can_be_loaded_alone() {
    let (from, mut to) = (model(1), model(2));
    let left = to.load_some(&from.save().unwrap(), |name| name.starts_with("b.")).unwrap();
    assert_eq!(left, ["a.bias", "mean"]);
    assert_eq!(to.numbers("b.weight"), from.numbers("b.weight"));
    assert_ne!(to.numbers("a.bias"), from.numbers("a.bias"));
}

#[test]
fn a_pass_hands_out_streams_and_collects_statistics() {
    let mut params = model(1);
    let mean = Param::<(usize,)> { index: 2, shape: PhantomData };
    let pass = Pass::train(&params, Stream::new(0, "step"));
    let (one, two) = (pass.stream().unwrap(), pass.stream().unwrap());
    assert_ne!(one, two);
    pass.update(mean, vec![5.0; 4]);
    let updates = pass.into_updates();
    params.apply(updates).unwrap();
    assert_eq!(params.numbers("mean"), Some(vec![5.0; 4]));
    assert!(Pass::eval(&params).stream().is_none());
}

#[test]
fn frozen_parameters_are_not_counted() {
    let mut params = model(1);
    params.set_role("b.", Role::Buffer);
    assert_eq!(params.count(), 3);
}
