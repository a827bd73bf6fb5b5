//! Every shipped pipeline checks, stands in canonical form, and its smoke twin runs and reports.

use std::path::PathBuf;

use crate::house::{Project, root};

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

#[test]
fn the_example_with_a_python_stage_is_cached_until_its_script_changes() {
    if std::process::Command::new("python3").arg("--version").output().is_err() {
        // Nothing to test without an interpreter; CI installs one.
        return;
    }
    let project = Project::new();
    for name in ["command.pipe", "scripts/words.py"] {
        let text = std::fs::read_to_string(root().join("pipelines/examples").join(name))
            .expect("the example is there");
        project.write(name, text);
    }
    project.ok(&["run", "command.pipe"]);
    assert!(project.ok(&["run", "command.pipe"]).stderr.contains("nothing to do"));
    let script = project.read("scripts/words.py");
    project.write("scripts/words.py", format!("{script}\n# a new line is a new script\n"));
    let ran = project.ok(&["run", "command.pipe"]);
    assert!(!ran.stderr.contains("nothing to do"), "{}", ran.stderr);
}
