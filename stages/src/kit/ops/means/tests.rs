use dfdx::prelude::{Cpu, NoneTape};

use super::*;
use crate::kit::testing::Inputs;

#[test]
fn rows_are_averaged() {
    let x = Cpu::default().tensor_of(vec![1.0, 2.0, 3.0, 4.0, 8.0, 6.0], (3, 2)).unwrap();
    let y = means::<Cpu, NoneTape>(x, &[1, 2]).unwrap();
    assert_eq!(y.as_vec(), [1.0, 2.0, 5.5, 5.0]);
}

#[test]
fn gradients() {
    let mut inputs = Inputs::new(3);
    let x = inputs.add((7, 4));
    inputs.check(|p| means(p.get(x).retaped(), &[2, 1, 4]).unwrap());
}
