use proptest::prelude::*;

use super::{Reading, repair};
use crate::treemix::scan::grammar::{Sentence, write};

fn read(reading: Reading, command: &str) -> Option<String> {
    let words: Vec<&str> = command.split(' ').collect();
    reading.actions(&words).map(|actions| write(&actions))
}

#[test]
fn the_lenient_order_is_the_released_one() {
    let check = |command: &str, actions: Option<&str>| {
        assert_eq!(read(Reading::Lenient, command).as_deref(), actions, "{command}");
    };
    check("walk after look and run", Some("I_LOOK I_WALK I_RUN"));
    check("walk and look after run", Some("I_WALK I_RUN I_LOOK"));
    check("walk after look after run", Some("I_RUN I_WALK I_LOOK"));
    check("walk after", Some("I_WALK"));
    check("walk and", Some("I_WALK"));
    check("walk look", Some("I_WALK I_LOOK"));
    check("walk twice thrice", Some(["I_WALK"; 6].join(" ").as_str()));
    check("turn", None);
    check("walk left left", None);
    check("walk and and run", None);
    check("and walk", None);
    check("left", None);
    check("", None);
}

#[test]
fn both_readings_agree_on_the_grammar() {
    for sentence in Sentence::all() {
        let words = sentence.words();
        assert_eq!(Reading::Lenient.actions(&words), Some(sentence.actions()), "{sentence}");
        assert_eq!(Reading::Strict.actions(&words), Some(sentence.actions()));
        assert_eq!(repair(&words), words, "a command needs no repair");
    }
}

#[test]
fn repair_puts_and_before_verbs() {
    let check = |text: &str, expected: &str| {
        assert_eq!(repair(&text.split(' ').collect::<Vec<_>>()).join(" "), expected);
    };
    check("walk left run", "walk left and run");
    check("walk run twice look", "walk and run twice and look");
    check("walk and run", "walk and run");
    check("around run", "around run");
}

proptest! {
    #[test]
    fn repair_is_idempotent_and_only_adds_and(
        words in prop::collection::vec(prop::sample::select(vec![
            "walk", "look", "run", "jump", "turn", "left", "right", "opposite", "around", "twice", "thrice", "and",
            "after",
        ]), 0..12)
    ) {
        let once = repair(&words);
        prop_assert_eq!(repair(&once), once.clone());
        let without = |words: &[&str]| words.iter().filter(|w| **w != "and").map(std::string::ToString::to_string).collect::<Vec<_>>();
        prop_assert_eq!(without(&once), without(&words));
        if let Some(strict) = Reading::Strict.actions(&words) {
            prop_assert_eq!(Reading::Lenient.actions(&words), Some(strict));
        }
    }
}
