#![expect(clippy::float_cmp, reason = "these very numbers are promised")]

use super::*;

fn check(rows: usize, depth: usize, columns: usize, old: Old) {
    let a: Vec<f32> = (0..rows * depth).map(|i| (i * 7 % 13) as f32 - 6.0).collect();
    let width = columns.next_multiple_of(lanes());
    let b: Vec<f32> = (0..depth * width).map(|i| (i * 5 % 11) as f32 - 5.0).collect();
    let before: Vec<f32> = (0..rows * width).map(|i| i as f32).collect();
    let starts: Vec<usize> = (0..depth).map(|s| s * width).collect();
    let row_starts: Vec<usize> = (0..rows).map(|r| r * depth).collect();
    let packed = Packed::new(rows, depth, |rows, tile| {
        for (r, row) in rows.enumerate() {
            (0..depth).for_each(|s| tile[s * tile_rows() + r] = a[row * depth + s]);
        }
    });
    for left in [packed.columns(0..depth), Left::Rows { data: &a, starts: &row_starts }] {
        let mut c = before.clone();
        product(left, &b, &starts, columns, &mut c, width, old);
        for row in 0..rows {
            for column in 0..columns {
                let sum: f32 = (0..depth).map(|s| a[row * depth + s] * b[s * width + column]).sum();
                let start = if old == Old::Add { before[row * width + column] } else { 0.0 };
                assert_eq!(
                    c[row * width + column],
                    start + sum,
                    "{rows}×{depth}×{columns} at {row}, {column}"
                );
            }
        }
    }
}

#[test]
fn products_are_those_of_the_definition() {
    // Whole numbers, so that the sums are exact.
    for rows in [1, 3, 4, 5, 8, 9, 17] {
        for depth in [0, 1, 2, 7] {
            for columns in [1, 5, 8, 16, 17, 24] {
                check(rows, depth, columns.min(span()), Old::Replace);
                check(rows, depth, columns.min(span()), Old::Add);
            }
        }
    }
}

#[test]
fn columns_of_a_may_be_taken_in_parts() {
    let (rows, depth) = (tile_rows() + 1, 5);
    let packed = Packed::new(rows, depth, |rows, tile| {
        for (r, row) in rows.enumerate() {
            (0..depth).for_each(|s| tile[s * tile_rows() + r] = (row * depth + s) as f32);
        }
    });
    let b: Vec<f32> = (0..depth * lanes()).map(|i| (i % 7) as f32).collect();
    let starts: Vec<usize> = (0..depth).map(|s| s * lanes()).collect();
    let (mut whole, mut parts) = (vec![0.0; rows * lanes()], vec![0.0; rows * lanes()]);
    product(packed.columns(0..depth), &b, &starts, lanes(), &mut whole, lanes(), Old::Replace);
    product(packed.columns(0..2), &b, &starts[..2], lanes(), &mut parts, lanes(), Old::Replace);
    product(packed.columns(2..depth), &b, &starts[2..], lanes(), &mut parts, lanes(), Old::Add);
    assert_eq!(whole, parts);
}

#[test]
fn rows_of_b_may_overlap() {
    let b: Vec<f32> = (0..2 * span()).map(|i| i as f32).collect();
    let mut c = vec![0.0; span()];
    let a = [1.0, 10.0];
    product(Left::Rows { data: &a, starts: &[0] }, &b, &[0, 3], 2, &mut c, span(), Old::Replace);
    assert_eq!(c[..2], [30.0, 41.0]);
}

#[test]
fn pieces_are_even() {
    let lanes = lanes();
    assert_eq!(even_span(1), lanes);
    assert_eq!(even_span(span()), span());
    // Two pieces of one more vector than fits at once.
    assert_eq!(even_span(span() + 1), (span() / lanes + 1).div_ceil(2) * lanes);
}
