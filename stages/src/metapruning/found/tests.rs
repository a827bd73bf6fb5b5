use super::*;

#[test]
fn the_front_is_what_no_other_beats() {
    let points = [(3.0, 50.0), (1.0, 10.0), (2.0, 40.0), (2.0, 30.0), (4.0, 45.0), (5.0, 60.0)];
    assert_eq!(front(&points), [(1.0, 10.0), (2.0, 40.0), (3.0, 50.0), (5.0, 60.0)]);
    assert_eq!(front(&[]), []);
}
