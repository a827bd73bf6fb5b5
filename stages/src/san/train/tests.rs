use runpipe_base::Params as _;

use super::*;
use crate::san::questions::Scenes;

fn answers() -> Names {
    Names::of(["red", "blue", "red, blue"].map(str::to_owned).to_vec())
}

fn question(answer: &str, people: &[&str]) -> Question {
    let people = people.iter().map(|p| (*p).to_owned()).collect();
    Question { answer: answer.into(), people, ..Question::default() }
}

#[test]
fn what_is_learnt_from_a_question() {
    let labels = |q: &Question, several| labels(q, &answers(), several);
    assert_eq!(labels(&question("blue", &[]), false), [1]);
    assert_eq!(labels(&question("green", &[]), false), [0u32; 0]);
    assert_eq!(labels(&question("red, blue", &[]), false), [0u32; 0]);
    assert_eq!(labels(&question("red, blue", &[]), true), [2]);
    // With repetitions, so that a frequent answer is drawn more often.
    assert_eq!(labels(&question("red", &["blue", "red", "teal", "red"]), false), [1, 0, 0]);
}

#[test]
fn words_and_answers_are_those_of_training() {
    let recipe = Recipe::decode(&Record::new()).unwrap();
    let ask = |text: &str, answer: &str| Question { text: text.into(), ..question(answer, &[]) };
    let all = [ask("what is it", "red"), ask("what", "blue"), ask("it", "blue"), ask("is it", "red, blue")];
    let (words, known) = names(&all, &recipe);
    assert_eq!((words.text().as_str(), known.text().as_str()), ("it\nis\nwhat\n", "blue\nred\n"));
    let (words, known) = names(&all, &Recipe { rare: 3, several: true, answers: 2, ..recipe });
    assert_eq!((words.text().as_str(), known.text().as_str()), ("it\n", "blue\nred\n"));
}

/// Of ten answers, seven and three in the list, each is drawn as often as it was given.
#[test]
fn answers_are_drawn_as_often_as_people_gave_them() {
    let people = ["red"; 7].iter().chain(&["blue"; 3]).copied().collect::<Vec<_>>();
    let labels = labels(&question("red", &people), &answers(), false);
    let stream = Stream::new(0, "answers");
    let red = (0..10_000).filter(|i| labels[stream.child(*i).below(labels.len())] == 0).count();
    assert!((6_800..7_200).contains(&red), "{red}");
}

#[test]
fn nothing_to_learn_is_said() {
    let scenes = Scenes::Regions { grid: [1, 1], width: 1, numbers: vec![0.0] };
    let set = Set { scenes, questions: vec![question("red, blue", &[])], grid: None };
    let mut bench = crate::testing::Bench::new();
    let train = bench.keep(set.write().unwrap());
    let told = bench.attempt("san.train", &[], &[("train", &train)]).unwrap_err().to_string();
    assert_eq!(told, "expected questions with an answer, found none");
}
