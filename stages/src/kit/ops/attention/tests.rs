use dfdx::prelude::{Cpu, NoneTape};
use proptest::prelude::*;

use super::*;
use crate::kit::rng::Stream;
use crate::kit::testing::{Inputs, close, normals};

/// Attention over sequences padded to one length, keys beyond a sequence's end masked with −∞: the textbook form.
fn padded(qkv: &[f32], lengths: &[usize], heads: usize, w: usize) -> Vec<f32> {
    let longest = *lengths.iter().max().unwrap();
    let d = w / heads;
    let mut y = Vec::new();
    let mut start = 0;
    for length in lengths {
        let at =
            |row: usize, column: usize| if row < *length { qkv[(start + row) * 3 * w + column] } else { 7.0 };
        for i in 0..*length {
            for column in 0..w {
                let h = column / d;
                let scores: Vec<f64> = (0..longest)
                    .map(|j| {
                        let dot: f32 = (0..d).map(|c| at(i, h * d + c) * at(j, w + h * d + c)).sum();
                        if j < *length { f64::from(dot) / (d as f64).sqrt() } else { f64::NEG_INFINITY }
                    })
                    .collect();
                let whole: f64 = scores.iter().map(|s| s.exp()).sum();
                let mixed = |j: usize| scores[j].exp() / whole * f64::from(at(j, 2 * w + column));
                y.push((0..longest).map(mixed).sum::<f64>() as f32);
            }
        }
        start += length;
    }
    y
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn packed_is_padded_and_masked(
        lengths in prop::collection::vec(0usize..12, 1..5), heads in 1usize..4, d in 1usize..6, seed: u64,
    ) {
        let (packed, w) = (Packed::new(lengths.iter().copied()), heads * d);
        let qkv = normals(seed, packed.rows() * 3 * w);
        let x = Cpu::default().tensor_of(qkv.clone(), (packed.rows(), 3 * w)).unwrap();
        let y = attention::<Cpu, NoneTape>(x, &packed, heads, None).unwrap();
        close(&Cpu::view(&y), &padded(&qkv, &lengths, heads, w), 1e-5);
    }
}

#[test]
fn gradients() {
    let packed = Packed::new([3, 0, 7, 1]);
    for p in [0.0, 0.3] {
        let mask = Mask::new(p, Some(Stream::new(1, "mask")));
        let mut inputs = Inputs::new(8);
        let qkv = inputs.add((11, 3 * 8));
        inputs.check(|p| attention(p.get(qkv).retaped(), &packed, 2, mask).unwrap());
    }
}

#[test]
fn sequences_are_laid_end_to_end() {
    let packed = Packed::new([2, 0, 3]);
    assert_eq!((packed.count(), packed.rows()), (3, 5));
    assert_eq!((packed.span(0), packed.span(1), packed.span(2)), (0..2, 2..2, 2..5));
    assert_eq!(packed.positions(), [0, 1, 0, 1, 2]);
}

#[test]
fn a_causal_row_sees_what_a_shorter_sequence_would_show_it() {
    let (w, heads, length) = (6, 2, 5);
    let qkv = normals(8, length * 3 * w);
    let run = |rows: usize| Cpu::default().tensor_of(qkv[..rows * 3 * w].to_vec(), (rows, 3 * w)).unwrap();
    let all = causal_attention::<Cpu, NoneTape>(run(length), &Packed::new([length]), heads, None).unwrap();
    for rows in 1..=length {
        let shorter = attention::<Cpu, NoneTape>(run(rows), &Packed::new([rows]), heads, None).unwrap();
        close(&all.as_vec()[(rows - 1) * w..rows * w], &shorter.as_vec()[(rows - 1) * w..], 1e-6);
    }
    let mut inputs = Inputs::new(4);
    let x = inputs.add((9, 3 * w));
    let mask = Mask::new(0.3, Some(Stream::new(1, "mask")));
    inputs.check(|p| causal_attention(p.get(x).retaped(), &Packed::new([4, 0, 5]), heads, mask).unwrap());
}
