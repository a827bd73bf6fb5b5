#![expect(clippy::float_cmp, reason = "counts are whole")]

use runpipe_base::Value;

use crate::data::commands::{Command, output};
use crate::testing::{Bench, StopAfter, int};
use crate::treemix::scan::grammar::{Sentence, write};

fn commands(wanted: impl Fn(&str) -> bool) -> Vec<Command> {
    let all = Sentence::all().into_iter().filter(|s| s.second.is_none());
    let all = all.map(|s| Command { command: s.to_string(), actions: write(&s.actions()) });
    all.filter(|c| wanted(&c.command)).collect()
}

#[test]
fn short_commands_are_learned_and_scored() {
    let mut bench = Bench::new();
    let known = bench.keep(output(&commands(|c| !c.contains("jump"))));
    let new = bench.keep(output(&commands(|c| c.contains("jump") && c.contains("left"))));
    let test = bench.keep(output(&commands(|c| c.contains("jump"))));
    let params = [
        ("steps", int(150)),
        ("embedding", int(16)),
        ("hidden", int(32)),
        ("lr", Value::Float(0.01)),
        ("dropout", Value::Float(0.0)),
    ];
    let learned = bench.run("treemix.learn", &params, &[("commands", &known), ("new", &new)]);
    // Knowing nothing costs ln 17 = 2.8 nats a word.
    assert!(learned.metrics["loss"] < 1.8, "{:?}", learned.metrics);
    let inputs = [("translator", &learned.artifact), ("commands", &test), ("new", &new)];
    let scores = bench.run("treemix.perform", &[], &inputs);
    assert_eq!(scores.metrics["commands"], 21.0);
    assert!((scores.metrics["covered"] - 100.0 * 9.0 / 21.0).abs() < 1e-9, "{:?}", scores.metrics);
    let outputs = bench.text(&scores.artifact, "outputs.tsv");
    let rows: Vec<Vec<&str>> = outputs.lines().skip(1).map(|line| line.split('\t').collect()).collect();
    let right = rows.iter().filter(|row| row[1] == row[2]).count();
    assert!((scores.metrics["accuracy"] - 100.0 * right as f64 / 21.0).abs() < 1e-9);
    let few = bench.run("treemix.perform", &[("n", int(5))], &inputs);
    assert_eq!(few.metrics["commands"], 5.0);
}

#[test]
fn a_stopped_run_goes_on_to_the_same_bytes() {
    let mut bench = Bench::new();
    let known = bench.keep(output(&commands(|_| true)));
    let params = [("steps", int(12)), ("hidden", int(16)), ("batch", int(8))];
    let whole = bench.run("treemix.learn", &params, &[("commands", &known)]);
    let host = StopAfter::new(5);
    assert!(bench.attempt_on(&host, "treemix.learn", &params, &[("commands", &known)]).is_err());
    host.go_on();
    assert_eq!(bench.attempt_on(&host, "treemix.learn", &params, &[("commands", &known)]).unwrap(), whole);
}
