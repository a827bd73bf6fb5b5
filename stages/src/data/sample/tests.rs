use runpipe_base::{Artifact, Value};

use crate::data::labelled::{Labelled, Sentence};
use crate::testing::{Bench, int};

fn examples(bench: &mut Bench) -> Artifact {
    let row = |i: usize| (["x", "y"][i % 2].to_owned(), Sentence::of(&format!("word {i}")), None);
    bench.keep(Labelled::of((0..10).map(row).collect()).write())
}

#[test]
fn a_smaller_choice_is_part_of_a_larger_one() {
    let mut bench = Bench::new();
    let input = examples(&mut bench);
    let mut take = |params: &[(&str, Value)]| {
        let ran = bench.run("data.sample", params, &[("examples", &input)]);
        bench.text(&ran.artifact, "sentences.tsv").lines().map(str::to_owned).collect::<Vec<_>>()
    };
    let four = take(&[("n", int(4)), ("seed", int(2))]);
    assert_eq!(four, take(&[("share", Value::Float(0.4)), ("seed", int(2))]));
    assert_eq!(four[..2], take(&[("n", int(2)), ("seed", int(2))])[..]);
    assert_ne!(four, take(&[("n", int(4)), ("seed", int(3))]));
    assert_eq!(take(&[]).len(), 10);
    let told = bench.attempt("data.sample", &[("n", int(11))], &[("examples", &input)]).unwrap_err();
    assert_eq!(told.to_string(), "expected at least 11 examples to choose from, found 10");
}
