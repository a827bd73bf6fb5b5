use super::{Branch, Census, Marks, binarise, label, restore};
use crate::data::tree::Tree;

fn marks(parents: bool, siblings: usize, least: u32) -> Marks {
    Marks { parents, tag_parents: parents, siblings, least }
}

/// A branch in brackets.
fn show(branch: &Branch) -> String {
    match branch {
        Branch::Tag(symbol, place) => format!("({symbol} {place})"),
        Branch::One(symbol, only) => format!("({symbol} {})", show(only)),
        Branch::Two(symbol, left, right) => format!("({symbol} {} {})", show(left), show(right)),
    }
}

const TREE: &str = "(ROOT (S (NP (DT the) (JJ old) (JJ red) (NN car)) (VP (VBZ stops))))";

#[test]
fn marks_by_hand() {
    let tree = Tree::parse(TREE).unwrap();
    let check = |marks: Marks, expected: &str| {
        let census = Census::of(std::slice::from_ref(&tree), marks);
        assert_eq!(show(&binarise(&tree, &census, marks).unwrap()), expected);
    };
    check(marks(false, 0, 1), "(ROOT (S (NP (DT 0) (@NP| (JJ 1) (@NP| (JJ 2) (NN 3)))) (VP (VBZ 4))))");
    check(
        marks(true, 1, 1),
        "(ROOT (S^ROOT (NP^S (DT^NP 0) (@NP^S|DT (JJ^NP 1) (@NP^S|JJ (JJ^NP 2) (NN^NP 3)))) (VP^S (VBZ^VP 4))))",
    );
    // What occurs once only is not marked; with two of the last children, the pair is too rare and one is not.
    check(marks(true, 2, 2), "(ROOT (S (NP (DT 0) (@NP| (JJ^NP 1) (@NP| (JJ^NP 2) (NN 3)))) (VP (VBZ 4))))");
}

#[test]
fn every_tree_comes_back() {
    for text in [
        TREE,
        "(ROOT (NP (NP (NP (NNS dogs)))))",
        "(S (A a) (B (C b) (D (E c)) (F d) (G e) (H f)) (I g))",
        "(X (A a))",
    ] {
        let tree = Tree::parse(text).unwrap();
        for marks in [marks(false, 0, 1), marks(true, 2, 1), marks(true, 1, 3)] {
            let census = Census::of(std::slice::from_ref(&tree), marks);
            let back = restore(&binarise(&tree, &census, marks).unwrap(), tree.words());
            // A node below a like node with nothing beside it is lost on purpose.
            assert!(back == tree || text.contains("(NP (NP (NP"), "{back}");
        }
    }
}

#[test]
fn what_no_grammar_can_have_is_left_out() {
    for text in ["(S (NP they) loose)", "(S (@X a))", "(S (A^B a) (C c))"] {
        let tree = Tree::parse(text).unwrap();
        let marks = marks(true, 1, 1);
        let census = Census::of(std::slice::from_ref(&tree), marks);
        let fits = !text.contains(['@', '^']) && !text.contains("loose");
        assert_eq!(binarise(&tree, &census, marks).is_some(), fits, "{text}");
    }
    assert_eq!((label("NP^S"), label("@NP^S|DT"), label("DT")), (Some("NP"), None, Some("DT")));
}
