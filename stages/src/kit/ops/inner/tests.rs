use dfdx::prelude::{Cpu, NoneTape};
use proptest::prelude::*;

use super::*;
use crate::kit::testing::{Inputs, close, normals};

#[test]
fn numbers_worked_by_hand() {
    let x = Cpu::default().tensor_of(vec![1.0, 2.0, -3.0, 0.5], (2, 2)).unwrap();
    let y = inner::<Cpu, NoneTape>(x, &[0.5, -2.0, 1.0, 4.0]).unwrap();
    close(&y.as_vec(), &[-4.5], 1e-6);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(8))]

    #[test]
    fn gradients(rows in 0usize..20, width in 1usize..9, seed: u64) {
        let mut inputs = Inputs::new(seed);
        let x = inputs.add((rows, width));
        let a = normals(seed, rows * width);
        inputs.check(|p| inner(p.get(x).retaped(), &a).unwrap());
    }
}
