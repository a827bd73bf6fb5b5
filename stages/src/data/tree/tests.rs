use proptest::prelude::*;

use super::{Node, Tree};

const FIRST: &str = "(ROOT (S (NP (PRP They)) (VP (MD will) (VP (VB find) (NP (NP (JJ little) (NN interest)) \
                     (PP (IN in) (NP (DT this) (JJ poor) (NN film)))))) (. .)))";

#[test]
fn spans_arity_and_children() {
    let tree = Tree::parse(FIRST).unwrap();
    assert_eq!(tree.words().join(" "), "They will find little interest in this poor film .");
    let many: Vec<(&str, usize)> = (0..tree.nodes().len())
        .filter(|at| tree.arity(*at) >= 2)
        .map(|at| (tree.nodes()[at].label.as_str(), tree.nodes()[at].len()))
        .collect();
    assert_eq!(many, [("S", 10), ("VP", 8), ("VP", 7), ("NP", 6), ("NP", 2), ("PP", 4), ("NP", 3)]);
    let below: Vec<&str> = tree.children(1).map(|at| tree.nodes()[at].label.as_str()).collect();
    assert_eq!(below, ["NP", "VP", "."]);
    assert!(tree.is_tag(3) && !tree.is_tag(2));
}

#[test]
fn any_blanks_empty_labels_and_loose_words() {
    let tree = Tree::parse("(\n (S\t(NP the (JJ\r\nold) dog )(VBZ barks)))\n").unwrap();
    assert_eq!(tree.to_string(), "( (S (NP the (JJ old) dog) (VBZ barks)))");
    assert_eq!((tree.root().label.as_str(), tree.arity(0), tree.arity(2)), ("", 1, 3));
    // A no-break space is part of a word.
    assert_eq!(Tree::parse("(2 8\u{a0}1/2)").unwrap().words(), ["8\u{a0}1/2"]);
}

#[test]
fn depth_has_no_bound() {
    let deep = format!("{}x{}", "(A ".repeat(200_000), ")".repeat(200_000));
    let tree = Tree::parse(&deep).unwrap();
    assert_eq!(tree.nodes().len(), 200_000);
    assert_eq!(tree.to_string(), deep);
}

#[test]
fn many_trees_tell_their_lines() {
    let trees = Tree::parse_all("( (S (X a)) )\n\n(S\n (X b)) (S (X c))\n").unwrap();
    assert_eq!(trees.iter().map(|(line, _)| *line).collect::<Vec<_>>(), [1, 3, 4]);
}

#[test]
fn broken_brackets_are_told() {
    let check = |text: &str, expected: &str| assert_eq!(Tree::parse(text).unwrap_err().to_string(), expected);
    check("", "line 1: expected a tree, found nothing");
    check("(S (NP they)", "line 1: the text ends while 1 bracket of the tree from line 1 are open");
    check("\n(S\n(NP they", "line 3: the text ends while 2 brackets of the tree from line 2 are open");
    check("(S (NP))", "line 1: expected a word in `(NP)`, found none");
    check("()", "line 1: expected a word in `()`, found none");
    check("word (S (X a))", "line 1: expected `(`, found `word`");
    check(")", "line 1: expected `(`, found `)`");
    check("(S a) (S b)", "line 1: expected one tree, found more after it");
}

#[test]
fn pruning_closes_gaps() {
    let tree = Tree::parse(
        "( (S (NP-SBJ (NNP Mr.) (-NONE- *T*-1)) (VP (VBD was) (S (NP (-NONE- *-1)) (ADJP-PRD (JJ old))))) )",
    )
    .unwrap();
    let cut = |label: &str| label.split('-').next().unwrap_or_default().to_owned();
    let pruned = tree.pruned(|node| node.label == "-NONE-", cut).unwrap();
    assert_eq!(pruned.to_string(), "( (S (NP (NNP Mr.)) (VP (VBD was) (S (ADJP (JJ old))))))");
    assert_eq!(tree.pruned(|_| true, cut), None);
}

#[test]
fn trees_built_wrongly_are_refused() {
    let node = |start, end, size| Node { label: "X".into(), start, end, size };
    let words = || vec!["a".to_owned(), "b".to_owned()];
    let crossing = vec![node(0, 2, 3), node(0, 2, 1), node(1, 2, 1)];
    assert!(std::panic::catch_unwind(|| Tree::new(words(), crossing)).is_err());
    assert!(std::panic::catch_unwind(|| Tree::new(words(), vec![node(0, 1, 1)])).is_err());
}

/// Trees of up to a few dozen nodes, with words of their own at any node.
fn trees() -> impl Strategy<Value = String> {
    let atom = "[a-zA-Z0-9.,$'`-]{1,6}";
    let leaf = (atom, atom).prop_map(|(label, word)| format!("({label} {word})"));
    leaf.prop_recursive(5, 40, 4, move |inner| {
        let child = prop_oneof![4 => inner.clone(), 1 => atom.prop_map(String::from)];
        (atom, prop::collection::vec(child, 1..4))
            .prop_map(|(label, children)| format!("({label} {})", children.join(" ")))
    })
}

proptest! {
    #[test]
    fn printing_and_reading_round_trip(text in trees()) {
        let tree = Tree::parse(&text).unwrap();
        prop_assert_eq!(&tree.to_string(), &text);
        prop_assert_eq!(Tree::new(tree.words().to_vec(), tree.nodes().to_vec()), tree.clone());
        prop_assert_eq!((tree.root().start, tree.root().end), (0, tree.words().len()));
        for a in tree.nodes() {
            for b in tree.nodes() {
                let apart = a.end <= b.start || b.end <= a.start;
                let nested = (a.start <= b.start && b.end <= a.end) || (b.start <= a.start && a.end <= b.end);
                prop_assert!(apart || nested);
            }
        }
    }

    #[test]
    fn any_text_is_read_or_refused(text in "[() a-z\\n]{0,60}") {
        if let Ok(trees) = Tree::parse_all(&text) {
            for (_, tree) in trees {
                prop_assert!(Tree::parse(&tree.to_string()).is_ok());
            }
        }
    }
}
