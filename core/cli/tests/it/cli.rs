//! What a user types, and exactly how it is answered.

use std::process::Stdio;

use crate::house::Project;

/// Small, without tensors: a constant, a sample of commands, a report.
const PIPE: &str = r#"## A small pipeline.

param n: int in 1..=9 = 2  ## how many

stage count(text: text) -> counts {
    param i: int = 1
    metric words
    run "echo '{{\"words\": {i}}}' > {out}/metrics.json; cat {text}/text.txt > {out}/copy.txt"
}

hello = data.constant(text = "one two")
for i in 0..n {
    counted = hello -> count(i = i + 1)
}

report "Small" {
    table counted.words by i
    expect max(counted.words) == n "the last has the most"
}
"#;

fn project() -> Project {
    let project = Project::new();
    project.write("small.pipe", PIPE);
    project
}

#[test]
fn a_run_reports_and_the_next_has_nothing_to_do() {
    let project = project();
    let first = project.ok(&["run", "small.pipe"]);
    assert_eq!(first.stdout, "", "stdout is for data");
    assert!(first.stderr.contains("report: reports/small/report.html"), "{}", first.stderr);
    assert!(project.read("reports/small/report.md").contains("the last has the most"));
    assert!(project.ok(&["run", "small.pipe"]).stderr.contains("nothing to do"));
}

#[test]
fn another_parameter_runs_exactly_what_depends_on_it() {
    let project = project();
    project.ok(&["run", "small.pipe"]);
    let ran = project.ok(&["run", "small.pipe", "--set", "n=3", "--format", "json"]);
    let started: Vec<&str> =
        ran.stdout.lines().filter(|line| line.contains(r#""event":"started""#)).collect();
    assert_eq!(started.len(), 1, "{}", ran.stdout);
    assert!(started[0].contains("counted[i=2]"), "{}", started[0]);
}

#[test]
fn comments_and_names_of_files_run_nothing() {
    let project = project();
    project.ok(&["run", "small.pipe"]);
    let text = PIPE
        .replace("## A small pipeline.", "## Other words.\n# And a comment.")
        .replace("hello =", "hello  =");
    project.write("other.pipe", text);
    assert!(project.ok(&["run", "other.pipe"]).stderr.contains("nothing to do"));
}

#[test]
fn every_event_is_one_line_of_json() {
    let ran = project().ok(&["run", "small.pipe", "--format", "json"]);
    let events: Vec<serde_json::Value> =
        ran.stdout.lines().map(|line| serde_json::from_str(line).expect("one event a line")).collect();
    assert_eq!(events.first().map(|e| e["event"].clone()), Some("run_started".into()));
    assert_eq!(events.last().map(|e| e["event"].clone()), Some("run_finished".into()));
}

#[test]
fn a_broken_expectation_is_a_failed_run() {
    let project = project();
    project.write("small.pipe", PIPE.replace("== n", "> n"));
    let ran = project.run(&["run", "small.pipe"]);
    assert_eq!(ran.code, 1);
    assert!(ran.stderr.contains("small.pipe:18") && ran.stderr.contains("2 > 2 is false"), "{}", ran.stderr);
}

#[test]
fn a_failing_command_shows_its_last_words_and_its_exit_code() {
    let project = project();
    project.write("small.pipe", PIPE.replace("cat {text}", "echo lost the file >&2; exit 7; cat {text}"));
    let ran = project.run(&["run", "small.pipe"]);
    assert_eq!(ran.code, 1);
    for words in ["exit code 7", "lost the file", "small.pipe:13", "counted[i=0]"] {
        assert!(ran.stderr.contains(words), "no `{words}` in\n{}", ran.stderr);
    }
    project.write("small.pipe", PIPE);
    project.ok(&["run", "small.pipe"]);
}

#[test]
fn mistakes_are_told_all_at_once_and_nothing_runs() {
    let project = project();
    project.write(
        "small.pipe",
        PIPE.replace("data.constant(text", "data.constnt(text").replace("table counted", "table conted"),
    );
    let ran = project.run(&["run", "small.pipe"]);
    assert_eq!(ran.code, 2);
    for words in ["data.constant", "did you mean `counted`?", "^^^"] {
        assert!(ran.stderr.contains(words), "no `{words}` in\n{}", ran.stderr);
    }
    assert!(!project.path().join(".runpipe").join("v1").join("keys").exists(), "the store was touched");
}

#[test]
fn wrong_flags_are_told_with_advice() {
    let project = project();
    for (words, expected) in [
        (&["run", "smal.pipe"][..], "smal.pipe"),
        (&["run", "small.pipe", "--set", "nn=3"], "no parameter `nn`"),
        (&["run", "small.pipe", "--set", "n=30"], "1..=9"),
        (&["run", "small.pipe", "--set", "n"], "NAME=VALUE"),
        (&["run", "small.pipe", "--profile", "paper"], "paper"),
        (&["run", "small.pipe", "conted"], "did you mean `counted`?"),
        (&["plan", "small.pipe", "--force", "helo"], "did you mean `hello`?"),
        (&["run", "small.pipe", "--jobs", "0"], "--jobs"),
        (&["why", "small.pipe", "cuonted"], "did you mean `counted`?"),
        (&["stages", "describe", "data.constnt"], "did you mean `data.constant`?"),
        (&["runs", "show", "r999"], "runpipe runs list"),
        (&["report", "rubbish"], "rubbish"),
        (&["cache", "unpin", "nothing"], "nothing"),
        (&["cache", "gc", "--max-size", "many"], "20GiB"),
        (&["new", "small.pipe"], "is there already"),
        (&["rnu"], "run"),
    ] {
        let ran = project.run(words);
        assert_eq!(ran.code, 2, "{words:?}: {}", ran.stderr);
        assert!(ran.stderr.contains(expected), "{words:?}: no `{expected}` in\n{}", ran.stderr);
    }
}

#[test]
fn plan_why_and_graph_look_and_run_nothing() {
    let project = project();
    let plan = project.ok(&["plan", "small.pipe"]);
    assert!(
        plan.stdout.contains("hello") && plan.stderr.contains("1 to run"),
        "{}{}",
        plan.stdout,
        plan.stderr
    );
    let why = project.ok(&["why", "small.pipe", "counted[i=0]"]).stdout;
    assert!(why.contains("is decided when `hello` has run"), "{why}");
    project.ok(&["run", "small.pipe"]);
    let cached = project.ok(&["plan", "small.pipe"]);
    assert!(cached.stderr.contains("nothing to do"), "{}", cached.stderr);
    project.write("small.pipe", PIPE.replace("i = i + 1", "i = i + 5"));
    let why = project.ok(&["why", "small.pipe", "counted[i=0]"]).stdout;
    assert!(why.contains("parameter i: 1 → 5"), "{why}");
    let graph = project.ok(&["graph", "small.pipe"]).stdout;
    assert!(graph.contains("counted × 2") && graph.contains("hello"), "{graph}");
    assert!(project.ok(&["graph", "small.pipe", "--format", "dot"]).stdout.starts_with("digraph"));
    assert!(project.ok(&["graph", "small.pipe", "--format", "svg"]).stdout.starts_with("<svg"));
}

#[test]
fn get_gives_the_files_back() {
    let project = project();
    let early = project.run(&["get", "small.pipe", "hello", "here"]);
    assert!(early.code == 1 && early.stderr.contains("runpipe run small.pipe"), "{}", early.stderr);
    project.ok(&["run", "small.pipe"]);
    let got = project.ok(&["get", "small.pipe", "counted[i=1]", "here"]);
    assert_eq!(got.stdout, "here/copy.txt (8 B)\n");
    assert_eq!(project.read("here/copy.txt"), "one two\n");
    let family = project.run(&["get", "small.pipe", "counted", "here"]);
    assert!(family.code == 2 && family.stderr.contains("counted[i=0]"), "{}", family.stderr);
    let part = project.run(&["get", "small.pipe", "hello.train", "here"]);
    assert!(part.code == 2 && part.stderr.contains("no part `train`"), "{}", part.stderr);
}

#[test]
fn runs_are_listed_shown_and_compared_and_reports_rebuilt() {
    let project = project();
    project.ok(&["run", "small.pipe"]);
    let before = project.read("reports/small/report.html");
    project.ok(&["run", "small.pipe", "--set", "n=3"]);
    assert_eq!(project.ok(&["runs", "list"]).stdout.lines().count(), 3);
    assert!(project.ok(&["runs", "show"]).stdout.contains("counted[i=2]"));
    let diff = project.ok(&["runs", "diff", "1"]).stdout;
    assert!(diff.contains('n') && diff.contains('3'), "{diff}");
    project.ok(&["report", "1"]);
    assert_eq!(project.read("reports/small/report.html"), before, "a rebuilt report is the same to the byte");
}

#[test]
fn an_audit_computes_again_and_finds_what_is_not_a_function_of_its_inputs() {
    let project = project();
    project.ok(&["run", "small.pipe"]);
    project.ok(&["run", "small.pipe", "--audit"]);
    project.write("small.pipe", PIPE.replace("cat {text}", "date +%N > {out}/when.txt; cat {text}"));
    project.ok(&["run", "small.pipe"]);
    let ran = project.run(&["run", "small.pipe", "--audit"]);
    assert_eq!(ran.code, 1);
    assert!(ran.stderr.contains("when.txt"), "{}", ran.stderr);
}

#[test]
fn the_store_tells_frees_and_keeps() {
    let project = project();
    project.ok(&["run", "small.pipe"]);
    assert!(project.ok(&["cache", "stat"]).stdout.contains("results"));
    assert!(project.ok(&["cache", "verify"]).stderr.contains("0 damaged"));
    project.ok(&["cache", "pin", "paper"]);
    assert!(project.ok(&["cache", "pin"]).stdout.contains("paper"));
    project.ok(&["cache", "gc"]);
    assert!(
        project.ok(&["run", "small.pipe"]).stderr.contains("nothing to do"),
        "what the last run used stays"
    );
}

#[test]
fn fmt_rewrites_checks_and_filters() {
    let project = project();
    project.write("ugly.pipe", "a=data.constant(text=\"x\")");
    assert_eq!(project.run(&["fmt", "--check", "ugly.pipe"]).code, 2);
    project.ok(&["fmt", "ugly.pipe"]);
    assert_eq!(project.read("ugly.pipe"), "a = data.constant(text = \"x\")\n");
    project.ok(&["fmt", "--check", "ugly.pipe"]);
    project.write("broken.pipe", "a = (");
    assert_eq!(project.run(&["fmt", "broken.pipe"]).code, 2);
    assert_eq!(project.read("broken.pipe"), "a = (", "a file that cannot be read is left alone");
}

#[test]
fn a_new_pipeline_runs_as_it_stands() {
    let project = Project::new();
    project.ok(&["new", "mine"]);
    project.ok(&["fmt", "--check", "mine.pipe"]);
    project.ok(&["check", "--strict", "mine.pipe"]);
    project.ok(&["run", "mine.pipe"]);
}

#[test]
fn a_closed_pipe_is_success() {
    let project = project();
    let mut child =
        project.command().args(["stages", "describe", "--all"]).stdout(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    assert!(child.wait().unwrap().success());
}

#[test]
fn a_pipeline_says_what_it_can_be_told() {
    let project = project();
    project
        .write("small.pipe", PIPE.replace("report \"Small\"", "profile paper { n = 9 }\n\nreport \"Small\""));
    let said = project.ok(&["params", "small.pipe"]).stdout;
    assert_eq!(said, "A small pipeline.\n\nn  int in 1..=9 = 2  how many\n\nprofiles\n  paper\n");
    let said = project.ok(&["params", "small.pipe", "--profile", "paper"]).stdout;
    assert!(said.contains("n  int in 1..=9 = 9  how many"), "{said}");
    let said = project.ok(&["params", "small.pipe", "--profile", "paper", "--set", "n=3"]).stdout;
    assert!(said.contains("n  int in 1..=9 = 3  how many"), "{said}");
    let wrong = project.run(&["params", "small.pipe", "--set", "m=3"]);
    assert_eq!(wrong.code, 2);
    assert!(wrong.stderr.contains("the pipeline has no parameter `m`"), "{}", wrong.stderr);
    project.write("none.pipe", "hello = data.constant(text = \"a\")\n");
    assert_eq!(project.ok(&["params", "none.pipe"]).stdout, "it has no parameters\n");
    assert_eq!(project.run(&["params", "nothing.pipe"]).code, 2);
}

#[test]
fn new_seeds_are_expected_to_take_what_the_others_took() {
    let project = project();
    project.write("small.pipe", PIPE.replace("cat {text}", "sleep 0.05; cat {text}"));
    assert!(
        project.ok(&["plan", "small.pipe"]).stdout.contains('?'),
        "nothing is known before the first run"
    );
    project.ok(&["run", "small.pipe"]);
    let plan = project.ok(&["plan", "small.pipe", "--set", "n=4"]).stdout;
    let counted = plan.lines().find(|line| line.starts_with("counted")).expect("the family has a line");
    assert!(!counted.contains('?') && counted.contains("ms"), "{plan}");
}
