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

/// Rows 1 and 3 of five are seen by themselves alone.
const VEIL: [bool; 5] = [false, true, false, true, false];

#[test]
fn a_veiled_row_looks_and_is_not_seen() {
    let (heads, w) = (2, 8);
    let qkv = normals(2, 5 * 3 * w);
    let of = |qkv: &[f32], packed: &Packed| {
        let x = Cpu::default().tensor_of(qkv.to_vec(), (packed.rows(), 3 * w)).unwrap();
        attention::<Cpu, NoneTape>(x, packed, heads, None).unwrap().as_vec()
    };
    let rows = |which: &[usize], of: &[f32], width: usize| {
        which.iter().flat_map(|i| of[i * width..(i + 1) * width].to_vec()).collect::<Vec<f32>>()
    };
    let y = of(&qkv, &Packed::new([5]).veiled(&VEIL));
    let others = of(&rows(&[0, 2, 4], &qkv, 3 * w), &Packed::new([3]));
    close(&rows(&[0, 2, 4], &y, w), &others, 1e-6);
    let with = |row: usize| {
        let seen = [0, 2, 4, row];
        of(&rows(&seen, &qkv, 3 * w), &Packed::new([4]))[3 * w..].to_vec()
    };
    close(&rows(&[1, 3], &y, w), &[with(1), with(3)].concat(), 1e-6);
    assert_eq!(of(&qkv, &Packed::new([5]).veiled(&[false; 5])), of(&qkv, &Packed::new([5])));
}

#[test]
fn gradients_behind_a_veil() {
    let packed = Packed::new([5]).veiled(&VEIL);
    let mut inputs = Inputs::new(9);
    let qkv = inputs.add((5, 3 * 8));
    inputs.check(|p| attention(p.get(qkv).retaped(), &packed, 2, None).unwrap());
}

#[test]
fn sequences_are_laid_end_to_end() {
    let packed = Packed::new([2, 0, 3]);
    assert_eq!((packed.count(), packed.rows()), (3, 5));
    assert_eq!((packed.span(0), packed.span(1), packed.span(2)), (0..2, 2..2, 2..5));
    assert_eq!(packed.positions(), [0, 1, 0, 1, 2]);
    assert_eq!(packed.placed(&[0, 0, 3, 3, 4]).positions(), [0, 0, 3, 3, 4]);
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
