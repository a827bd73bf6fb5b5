use super::super::tests::write;
use super::*;
use crate::testing::{Bench, path};

#[test]
fn pictures_questions_and_answers_stand_line_by_line() {
    let dir = tempfile::tempdir().unwrap();
    // Two pictures of 1×2 pixels: red and green of the first are 1 and 4, 2 and 5.
    let picture = npy::of_bytes(&[2, 1, 2, 3], &[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
    write(
        dir.path(),
        &[
            ("train.tiny.input.npy", &picture),
            (
                "train.tiny.query_str.txt",
                b"is a red shape left of a circle\nis a square above right of a circle\n",
            ),
            ("train.tiny.output", b"true\nfalse\n"),
            ("val.input.npy", &picture),
            ("val.query_str.txt", b"is red green\nis red green\n"),
            ("val.output", b"false\nfalse\n"),
        ],
    );
    let mut bench = Bench::new();
    let ran = bench.run("san.shapes", &[("dir", path(dir.path()))], &[]);
    let set = Set::read(&bench.view(ran.part("train"))).unwrap();
    assert_eq!(
        set.scenes,
        Scenes::Pixels { size: [3, 1, 2], bytes: vec![1, 4, 2, 5, 3, 6, 7, 10, 8, 11, 9, 12] }
    );
    let told: Vec<(&str, &str)> =
        set.questions.iter().map(|q| (q.class.as_str(), q.answer.as_str())).collect();
    assert_eq!(told, [("one_relation", "true"), ("two_relations", "false")]);
    let test = Set::read(&bench.view(ran.part("test"))).unwrap();
    assert_eq!(test.questions[0].class, "no_relation");
    write(dir.path(), &[("val.output", b"false\n")]);
    let told = bench.attempt("san.shapes", &[("dir", path(dir.path()))], &[]).unwrap_err().to_string();
    assert!(told.contains("expected a line for each of 2 pictures, found 1"), "{told}");
}
