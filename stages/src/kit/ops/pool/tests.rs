use dfdx::prelude::{Cpu, NoneTape};
use proptest::prelude::*;

use super::*;
use crate::kit::testing::{Inputs, close, normals};

fn images(numbers: Vec<f32>, size: usize) -> Images<Cpu> {
    let count = numbers.len() / (size * size);
    Cpu::default().tensor_of(numbers, (1, count, size, size)).unwrap()
}

#[test]
fn numbers_worked_by_hand() {
    let x = images((1..=9).map(|i| i as f32).collect(), 3);
    let pool = |x| max_pool::<Cpu, NoneTape>(x, 2, Geometry::default()).unwrap().as_vec();
    assert_eq!(pool(x.clone()), [5.0, 6.0, 8.0, 9.0]);
    let geometry = Geometry { stride: 2, padding: 1, ..Geometry::default() };
    let y = max_pool::<Cpu, NoneTape>(x.clone(), 3, geometry).unwrap();
    assert_eq!(y.as_vec(), [5.0, 6.0, 8.0, 9.0]);
    let y = average_pool::<Cpu, NoneTape>(x.clone(), 3, geometry).unwrap();
    close(&y.as_vec(), &[12.0 / 9.0, 16.0 / 9.0, 24.0 / 9.0, 28.0 / 9.0], 1e-6);
    assert_eq!(global_average::<Cpu, NoneTape>(x).unwrap().as_vec(), [5.0]);
    // Below zero, what lies outside is not the largest; a NaN is.
    let y = max_pool::<Cpu, NoneTape>(images(vec![-1.0; 4], 2), 3, Geometry::same(3)).unwrap();
    assert_eq!(y.as_vec(), [-1.0; 4]);
    assert!(pool(images(vec![1.0, f32::NAN, 2.0, 3.0], 2))[0].is_nan());
}

#[test]
fn the_first_of_equal_numbers_gets_the_gradient() {
    let windows = Windows::new([2, 2], 2, Geometry::default());
    let (mut y, mut chosen) = ([0.0], [9]);
    windows.largest(&[1.0, 7.0, 7.0, 7.0], &mut y, &mut chosen);
    assert_eq!((y, chosen), ([7.0], [1]));
    windows.largest(&[f32::NEG_INFINITY; 4], &mut y, &mut chosen);
    assert_eq!((y, chosen), ([f32::NEG_INFINITY], [0]));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn gradients(
        images in 0usize..3,
        size in 1usize..9,
        channels in 1usize..4,
        kernel in 1usize..4,
        stride in 1usize..4,
        dilation in 1usize..3,
        pad: bool,
        largest: bool,
        seed: u64,
    ) {
        let geometry = Geometry { stride, padding: if pad { kernel / 2 } else { 0 }, dilation, groups: 1 };
        prop_assume!(size + 2 * geometry.padding > (kernel - 1) * dilation);
        let mut given = Inputs::new(seed);
        let x = given.add((images, channels, size, size));
        if largest {
            // Numbers far apart, so that a small step changes no choice.
            let apart = (0..images * channels * size * size).map(|i| ((i * 37) % 101) as f32 * 0.05).collect();
            given.params.set(x, apart).unwrap();
            // A window that sees nothing is not asked for a gradient.
            prop_assume!(dilation == 1 || !pad);
            given.check(|p| max_pool(p.get(x).retaped(), kernel, geometry).unwrap());
        } else {
            given.check(|p| average_pool(p.get(x).retaped(), kernel, geometry).unwrap());
        }
    }

    #[test]
    fn gradient_of_the_mean(images in 0usize..3, height in 1usize..20, width in 1usize..20, seed: u64) {
        let mut given = Inputs::new(seed);
        let x = given.add((images, 3, height, width));
        given.check(|p| global_average(p.get(x).retaped()).unwrap());
    }
}

#[test]
fn many_planes_are_cut_into_tasks() {
    let x = images(normals(1, 40 * 1024), 32);
    let y = average_pool::<Cpu, NoneTape>(x.clone(), 32, Geometry::default()).unwrap().as_vec();
    close(&global_average::<Cpu, NoneTape>(x).unwrap().as_vec(), &y, 1e-5);
}
