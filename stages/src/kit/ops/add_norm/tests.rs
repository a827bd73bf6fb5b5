use dfdx::prelude::{Cpu, NoneTape};
use proptest::prelude::*;

use super::*;
use crate::kit::rng::Stream;
use crate::kit::testing::{Inputs, close};

#[test]
fn numbers_worked_by_hand() {
    let device = Cpu::default();
    let row = |x: Vec<f32>| device.tensor_of(x, (1, 4)).unwrap();
    let vector = |x: Vec<f32>| device.tensor_of(x, (4,)).unwrap();
    // The sum is 1, 3, 5, 7: mean 4, variance 5.
    let (x, residual) = (row(vec![0.0, 1.0, 2.0, 3.0]), row(vec![1.0, 2.0, 3.0, 4.0]));
    let (gain, shift) = (vector(vec![1.0, 1.0, 2.0, 0.0]), vector(vec![0.0, 1.0, 0.0, 9.0]));
    let y = add_norm::<Cpu, NoneTape>(x, None, Some(residual), &gain, &shift, 0.0).unwrap();
    let root = 5.0_f32.sqrt();
    close(&y.as_vec(), &[-3.0 / root, 1.0 - 1.0 / root, 2.0 / root, 9.0], 1e-6);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn gradients(n in 0usize..60, w in 2usize..70, p in 0f32..0.6, residual: bool, seed: u64) {
        let mut inputs = Inputs::new(seed);
        let (x, r) = (inputs.add((n, w)), inputs.add((n, w)));
        let (gain, shift) = (inputs.add((w,)), inputs.add((w,)));
        let mask = Mask::new(p, Some(Stream::new(seed, "mask")));
        inputs.check(|p| {
            // An ε that tames rows which happen to be almost constant.
            let r = residual.then(|| p.get(r).retaped());
            add_norm(p.get(x).retaped(), mask, r, p.get(gain), p.get(shift), 0.1).unwrap()
        });
    }
}

#[test]
fn a_large_mean_does_not_drown_the_variance() {
    let device = Cpu::default();
    let x = device.tensor_of(vec![4096.0, 4097.0, 4098.0], (1, 3)).unwrap();
    let (ones, zeros) =
        (device.tensor_of(vec![1.0; 3], (3,)).unwrap(), device.tensor_of(vec![0.0; 3], (3,)).unwrap());
    let y = add_norm::<Cpu, NoneTape>(x, None, None, &ones, &zeros, 1e-12).unwrap();
    close(&y.as_vec(), &[-1.5_f32.sqrt(), 0.0, 1.5_f32.sqrt()], 1e-5);
}
