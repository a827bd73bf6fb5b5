use super::Confusion;
fn close(found: f64, expected: f64) {
    assert!((found - expected).abs() < 1e-9, "found {found}, expected {expected}");
}

#[test]
fn scores_by_hand() {
    // Class 2 never occurs; class 1 is found once too often.
    let confusion = Confusion::of(&[0, 0, 0, 1], &[0, 0, 1, 1], 3);
    close(confusion.accuracy(), 75.0);
    close(confusion.majority(), 75.0);
    close(confusion.f1_macro(), 100.0 * (2.0 * 2.0 / 5.0 + 2.0 / 3.0) / 2.0);
    let csv = confusion.csv(&["a".into(), "b".into(), "c".into()]).unwrap();
    assert_eq!(String::from_utf8(csv).unwrap(), "true,a,b,c\na,2,1,0\nb,0,1,0\nc,0,0,0\n");
}
