use std::fs;

use runpipe_base::{Artifact, Value};

use crate::data::tagged::Tagged;
use crate::data::tags::orphan;
use crate::testing::{Bench, Ran, int, path, text};

fn tagged(bench: &mut Bench, lines: &str) -> Artifact {
    let dir = tempfile::tempdir().unwrap();
    for name in ["train", "dev", "test"] {
        fs::write(dir.path().join(name), lines).unwrap();
    }
    bench.run("data.conll", &[("dir", path(dir.path()))], &[]).part("train").clone()
}

const TRAIN: &str = "ana B-PER\nsaw O\nrome B-LOC\n\nana B-PER\nk I-PER\nleft O\n\nrome B-PER\nrome B-LOC\n";
const TEST: &str = "ana B-PER\nsaw O\nrome B-LOC\n\nben B-PER\nleft O\nrome B-PER\n";

fn gazetteer(bench: &mut Bench) -> Ran {
    let (train, test) = (tagged(bench, TRAIN), tagged(bench, TEST));
    bench.run("maner.gazetteer", &[], &[("train", &train), ("sentences", &test)])
}

#[test]
fn scores_are_those_worked_by_hand() {
    let mut bench = Bench::new();
    let ran = gazetteer(&mut bench);
    // `ana` and the first `rome` are right, the second `rome` is found as a place, `ben` is not known.
    assert_eq!(
        bench.text(ran.part("predictions"), "sentences.conll"),
        "ana\tB-PER\nsaw\tO\nrome\tB-LOC\n\nben\tO\nleft\tO\nrome\tB-LOC\n\n"
    );
    assert_eq!(
        bench.text(&ran.artifact, "types.csv"),
        "type,gold,predicted,correct,precision,recall,f1\nLOC,1,2,1,50.00,100.00,66.67\n\
         PER,3,1,1,100.00,33.33,50.00\nall,4,3,2,66.67,50.00,57.14\n"
    );
    assert_eq!(bench.text(&ran.artifact, "confusion.csv"), "gold,LOC,PER,O\nLOC,1,0,0\nPER,1,1,1\nO,0,0,0\n");
    let near = |name: &str, expected: f64| {
        assert!((ran.metrics[name] - expected).abs() < 5e-3, "{name} is {}", ran.metrics[name]);
    };
    near("f1", 57.14);
    near("f1_strict", 57.14);
    near("f1_macro", 58.33);
    near("f1_boundary", 85.71);
    near("accuracy", 100.0 * 4.0 / 6.0);
    near("entities", 4.0);
    near("collapsed", 0.0);
    // Of the three known surfaces two are found, the unknown one is not; the precision is 2/3.
    // One LOC with 66.67, three PER with 50.
    near("f1_weighted", (66.67 + 3.0 * 50.0) / 4.0);
    // The first test sentence is a training sentence; in the other one entity is found, of the wrong type.
    near("f1_new", 0.0);
    near("f1_seen", 66.67);
    near("f1_unseen", 0.0);
    let json = bench.text(&ran.artifact, "scores.json");
    let numbers: std::collections::BTreeMap<String, f64> = serde_json::from_str(&json).unwrap();
    assert_eq!(numbers, ran.metrics);
}

/// With `decoding = "valid"` every `I-X` continues an `X`, and where it did before nothing changes.
#[test]
fn tags_can_be_kept_valid() {
    let mut bench = Bench::new();
    let corpus = bench.run("maner.language", &[("raw", int(60)), ("train", int(20)), ("test", int(60))], &[]);
    let sizes = [("vocabulary", int(200)), ("layers", int(1)), ("width", int(16)), ("steps", int(1))];
    let encoder = bench.run("maner.pretrain", &sizes, &[("text", corpus.part("text"))]).artifact;
    let brief = [("min_steps", int(1)), ("epochs", int(1)), ("lr", Value::Float(0.0)), ("retries", int(0))];
    let inputs = [("encoder", &encoder), ("sentences", corpus.part("train"))];
    let tagger = bench.run("maner.finetune", &brief, &inputs).artifact;
    let mut tags = |decoding: &str| {
        let inputs = [("tagger", &tagger), ("sentences", corpus.part("test"))];
        let ran = bench.run("maner.evaluate", &[("decoding", text(decoding))], &inputs);
        let found = Tagged::read(&bench.view(ran.part("predictions"))).unwrap().sentences;
        found.into_iter().map(|s| s.tags).collect::<Vec<_>>()
    };
    let (greedy, valid) = (tags("greedy"), tags("valid"));
    assert!(
        greedy.iter().any(|tags| orphan(tags).is_some()),
        "a tagger that learned nothing breaks the rule"
    );
    assert!(valid.iter().all(|tags| orphan(tags).is_none()));
    assert!(greedy.iter().zip(&valid).all(|(g, v)| orphan(g).is_some() || g == v));
}

#[test]
fn memory_alone_knows_no_new_names() {
    let mut bench = Bench::new();
    let corpus = bench.run("maner.language", &[("raw", int(10))], &[]);
    let mut f1 = |part: &str| {
        let inputs = [("train", corpus.part("train")), ("sentences", corpus.part(part))];
        bench.run("maner.gazetteer", &[], &inputs).metrics["f1"]
    };
    let (seen, a, b) = (f1("dev"), f1("test"), f1("novel"));
    assert!(seen > 15.0 && a < 5.0 && b < 5.0, "{seen} on known names, {a} and {b} on new ones");
}

#[test]
fn an_encoder_is_no_tagger() {
    let mut bench = Bench::new();
    let corpus = bench.run("maner.language", &[("raw", int(50))], &[]);
    let sizes = [
        ("vocabulary", int(200)),
        ("layers", int(1)),
        ("width", int(8)),
        ("heads", int(2)),
        ("steps", int(1)),
    ];
    let encoder = bench.run("maner.pretrain", &sizes, &[("text", corpus.part("text"))]).artifact;
    let inputs = [("tagger", &encoder), ("sentences", corpus.part("test"))];
    let refused = bench.attempt("maner.evaluate", &[], &inputs).unwrap_err().to_string();
    assert_eq!(refused, "`config.json`: expected `maner`: this is no tagger");
}

#[test]
fn generated_data_survive_their_files() {
    let mut bench = Bench::new();
    let corpus = bench.run("maner.language", &[("raw", int(20)), ("test", int(30))], &[]);
    for prefix in ["", "yo:"] {
        let dir = tempfile::tempdir().unwrap();
        for part in ["train", "dev", "test"] {
            let lines = bench.text(corpus.part(part), "sentences.conll");
            let lines =
                lines.lines().map(|l| if l.is_empty() { "\n".to_owned() } else { format!("{prefix}{l}\n") });
            fs::write(dir.path().join(format!("{part}.txt")), lines.collect::<String>()).unwrap();
        }
        let read = bench.run("data.conll", &[("dir", path(dir.path())), ("orphans", text("reject"))], &[]);
        for part in ["train", "dev", "test"] {
            assert_eq!(read.part(part), corpus.part(part), "`{prefix}` {part}");
        }
    }
}
