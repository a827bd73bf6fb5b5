#![expect(clippy::float_cmp, reason = "these very numbers are promised")]

use proptest::prelude::*;

use super::*;
use crate::kit::testing::{normals, threads};

proptest! {
    #[test]
    fn reductions_follow_their_definitions(count in 0usize..300, seed: u64) {
        let (x, y) = (normals(seed, count), normals(seed ^ 1, count));
        let wide = |x: &[f32]| x.iter().map(|x| f64::from(*x)).sum::<f64>() as f32;
        prop_assert!((sum(&x) - wide(&x)).abs() < 1e-4);
        let products: Vec<f32> = x.iter().zip(&y).map(|(x, y)| x * y).collect();
        prop_assert!((dot(&x, &y) - wide(&products)).abs() < 1e-4);
        prop_assert_eq!(max(&x), x.iter().copied().fold(f32::NEG_INFINITY, f32::max));
    }
}

#[test]
fn the_vector_width_does_not_show() {
    let x = normals(3, 1003);
    assert_eq!(sum(&x), simd!(|| sum(&x)));
    assert_eq!(dot(&x, &x), simd!(|| dot(&x, &x)));
}

#[test]
fn every_row_is_visited_once_with_its_number() {
    for (rows, width) in [(0, 3), (1, 1), (5000, 7), (3, 40_000), (40_000, 1)] {
        let mut x = vec![0.0; rows * width];
        for_rows!(&mut x, width, |first, x| {
            for (i, row) in x.chunks_exact_mut(width).enumerate() {
                for x in row {
                    *x += (first + i) as f32;
                }
            }
        });
        let expected: Vec<f32> = (0..rows * width).map(|i| (i / width) as f32).collect();
        assert_eq!(x, expected);
    }
}

#[test]
fn sums_over_blocks_do_not_depend_on_threads() {
    let x = normals(4, 70_000 * 3);
    let run = |count| {
        threads(count, || {
            let mut sums = vec![0.5; 3];
            sum_rows!(&mut x.clone(), 3, &mut sums, |_, x, sums| {
                x.chunks_exact(3).for_each(|row| add(sums, row));
            });
            sums
        })
    };
    assert_eq!(run(1), run(4));
    let whole: f64 = x.iter().step_by(3).map(|x| f64::from(*x)).sum();
    assert!((f64::from(run(1)[0]) - whole - 0.5).abs() < 0.05);
}

#[test]
fn a_buffer_is_cut_into_pieces() {
    let mut x = [1.0, 2.0, 3.0, 4.0];
    let pieces = split(&mut x, [1, 0, 2]);
    assert_eq!(pieces, [&[1.0][..], &[], &[2.0, 3.0]]);
}
