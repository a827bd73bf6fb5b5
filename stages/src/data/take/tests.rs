use crate::data::tagged::{Sentence, Tagged};
use crate::data::tags::Tag;
use crate::testing::{Bench, int, text};
use runpipe_base::Artifact;

fn corpus(bench: &mut Bench) -> Artifact {
    let sentence = |i: usize| Sentence { words: vec![format!("w{i}")], tags: vec![Tag::Begin("PER".into())] };
    bench.keep(Tagged::of((0..20).map(sentence).collect()).write())
}

fn take(n: i64, seed: i64) -> Vec<String> {
    let mut bench = Bench::new();
    let corpus = corpus(&mut bench);
    let ran = bench.run("data.take", &[("n", int(n)), ("seed", int(seed))], &[("sentences", &corpus)]);
    let tagged = Tagged::read(&bench.view(&ran.artifact)).unwrap();
    assert_eq!(tagged.types, ["PER"], "labels stay those of the whole");
    tagged.sentences.into_iter().flat_map(|s| s.words).collect()
}

#[test]
fn a_smaller_choice_is_part_of_a_larger_one() {
    let all = take(20, 3);
    for n in 1..20 {
        assert_eq!(take(n as i64, 3), all[..n]);
    }
    let mut sorted = all.clone();
    sorted.sort();
    sorted.dedup();
    assert_eq!(sorted.len(), 20, "no sentence is taken twice");
}

#[test]
fn seeds_choose_differently() {
    assert_ne!(take(10, 0), take(10, 1));
    assert_eq!(take(10, 1), take(10, 1));
}

#[test]
fn more_than_there_is() {
    let mut bench = Bench::new();
    let corpus = corpus(&mut bench);
    let refused = bench.attempt("data.take", &[("n", int(21))], &[("sentences", &corpus)]).unwrap_err();
    assert_eq!(refused.to_string(), "expected at least 21 sentences to take, found 20");
    let with = |n: i64, fewer: &str| [("n", int(n)), ("fewer", text(fewer)), ("seed", int(3))];
    let all = bench.run("data.take", &with(21, "all"), &[("sentences", &corpus)]);
    assert_eq!(all, bench.run("data.take", &with(20, "reject"), &[("sentences", &corpus)]));
}
