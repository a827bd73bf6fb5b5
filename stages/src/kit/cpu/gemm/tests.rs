use proptest::prelude::*;

use super::*;
use crate::kit::testing::{close, normals, threads};

/// C = A·B by its definition.
fn slow(
    m: usize,
    k: usize,
    n: usize,
    a: impl Fn(usize, usize) -> f32,
    b: impl Fn(usize, usize) -> f32,
) -> Vec<f32> {
    let cell =
        |i: usize, j: usize| (0..k).map(|s| f64::from(a(i, s)) * f64::from(b(s, j))).sum::<f64>() as f32;
    (0..m * n).map(|c| cell(c / n, c % n)).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn products_follow_their_definition(
        m in 0usize..70, k in 0usize..40, n in 1usize..50, ta: bool, tb: bool, seed: u64,
    ) {
        let (a, b) = (normals(seed, m * k), normals(seed ^ 1, k * n));
        let left = if ta { Mat::new(&a, k, m).t() } else { Mat::new(&a, m, k) };
        let right = if tb { Mat::new(&b, n, k).t() } else { Mat::new(&b, k, n) };
        let expected = slow(
            m, k, n,
            |i, s| if ta { a[s * m + i] } else { a[i * k + s] },
            |s, j| if tb { b[j * k + s] } else { b[s * n + j] },
        );
        let mut c = vec![f32::NAN; m * n];
        matmul(&mut c, left, right, Old::Replace);
        close(&c, &expected, 1e-4);
        matmul(&mut c, left, right, Old::Add);
        close(&c, &expected.iter().map(|x| 2.0 * x).collect::<Vec<_>>(), 2e-4);
    }
}

#[test]
fn bytes_do_not_depend_on_threads() {
    for (m, k, n) in [(1000, 64, 192), (64, 2048, 256), (300, 64, 1500), (1500, 300, 64)] {
        let (a, b) = (normals(1, m * k), normals(2, k * n));
        let run = |count| {
            threads(count, || {
                let mut c = vec![0.0; m * n];
                matmul(&mut c, Mat::new(&a, k, m).t(), Mat::new(&b, k, n), Old::Replace);
                c
            })
        };
        assert_eq!(run(1), run(2));
        assert_eq!(run(1), run(5));
    }
}

#[test]
fn a_part_of_a_wider_matrix_is_written_alone() {
    let a = [1.0, 2.0, 3.0, 4.0];
    let mut c = vec![9.0; 6];
    matmul_one(&mut c[1..], 3, Mat::new(&a, 2, 2), Mat::new(&[1.0, 0.0, 0.0, 1.0], 2, 2), Old::Replace);
    assert_eq!(c, [9.0, 1.0, 2.0, 9.0, 3.0, 4.0]);
    let column = Mat::strided(&a[1..], 2, 1, 2);
    let mut c = vec![0.0];
    matmul_one(&mut c, 1, column.t(), column, Old::Replace);
    assert_eq!(c, [20.0]);
}
