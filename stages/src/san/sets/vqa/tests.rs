use super::super::tests::{png, write};
use crate::san::questions::Set;
use crate::testing::{Bench, path};

const ASKED: &str = r#"{"questions": [
    {"image_id": 9, "question": "Is this well-known?", "question_id": 1},
    {"image_id": 9, "question": "How many dogs dont run?", "question_id": 2}]}"#;
const ANSWERED: &str = r#"{"annotations": [
    {"question_id": 2, "answer_type": "number", "multiple_choice_answer": "Two", "image_id": 9,
     "answers": [{"answer": "Two", "answer_confidence": "yes", "answer_id": 1}, {"answer": "3", "answer_confidence": "no", "answer_id": 2}]},
    {"question_id": 1, "answer_type": "yes/no", "multiple_choice_answer": "yes", "image_id": 9,
     "answers": [{"answer": "yes", "answer_confidence": "yes", "answer_id": 1}]}]}"#;

#[test]
fn questions_are_read_with_what_people_answered() {
    let dir = tempfile::tempdir().unwrap();
    let picture = png([1, 2, 3], [6, 4]);
    for split in ["train2014", "val2014"] {
        let [questions, answers, image] = [
            format!("OpenEnded_mscoco_{split}_questions.json"),
            format!("mscoco_{split}_annotations.json"),
            format!("{split}/COCO_{split}_000000000009.png"),
        ];
        let files: [(&str, &[u8]); 3] =
            [(&questions, ASKED.as_bytes()), (&answers, ANSWERED.as_bytes()), (&image, &picture)];
        write(dir.path(), &files);
    }
    let mut bench = Bench::new();
    let ran = bench.run("san.vqa", &[("dir", path(dir.path()))], &[]);
    let set = Set::read(&bench.view(ran.part("test"))).unwrap();
    let told: Vec<(&str, &str, &str, usize)> = set
        .questions
        .iter()
        .map(|q| (q.class.as_str(), q.text.as_str(), q.answer.as_str(), q.people.len()))
        .collect();
    assert_eq!(
        told,
        [("yes_no", "is this well known", "yes", 1), ("number", "how many dogs don't run", "2", 2)]
    );
    assert_eq!(set.questions[1].people, ["Two", "3"]);
    assert_eq!(set.scenes.len(), 1);
    write(dir.path(), &[("mscoco_val2014_annotations.json", br#"{"annotations": []}"#)]);
    let told = bench.attempt("san.vqa", &[("dir", path(dir.path()))], &[]).unwrap_err().to_string();
    assert!(told.contains("expected an annotation of question 1, found none"), "{told}");
}
