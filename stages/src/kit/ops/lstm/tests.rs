use dfdx::prelude::{Cpu, NoneTape};
use proptest::prelude::*;

use super::*;
use crate::kit::testing::{Inputs, close, normals};

/// An LSTM by its definition, one number at a time.
#[expect(clippy::too_many_arguments, reason = "the operands of the definition")]
fn slow(
    x: &[f32],
    lengths: &[usize],
    w: &[f32],
    u: &[f32],
    b: &[f32],
    start: (&[f32], &[f32]),
    inputs: usize,
    width: usize,
    direction: Direction,
) -> (Vec<f32>, Vec<f32>, Vec<f32>) {
    let sigmoid = |x: f32| 1.0 / (1.0 + (-x).exp());
    let mut y = vec![0.0; x.len() / inputs * width];
    let (mut hs, mut cs) = (start.0.to_vec(), start.1.to_vec());
    let mut first = 0;
    for (s, length) in lengths.iter().enumerate() {
        let (h, c) = (&mut hs[s * width..][..width], &mut cs[s * width..][..width]);
        for t in 0..*length {
            let row = first + if direction == Direction::Forward { t } else { length - 1 - t };
            let z: Vec<f32> = (0..4 * width)
                .map(|j| {
                    let from_x: f32 = (0..inputs).map(|i| w[j * inputs + i] * x[row * inputs + i]).sum();
                    let from_h: f32 = (0..width).map(|i| u[j * width + i] * h[i]).sum();
                    from_x + from_h + b[j]
                })
                .collect();
            for j in 0..width {
                let [i, f, g, o] = [0, 1, 2, 3].map(|gate| z[gate * width + j]);
                c[j] = sigmoid(f) * c[j] + sigmoid(i) * g.tanh();
                h[j] = sigmoid(o) * c[j].tanh();
            }
            y[row * width..][..width].copy_from_slice(h);
        }
        first += length;
    }
    (y, hs, cs)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn steps_follow_their_definition(
        lengths in prop::collection::vec(0usize..7, 0..12), inputs in 1usize..6, width in 1usize..11, back: bool, seed: u64,
    ) {
        let n: usize = lengths.iter().sum();
        let (s, w4) = (lengths.len(), 4 * width);
        let [x, w, u, b, h, c] =
            [n * inputs, w4 * inputs, w4 * width, w4, s * width, s * width].map(|count| normals(seed, count));
        let direction = if back { Direction::Backward } else { Direction::Forward };
        let (y, last_h, last_c) = slow(&x, &lengths, &w, &u, &b, (&h, &c), inputs, width, direction);
        let device = Cpu::default();
        let matrix = |x: Vec<f32>, shape| device.tensor_of(x, shape).unwrap();
        let (w, u) = (matrix(w, (w4, inputs)), matrix(u, (w4, width)));
        let b = device.tensor_of(b, (w4,)).unwrap();
        let weights = Weights { input: &w, hidden: &u, bias: &b };
        let start = State { hidden: matrix(h, (s, width)), cell: matrix(c, (s, width)) };
        let x = matrix(x, (n, inputs));
        let (rows, last) = lstm::<Cpu, NoneTape>(x, &Packed::new(lengths), &weights, Some(start), direction)
            .unwrap()
            .into_parts();
        close(&Cpu::view(&rows), &y, 1e-4);
        close(&Cpu::view(&last.hidden), &last_h, 1e-4);
        close(&Cpu::view(&last.cell), &last_c, 1e-4);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(8))]

    #[test]
    fn gradients(
        lengths in prop::collection::vec(0usize..6, 0..12), inputs in 1usize..5, width in 1usize..9, back: bool,
        start: bool, seed: u64,
    ) {
        let mut given = Inputs::new(seed);
        let n: usize = lengths.iter().sum();
        let (s, w4) = (lengths.len(), 4 * width);
        let x = given.add((n, inputs));
        let (w, u, b) = (given.add((w4, inputs)), given.add((w4, width)), given.add((w4,)));
        let (h, c) = (given.add((s, width)), given.add((s, width)));
        let packed = Packed::new(lengths);
        let direction = if back { Direction::Backward } else { Direction::Forward };
        for what in 0..3 {
            given.check(|p| {
                let weights = Weights { input: p.get(w), hidden: p.get(u), bias: p.get(b) };
                let start = start.then(|| State { hidden: p.get(h).retaped(), cell: p.get(c).retaped() });
                let read = lstm(p.get(x).retaped(), &packed, &weights, start, direction).unwrap();
                match what {
                    0 => read.into_rows(),
                    1 => read.into_last().hidden,
                    _ => {
                        let (rows, last) = read.into_parts();
                        let ((_, tape), (cell, _)) = (rows.split_tape(), last.cell.split_tape());
                        cell.put_tape(tape)
                    }
                }
            });
        }
    }
}

#[test]
fn a_sequence_does_not_notice_the_others() {
    let device = Cpu::default();
    let (inputs, width) = (3, 20);
    let matrix = |seed, rows: usize, columns: usize| {
        device.tensor_of(normals(seed, rows * columns), (rows, columns)).unwrap()
    };
    let (w, u) = (matrix(1, 4 * width, inputs), matrix(2, 4 * width, width));
    let b = device.tensor_of(normals(3, 4 * width), (4 * width,)).unwrap();
    let weights = Weights { input: &w, hidden: &u, bias: &b };
    let read = |x: &[f32], lengths: &[usize]| {
        let x = device.tensor_of(x.to_vec(), (x.len() / inputs, inputs)).unwrap();
        lstm::<Cpu, NoneTape>(x, &Packed::new(lengths.to_vec()), &weights, None, Direction::Forward)
            .unwrap()
            .into_rows()
            .as_vec()
    };
    let x = normals(4, 40 * inputs);
    let together = read(&x, &[5, 20, 1, 14]);
    let mut apart = Vec::new();
    for (first, length) in [(0, 5), (5, 20), (25, 1), (26, 14)] {
        apart.extend(read(&x[first * inputs..][..length * inputs], &[length]));
    }
    close(&together, &apart, 1e-6);
}
