use super::*;

#[test]
fn frequent_names_come_first_and_equals_by_name() {
    let words = "b a b c a d c b".split(' ');
    let names = Names::frequent(words.clone(), 1, 10);
    assert_eq!(names.text(), "b\na\nc\nd\n");
    assert_eq!(Names::frequent(words.clone(), 2, 10).text(), "b\na\nc\n");
    assert_eq!(Names::frequent(words, 1, 2).text(), "b\na\n");
    assert_eq!((names.id("c"), names.id("e"), names.name(2)), (Some(2), None, "c"));
    assert_eq!(Names::parse(&names.text()), names);
    assert!(Names::default().is_empty());
}
