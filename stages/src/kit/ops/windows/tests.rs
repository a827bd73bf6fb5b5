use dfdx::prelude::{Cpu, NoneTape};
use proptest::prelude::*;

use super::windows;
use crate::kit::backend::{Backend, Matrix};
use crate::kit::ops::attention::Packed;
use crate::kit::testing::{Inputs, close};

#[test]
fn neighbours_stop_at_the_ends_of_sequences() {
    let x = Cpu::default().tensor_of(vec![1.0, 2.0, 3.0, 4.0], (4, 1)).unwrap();
    let y: Matrix<Cpu, NoneTape> = windows(x, &Packed::new([3, 0, 1]), 3).unwrap();
    close(&Cpu::view(&y), &[0.0, 1.0, 2.0, 1.0, 2.0, 3.0, 2.0, 3.0, 0.0, 0.0, 4.0, 0.0], 0.0);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn gradients(lengths in prop::collection::vec(0usize..7, 0..6), width in 1usize..9, half in 0usize..4, seed: u64) {
        let packed = Packed::new(lengths);
        let mut inputs = Inputs::new(seed);
        let x = inputs.add((packed.rows(), width));
        inputs.check(|p| windows(p.get(x).retaped(), &packed, 2 * half + 1).unwrap());
    }
}
