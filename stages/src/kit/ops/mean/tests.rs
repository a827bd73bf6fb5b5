use dfdx::prelude::{Cpu, NoneTape};
use proptest::prelude::*;

use super::mean_of_sequences;
use crate::kit::backend::{Backend, Matrix};
use crate::kit::ops::attention::Packed;
use crate::kit::testing::{Inputs, close};

#[test]
fn numbers_worked_by_hand() {
    let x = Cpu::default().tensor_of(vec![1.0, 2.0, 3.0, 6.0, 5.0, 7.0], (3, 2)).unwrap();
    let y: Matrix<Cpu, NoneTape> = mean_of_sequences(x, &Packed::new([2, 0, 1])).unwrap();
    close(&Cpu::view(&y), &[2.0, 4.0, 0.0, 0.0, 5.0, 7.0], 0.0);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn gradients(lengths in prop::collection::vec(0usize..9, 0..6), width in 1usize..40, seed: u64) {
        let packed = Packed::new(lengths);
        let mut inputs = Inputs::new(seed);
        let x = inputs.add((packed.rows(), width));
        inputs.check(|p| mean_of_sequences(p.get(x).retaped(), &packed).unwrap());
    }
}
