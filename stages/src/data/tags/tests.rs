use proptest::prelude::*;

use super::{Entity, Tag, lenient, orphan, repair, strict, tags_of};

fn tags(text: &str) -> Vec<Tag> {
    text.split_whitespace().map(|t| Tag::parse(t).unwrap()).collect()
}

fn show(entities: &[Entity]) -> String {
    entities.iter().map(|e| format!("{}..{} {}", e.start, e.end, e.kind)).collect::<Vec<_>>().join(", ")
}

#[test]
fn readings() {
    let check = |text: &str, wide: &str, narrow: &str| {
        assert_eq!(show(&lenient(&tags(text))), wide, "lenient reading of {text}");
        assert_eq!(show(&strict(&tags(text))), narrow, "strict reading of {text}");
    };
    check("B-PER I-PER O B-LOC", "0..2 PER, 3..4 LOC", "0..2 PER, 3..4 LOC");
    check("I-PER I-PER", "0..2 PER", "");
    check("B-PER I-LOC", "0..1 PER, 1..2 LOC", "0..1 PER");
    check("B-PER B-PER", "0..1 PER, 1..2 PER", "0..1 PER, 1..2 PER");
    check("B-PER I-LOC I-PER", "0..1 PER, 1..2 LOC, 2..3 PER", "0..1 PER");
    check("O O", "", "");
    check("", "", "");
    check("S-PER E-ORG U-A-B", "0..1 PER, 1..2 ORG, 2..3 A-B", "0..1 PER, 2..3 A-B");
}

#[test]
fn refused_tags() {
    let check = |text: &str, message: &str| assert_eq!(Tag::parse(text).unwrap_err(), message);
    check("PER", "expected a tag such as `O` or `B-PER`, found `PER`");
    check("B-", "expected a tag such as `O` or `B-PER`, found `B-`");
    check("o", "expected a tag such as `O` or `B-PER`, found `o`");
    check("X-PER", "expected a tag that starts with one of `BIESLU`, found `X` in `X-PER`");
    check("é-PER", "expected a tag that starts with one of `BIESLU`, found `é` in `é-PER`");
    check("-PER", "expected a tag that starts with one of `BIESLU`, found `` in `-PER`");
}

#[test]
fn repair_turns_iob1_into_iob2() {
    assert_eq!(repair(&tags("I-PER I-PER B-PER O I-LOC I-ORG")), tags("B-PER I-PER B-PER O B-LOC B-ORG"));
}

fn any_tags() -> impl Strategy<Value = Vec<Tag>> {
    let kind = prop_oneof!["PER", "LOC", "ORG"];
    let tag = prop_oneof![Just(Tag::Outside), kind.clone().prop_map(Tag::Begin), kind.prop_map(Tag::Inside),];
    prop::collection::vec(tag, 0..12)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn repair_is_the_lenient_reading(tags in any_tags()) {
        let repaired = repair(&tags);
        prop_assert_eq!(lenient(&tags), strict(&repaired));
        prop_assert_eq!(lenient(&tags), lenient(&repaired));
        prop_assert_eq!(repair(&repaired), repaired.clone());
        prop_assert_eq!(orphan(&repaired), None);
        prop_assert_eq!(orphan(&tags).is_none(), repaired == tags);
    }

    #[test]
    fn strict_entities_are_lenient_entities(tags in any_tags()) {
        let wide = lenient(&tags);
        prop_assert!(strict(&tags).iter().all(|e| wide.contains(e)));
        if orphan(&tags).is_none() {
            prop_assert_eq!(strict(&tags), wide);
        }
    }

    #[test]
    fn entities_survive_tags(tags in any_tags()) {
        let entities = lenient(&tags);
        prop_assert_eq!(lenient(&tags_of(&entities, tags.len())), entities);
    }

    #[test]
    fn a_tag_prints_what_it_reads(tags in any_tags()) {
        for tag in tags {
            prop_assert_eq!(Tag::parse(&tag.to_string()).unwrap(), tag);
        }
    }
}
