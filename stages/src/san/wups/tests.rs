use proptest::prelude::*;

use super::super::taxonomy::tests::toy;
use super::*;

fn near(found: f64, expected: f64) {
    assert!((found - expected).abs() < 1e-12, "{found}, expected {expected}");
}

/// cat and lion are 12/14 = 0.857 alike, cat and dog 10/14.
#[test]
fn things_count_by_their_likeness() {
    let toy = toy();
    near(wups(&toy, &["cat"], &["cat"], 0.9), 1.0);
    near(wups(&toy, &["cat"], &["lion"], 0.9), 0.1 * 12.0 / 14.0);
    near(wups(&toy, &["cat"], &["lion"], 0.8), 12.0 / 14.0);
    near(wups(&toy, &["cat"], &["dog"], 0.0), 10.0 / 14.0);
    near(wups(&toy, &["cat"], &["unheard"], 0.0), 0.0);
    near(wups(&toy, &["unheard"], &["unheard"], 0.9), 1.0);
}

/// Of {cat, chair} only the cat is found; both ways there is a product, and the smaller counts.
#[test]
fn several_things_are_a_product() {
    let toy = toy();
    near(wups(&toy, &["cat"], &["cat", "chair"], 0.0), 4.0 / 13.0);
    near(wups(&toy, &["cat", "chair"], &["cat"], 0.0), 4.0 / 13.0);
    near(wups(&toy, &["lion", "table"], &["cat", "chair"], 0.0), 12.0 / 14.0 * 8.0 / 11.0);
    near(wups(&toy, &["chair", "cat"], &["cat", "chair"], 0.9), 1.0);
}

const SOME: [&str; 8] = ["cat", "dog", "chair", "two", "red", "unheard", "oak", "desk"];

proptest! {
    #[test]
    fn what_wups_keeps(
        given in prop::collection::vec(0usize..8, 1..4), truth in prop::collection::vec(0usize..8, 1..4),
    ) {
        let toy = toy();
        let [given, truth] = [given, truth].map(|ids| ids.into_iter().map(|i| SOME[i]).collect::<Vec<_>>());
        let [high, low] = [0.9, 0.0].map(|t| wups(&toy, &given, &truth, t));
        prop_assert!((0.0..=1.0).contains(&high) && high <= low + 1e-12);
        let accuracy = if given == truth { 1.0 } else { 0.0 };
        prop_assert!(accuracy <= high + 1e-12);
        prop_assert!((wups(&toy, &truth, &given, 0.9) - high).abs() < 1e-12, "symmetric");
        prop_assert!((wups(&toy, &given, &given, 0.9) - 1.0).abs() < 1e-12);
    }
}
