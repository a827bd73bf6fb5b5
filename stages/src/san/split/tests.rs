use super::*;
use crate::san::questions::{Question, Scenes, Set};
use crate::testing::Bench;

#[test]
fn pictures_are_held_out_with_all_their_questions() {
    let scenes = Scenes::Regions { grid: [1, 1], width: 1, numbers: (0..10).map(|i| i as f32).collect() };
    let questions: Vec<Question> = (0..30)
        .map(|i| Question { picture: i % 10, text: (i % 10).to_string(), ..Question::default() })
        .collect();
    let mut bench = Bench::new();
    let set = bench.keep(Set { scenes, questions, grid: None }.write().unwrap());
    let ran = bench.run("san.split", &[("share", runpipe_base::Value::Float(0.3))], &[("questions", &set)]);
    let sizes = [("kept", 7), ("held", 3)].map(|(name, pictures)| {
        let set = Set::read(&bench.view(ran.part(name))).unwrap();
        assert_eq!((set.scenes.len(), set.questions.len()), (pictures, 3 * pictures));
        for question in &set.questions {
            let mut numbers = Vec::new();
            set.scenes.add(question.picture, &mut numbers);
            assert_eq!(question.text, numbers[0].to_string());
        }
        ran.metrics[&format!("{name}_questions")]
    });
    assert!((sizes[0] - 21.0).abs() < 0.5 && (sizes[1] - 9.0).abs() < 0.5);
}

#[test]
fn a_world_stays_whole_and_other_questions_are_drawn_apart() {
    let mut bench = Bench::new();
    let world = bench.run("san.world", &[], &[]);
    let params = [("count", runpipe_base::Value::Int(20))];
    let ran = bench.run("san.split", &params, &[("questions", world.part("train"))]);
    assert_eq!(ran.part("kept"), world.part("train"));
    let held = Set::read(&bench.view(ran.part("held"))).unwrap();
    let Source::Drawn(whole) = Source::read(&bench.view(ran.part("kept"))).unwrap() else {
        panic!("a world")
    };
    assert_eq!(held.questions.len(), 20);
    assert_ne!(held.scenes, whole.draw(0..20).scenes);
}
