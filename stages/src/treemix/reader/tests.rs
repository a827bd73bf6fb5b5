use super::{Reader, UNKNOWN};
use crate::maner::tokenizer::Subwords;

fn words(text: &str) -> Vec<String> {
    text.split(' ').map(str::to_owned).collect()
}

#[test]
fn whole_words() {
    let known = words("The film film is");
    let reader = Reader::learn([known.as_slice()].into_iter(), true);
    assert_eq!(reader.size(), 5);
    assert_eq!(reader.read(&words("the FILM was"), None, 9).unwrap(), [4, 2, UNKNOWN]);
    assert_eq!(reader.read(&words("film"), Some(&words("is")), 9).unwrap(), [2, 1, 3]);
    assert_eq!(reader.read(&words("film film film"), None, 2).unwrap(), [2, 2]);
    assert_eq!(reader.read(&[], None, 9).unwrap(), [UNKNOWN], "no sentence is empty");
}

#[test]
fn pieces_between_start_and_end() {
    let subwords = Subwords::learn(["a ab abc"], 40).unwrap();
    let special = subwords.special;
    let reader = Reader::Pieces(Box::new(subwords));
    let ids = reader.read(&words("ab"), Some(&words("abc")), 99).unwrap();
    assert_eq!((ids[0], ids[ids.len() - 1]), (special.start, special.end));
    assert_eq!(ids.iter().filter(|id| **id == special.end).count(), 3);
}
