use dfdx::prelude::{Cpu, NoneTape};
use proptest::prelude::*;

use super::*;
use crate::kit::testing::{Inputs, close};

#[test]
fn numbers_worked_by_hand() {
    let device = Cpu::default();
    let a = device.tensor_of(vec![1.0, 2.0, 3.0, 4.0], (2, 1, 2)).unwrap();
    let b = device.tensor_of(vec![1.0, 0.0, 5.0, 6.0, -1.0, 1.0, 0.5, 0.0], (2, 2, 2)).unwrap();
    let c = batched_matmul::<Cpu, NoneTape>(a, b).unwrap();
    close(&c.as_vec(), &[11.0, 12.0, -1.0, 3.0], 0.0);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(8))]

    #[test]
    fn gradients(count in 0usize..5, m in 0usize..6, k in 0usize..6, n in 0usize..6, seed: u64) {
        let mut inputs = Inputs::new(seed);
        let (a, b) = (inputs.add((count, m, k)), inputs.add((count, k, n)));
        inputs.check(|p| batched_matmul(p.get(a).retaped(), p.get(b).retaped()).unwrap());
    }
}

#[test]
fn nothing_is_allowed() {
    let device = Cpu::default();
    let empty = |shape| -> Cube<Cpu> { device.tensor_of(vec![], shape).unwrap() };
    let none = batched_matmul::<Cpu, NoneTape>(empty((0, 2, 3)), empty((0, 3, 1))).unwrap();
    assert!(Cpu::view(&none).is_empty());
    let zeros = batched_matmul::<Cpu, NoneTape>(empty((2, 1, 0)), empty((2, 0, 2))).unwrap();
    close(&zeros.as_vec(), &[0.0; 4], 0.0);
}
