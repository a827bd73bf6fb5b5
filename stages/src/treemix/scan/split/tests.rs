use std::collections::BTreeSet;

use super::Split;
use crate::data::commands::{Command, from_file};

/// Lines to train on, distinct ones, and commands to judge by. Source: the official files.
const SIZES: [(Split, usize, usize, usize); 12] = [
    (Split::Simple, 16_728, 16_728, 4_182),
    (Split::Length, 16_990, 16_990, 3_920),
    (Split::Jump, 14_670, 13_204, 7_706),
    (Split::TurnLeft, 21_890, 19_702, 1_208),
    (Split::AroundRight, 15_225, 15_225, 4_476),
    (Split::OppositeRight, 15_225, 15_225, 4_476),
    (Split::Right, 15_225, 15_225, 4_476),
    (Split::JumpAroundRight, 18_528, 18_528, 1_173),
    (Split::Filler0, 15_225, 15_225, 1_173),
    (Split::Filler1, 16_290, 16_290, 1_173),
    (Split::Filler2, 17_391, 17_391, 1_173),
    (Split::Filler3, 18_528, 18_528, 1_173),
];

fn set(commands: &[Command]) -> BTreeSet<&str> {
    commands.iter().map(|c| c.command.as_str()).collect()
}

#[test]
fn sizes_are_the_official_ones_and_nothing_is_on_both_sides() {
    for (split, lines, distinct, test) in SIZES {
        let (train, judged) = split.make(0);
        assert_eq!((train.len(), set(&train).len(), judged.len()), (lines, distinct, test), "{split:?}");
        assert!(set(&train).is_disjoint(&set(&judged)), "{split:?}");
    }
}

#[test]
fn the_simple_split_is_a_function_of_its_seed() {
    assert_eq!(Split::Simple.make(3), Split::Simple.make(3));
    assert_ne!(Split::Simple.make(3).1, Split::Simple.make(4).1);
}

#[test]
fn official_files_hold_the_same_lines() {
    let dir = std::env::var_os("RUNPIPE_DATA").map(std::path::PathBuf::from).filter(|dir| dir.is_dir());
    let Some(dir) = dir.map(|dir| dir.join("scan")).filter(|dir| dir.is_dir()) else {
        println!("skipped: `RUNPIPE_DATA` names no folder with `scan`");
        return;
    };
    for (split, path) in [
        (Split::Jump, "add_prim_split/tasks_{}_addprim_jump.txt.gz"),
        (Split::AroundRight, "template_split/tasks_{}_template_around_right.txt.gz"),
        (Split::OppositeRight, "template_split/tasks_{}_template_opposite_right.txt.gz"),
    ] {
        let sorted = |mut commands: Vec<Command>| {
            commands.sort();
            commands
        };
        let (train, test) = split.make(0);
        for (side, made) in [("train", train), ("test", test)] {
            let official = from_file(&dir.join(path.replace("{}", side))).unwrap();
            assert_eq!(sorted(official), sorted(made), "{split:?} {side}");
        }
    }
    let [train, test] = ["train", "test"]
        .map(|side| from_file(&dir.join(format!("simple_split/tasks_{side}_simple.txt.gz"))).unwrap());
    let (ours, rest) = Split::Simple.make(0);
    let all: BTreeSet<Command> = ours.into_iter().chain(rest).collect();
    assert_eq!(train.into_iter().chain(test).collect::<BTreeSet<_>>(), all);
}
