use super::*;

#[test]
fn axes_have_round_ticks() {
    let check = |numbers: &[f64], expected: &[&str]| {
        let axis = Axis::over(numbers.iter().copied());
        assert_eq!(axis.ticks().map(|tick| axis.text(tick)).collect::<Vec<_>>(), expected);
    };
    check(&[0.0, 100.0], &["0", "20", "40", "60", "80", "100"]);
    check(&[62.3, 63.1], &["62.2", "62.4", "62.6", "62.8", "63.0", "63.2"]);
    check(&[], &["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]);
}

#[test]
fn pictures_are_whole_and_escape_names() {
    let series = |points| Series { name: "a < b".into(), colour: "#000", mark: Mark::Line, points };
    let svg = scatter("x", "y & z", &[series(vec![(1.0, 2.0), (f64::NAN, 1.0), (2.0, 3.0)])]);
    assert!(svg.starts_with("<svg ") && svg.ends_with("</svg>\n"));
    // Without a size of its own a page makes it as small as the words above it.
    assert!(svg.contains(r#"viewBox="0 0 760 420" width="760" height="420""#));
    assert!(svg.contains("a &lt; b") && svg.contains("y &amp; z") && !svg.contains("NaN"));
    assert_eq!(svg.matches("<circle").count(), 3, "two points and one in the legend");
    let names = ["stem".to_owned(), "block1".to_owned()];
    let svg = bars("channels", &names, &[8.0, 16.0], &[("found".into(), "#c00", vec![2.0, 16.0])]);
    assert_eq!(svg.matches("<rect").count(), 1 + 2 * 2 + 2);
    assert!(svg.contains(">16</text>"), "bars bear their numbers");
    let dashes = Series { mark: Mark::Dashes, ..series(vec![(1.0, 2.0), (1.0, 3.0)]) };
    assert_eq!(scatter("x", "y", &[dashes]).matches("stroke-dasharray").count(), 2, "it and its legend");
}
