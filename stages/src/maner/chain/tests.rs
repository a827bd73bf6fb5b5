use dfdx::prelude::Cpu;

use super::{Chain, chain_loss};
use crate::kit::backend::{Backend as _, Taped};
use crate::kit::testing::{Inputs, normals};

const LABELS: usize = 3;

/// All sequences of `n` labels.
fn all(n: usize) -> Vec<Vec<u32>> {
    (0..n).fold(vec![Vec::new()], |sequences: Vec<Vec<u32>>, _| {
        sequences
            .iter()
            .flat_map(|s| (0..LABELS as u32).map(move |l| [s.as_slice(), &[l]].concat()))
            .collect()
    })
}

/// Score of a sequence, added up by hand.
fn score(x: &[f32], table: &[f32], labels: &[u32]) -> f64 {
    let mut before = LABELS;
    let mut sum = 0.0;
    for (row, label) in x.chunks(LABELS).zip(labels) {
        sum += f64::from(row[*label as usize]) + f64::from(table[before * LABELS + *label as usize]);
        before = *label as usize;
    }
    sum
}

#[test]
fn sums_are_those_over_all_sequences() {
    for n in 1..=5 {
        let (x, table) = (normals(n as u64, n * LABELS), normals(9, (LABELS + 1) * LABELS));
        let chain = Chain::new(&x, &table, LABELS);
        let weights: Vec<(Vec<u32>, f64)> =
            all(n).into_iter().map(|s| (s.clone(), score(&x, &table, &s).exp())).collect();
        let whole: f64 = weights.iter().map(|(_, w)| w).sum();
        assert!((chain.whole - whole.ln()).abs() < 1e-9, "{n} words: ln Z is {}", chain.whole);
        for word in 0..n {
            for label in 0..LABELS {
                let of = |s: &Vec<u32>| s[word] as usize == label;
                let part: f64 = weights.iter().filter(|(s, _)| of(s)).map(|(_, w)| w).sum();
                assert!((chain.probability(word, label) - part / whole).abs() < 1e-9);
            }
        }
    }
}

#[test]
fn gradients() {
    let lengths = [3, 1, 4];
    let labels = [0, 2, 1, 1, 0, 0, 2, 2];
    let mut inputs = Inputs::new(4);
    let (x, table) = (inputs.add((8, LABELS)), inputs.add((LABELS + 1, LABELS)));
    inputs.check(|p| {
        chain_loss::<Cpu, Taped<Cpu>>(p.get(x).retaped(), p.get(table), &lengths, &labels).unwrap()
    });
}

/// Without transitions words are on their own, and the loss is their mean cross-entropy.
#[test]
fn without_transitions_it_is_the_cross_entropy_of_words() {
    let labels = [0, 2, 1, 1];
    let device = Cpu::default();
    let x = normals(3, 4 * LABELS);
    let of = |lengths: &[usize]| {
        let x = device.tensor_of(x.clone(), (4, LABELS)).unwrap();
        let none = device.tensor_of(vec![0.0; (LABELS + 1) * LABELS], (LABELS + 1, LABELS)).unwrap();
        Cpu::view(&chain_loss(x, &none, lengths, &labels).unwrap())[0]
    };
    let word =
        |(row, label): (&[f32], &u32)| row.iter().map(|x| x.exp()).sum::<f32>().ln() - row[*label as usize];
    let expected = x.chunks(LABELS).zip(&labels).map(word).sum::<f32>() / 4.0;
    for lengths in [&[4][..], &[1, 3], &[2, 0, 2]] {
        assert!((of(lengths) - expected).abs() < 1e-5, "{lengths:?}");
    }
}
