use dfdx::prelude::{Cpu, NoneTape};
use proptest::prelude::*;

use super::*;
use crate::kit::testing::{Inputs, close, normals, threads};

/// What sums of some thousand products of normal numbers may differ by, in f32 against f64.
const TOLERANCE: f32 = 2e-3;

/// y, and the gradients of x and w for some dy, by the definition.
fn by_definition(shapes: &Shapes, x: &[f32], w: &[f32], dy: &[f32]) -> (Vec<f32>, Vec<f32>, Vec<f32>) {
    let Shapes { plane: [height, width], channels, outputs, depth, kernel: [ky, kx], geometry } = *shapes;
    let images = x.len() / (channels * height * width);
    let Geometry { stride, padding, dilation, groups } = geometry;
    let [rows, columns] = shapes.windows().grid;
    let mut y = vec![0.0f64; dy.len()];
    let (mut dx, mut dw) = (vec![0.0f64; x.len()], vec![0.0f64; w.len()]);
    for n in 0..images {
        for o in 0..outputs {
            for i in 0..channels / groups {
                let c = o / (outputs / groups) * (channels / groups) + i;
                for (row, column) in (0..rows).flat_map(|r| (0..columns).map(move |c| (r, c))) {
                    for (a, b) in (0..ky).flat_map(|a| (0..kx).map(move |b| (a, b))) {
                        let at_y = (row * stride + a * dilation).wrapping_sub(padding);
                        let at_x = (column * stride + b * dilation).wrapping_sub(padding);
                        if at_y >= height || at_x >= width {
                            continue;
                        }
                        let to = ((n * outputs + o) * rows + row) * columns + column;
                        let from = ((n * channels + c) * height + at_y) * width + at_x;
                        let weight = ((o * depth + i) * ky + a) * kx + b;
                        y[to] += f64::from(x[from]) * f64::from(w[weight]);
                        dx[from] += f64::from(dy[to]) * f64::from(w[weight]);
                        dw[weight] += f64::from(dy[to]) * f64::from(x[from]);
                    }
                }
            }
        }
    }
    let single = |numbers: Vec<f64>| numbers.into_iter().map(|x| x as f32).collect();
    (single(y), single(dx), single(dw))
}

fn check(images: usize, shapes: &Shapes, filters: usize) {
    let x = normals(1, images * shapes.channels * shapes.plane[0] * shapes.plane[1]);
    let w = normals(2, filters * shapes.depth * shapes.taps());
    let grid = shapes.windows().grid;
    let dy = normals(3, images * shapes.outputs * grid[0] * grid[1]);
    let run = || {
        let (mut y, mut dx, mut dw) = (vec![f32::NAN; dy.len()], vec![0.0; x.len()], vec![0.0; w.len()]);
        shapes.forward(&x, &w, None, &mut y);
        shapes.input_gradient(&w, &dy, &mut dx);
        shapes.weight_gradient(&x, &dy, &mut dw);
        (y, dx, dw)
    };
    let made = threads(1, run);
    assert!(made == threads(2, run), "one thread and two differ");
    let expected = by_definition(shapes, &x, &w, &dy);
    close(&made.0, &expected.0, TOLERANCE);
    close(&made.1, &expected.1, TOLERANCE);
    close(&made.2, &expected.2, TOLERANCE);
}

#[test]
fn numbers_worked_by_hand() {
    let device = Cpu::default();
    let x = device.tensor_of((1..=9).map(|i| i as f32).collect(), (1, 1, 3, 3)).unwrap();
    let w = device.tensor_of(vec![1.0, 0.0, 0.0, 10.0, 1.0, 1.0, 1.0, 1.0], (2, 1, 2, 2)).unwrap();
    let b = device.tensor_of(vec![0.0, -1.0], (2,)).unwrap();
    let y = conv2d::<Cpu, NoneTape>(x.clone(), &w, Some(&b), Geometry::default()).unwrap();
    assert_eq!(y.as_vec(), [51.0, 62.0, 84.0, 95.0, 11.0, 15.0, 23.0, 27.0]);
    let y = conv2d::<Cpu, NoneTape>(x, &w, None, Geometry { stride: 2, padding: 1, ..Geometry::default() })
        .unwrap();
    assert_eq!(y.as_vec(), [10.0, 30.0, 70.0, 95.0, 1.0, 5.0, 11.0, 28.0]);
}

#[test]
fn kernels_of_every_layout_are_those_of_the_definition() {
    let same = Geometry::same(3);
    for (images, size, channels, outputs, kernel, geometry) in [
        // Planes as they are.
        (2, 8, 5, 7, 1, Geometry::default()),
        (3, 16, 3, 64, 1, Geometry::default()),
        // Several small images at once.
        (9, 4, 6, 70, 3, same),
        (70, 1, 6, 5, 1, Geometry::default()),
        (17, 2, 3, 20, 3, same),
        // Shifted planes, with many filters and few.
        (2, 12, 4, 66, 3, same),
        (3, 9, 20, 3, 5, Geometry::same(5)),
        (2, 11, 3, 9, 3, same.stride(2)),
        (2, 10, 3, 9, 3, same.stride(3)),
        (2, 10, 4, 6, 1, Geometry::default().stride(2)),
        // Squares of pixels: whole ones, and those that reach beyond the planes.
        (2, 8, 32, 48, 3, same),
        (3, 5, 33, 40, 3, Geometry { padding: 2, ..Geometry::default() }),
        (18, 4, 34, 32, 3, same),
        (1, 7, 70, 65, 3, Geometry::default()),
        (2, 9, 6, 8, 3, Geometry { dilation: 2, padding: 2, ..Geometry::default() }.groups(2)),
        // Windows that see nothing but zeros.
        (1, 2, 1, 1, 1, Geometry { padding: 2, ..Geometry::default() }),
    ] {
        let shapes = Shapes {
            plane: [size, size],
            channels,
            outputs,
            depth: channels / geometry.groups,
            kernel: [kernel; 2],
            geometry,
        };
        check(images, &shapes, outputs);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn kernels_are_those_of_the_definition(
        images in 0usize..5,
        height in 1usize..12,
        width in 1usize..24,
        inputs in 1usize..5,
        outputs in 1usize..20,
        groups in 1usize..4,
        ky in 1usize..5,
        kx in 1usize..5,
        stride in 1usize..4,
        padding in 0usize..4,
        dilation in 1usize..4,
        spare in 0usize..2,
    ) {
        let reach = |kernel: usize| (kernel - 1) * dilation + 1;
        prop_assume!(height + 2 * padding >= reach(ky) && width + 2 * padding >= reach(kx));
        let geometry = Geometry { stride, padding, dilation, groups };
        let outputs = outputs * groups;
        check(images, &Shapes { plane: [height, width], channels: inputs * groups, outputs, depth: inputs + spare, kernel: [ky, kx], geometry }, outputs + spare);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn gradients(images in 0usize..3, size in 1usize..7, inputs in 1usize..4, outputs in 1usize..5, stride in 1usize..3, bias: bool, seed: u64) {
        let mut given = Inputs::new(seed);
        let (x, w, b) = (given.add((images, inputs, size, size)), given.add((outputs, inputs, 3, 3)), given.add((outputs,)));
        given.check(|p| {
            conv2d(p.get(x).retaped(), p.get(w), bias.then(|| p.get(b)), Geometry::same(3).stride(stride)).unwrap()
        });
    }
}

#[test]
fn data_get_no_gradient_and_weights_the_same_one() {
    let mut given = Inputs::new(4);
    let (w, b) = (given.add((4, 3, 3, 3)), given.add((4,)));
    let x = Cpu::default().tensor_of(normals(1, 2 * 3 * 25), (2, 3, 5, 5)).unwrap();
    let geometry = Geometry::same(3).stride(2);
    given.check(|p| conv2d_of_data(&x, p.get(w), Some(p.get(b)), geometry).unwrap());
    let of_data = given.slopes(&|p| conv2d_of_data(&x, p.get(w), Some(p.get(b)), geometry).unwrap());
    assert!(of_data == given.slopes(&|p| conv2d(x.retaped(), p.get(w), Some(p.get(b)), geometry).unwrap()));
}

#[test]
fn a_cropped_weight_gives_what_its_first_filters_and_channels_give() {
    let device = Cpu::default();
    let (images, inputs, outputs) = (2, 3, 4);
    let x = device.tensor_of(normals(1, images * inputs * 25), (images, inputs, 5, 5)).unwrap();
    let large = normals(2, 6 * 5 * 9);
    let small = (0..outputs).flat_map(|o| large[o * 45..][..inputs * 9].to_vec()).collect();
    let large = device.tensor_of(large, (6, 5, 3, 3)).unwrap();
    let small = device.tensor_of(small, (outputs, inputs, 3, 3)).unwrap();
    let geometry = Geometry::same(3);
    let cropped = conv2d_cropped::<Cpu, NoneTape>(x.clone(), &large, None, outputs, geometry).unwrap();
    let plain = conv2d::<Cpu, NoneTape>(x, &small, None, geometry).unwrap();
    assert_eq!(cropped.as_vec(), plain.as_vec());

    let mut given = Inputs::new(5);
    let (x, w, b) = (given.add((2, 3, 4, 4)), given.add((6, 5, 3, 3)), given.add((6,)));
    given.check(|p| conv2d_cropped(p.get(x).retaped(), p.get(w), Some(p.get(b)), 4, geometry).unwrap());
}
