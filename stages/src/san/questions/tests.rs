use super::*;
use crate::testing::Bench;

fn set(scenes: Scenes, grid: Option<[usize; 2]>) -> Set {
    let question = |picture, path: &[usize]| Question {
        picture,
        class: "colour".into(),
        text: "what colour is it".into(),
        answer: "red, blue".into(),
        people: vec!["red".into()],
        path: path.to_vec(),
    };
    Set { scenes, questions: vec![question(1, &[]), question(0, &[3, 1])], grid }
}

fn regions() -> Scenes {
    Scenes::Regions { grid: [2, 2], width: 3, numbers: (0..24).map(|i| i as f32 / 7.0).collect() }
}

#[test]
fn what_is_written_is_read() {
    let pixels = Scenes::Pixels { size: [1, 2, 3], bytes: (0..12).collect() };
    for set in [set(regions(), Some([2, 2])), set(pixels, Some([2, 2]))] {
        let mut bench = Bench::new();
        let artifact = bench.keep(set.write().unwrap());
        assert_eq!(Set::read(&bench.view(&artifact)).unwrap(), set);
    }
}

#[test]
fn a_question_has_things() {
    let question = &set(regions(), None).questions[0];
    assert_eq!(question.things().collect::<Vec<_>>(), ["red", "blue"]);
    assert!(!question.single());
    assert_eq!(question.words().count(), 4);
}

#[test]
fn pictures_are_numbers() {
    let mut numbers = Vec::new();
    regions().add(1, &mut numbers);
    assert_eq!((numbers.len(), numbers[0].to_bits()), (12, (12.0f32 / 7.0).to_bits()));
    numbers.clear();
    Scenes::Pixels { size: [1, 1, 2], bytes: vec![9, 9, 0, 255] }.add(1, &mut numbers);
    assert_eq!(numbers, [-1.0, 1.0]);
}

#[test]
fn what_is_broken_is_refused() {
    let good = set(regions(), Some([2, 2]));
    let mut far = good.clone();
    far.questions[0].picture = 2;
    let mut lost = good.clone();
    lost.questions[1].path = vec![4];
    let none = Set { questions: Vec::new(), ..good.clone() };
    let endless = Set {
        scenes: Scenes::Regions { grid: [1, 1], width: 1, numbers: vec![f32::NAN, 0.0] },
        ..good.clone()
    };
    for (set, words) in [
        (far, "`questions.jsonl`, line 1: expected one of 2 pictures, found 2"),
        (lost, "`questions.jsonl`, line 2: expected a path in a grid of 4 cells, found 4"),
        (none, "`questions.jsonl`: expected questions, found none"),
        (endless, "`regions.safetensors`: expected finite numbers"),
    ] {
        let mut bench = Bench::new();
        let artifact = bench.keep(set.write().unwrap());
        assert_eq!(Set::read(&bench.view(&artifact)).unwrap_err().to_string(), words);
    }
    let told = good.clone().only("size").unwrap_err().to_string();
    assert_eq!(told, "expected questions of type `size`, found `colour`");
}
