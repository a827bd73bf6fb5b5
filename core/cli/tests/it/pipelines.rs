//! Every shipped pipeline checks, stands in canonical form, and its smoke twin runs and reports.

use std::path::PathBuf;

use crate::house::{Project, has_python, root};

fn pipes(folder: &str) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = std::fs::read_dir(root().join(folder))
        .unwrap_or_else(|e| panic!("{folder}: {e}"))
        .map(|entry| entry.expect("a readable folder").path())
        .filter(|path| path.extension().is_some_and(|end| end == "pipe"))
        .collect();
    found.sort();
    found
}

#[test]
fn every_pipeline_is_sound_and_canonical() {
    let project = Project::new();
    let all: Vec<PathBuf> =
        ["pipelines", "pipelines/smoke", "pipelines/examples"].iter().flat_map(|f| pipes(f)).collect();
    assert!(all.len() >= 3, "{all:?}");
    for pipe in all {
        let pipe = pipe.to_str().expect("our own names are UTF-8");
        project.ok(&["check", "--strict", pipe]);
        project.ok(&["fmt", "--check", pipe]);
        project.ok(&["graph", pipe]);
    }
}

#[test]
fn smoke_pipelines_run_report_and_rest() {
    let project = Project::new();
    for pipe in pipes("pipelines/smoke") {
        let name = pipe.file_stem().expect("it ends in .pipe").to_string_lossy().into_owned();
        let pipe = pipe.to_str().expect("our own names are UTF-8");
        project.ok(&["run", pipe, "--out", "one", "--jobs", "1"]);
        let again = project.ok(&["run", pipe, "--out", "two", "--jobs", "2"]);
        assert!(again.stderr.contains("nothing to do"), "{}", again.stderr);
        for file in ["report.md", "report.html"] {
            let of = |out: &str| project.read(&format!("{out}/{name}/{file}"));
            assert_eq!(of("one"), of("two"), "{name}/{file} differs between fresh and cached");
        }
    }
}

/// With another number of workers, from an empty store, the same report to the byte.
#[test]
fn a_report_does_not_depend_on_jobs() {
    let pipe = root().join("pipelines/smoke/maner.pipe");
    let pipe = pipe.to_str().expect("our own names are UTF-8");
    let report = |jobs: &str| {
        let project = Project::new();
        project.ok(&["run", pipe, "--jobs", jobs]);
        (project.read("reports/maner/report.md"), project.read("reports/maner/report.html"))
    };
    assert_eq!(report("1"), report("2"));
}

/// Copies of files below `pipelines/examples`, when there is an interpreter for them.
fn example(names: &[&str]) -> Option<Project> {
    if !has_python() {
        return None;
    }
    let project = Project::new();
    for name in names {
        let text = std::fs::read_to_string(root().join("pipelines/examples").join(name))
            .expect("the example is there");
        project.write(name, text);
    }
    Some(project)
}

/// The labels of what a run computed.
fn computed(project: &Project, words: &[&str]) -> Vec<String> {
    let ran = project.ok(&[&["run"], words, &["--format", "json"]].concat());
    let events = ran.stdout.lines().map(|line| serde_json::from_str(line).expect("one event a line"));
    let finished = events.filter(|event: &serde_json::Value| event["event"] == "finished");
    let mut labels: Vec<String> =
        finished.map(|event| event["label"].as_str().unwrap_or_default().to_owned()).collect();
    labels.sort();
    labels
}

#[test]
fn the_example_with_a_python_stage_is_cached_until_its_script_changes() {
    let Some(project) = example(&["command.pipe", "scripts/words.py"]) else { return };
    let counts = ["counts[seed=0]", "counts[seed=1]", "counts[seed=2]"];
    let first = computed(&project, &["command.pipe"]);
    assert_eq!(first.len(), 6, "three languages and their words: {first:?}");
    assert_eq!(computed(&project, &["command.pipe"]), Vec::<String>::new());
    let script = project.read("scripts/words.py");
    project.write("scripts/words.py", format!("{script}\n# a new line is a new script\n"));
    assert_eq!(
        computed(&project, &["command.pipe"]),
        counts,
        "what the script does not make is not made again"
    );
    project.write("scripts/words.py", &script);
    assert_eq!(
        computed(&project, &["command.pipe"]),
        Vec::<String>::new(),
        "the old script's results are still there"
    );
    assert_eq!(computed(&project, &["command.pipe", "--set", "most=3"]), counts);
}

#[test]
fn a_python_stage_that_fails_says_so_in_its_own_words() {
    let Some(project) = example(&["command.pipe", "scripts/words.py"]) else { return };
    let script = project.read("scripts/words.py");
    project.write("scripts/words.py", script.replace("total = sum(", "total = tsum("));
    let ran = project.run(&["run", "command.pipe", "--keep-going"]);
    assert_eq!(ran.code, 1);
    for words in [
        "counts[seed=0] (command.pipe:18): the command ended with exit code 1",
        "  | Traceback (most recent call last):",
        "  | NameError: name 'tsum' is not defined",
        "3 failed",
    ] {
        assert!(ran.stderr.contains(words), "no `{words}` in\n{}", ran.stderr);
    }
    assert!(project.read("reports/command/report.md").contains("3 of 6 nodes have no result"));
    project.write("scripts/words.py", script);
    assert_eq!(computed(&project, &["command.pipe"]).len(), 3, "the languages are there already");
}

/// The README shows this figure. `RUNPIPE_BLESS=1` rewrites it.
#[test]
fn the_example_of_pi_draws_the_figure_that_the_readme_shows() {
    let Some(project) = example(&["pi.pipe", "scripts/pi.py"]) else { return };
    project.ok(&["run", "pi.pipe"]);
    let drawn = project.read("reports/pi/figures/01-guess-error-by-n.svg");
    let path = root().join(".github/report.svg");
    if std::env::var_os("RUNPIPE_BLESS").is_some() {
        std::fs::write(&path, &drawn).expect("the figure can be written");
    }
    assert!(
        std::fs::read_to_string(&path).ok().as_deref() == Some(&*drawn),
        ".github/report.svg is stale: `RUNPIPE_BLESS=1 cargo test -p runpipe --test it pi` rewrites it"
    );
}
