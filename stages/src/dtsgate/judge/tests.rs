use super::*;

#[test]
fn losses_worked_by_hand() {
    let found = losses(&[0.0, 0.0, 3.0_f32.ln(), 0.0, 1e4, -1e4], &[0, 1, 0]);
    let expected = [2.0_f64.ln(), 4.0_f64.ln(), 0.0];
    assert!(found.iter().zip(expected).all(|(f, e)| (f - e).abs() < 1e-6), "{found:?}");
}

#[test]
fn a_probe_is_spread_evenly() {
    assert_eq!(spread(10, 8, 32), [0, 2, 5, 7]);
    assert_eq!(spread(3, 8, 1000), [0, 1, 2]);
    assert_eq!(spread(3, 8, 1), [0]);
}
