use std::collections::{BTreeMap, BTreeSet};

use super::{Clause, Phrase, Sentence, write};

/// Commands by the length of their output. Source: the official list of all tasks.
const LENGTHS: [(usize, usize); 33] = [
    (1, 6),
    (2, 88),
    (3, 398),
    (4, 860),
    (5, 1184),
    (6, 1178),
    (7, 1104),
    (8, 1450),
    (9, 1256),
    (10, 1696),
    (11, 1072),
    (12, 1578),
    (13, 432),
    (14, 848),
    (15, 688),
    (16, 304),
    (17, 512),
    (18, 784),
    (19, 448),
    (20, 464),
    (21, 64),
    (22, 576),
    (24, 336),
    (25, 448),
    (26, 512),
    (27, 448),
    (28, 448),
    (30, 576),
    (32, 448),
    (33, 256),
    (36, 64),
    (40, 256),
    (48, 128),
];

#[test]
fn counts_and_lengths_are_the_official_ones() {
    let all = Sentence::all();
    assert_eq!((Phrase::all().len(), Clause::all().len(), all.len()), (34, 102, 20_910));
    assert_eq!(all.iter().map(ToString::to_string).collect::<BTreeSet<_>>().len(), 20_910);
    let mut lengths: BTreeMap<usize, usize> = BTreeMap::new();
    for sentence in &all {
        *lengths.entry(sentence.actions().len()).or_default() += 1;
    }
    assert_eq!(lengths.into_iter().collect::<Vec<_>>(), LENGTHS);
    assert_eq!(all.iter().map(|sentence| sentence.words().len()).max(), Some(9));
}

#[test]
fn meanings() {
    let check = |command: &str, actions: &str| {
        let words: Vec<&str> = command.split(' ').collect();
        assert_eq!(write(&Sentence::parse(&words).unwrap().actions()), actions, "{command}");
    };
    check("jump", "I_JUMP");
    check("turn left", "I_TURN_LEFT");
    check("turn opposite left", "I_TURN_LEFT I_TURN_LEFT");
    check("walk opposite right", "I_TURN_RIGHT I_TURN_RIGHT I_WALK");
    check("look around left", "I_TURN_LEFT I_LOOK I_TURN_LEFT I_LOOK I_TURN_LEFT I_LOOK I_TURN_LEFT I_LOOK");
    check("run twice and jump", "I_RUN I_RUN I_JUMP");
    check("run after jump left thrice", &format!("{}I_RUN", "I_TURN_LEFT I_JUMP ".repeat(3)));
}

#[test]
fn every_command_reads_back_and_laws_hold() {
    let clauses = Clause::all();
    for sentence in Sentence::all() {
        assert_eq!(Sentence::parse(&sentence.words()), Some(sentence));
        // ⟦x and y⟧ = ⟦y after x⟧.
        if let Some((after, second)) = sentence.second {
            let turned = Sentence { first: second, second: Some((!after, sentence.first)) };
            assert_eq!(sentence.actions(), turned.actions());
        }
    }
    for clause in clauses.chunks(3) {
        let [once, twice, thrice] = [0, 1, 2].map(|again| clause[again].actions().len());
        assert_eq!((2 * once, 3 * once), (twice, thrice));
    }
}

#[test]
fn what_is_no_command_is_refused() {
    for command in [
        "turn",
        "left",
        "walk around",
        "walk twice twice",
        "walk left left",
        "walk and",
        "and walk",
        "walk and run and look",
        "walk twice left",
        "hop",
        "walk  left",
        "",
    ] {
        let words: Vec<&str> = command.split(' ').collect();
        assert_eq!(Sentence::parse(&words), None, "{command}");
    }
    assert_eq!(Sentence::parse(&[]), None);
}
