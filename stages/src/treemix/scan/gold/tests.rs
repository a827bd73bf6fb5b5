use super::tree;
use crate::treemix::scan::grammar::Sentence;

#[test]
fn trees_by_hand() {
    let check = |command: &str, expected: &str| {
        let words: Vec<&str> = command.split(' ').collect();
        assert_eq!(tree(&words).unwrap().to_string(), expected);
    };
    check("jump", "(C (VB jump))");
    check("run twice", "(C (VP (VB run) (NUM twice)))");
    check(
        "walk opposite left thrice after turn right",
        "(C (VP (VP (VB walk) (MAN opposite) (DIR left)) (NUM thrice)) (CC after) (VP (VB turn) (DIR right)))",
    );
}

#[test]
fn every_command_has_a_tree_over_its_words() {
    for sentence in Sentence::all() {
        let words = sentence.words();
        assert_eq!(tree(&words).unwrap().words(), words);
    }
}

#[test]
fn what_is_no_row_of_clauses_has_none() {
    for words in [&["left", "walk"][..], &["walk", "hop"], &[]] {
        assert_eq!(tree(words), None);
    }
}
