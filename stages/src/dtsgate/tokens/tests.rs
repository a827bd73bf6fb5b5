use super::*;
use crate::testing::Bench;

fn text(sentence: Option<usize>) -> Tokens {
    Tokens {
        vocabulary: ["a", "b", "c"].map(str::to_owned).to_vec(),
        sentence,
        bytes: 9,
        domains: ["one", "two"].map(str::to_owned).to_vec(),
        starts: vec![(0, 1), (6, 0)],
        ids: vec![0, 1, 2, 0, 0, 1, 2, 2, 1],
    }
}

#[test]
fn running_text_is_cut_end_to_end() {
    let text = text(None);
    let sequences = text.sequences(4).unwrap();
    assert_eq!((sequences.count, sequences.start(1)), (2, 4));
    assert_eq!(sequences.batch(&[1, 0]), (vec![0, 1, 2, 2, 0, 1, 2, 0], vec![1, 2, 2, 1, 1, 2, 0, 0]));
    assert_eq!([0, 5, 6, 8].map(|at| text.domain(at)), [1, 1, 0, 0]);
    assert_eq!(text.counts(), [3, 3, 3]);
    let refusal = text.sequences(9).unwrap_err().to_string();
    assert_eq!(refusal, "expected a text of more than 9 tokens, found 9");
}

#[test]
fn sentences_stay_apart() {
    let text = text(Some(3));
    let sequences = text.sequences(64).unwrap();
    assert_eq!((sequences.count, sequences.length), (3, 2));
    assert_eq!(sequences.batch(&[1]), (vec![0, 0], vec![0, 1]));
}

#[test]
fn it_is_read_as_it_was_written() {
    let mut bench = Bench::new();
    let artifact = bench.keep(text(Some(3)).write().unwrap());
    assert_eq!(Tokens::read(&bench.view(&artifact)).unwrap(), text(Some(3)));
    let mut refusal = |tokens: Tokens| {
        let artifact = bench.keep(tokens.write().unwrap());
        Tokens::read(&bench.view(&artifact)).unwrap_err().to_string()
    };
    let strange = Tokens { ids: vec![0, 3, 1], ..text(None) };
    assert_eq!(refusal(strange), "`ids.npy`: expected ids below 3, found 3");
    let uneven = "`tokens.json`: expected sentences of one length in 9 tokens";
    assert_eq!(refusal(text(Some(4))), uneven);
    let late = Tokens { starts: vec![(2, 0)], ..text(None) };
    assert!(refusal(late).ends_with("the first at 0"));
}
