use dfdx::prelude::{Cpu, NoneTape};
use proptest::prelude::*;

use super::*;
use crate::kit::testing::Inputs;

#[test]
fn numbers_worked_by_hand() {
    let device = Cpu::default();
    let a = device.tensor_of(vec![1.0, -2.0, 3.0], (3,)).unwrap();
    let b = device.tensor_of(vec![1.0, 1.0, -4.0], (3,)).unwrap();
    let sum = |act| add::<_, _, NoneTape>(a.clone(), b.clone(), act).unwrap().as_vec();
    assert_eq!(sum(Act::Identity), [2.0, -1.0, -1.0]);
    assert_eq!(sum(Act::Relu), [2.0, 0.0, 0.0]);
    assert_eq!(activate::<_, _, NoneTape>(a.clone(), Act::Relu).unwrap().as_vec(), [1.0, 0.0, 3.0]);
    assert_eq!(activate::<_, _, NoneTape>(a.clone(), Act::Identity).unwrap().as_vec(), a.as_vec());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn gradients(rows in 0usize..5, width in 1usize..80, smooth: bool, seed: u64) {
        let mut given = Inputs::new(seed);
        let (a, b) = (given.add((rows, width)), given.add((rows, width)));
        let act = if smooth { Act::Silu } else { Act::Identity };
        given.check(|p| add(p.get(a).retaped(), p.get(b).retaped(), act).unwrap());
        given.check(|p| activate(p.get(a).retaped(), Act::Gelu).unwrap());
        // A tensor beside itself gets both gradients.
        given.check(|p| add(p.get(a).retaped(), p.get(a).retaped(), act).unwrap());
    }
}
