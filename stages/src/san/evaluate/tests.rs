use runpipe_base::{Device, NullHost};

use super::super::questions::Scenes;
use super::*;

#[test]
fn cells_hold_the_regions_whose_middles_they_cover() {
    assert_eq!(inside(4, [3, 3], [3, 3]), Some(vec![4]));
    assert_eq!(inside(1, [2, 2], [4, 4]), Some(vec![2, 3, 6, 7]));
    // Middles of five columns lie at 1, 3, 5, 7 and 9 tenths: the third is the second half's.
    assert_eq!(inside(0, [1, 2], [1, 5]), Some(vec![0, 1]));
    assert_eq!(inside(1, [1, 2], [1, 5]), Some(vec![2, 3, 4]));
    assert_eq!(inside(9, [3, 3], [3, 3]), None);
}

fn question(answer: &str, path: &[usize]) -> Question {
    Question { answer: answer.into(), path: path.to_vec(), ..Question::default() }
}

fn set(questions: Vec<Question>) -> Set {
    let scenes = Scenes::Regions { grid: [1, 2], width: 1, numbers: vec![0.0; 2] };
    Set { scenes, questions, grid: Some([1, 2]) }
}

/// Four questions, one of which wants two things: of three single answers two are right, of all three quarters.
#[test]
fn answers_are_counted() {
    let set = set(["red", "blue", "red, blue", "green"].map(|answer| question(answer, &[])).to_vec());
    let mut cx = Ctx::new(&NullHost, Device::Cpu);
    let looked = Looked::new(Maps::new(), None, &set);
    let given = ["red", "red", "red, blue", "green"];
    let output = write(&set, &given, |answer| answer != "green", &looked, None, &mut cx).unwrap();
    let (metrics, _) = cx.into_reported();
    let near =
        |name: &str, expected: f64| assert!((metrics[name] - expected).abs() < 1e-9, "{name}: {metrics:?}");
    near("accuracy", 200.0 / 3.0);
    near("exact", 75.0);
    near("known", 200.0 / 3.0);
    near("questions", 4.0);
    near("single", 3.0);
    let text = String::from_utf8(output.files[FILE].clone()).unwrap();
    assert_eq!(text.lines().nth(3), Some("0,,,\"red, blue\",\"red, blue\""));
}

/// Two layers over two regions for two questions, one of which says where its answer is.
#[test]
fn attention_is_measured_where_the_truth_is_known() {
    let set = set(vec![question("red", &[0, 1]), question("blue", &[])]);
    let maps = vec![vec![0.75, 0.25, 0.5, 0.5], vec![0.1, 0.9, 1.0, 0.0]];
    let mut cx = Ctx::new(&NullHost, Device::Cpu);
    Looked::new(maps, Some([1, 2]), &set).tell(&mut cx);
    let (metrics, series) = cx.into_reported();
    let near = |found: f64, expected: f64| assert!((found - expected).abs() < 1e-6, "{found}: {metrics:?}");
    near(metrics["mass"], 0.9);
    near(metrics["pointing"], 100.0);
    near(metrics["first_mass"], 0.75);
    near(metrics["first_entropy"], f64::midpoint(entropy(&[0.75, 0.25]), 2.0f64.ln()));
    near(metrics["last_entropy"], entropy(&[0.1, 0.9]) / 2.0);
    let curve = |name: &str| series.iter().find(|s| s.name == name).unwrap().points.clone();
    assert_eq!(curve("mass_by_layer").len(), 2);
    near(curve("mass_by_layer")[0].1, 0.25);
    near(curve("named_by_layer")[1].1, 0.1);
}

#[test]
fn nothing_is_told_of_attention_where_there_is_none() {
    let set = set(vec![question("red", &[0])]);
    let mut cx = Ctx::new(&NullHost, Device::Cpu);
    Looked::new(Maps::new(), None, &set).tell(&mut cx);
    let (metrics, series) = cx.into_reported();
    assert!(metrics.is_empty() && series.is_empty());
}

const WORDNET: &str = "00000001 03 n 01 colour 0 000 | \n00000002 03 n 01 red 0 001 @ 00000001 n 0000 | \n\
                       00000003 03 n 01 blue 0 001 @ 00000001 n 0000 | \n";

/// red and blue are 2·1 / (2·1 + 2) alike; ten people of whom two said blue agree with it by 0.6.
#[test]
fn answers_that_are_nearly_right_count_nearly() {
    let file = tempfile::tempdir().unwrap();
    std::fs::write(file.path().join("data.noun"), WORDNET).unwrap();
    let mut questions = vec![question("red", &[]), question("blue", &[])];
    questions[0].people = (0..10).map(|i| if i < 2 { "blue".into() } else { format!("no {i}") }).collect();
    let set = set(questions);
    let mut cx = Ctx::new(&NullHost, Device::Cpu);
    let looked = Looked::new(Maps::new(), None, &set);
    write(&set, &["blue", "blue"], |_| true, &looked, Some(file.path()), &mut cx).unwrap();
    let (metrics, _) = cx.into_reported();
    let near =
        |name: &str, expected: f64| assert!((metrics[name] - expected).abs() < 1e-9, "{name}: {metrics:?}");
    near("accuracy", 50.0);
    near("wups0", 75.0);
    near("wups90", 52.5);
    near("agreement", 60.0);
}
