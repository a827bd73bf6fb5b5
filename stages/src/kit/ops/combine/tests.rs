use dfdx::prelude::{Cpu, NoneTape};
use proptest::prelude::*;

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

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn gradients(
        // For each row the experts that it is sent to: enough rows for several blocks, or none.
        sent in prop::collection::vec([any::<bool>(), any::<bool>(), any::<bool>()], 0..90), width in 1usize..400, seed: u64,
    ) {
        let rows: Vec<Vec<u32>> =
            (0..3).map(|e| (0..sent.len()).filter(|n| sent[*n][e]).map(|n| n as u32).collect()).collect();
        let mut inputs = Inputs::new(seed);
        let parts: Vec<_> = rows.iter().map(|rows| inputs.add((rows.len(), width))).collect();
        let gates = inputs.add((sent.len(), 3));
        inputs.check(|p| {
            let parts = parts.iter().map(|part| p.get(*part).retaped()).collect();
            combine(parts, &rows, p.get(gates).retaped()).unwrap()
        });
    }
}
