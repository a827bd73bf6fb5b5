use dfdx::prelude::{Cpu, NoneTape};
use proptest::prelude::*;

use super::*;
use crate::kit::testing::Inputs;

#[test]
fn numbers_worked_by_hand() {
    let device = Cpu::default();
    let x = device.tensor_of(vec![1.0, 2.0, 3.0, 4.0], (1, 2, 1, 2)).unwrap();
    let s = device.tensor_of(vec![10.0, -1.0], (1, 2)).unwrap();
    assert_eq!(scale_channels::<Cpu, NoneTape>(x, s).unwrap().as_vec(), [10.0, 20.0, -3.0, -4.0]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn gradients(images in 0usize..3, channels in 1usize..5, height in 1usize..9, width in 1usize..9, seed: u64) {
        let mut given = Inputs::new(seed);
        let (x, s) = (given.add((images, channels, height, width)), given.add((images, channels)));
        given.check(|p| scale_channels(p.get(x).retaped(), p.get(s).retaped()).unwrap());
    }
}
