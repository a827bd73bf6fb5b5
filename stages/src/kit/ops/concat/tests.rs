use dfdx::prelude::{Cpu, NoneTape};
use proptest::prelude::*;

use super::*;
use crate::kit::testing::Inputs;

#[test]
fn numbers_worked_by_hand() {
    let device = Cpu::default();
    let a = device.tensor_of(vec![1.0, 2.0, 3.0, 4.0], (2, 1, 1, 2)).unwrap();
    let b = device.tensor_of((5..=12).map(|i| i as f32).collect(), (2, 2, 1, 2)).unwrap();
    let y = concat_channels::<Cpu, NoneTape>(vec![a, b]).unwrap();
    assert_eq!(*y.shape(), (2, 3, 1, 2));
    assert_eq!(y.as_vec(), [1.0, 2.0, 5.0, 6.0, 7.0, 8.0, 3.0, 4.0, 9.0, 10.0, 11.0, 12.0]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn gradients(images in 0usize..4, first in 1usize..4, second in 1usize..4, size in 1usize..5, seed: u64) {
        let mut given = Inputs::new(seed);
        let (a, b) = (given.add((images, first, size, size)), given.add((images, second, size, size)));
        given.check(|p| concat_channels(vec![p.get(a).retaped(), p.get(b).retaped()]).unwrap());
        // The same part twice.
        given.check(|p| concat_channels(vec![p.get(a).retaped(), p.get(a).retaped()]).unwrap());
    }
}
