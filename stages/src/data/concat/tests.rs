use super::shares;
use crate::testing::{Bench, text};
use runpipe_base::Value;

#[test]
fn small_texts_gain_and_large_ones_lose() {
    assert_eq!(shares(&[1000, 10, 0], 1.0), [1000, 10, 0]);
    assert_eq!(shares(&[1000, 10, 0], 0.0), [505, 505, 0]);
    // √1000 : √10 = 10 : 1.
    assert_eq!(shares(&[1000, 10], 0.5), [918, 92]);
    assert_eq!(shares(&[0, 0], 0.3), [0, 0]);
}

#[test]
fn lines_come_again_in_order() {
    let mut bench = Bench::new();
    let texts =
        ["a\nb\nc\nd\ne\nf", "x\ny"].map(|t| bench.run("data.constant", &[("text", text(t))], &[]).artifact);
    let inputs = [("texts", &texts[0]), ("texts", &texts[1])];
    let ran = bench.run("data.concat", &[("alpha", Value::Float(0.0))], &inputs);
    assert_eq!(bench.text(&ran.artifact, "text.txt"), "a\nb\nc\nd\nx\ny\nx\ny\n");
}
