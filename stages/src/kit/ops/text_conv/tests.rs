use dfdx::prelude::{Cpu, NoneTape};
use proptest::prelude::*;

use super::*;
use crate::kit::testing::{Inputs, close, normals};

/// The definition, for tanh.
fn slow(x: &[f32], lengths: &[usize], w: &[f32], b: &[f32], inputs: usize, rows: usize) -> Vec<f32> {
    let mut y = Vec::new();
    let mut first = 0;
    for length in lengths {
        for (o, b) in b.iter().enumerate() {
            let at = |t: usize| {
                let sum: f32 = (0..rows * inputs)
                    .filter(|i| t + i / inputs < *length)
                    .map(|i| w[o * rows * inputs + i] * x[(first + t) * inputs + i])
                    .sum();
                (sum + b).tanh()
            };
            let windows = (length + 1).saturating_sub(rows).max(1);
            y.push((0..windows).map(at).fold(f32::NEG_INFINITY, f32::max));
        }
        first += length;
    }
    y
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn the_largest_window_counts(
        lengths in prop::collection::vec(0usize..7, 0..6), inputs in 1usize..5, rows in 1usize..4,
        filters in 1usize..20, seed: u64,
    ) {
        let n: usize = lengths.iter().sum();
        let [x, w, b] = [n * inputs, filters * rows * inputs, filters].map(|count| normals(seed, count));
        let expected = slow(&x, &lengths, &w, &b, inputs, rows);
        let device = Cpu::default();
        let x = device.tensor_of(x, (n, inputs)).unwrap();
        let w = device.tensor_of(w, (filters, rows * inputs)).unwrap();
        let b = device.tensor_of(b, (filters,)).unwrap();
        let y = text_conv::<Cpu, NoneTape>(x, &Packed::new(lengths), &w, &b, Act::Tanh).unwrap();
        close(&Cpu::view(&y), &expected, 1e-5);
    }
}

#[test]
fn gradients() {
    // A seed with which no step of a difference changes which window is the largest.
    for (lengths, rows) in [(vec![4, 1, 0, 6], 2), (vec![2, 3], 3), (vec![5], 1)] {
        for act in [Act::Identity, Act::Tanh] {
            let mut inputs = Inputs::new(1);
            let packed = Packed::new(lengths.clone());
            let (x, w, b) = (inputs.add((packed.rows(), 3)), inputs.add((4, 3 * rows)), inputs.add((4,)));
            inputs.check(|p| text_conv(p.get(x).retaped(), &packed, p.get(w), p.get(b), act).unwrap());
        }
    }
}

#[test]
fn a_nan_is_not_hidden() {
    let device = Cpu::default();
    let x = device.tensor_of(vec![1.0, f32::NAN, 3.0], (3, 1)).unwrap();
    let w = device.tensor_of(vec![1.0], (1, 1)).unwrap();
    let b = device.tensor_of(vec![0.0], (1,)).unwrap();
    let y = text_conv::<Cpu, NoneTape>(x, &Packed::new([3]), &w, &b, Act::Identity).unwrap();
    assert!(y.as_vec()[0].is_nan());
}
