use std::collections::BTreeMap;

use runpipe_base::{Device, NullHost};

use super::*;

fn reported(traffic: &Traffic) -> BTreeMap<String, f64> {
    let mut cx = Ctx::new(&NullHost, Device::Cpu);
    traffic.report(&mut cx);
    cx.into_reported().0
}

fn names() -> Vec<String> {
    ["one", "two"].map(str::to_owned).to_vec()
}

#[test]
fn numbers_worked_by_hand() {
    let mut traffic = Traffic::new(2, 4, &names());
    let even = Load { sent: vec![vec![0], vec![1], vec![2], vec![3]], p: vec![0.25; 16] };
    let told = Load { sent: vec![vec![0, 1], vec![], vec![2, 3], vec![]], p: [1.0, 0.0, 0.0, 0.0].repeat(4) };
    traffic.see(&[0, 0, 1, 1], &[1.0, 2.0, 3.0, 4.0], &[even, told]);
    assert_eq!((traffic.tokens(), traffic.loss()), (4, 2.5));
    let found = reported(&traffic);
    let ln2 = std::f64::consts::LN_2;
    for (name, expected) in
        [("unused", 50.0), ("load", 2.0), ("top", 37.5), ("bottom", 12.5), ("entropy", ln2), ("told", ln2)]
    {
        assert!((found[name] - expected).abs() < 1e-9, "{name}: {}", found[name]);
    }
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    assert!(text(traffic.routing().unwrap()).contains("2,2,0.500000,0.000000,1.000000\n"));
    assert_eq!(text(traffic.domains().unwrap()), "domain,tokens,loss\none,2,1.500000\ntwo,2,3.500000\n");
}

#[test]
fn a_model_without_experts_has_one() {
    let mut traffic = Traffic::new(0, 0, &names());
    traffic.see(&[0], &[1.0], &[]);
    let found = reported(&traffic);
    assert_eq!((found["load"], found["unused"], found["top"], found["told"]), (1.0, 0.0, 100.0, 0.0));
}
