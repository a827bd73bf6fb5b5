#![expect(clippy::float_cmp, reason = "these very numbers are promised")]

use dfdx::prelude::{Cpu, NoneTape};
use proptest::prelude::*;

use super::*;
use crate::kit::testing::{Inputs, close};

fn loss(x: &[f32], labels: &[u32], smoothing: f32) -> f32 {
    let x = Cpu::default().tensor_of(x.to_vec(), (labels.len(), x.len() / labels.len())).unwrap();
    cross_entropy::<Cpu, NoneTape>(x, labels, smoothing).unwrap().as_vec()[0]
}

#[test]
fn numbers_worked_by_hand() {
    let quarter = [0.0, 3.0_f32.ln()];
    close(&[loss(&quarter, &[0], 0.0), loss(&quarter, &[1], 0.0)], &[4.0_f32.ln(), -0.75_f32.ln()], 1e-6);
    // Half of the mass is shared among both classes: ¼ and ¾.
    let mixed = 0.25 * -0.75_f32.ln() + 0.75 * 4.0_f32.ln();
    close(&[loss(&quarter, &[0], 0.5)], &[mixed], 1e-6);
}

#[test]
fn rows_without_label_do_not_count() {
    let x = [1.0, 2.0, 5.0, -5.0, 0.5, 0.0];
    let kept = [1.0, 2.0, 0.5, 0.0];
    assert_eq!(loss(&x, &[0, IGNORE, 1], 0.0), loss(&kept, &[0, 1], 0.0));
    assert_eq!(loss(&x, &[IGNORE; 3], 0.1), 0.0);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn gradients(
        labels in prop::collection::vec(prop::option::of(0u32..30), 0..20), k in 1usize..30, smoothing in 0f32..0.5, seed: u64,
    ) {
        let labels: Vec<u32> = labels.iter().map(|label| label.map_or(IGNORE, |label| label % k as u32)).collect();
        let mut inputs = Inputs::new(seed);
        let x = inputs.add((labels.len(), k));
        inputs.check(|p| cross_entropy(p.get(x).retaped(), &labels, 0.0).unwrap());
        inputs.check(|p| cross_entropy(p.get(x).retaped(), &labels, smoothing).unwrap());
        let q: Vec<f32> = (0..labels.len() * k).map(|i| (i % 5) as f32 * 0.1).collect();
        inputs.check(|p| soft_cross_entropy(p.get(x).retaped(), &q).unwrap());
    }
}

#[test]
fn soft_labels_that_are_sure_are_labels() {
    let mut inputs = Inputs::new(4);
    let x = inputs.add((2, 3));
    let x = inputs.params.get(x);
    let soft = soft_cross_entropy::<Cpu, NoneTape>(x.clone(), &[0.0, 1.0, 0.0, 0.0, 0.0, 1.0]).unwrap();
    let hard = cross_entropy::<Cpu, NoneTape>(x.clone(), &[1, 2], 0.0).unwrap();
    close(&soft.as_vec(), &hard.as_vec(), 1e-6);
}

#[test]
fn distributions_are_smoothed_as_labels_are() {
    let mut inputs = Inputs::new(5);
    let x = inputs.add((2, 3));
    let x = inputs.params.get(x);
    let mut q = [0.0, 1.0, 0.0, 0.0, 0.0, 1.0];
    smooth(&mut q, 3, 0.3);
    close(&q[..3], &[0.1, 0.8, 0.1], 1e-7);
    let soft = soft_cross_entropy::<Cpu, NoneTape>(x.clone(), &q).unwrap();
    let hard = cross_entropy::<Cpu, NoneTape>(x.clone(), &[1, 2], 0.3).unwrap();
    close(&soft.as_vec(), &hard.as_vec(), 1e-6);
}

#[test]
fn probabilities_have_a_logarithm() {
    let p = Cpu::default().tensor_of(vec![0.25, 0.75, 1.0, 0.0, 0.5, 0.5], (3, 2)).unwrap();
    let loss = |labels: &[u32]| negative_log::<Cpu, NoneTape>(p.clone(), labels).unwrap().as_vec()[0];
    close(&[loss(&[0, IGNORE, IGNORE])], &[4.0_f32.ln()], 1e-6);
    close(&[loss(&[1, 0, 0])], &[(-0.75_f32.ln() + 2.0_f32.ln()) / 3.0], 1e-6);
    close(&[loss(&[IGNORE, 1, IGNORE])], &[-FLOOR.ln()], 1e-4);
    assert_eq!(loss(&[IGNORE; 3]), 0.0);
    let mut inputs = Inputs::new(6);
    let x = inputs.add((4, 5));
    inputs.check(|p| {
        let p = super::super::softmax::softmax(p.get(x).retaped()).unwrap();
        negative_log(p, &[0, IGNORE, 4, 2]).unwrap()
    });
}
