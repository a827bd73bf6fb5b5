use dfdx::prelude::{Cpu, NoneTape};
use proptest::prelude::*;

use super::*;
use crate::kit::backend::Backend;
use crate::kit::ops::conv::{Shapes, conv2d, conv2d_cropped};
use crate::kit::testing::{Inputs, close, normals, threads};

/// What sums of some hundred products of normal numbers may differ by, taken in another order.
const TOLERANCE: f32 = 1e-3;

/// The general convolution, one channel a call, which is tested against the definition.
fn check(images: usize, shapes: &Depthwise) {
    let Depthwise { channels, plane, kernel, geometry } = *shapes;
    let grid = shapes.windows().grid;
    let (from, to, taps) = (plane[0] * plane[1], grid[0] * grid[1], shapes.taps());
    let x = normals(1, images * channels * from);
    let w = normals(2, channels * taps);
    let dy = normals(3, images * channels * to);
    let bias = normals(4, channels);
    let run = || {
        let (mut y, mut dx) = (vec![f32::NAN; dy.len()], vec![0.0; x.len()]);
        shapes.forward(&x, &w, Some(&bias), &mut y);
        let sums = shapes.backward(&x, &w, &dy, &mut dx);
        (y, dx, sums)
    };
    let made = threads(1, run);
    assert!(made == threads(2, run), "one thread and two differ");
    let (y, dx, sums) = made;
    let one = Shapes { plane, channels: 1, outputs: 1, depth: 1, kernel, geometry: geometry.groups(1) };
    for p in 0..images * channels {
        let (x, dy, c) = (&x[p * from..][..from], &dy[p * to..][..to], p % channels);
        let w = &w[c * taps..][..taps];
        let (mut expected_y, mut expected_dx, mut expected_dw) =
            (vec![0.0; to], vec![0.0; from], vec![0.0; taps]);
        one.forward(x, w, Some(&bias[c..]), &mut expected_y);
        one.input_gradient(w, dy, &mut expected_dx);
        one.weight_gradient(x, dy, &mut expected_dw);
        close(&y[p * to..][..to], &expected_y, TOLERANCE);
        close(&dx[p * from..][..from], &expected_dx, TOLERANCE);
        close(&sums[p * taps..][..taps], &expected_dw, TOLERANCE);
    }
}

#[test]
fn numbers_worked_by_hand() {
    let device = Cpu::default();
    let x = device.tensor_of(vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0], (1, 2, 2, 2)).unwrap();
    let w = device.tensor_of(vec![1.0, 1.0, 1.0, 1.0, 0.0, 0.0, 0.0, 2.0], (2, 1, 2, 2)).unwrap();
    let b = device.tensor_of(vec![0.5, 0.0], (2,)).unwrap();
    let y = conv2d::<Cpu, NoneTape>(x, &w, Some(&b), Geometry::default().groups(2)).unwrap();
    assert_eq!(y.as_vec(), [10.5, 16.0]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn kernels_are_those_of_the_general_convolution(
        images in 0usize..3,
        channels in 1usize..5,
        height in 1usize..20,
        width in 1usize..40,
        ky in 1usize..6,
        kx in 1usize..6,
        stride in 1usize..4,
        padding in 0usize..4,
        dilation in 1usize..3,
    ) {
        let reach = |kernel: usize| (kernel - 1) * dilation + 1;
        prop_assume!(height + 2 * padding >= reach(ky) && width + 2 * padding >= reach(kx));
        let geometry = Geometry { stride, padding, dilation, groups: channels };
        check(images, &Depthwise { channels, plane: [height, width], kernel: [ky, kx], geometry });
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(8))]

    #[test]
    fn gradients(images in 0usize..3, size in 1usize..8, channels in 1usize..4, stride in 1usize..3, spare in 0usize..2, seed: u64) {
        let mut given = Inputs::new(seed);
        let filters = channels + spare;
        let (x, w, b) = (given.add((images, channels, size, size)), given.add((filters, 1, 3, 3)), given.add((filters,)));
        let geometry = Geometry::same(3).stride(stride).groups(channels);
        given.check(|p| conv2d_cropped(p.get(x).retaped(), p.get(w), Some(p.get(b)), channels, geometry).unwrap());
    }
}

#[test]
fn many_planes_are_cut_into_tasks() {
    check(3, &Depthwise { channels: 40, plane: [16, 16], kernel: [3, 3], geometry: Geometry::same(3) });
}
