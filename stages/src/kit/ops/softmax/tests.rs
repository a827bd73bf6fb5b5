use dfdx::prelude::{Cpu, NoneTape};
use proptest::prelude::*;

use super::*;
use crate::kit::testing::{Inputs, close};

#[test]
fn numbers_worked_by_hand() {
    let x = Cpu::default().tensor_of(vec![0.0, 3.0_f32.ln(), 1e4, 1e4, -1e4, 1.0], (3, 2)).unwrap();
    let y = softmax::<Cpu, NoneTape>(x.clone()).unwrap();
    close(&y.as_vec(), &[0.25, 0.75, 0.5, 0.5, 0.0, 1.0], 1e-6);
    let y = log_softmax::<Cpu, NoneTape>(x).unwrap();
    let half = -std::f32::consts::LN_2;
    close(&y.as_vec(), &[-4.0_f32.ln(), 0.75_f32.ln(), half, half, -10_001.0, 0.0], 1e-6);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn gradients(rows in 0usize..30, width in 1usize..80, seed: u64) {
        let mut inputs = Inputs::new(seed);
        let x = inputs.add((rows, width));
        inputs.check(|p| softmax(p.get(x).retaped()).unwrap());
        inputs.check(|p| log_softmax(p.get(x).retaped()).unwrap());
    }
}
