use super::super::questions::Scenes;
use crate::san::questions::{Question, Set};
use crate::testing::{Bench, text};

fn set(questions: &[(&str, &str)]) -> Set {
    let scenes = Scenes::Regions { grid: [1, 1], width: 1, numbers: vec![0.0] };
    let question = |(class, answer): &(&str, &str)| Question {
        class: (*class).into(),
        answer: (*answer).into(),
        ..Question::default()
    };
    Set { scenes, questions: questions.iter().map(question).collect(), grid: None }
}

#[test]
fn the_most_frequent_answer_of_a_type_is_given() {
    let mut bench = Bench::new();
    let train = [
        ("colour", "red"),
        ("colour", "red"),
        ("colour", "blue"),
        ("count", "2"),
        ("count", "2, 3"),
        ("count", "2, 3"),
    ];
    let train = bench.keep(set(&train).write().unwrap());
    let test = [("colour", "red"), ("colour", "green"), ("count", "2"), ("size", "red"), ("size", "2")];
    let test = bench.keep(set(&test).write().unwrap());
    let inputs = [("train", &train), ("questions", &test)];
    let ran = bench.run("san.guess", &[], &inputs);
    assert!((ran.metrics["accuracy"] - 60.0).abs() < 1e-9, "{:?}", ran.metrics);
    assert!((ran.metrics["known"] - 80.0).abs() < 1e-9);
    let only = bench.run("san.guess", &[("only", text("count"))], &inputs);
    assert!((only.metrics["accuracy"] - 100.0).abs() < 1e-9 && only.metrics["questions"] < 1.5);
}
