use super::*;
use crate::kit::testing::close;

#[test]
fn correlations_are_those_worked_by_hand() {
    let check =
        |x: &[f64], y: &[f64], expected: f64| close(&[spearman(x, y) as f32], &[expected as f32], 1e-6);
    check(&[1.0, 2.0, 3.0], &[10.0, 20.0, 90.0], 1.0);
    check(&[1.0, 2.0, 3.0], &[3.0, 2.0, 1.0], -1.0);
    // 1 − 6·Σd² / (n·(n² − 1)) with d = (0, 1, 1, 0, 0): 1 − 12/120.
    check(&[1.0, 2.0, 3.0, 4.0, 5.0], &[1.0, 3.0, 2.0, 4.0, 5.0], 0.9);
    // Equal numbers share their ranks: (0.5, 0.5, 2) against (0, 1, 2).
    check(&[1.0, 1.0, 2.0], &[1.0, 2.0, 3.0], 0.866_025_4);
    check(&[1.0, 1.0, 1.0], &[1.0, 2.0, 3.0], 0.0);
}
