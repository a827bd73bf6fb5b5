use super::*;

/// By hand, and across a stop.
#[test]
fn right_ones_are_counted() {
    let mut tally = Tally::default();
    tally.see(&[1.0, 2.0, 3.0, 3.0, 0.0, 1.0], &[1, 0, 0]);
    assert_eq!((tally.right, tally.all), (2, 3));
    let mut resumed = Tally::resumed(&tally.state()).unwrap();
    assert_eq!(resumed, tally);
    resumed.see(&[], &[]);
    assert_eq!(resumed, tally);
    assert!(Tally::resumed(&tally.state()[1..]).is_err());
}
