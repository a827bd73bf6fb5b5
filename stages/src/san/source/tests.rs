use super::super::questions::Scenes;
use super::super::world::{Laws, World};
use super::*;
use runpipe_base::{Params as _, Record};

/// `pictures` pictures of one number, each with three questions.
fn source(pictures: usize) -> Source {
    let numbers = (0..pictures).map(|i| i as f32).collect();
    let question =
        |i: usize| Question { picture: i % pictures, text: format!("question {i}"), ..Question::default() };
    let questions = (0..3 * pictures).map(question).collect();
    let scenes = Scenes::Regions { grid: [1, 1], width: 1, numbers };
    Source::Held(Set { scenes, questions, grid: None })
}

fn order() -> Stream {
    Stream::new(1, "order")
}

#[test]
fn an_epoch_sees_every_question_once_and_the_next_in_another_order() {
    let source = source(4);
    let batches = Batches::new(&source, 3, false, order(), |_| true).unwrap();
    assert_eq!((batches.questions(), batches.per_epoch()), (Some(12), Some(4)));
    let epoch = |first: u64| -> Vec<String> {
        (first..first + 4).flat_map(|step| batches.of(step).questions).map(|q| q.text).collect()
    };
    let [one, two] = [epoch(0), epoch(4)];
    assert_ne!(one, two);
    let sorted = |mut of: Vec<String>| {
        of.sort();
        of
    };
    assert_eq!(sorted(one.clone()), sorted(two));
    // A step is a function of its number.
    assert_eq!(epoch(0), one);
}

#[test]
fn questions_of_a_picture_come_together_and_show_it_once() {
    let source = source(4);
    let batches = Batches::new(&source, 6, true, order(), |_| true).unwrap();
    for step in 0..2 {
        let asked = batches.of(step);
        assert_eq!((asked.count, asked.numbers.len(), asked.questions.len()), (2, 2, 6));
        let pictures: Vec<usize> = asked.questions.iter().map(|q| q.picture).collect();
        assert_eq!(pictures, [0, 0, 0, 1, 1, 1]);
    }
}

#[test]
fn questions_that_are_not_wanted_do_not_come() {
    let source = source(4);
    let wanted = |q: &Question| q.picture == 2;
    let batches = Batches::new(&source, 3, false, order(), wanted).unwrap();
    assert_eq!(batches.of(0).numbers, [2.0]);
    let told = Batches::new(&source, 4, false, order(), wanted).unwrap_err().to_string();
    assert_eq!(told, "expected at least a batch of 4 questions that can be learnt, found 3");
}

#[test]
fn a_world_never_ends() {
    let world = World::new(Laws::decode(&Record::new()).unwrap(), "train").unwrap();
    let source = Source::Drawn(world.clone());
    let batches = Batches::new(&source, 2, false, order(), |_| true).unwrap();
    assert_eq!((batches.questions(), batches.per_epoch()), (None, None));
    let asked = batches.of(500);
    assert_eq!((asked.count, asked.questions), (2, world.draw(1000..1002).questions));
    assert_eq!(source.set(5).questions.len(), 5);
}
