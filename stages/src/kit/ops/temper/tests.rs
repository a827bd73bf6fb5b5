use dfdx::prelude::{Cpu, NoneTape};
use proptest::prelude::*;

use super::*;
use crate::kit::testing::{Inputs, close, normals};

#[test]
fn numbers_worked_by_hand() {
    let x = Cpu::default().tensor_of(vec![1.0, 2.0, -3.0, 0.0], (2, 2)).unwrap();
    let y = temper::<Cpu, NoneTape>(x.clone(), &[0.5, -2.0, 1.0, 4.0], 2.0).unwrap();
    close(&y.as_vec(), &[3.0, 0.0, -4.0, 8.0], 0.0);
    let y = temper::<Cpu, NoneTape>(x, &[], 0.5).unwrap();
    close(&y.as_vec(), &[0.5, 1.0, -1.5, 0.0], 0.0);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(8))]

    #[test]
    fn gradients(rows in 0usize..200, width in 1usize..40, factor in -2.0f32..2.0, seed: u64) {
        let mut inputs = Inputs::new(seed);
        let x = inputs.add((rows, width));
        let s = normals(seed, rows * width);
        inputs.check(|p| temper(p.get(x).retaped(), &s, factor).unwrap());
    }
}
