#![expect(clippy::float_cmp, reason = "these very numbers are promised")]

use dfdx::prelude::{Cpu, NoneTape};
use proptest::prelude::*;

use super::*;
use crate::kit::testing::Inputs;

fn mask(p: f32) -> Option<Mask> {
    Mask::new(p, Some(Stream::new(7, "test")))
}

#[test]
fn the_share_dropped_is_p_and_the_mean_stays() {
    const COUNT: usize = 200_000;
    let ones = Cpu::default().tensor_of(vec![1.0; COUNT], (COUNT,)).unwrap();
    for p in [0.1_f32, 0.5, 0.9] {
        let y = dropout::<_, Cpu, NoneTape>(ones.clone(), mask(p)).unwrap().as_vec();
        let dropped = y.iter().filter(|y| **y == 0.0).count() as f32 / COUNT as f32;
        // Five deviations of a share of so many.
        let five = 5.0 * (p * (1.0 - p) / COUNT as f32).sqrt();
        assert!((dropped - p).abs() < five, "{dropped} dropped for p = {p}");
        assert!(y.iter().all(|y| *y == 0.0 || *y == 1.0 / (1.0 - p)));
    }
}

#[test]
fn neighbours_and_streams_are_independent() {
    const COUNT: usize = 100_000;
    let (a, b) = (mask(0.5).unwrap(), Mask::new(0.5, Some(Stream::new(7, "test").child(1))).unwrap());
    let both = |other: &dyn Fn(usize) -> f32| {
        let hits = (0..COUNT).filter(|i| a.at(*i) == 0.0 && other(*i) == 0.0).count();
        hits as f32 / COUNT as f32
    };
    let near = |share: f32| assert!((share - 0.25).abs() < 0.007, "{share} of the places dropped twice");
    for shift in [1, 2, 8, 64, 4096] {
        near(both(&|i| a.at(i + shift)));
    }
    near(both(&|i| b.at(i)));
}

#[test]
fn nothing_is_dropped_without_a_mask() {
    assert!(mask(0.0).is_none());
    assert!(Mask::new(0.5, None).is_none());
    let x = Cpu::default().tensor_of(vec![1.0, 2.0], (2,)).unwrap();
    assert_eq!(dropout::<_, Cpu, NoneTape>(x, None).unwrap().as_vec(), [1.0, 2.0]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn gradients(rows in 0usize..300, width in 1usize..80, p in 0f32..0.9, seed: u64) {
        let mut inputs = Inputs::new(seed);
        let x = inputs.add((rows, width));
        inputs.check(|params| dropout(params.get(x).retaped(), mask(p)).unwrap());
    }
}
