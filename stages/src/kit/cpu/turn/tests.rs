#![expect(clippy::float_cmp, reason = "numbers are moved, not computed")]

use super::*;

#[test]
fn rows_become_columns() {
    for (rows, count) in [(1, 1), (8, 8), (16, 24), (3, 20), (13, 17), (8, 7), (0, 5), (5, 0)] {
        let (step, pitch) = (count + 2, rows + 3);
        let from: Vec<f32> = (0..rows * step + 8).map(|i| i as f32).collect();
        let mut to = vec![-1.0; count * pitch];
        turn(&from, step, rows, count, &mut to, pitch);
        for (q, j) in (0..count).flat_map(|q| (0..pitch).map(move |j| (q, j))) {
            let expected = if j < rows { (j * step + q) as f32 } else { -1.0 };
            assert!(to[q * pitch + j] == expected, "{rows} × {count} at {j}, {q}");
        }
    }
}
