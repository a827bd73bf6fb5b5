//! The grammar as a whole against the parser that asks it for one statement at a time.

use proptest::prelude::*;

use super::accepts;
use crate::parse::parse;
use crate::source::{Source, SourceId};

/// What the parser refuses although the grammar does not: it says why in these words.
const BEYOND_THE_GRAMMAR: [&str; 10] = [
    "comparisons do not chain",
    "a range has two ends",
    "stands after an argument with one",
    "stands after a parameter",
    "goes over the end of the line",
    "cannot hold `{…}`",
    "`run` line",
    "this integer is larger",
    "this number is larger",
    "nest more than",
];

fn check(text: &str) {
    let parsed = parse(&Source::new(SourceId(0), "text", text));
    match parsed {
        Ok(_) => assert!(accepts(text), "the parser alone accepts {text:?}"),
        Err(mistakes) => {
            let beyond = |message: &str| BEYOND_THE_GRAMMAR.iter().any(|known| message.contains(known));
            let refused = mistakes.iter().any(|mistake| !beyond(&mistake.message));
            assert!(!(refused && accepts(text)), "the grammar alone accepts {text:?}: {mistakes:#?}");
        }
    }
}

#[test]
fn both_accept_each_sort_of_statement() {
    for text in [
        "",
        "# only a comment",
        "import \"a.pipe\" as b; param n: int in 1..=3 = 2; x = a -> f(n)",
        "profile p { a = 1; b = none }",
        "fn f(a: text, n: int) -> r { r = a for k in 1..3 { s = k } }",
        "stage s() -> text { param n: int needs \"a\", \"b\" run \"x {out}\" part p: q/r metric m }",
        "for n in xs, m in [1 s, 2 h] if n in m { @(gpu = 1) x = n }",
        "report \"R\" { table a, b by n over m, o = 1 plot c expect d > 1 \"e\" text \"f\" figure g.h \"i\" }",
        "x = \"{a + \"{b}\"}{{}}\" y = if a { b } else if c { d } else { e }",
        "by = table over = text run = part metric = needs as = plot",
    ] {
        assert!(accepts(text), "{text}");
        check(text);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3000, ..ProptestConfig::default() })]

    #[test]
    fn both_accept_the_same(pieces in prop::collection::vec(prop::sample::select(vec![
        "a", "b", "=", "=", "1", "5 s", "2.5", "\"t\"", "\"{a}\"", "+", "-", "not", "in", "==", "..", "->", "f(", "(", ")", ")",
        "[", "]", ",", ".", ":", "{", "}", "if a {", "} else {", "for a in b {", "report \"R\" {", "table", "by", "expect",
        "x = ", "\n", ";", "@(a = 1)", "param a: int", "profile p {", "fn f(a: b) -> c {", "# c\n", "a = b",
    ]), 0..12)) {
        check(&pieces.join(" "));
    }
}
