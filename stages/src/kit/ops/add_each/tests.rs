use dfdx::prelude::{Cpu, NoneTape};
use proptest::prelude::*;

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

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn gradients(lengths in prop::collection::vec(0usize..6, 0..6), width in 1usize..40, smooth: bool, seed: u64) {
        let packed = Packed::new(lengths);
        let mut inputs = Inputs::new(seed);
        let (x, a) = (inputs.add((packed.rows(), width)), inputs.add((packed.count(), width)));
        let act = if smooth { Act::Tanh } else { Act::Identity };
        inputs.check(|p| add_each(p.get(x).retaped(), &packed, p.get(a).retaped(), act).unwrap());
    }
}
