use dfdx::prelude::{Cpu, NoneTape};
use proptest::prelude::*;

use super::*;
use crate::kit::testing::{Inputs, close, normals};

const EPSILON: f32 = 1e-5;

#[test]
fn numbers_worked_by_hand() {
    let device = Cpu::default();
    // Channel 0 holds 1, 3, 5, 7: mean 4, variance 5. Channel 1 holds 2 four times: variance 0.
    let x = device.tensor_of(vec![1.0, 3.0, 2.0, 2.0, 5.0, 7.0, 2.0, 2.0], (2, 2, 1, 2)).unwrap();
    let gain = device.tensor_of(vec![5.0f32.sqrt(), 9.0], (2,)).unwrap();
    let shift = device.tensor_of(vec![1.0, 0.5], (2,)).unwrap();
    let (y, statistics) = batch_norm::<Cpu, NoneTape>(x, None, &gain, &shift, 1e-12, Act::Relu).unwrap();
    assert_eq!((&*statistics.mean, &*statistics.variance), (&[4.0, 2.0][..], &[5.0, 0.0][..]));
    close(&statistics.unbiased(), &[20.0 / 3.0, 0.0], 1e-5);
    close(&y.as_vec()[..2], &[0.0, 0.0], 1e-6);
    close(&y.as_vec()[4..6], &[2.0, 4.0], 1e-6);
}

#[test]
fn statistics_hold_far_from_zero() {
    // A mean of 1000 and a deviation of 1: in a plain difference of squares seven of seven digits would be lost.
    for images in [1, 7, 64] {
        let x: Vec<f32> = normals(3, images * 2 * 25).iter().map(|x| 1000.0 + x).collect();
        let found = statistics([images, 2, 25], &x);
        for c in 0..2 {
            let numbers: Vec<f64> =
                x.chunks_exact(25).skip(c).step_by(2).flatten().map(|x| f64::from(*x)).collect();
            let mean = numbers.iter().sum::<f64>() / numbers.len() as f64;
            let variance =
                numbers.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / numbers.len() as f64;
            assert!((f64::from(found.mean[c]) - mean).abs() < 1e-3, "{} for {mean}", found.mean[c]);
            assert!((f64::from(found.variance[c]) - variance).abs() < 1e-3 * variance);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn gradients(
        images in 0usize..4,
        channels in 1usize..4,
        size in 1usize..6,
        spare in 0usize..2,
        residual: bool,
        own: bool,
        seed: u64,
    ) {
        // A channel of two numbers is ±1 whatever they are: too steep for differences.
        prop_assume!(images * size * size > 3 || !own);
        let mut given = Inputs::new(seed);
        let shape = (images, channels, size, size);
        let (x, r) = (given.add(shape), given.add(shape));
        let (gain, shift) = (given.add((channels + spare,)), given.add((channels + spare,)));
        let (mean, variance) = (vec![0.3; channels + spare], vec![1.5; channels + spare]);
        given.check(|p| {
            let (x, r) = (p.get(x).retaped(), residual.then(|| p.get(r).retaped()));
            let (gain, shift) = (p.get(gain), p.get(shift));
            if own {
                batch_norm(x, r, gain, shift, 0.1, Act::Silu).unwrap().0
            } else {
                batch_norm_by(x, r, (&mean, &variance), gain, shift, EPSILON, Act::Tanh).unwrap()
            }
        });
    }
}

#[test]
fn blocks_of_any_size_give_the_same() {
    // Planes above and below what a task looks at, and a last block with fewer channels.
    for (channels, plane) in [(5, 1), (700, 3), (3, 1500), (41, 50)] {
        let x = normals(1, 3 * channels * plane);
        let found = statistics([3, channels, plane], &x);
        for c in [0, channels / 2, channels - 1] {
            let numbers: Vec<f32> =
                x.chunks_exact(plane).skip(c).step_by(channels).flatten().copied().collect();
            let mean = numbers.iter().sum::<f32>() / numbers.len() as f32;
            close(&[found.mean[c]], &[mean], 1e-5);
        }
    }
}
