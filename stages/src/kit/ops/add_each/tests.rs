use dfdx::prelude::{Cpu, NoneTape};

use super::*;
use crate::kit::testing::Inputs;

#[test]
fn each_row_gets_the_vector_of_its_sequence() {
    let device = Cpu::default();
    let x = device.tensor_of(vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0], (3, 2)).unwrap();
    let a = device.tensor_of(vec![10.0, -20.0, 7.0, 7.0, 0.0, 0.5], (3, 2)).unwrap();
    let y = add_each::<Cpu, NoneTape>(x, &Packed::new([2, 0, 1]), a, Act::Relu).unwrap();
    assert_eq!(y.as_vec(), [11.0, 0.0, 13.0, 0.0, 5.0, 6.5]);
}

#[test]
fn gradients() {
    let mut inputs = Inputs::new(2);
    let packed = Packed::new([3, 0, 1, 5]);
    let (x, a) = (inputs.add((9, 7)), inputs.add((4, 7)));
    for act in [Act::Identity, Act::Tanh] {
        inputs.check(|p| add_each(p.get(x).retaped(), &packed, p.get(a).retaped(), act).unwrap());
    }
}
