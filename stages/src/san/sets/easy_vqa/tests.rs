use super::super::tests::{png, write};
use crate::san::questions::Set;
use crate::testing::{Bench, path};

#[test]
fn questions_are_read_with_their_pictures() {
    let dir = tempfile::tempdir().unwrap();
    let rows = r#"[["What is the blue shape?", "circle", 0], ["what color is the shape?", "blue", 1], ["is it red?", "no", 1]]"#;
    let test = r#"[["is it red?", "yes", 0]]"#;
    let [one, two] = [png([0, 0, 255], [4, 4]), png([9, 9, 9], [4, 4])];
    write(
        dir.path(),
        &[
            ("train_questions.json", rows.as_bytes()),
            ("train_images/0.png", &one),
            ("train_images/1.png", &two),
            ("test_questions.json", test.as_bytes()),
            ("test_images/0.png", &two),
        ],
    );
    let mut bench = Bench::new();
    let ran = bench.run("san.easy_vqa", &[("dir", path(dir.path()))], &[]);
    let set = Set::read(&bench.view(ran.part("train"))).unwrap();
    let told: Vec<(&str, &str, usize)> =
        set.questions.iter().map(|q| (q.class.as_str(), q.text.as_str(), q.picture)).collect();
    let expected = [
        ("shape", "what is the blue shape", 0),
        ("color", "what color is the shape", 1),
        ("yes_no", "is it red", 1),
    ];
    assert_eq!(told, expected);
    let mut numbers = Vec::new();
    set.scenes.add(0, &mut numbers);
    assert!(
        numbers[..32].iter().all(|x| *x < -0.99) && numbers[32..].iter().all(|x| *x > 0.99),
        "red, green, blue"
    );
    std::fs::write(dir.path().join("train_questions.json"), "[[1]]").unwrap();
    let told = bench.attempt("san.easy_vqa", &[("dir", path(dir.path()))], &[]).unwrap_err().to_string();
    assert!(told.contains("expected a list of question, answer and picture's number"), "{told}");
}
