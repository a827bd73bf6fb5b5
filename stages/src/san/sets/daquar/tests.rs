use super::super::tests::{png, tar, write};
use super::*;
use crate::san::questions::{Look, Set};
use crate::testing::{Bench, Ran, data, int, path, text};

const PAIRS: &str = "what is on the right side of the black telephone in the image3 ?\ndesk\n\
                     what is on the desk in the image3 ?\nbook, scissor, papers, tape_dispenser\n\
                     what color is the chair in the image4 ?\nred\n\
                     how many bottles are on the desk in the image4 ?\n11\n\
                     what is the object on the floor in the image5 ?\nrug\n";

fn triples() -> String {
    let lines: Vec<&str> = PAIRS.lines().collect();
    let triple = |pair: &[&str]| {
        let (question, picture) = suffixed(pair[0]).unwrap();
        format!("{question} ?\n{}\n{picture}\n", pair[1])
    };
    lines.chunks_exact(2).map(triple).collect()
}

fn table() -> String {
    let lines: Vec<&str> = PAIRS.lines().collect();
    let row = |pair: &[&str]| {
        let (question, picture) = suffixed(pair[0]).unwrap();
        format!("{picture}\t{question}\t{}\n", pair[1])
    };
    lines.chunks_exact(2).map(row).collect()
}

fn pictures() -> Vec<u8> {
    let files: Vec<(String, Vec<u8>)> =
        (3..6u8).map(|i| (format!("all/image{i}.png"), png([i, 0, 0], [8, 6]))).collect();
    tar(&files.iter().map(|(name, bytes)| (name.as_str(), bytes.as_slice())).collect::<Vec<_>>())
}

fn read(files: &[(&str, &[u8])], params: &[(&str, runpipe_base::Value)]) -> (Bench, Result<Ran, StageError>) {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), files);
    let mut bench = Bench::new();
    let ran = bench.attempt("san.daquar", &[params, &[("dir", path(dir.path()))]].concat(), &[]);
    (bench, ran)
}

/// The three forms say the same.
#[test]
fn every_form_is_read_alike() {
    let pictures = pictures();
    let mut found = Vec::new();
    let triples = triples();
    for (name, questions) in [
        ("qa.894.raw.train.txt", PAIRS),
        ("qa.894.raw.format_triple.train.txt", &triples),
        ("train.tsv", &table()),
    ] {
        let half = PAIRS.lines().take(2).collect::<Vec<_>>().join("\n");
        let files: &[(&str, &[u8])] = &[
            (name, questions.as_bytes()),
            ("qa.894.raw.test.txt", half.as_bytes()),
            ("images.tar", &pictures),
        ];
        let (bench, ran) = read(files, &[("height", int(4)), ("width", int(4))]);
        let ran = ran.unwrap();
        assert!(
            (ran.metrics["train_questions"] - 5.0).abs() < 0.5
                && (ran.metrics["train_single"] - 4.0).abs() < 0.5
        );
        assert!(
            (ran.metrics["train_pictures"] - 3.0).abs() < 0.5
                && (ran.metrics["test_questions"] - 1.0).abs() < 0.5
        );
        found.push(Set::read(&bench.view(ran.part("train"))).unwrap());
    }
    assert!(found[0] == found[1] && found[1] == found[2]);
    let set = &found[0];
    assert_eq!(set.scenes.look(), Look::Pixels { size: [3, 4, 4] });
    let told: Vec<(&str, &str, usize)> =
        set.questions.iter().map(|q| (q.class.as_str(), q.answer.as_str(), q.picture)).collect();
    let expected = [
        ("object", "desk", 0),
        ("object", "book, scissor, papers, tape_dispenser", 0),
        ("color", "red", 1),
        ("number", "11", 1),
        ("object", "rug", 2),
    ];
    assert_eq!(told, expected);
    assert_eq!(set.questions[0].text, "what is on the right side of the black telephone");
}

#[test]
fn what_is_wrong_is_told_with_its_line() {
    let pictures = pictures();
    for (files, words) in [
        (
            vec![("train.tsv", "image3\tno answer\n")],
            "train.tsv:1: expected a picture, a question and an answer",
        ),
        (
            vec![("qa.train.txt", "what in the image3 ?\ndesk\nwhat in it ?\nchair\n")],
            ":3: expected a question that ends in",
        ),
        (
            vec![("qa.train.txt", "what in the image3 ?\ndesk\nwhat in the image4 ?\n")],
            ":3: expected a question and its answer",
        ),
        (vec![("qa.train.txt", "what ?\ndesk\nchair 3\n")], ":3: expected the name of a picture"),
        (vec![("train.tsv", "image9\twhat is it\tdesk\n")], "expected a picture `image9`, found none"),
        (vec![("notes.txt", "nothing\n")], "expected `train.tsv` or `qa.894.raw.train.txt` or the like"),
        (
            vec![("qa.37.train.txt", PAIRS), ("qa.894.train.txt", PAIRS)],
            "expected one file for `train`, found `qa.37.train.txt` and `qa.894.train.txt`; `subset` chooses",
        ),
    ] {
        let mut all: Vec<(&str, &[u8])> = files.iter().map(|(name, text)| (*name, text.as_bytes())).collect();
        all.push(("images.tar", &pictures));
        let told = read(&all, &[]).1.unwrap_err().to_string();
        assert!(told.contains(words), "no `{words}` in `{told}`");
    }
    let both: &[(&str, &[u8])] = &[
        ("qa.37.train.txt", PAIRS.as_bytes()),
        ("qa.894.train.txt", &PAIRS.as_bytes()[..PAIRS.find("what is on the desk").unwrap()]),
        ("images.tar", &pictures),
    ];
    assert!(read(both, &[("subset", text("37"))]).1.is_ok());
}

/// The published counts: of 6,795 questions 90.5 % want one thing.
#[test]
fn the_real_files_are_counted() {
    let Some(dir) = data("daquar") else { return };
    let all: Vec<Row> = found(&dir, None).unwrap().iter().flat_map(|(_, path)| rows(path).unwrap()).collect();
    let single = all.iter().filter(|row| !row.answer.contains(", ")).count();
    if all.len() == 6795 {
        assert_eq!(single, 6149);
    }
    assert!(single * 10 > all.len() * 8, "{single} of {}", all.len());
}
