use dfdx::prelude::{Cpu, NoneTape};
use proptest::prelude::*;

use super::*;
use crate::kit::ops::act::Act;
use crate::kit::ops::batch_norm::batch_norm;
use crate::kit::ops::conv::{conv2d_cropped, conv2d_of_data};
use crate::kit::params::{Param, Params};
use crate::kit::testing::{Inputs, normals};

const EPSILON: f32 = 0.1;

/// γ and β of some channels.
fn affine(p: &Params<Cpu>, norm: [Param<(usize,)>; 2], act: Act) -> Affine<'_, Cpu> {
    let [gain, shift] = norm.map(|param| p.get(param));
    Affine { gain, shift, epsilon: EPSILON, act }
}

#[test]
fn one_number_in_one_image() {
    let device = Cpu::default();
    let one = |x: f32| device.tensor_of(vec![x], (1, 1, 1, 1)).unwrap();
    let (gain, shift) =
        (device.tensor_of(vec![5.0], (1,)).unwrap(), device.tensor_of(vec![-2.0], (1,)).unwrap());
    let affine = Affine { gain: &gain, shift: &shift, epsilon: EPSILON, act: Act::Identity };
    let (y, found) =
        conv_norm::<Cpu, NoneTape>(one(3.0), &one(4.0), 1, Geometry::default(), Some(one(0.5)), &affine)
            .unwrap();
    // Its own mean away, 0 is left.
    assert_eq!((y.as_vec(), found.mean, found.variance), (vec![-1.5], vec![12.0], vec![0.0]));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn both_together_are_one_after_the_other(
        images in 1usize..4, channels in 1usize..5, outputs in 1usize..5, size in 2usize..7, stride in 1usize..3,
        spare in 0usize..2, depthwise: bool, residual: bool, smooth: bool, seed: u64,
    ) {
        let (outputs, groups) = if depthwise { (channels, channels) } else { (outputs, 1) };
        let geometry = Geometry::same(3).stride(stride).groups(groups);
        let mut given = Inputs::new(seed);
        let x = given.add((images, channels, size, size));
        let depth = if depthwise { 1 } else { channels + spare };
        let w = given.add((outputs + spare, depth, 3, 3));
        let norm = [given.add((outputs + spare,)), given.add((outputs + spare,))];
        let made = size.div_ceil(stride);
        let r = given.add((images, outputs, made, made));
        let act = if smooth { Act::Silu } else { Act::Identity };
        let together = |p: &Params<Cpu>| {
            let r = residual.then(|| p.get(r).retaped());
            conv_norm(p.get(x).retaped(), p.get(w), outputs, geometry, r, &affine(p, norm, act)).unwrap().0
        };
        let apart = |p: &Params<Cpu>| {
            let r = residual.then(|| p.get(r).retaped());
            let z = conv2d_cropped(p.get(x).retaped(), p.get(w), None, outputs, geometry).unwrap();
            let Affine { gain, shift, epsilon, act } = affine(p, norm, act);
            batch_norm(z, r, gain, shift, epsilon, act).unwrap().0
        };
        // A channel of two numbers is ±1 whatever they are: too steep for differences.
        if images * made * made > 3 {
            given.check(together);
        }
        prop_assert_eq!(given.slopes(&together), given.slopes(&apart));
    }
}

#[test]
fn data_get_no_gradient_and_weights_the_same_one() {
    let mut given = Inputs::new(4);
    let (w, norm) = (given.add((4, 3, 3, 3)), [given.add((4,)), given.add((4,))]);
    let x = Cpu::default().tensor_of(normals(1, 2 * 3 * 25), (2, 3, 5, 5)).unwrap();
    let geometry = Geometry::same(3).stride(2);
    let together =
        |p: &Params<Cpu>| conv_norm_of_data(&x, p.get(w), geometry, &affine(p, norm, Act::Relu)).unwrap().0;
    let apart = |p: &Params<Cpu>| {
        let z = conv2d_of_data(&x, p.get(w), None, geometry).unwrap();
        batch_norm(z, None, p.get(norm[0]), p.get(norm[1]), EPSILON, Act::Relu).unwrap().0
    };
    assert_eq!(given.slopes(&together), given.slopes(&apart));
}
