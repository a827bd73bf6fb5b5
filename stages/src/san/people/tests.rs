use proptest::prelude::*;

use super::*;

#[test]
fn texts_have_one_form() {
    for (text, form) in [
        ("Is this a cat?", "is this a cat"),
        ("what's that , really", "what's that really"),
        ("well-known", "well known"),
        ("well -known", "well known"),
        ("well-known - so", "wellknown so"),
        ("1,000 people", "1000 people"),
        ("1,000 (about)", "1000 about"),
        ("3.5 m.", "3.5 m"),
        ("e.g. U.S.", "eg us"),
        ("dont know", "don't know"),
        ("It isnt", "it isn't"),
        ("y'all", "y'all"),
        ("youre", "you're"),
        ("tab\tand\nline", "tab and line"),
        ("yes/no", "yes no"),
        ("red;blue", "red blue"),
        ("red; blue", "red blue"),
        ("a+b=c", "a b c"),
        ("semi_colon", "semi colon"),
        ("  spaces   here ", "spaces here"),
        ("", ""),
    ] {
        assert_eq!(plain(text), form, "{text:?}");
    }
    for (text, form) in [
        ("The dog", "dog"),
        ("a dog and an owl", "dog and owl"),
        ("two", "2"),
        ("Ten!", "10"),
        ("none", "0"),
        ("zero dogs", "0 dogs"),
        ("Twenty one", "twenty 1"),
        ("on the table.", "on table"),
        ("the", ""),
        ("Yes", "yes"),
    ] {
        assert_eq!(answer(text), form, "{text:?}");
    }
}

/// Of ten people: 0, 0.3, 0.6, 0.9, and 1 from four on.
#[test]
fn agreement_by_the_number_who_agree() {
    for agree in 0..=10 {
        let people: Vec<String> =
            (0..10).map(|i| if i < agree { "red".into() } else { format!("other {i}") }).collect();
        let expected = [0.0, 0.3, 0.6, 0.9].get(agree).copied().unwrap_or(1.0);
        let found = agreement(&people, "red");
        assert!((found - expected).abs() < 1e-12, "{agree}: {found}");
    }
}

#[test]
fn answers_are_compared_in_their_plain_form_unless_all_are_the_same() {
    let mixed: Vec<String> = (0..10).map(|i| if i < 5 { "Two".into() } else { "the 2".into() }).collect();
    assert!((agreement(&mixed, "2") - 1.0).abs() < 1e-12);
    let same = vec!["Two".to_owned(); 10];
    assert!(agreement(&same, "2").abs() < 1e-12 && (agreement(&same, "Two") - 1.0).abs() < 1e-12);
    assert!(agreement(&[], "2").abs() < 1e-12);
}

proptest! {
    #[test]
    fn forms_are_stable_and_agreement_is_of_five_values(text in "[ -~]{0,24}", answers in prop::collection::vec(0usize..4, 10), given in 0usize..4) {
        let once = plain(&text);
        prop_assert_eq!(plain(&once), once);
        let names = ["red", "blue", "two", "dog"];
        let mut people: Vec<String> = answers.iter().map(|i| names[*i].to_owned()).collect();
        let found = agreement(&people, names[given]);
        prop_assert!([0.0, 0.3, 0.6, 0.9, 1.0].iter().any(|value| (found - value).abs() < 1e-12), "{}", found);
        people.reverse();
        prop_assert!((agreement(&people, names[given]) - found).abs() < 1e-12);
    }
}
