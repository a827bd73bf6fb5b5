use super::super::augment::Mixture;
use super::super::draw::Splice;
use super::{page, svg};
use crate::data::labelled::{Labelled, Sentence};
use crate::data::tree::Tree;

#[test]
fn a_tree_is_drawn_with_every_word_and_label() {
    let tree = Tree::parse("(S (NP (DT the) (NN R&D)) loose (VP (VBZ pays)))").unwrap();
    let picture = svg(&tree, (0, 2), "a <caption>");
    for text in [">S<", ">NP<", ">DT<", ">the<", ">R&amp;D<", ">loose<", ">pays<", "a &lt;caption&gt;"] {
        assert!(picture.contains(text), "{text}\n{picture}");
    }
    assert_eq!(picture.matches("<line").count(), 9, "one line a child");
    // NP, DT and NN with their words are marked, and nothing else.
    assert_eq!(picture.matches("fill=\"#c0392b\"").count(), 5);
    assert!(picture.starts_with("<svg") && picture.ends_with("</svg>\n") && !picture.contains("NaN"));
}

#[test]
fn a_page_shows_what_was_cut_and_pasted() {
    let rows = [("bad", "a poor|film ."), ("good", "truly a touching story !"), ("bad", "no")];
    let labelled =
        Labelled::of(rows.iter().map(|(class, text)| ((*class).into(), Sentence::of(text), None)).collect());
    let splice = Splice { cut: (1, 2), paste: (1, 4) };
    let mixture = |donor| Mixture { receiver: 0, donor, first: splice, second: None };
    let shown = page(&labelled, &[mixture(1)]);
    let row = shown.lines().last().unwrap();
    assert_eq!(row, "| a ~~poor\\|film~~ . | a **a touching story** . | bad 2/5, good 3/5 |");
    let same = Mixture { donor: 2, first: Splice { cut: (0, 3), paste: (0, 1) }, ..mixture(2) };
    assert_eq!(page(&labelled, &[same]).lines().last(), Some("| ~~a poor\\|film .~~ | **no** | bad 1/1 |"));
}
