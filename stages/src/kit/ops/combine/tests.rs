use dfdx::prelude::{Cpu, NoneTape};

use super::*;
use crate::kit::testing::{Inputs, close};

#[test]
fn rows_come_back_weighted() {
    let device = Cpu::default();
    let one = device.tensor_of(vec![1.0, 2.0, 3.0, 4.0], (2, 2)).unwrap();
    let two = device.tensor_of(vec![10.0, 20.0], (1, 2)).unwrap();
    let gates = device.tensor_of(vec![0.5, 9.0, 9.0, 9.0, 2.0, 0.1], (3, 2)).unwrap();
    let y = combine::<Cpu, NoneTape>(vec![one, two], &[vec![0, 2], vec![2]], gates).unwrap();
    close(&y.as_vec(), &[0.5, 1.0, 0.0, 0.0, 7.0, 10.0], 1e-6);
}

#[test]
fn an_expert_may_be_sent_nothing() {
    let device = Cpu::default();
    let none: Matrix<Cpu> = device.tensor_of(vec![], (0, 2)).unwrap();
    let gates = device.tensor_of(vec![1.0; 4], (2, 2)).unwrap();
    let y = combine::<Cpu, NoneTape>(vec![none.clone(), none], &[vec![], vec![]], gates).unwrap();
    assert_eq!(y.as_vec(), [0.0; 4]);
}

#[test]
fn gradients() {
    // Enough rows for several blocks.
    let (n, width) = (70, 300);
    let mut inputs = Inputs::new(9);
    let all: Vec<Vec<u32>> = vec![(0..n).filter(|i| i % 3 == 0).collect(), vec![], (5..n).collect()];
    let parts: Vec<_> = all.iter().map(|rows| inputs.add((rows.len().max(1), width))).collect();
    let gates = inputs.add((n as usize, 3));
    let mut rows = all;
    rows[1] = vec![7];
    inputs.check(|p| {
        let parts = parts.iter().map(|part| p.get(*part).retaped()).collect();
        combine(parts, &rows, p.get(gates).retaped()).unwrap()
    });
}
