//! Runs that are stopped or killed, with all that they started; and what runs again when data changes.

use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use crate::house::Project;

/// Commands that outlive what starts them unless they are ended; the second hears no polite word.
const SLOW: &str = r#"
stage slow() -> text {
    run "echo begun > {out}/begun; echo $$ > {out}/pid; sleep 300 & sleep 300; wait"
}
stage stubborn() -> text {
    run "trap '' TERM INT; echo begun > {out}/begun; echo $$ > {out}/pid; while true; do sleep 0.05; done"
}
param which: str = "slow"
a = if which == "slow" { slow() } else { stubborn() }
b = data.constant(text = "x")
"#;

struct Going {
    project: Project,
    child: Child,
    group: String,
}

/// A run whose command has begun.
fn going(which: &str) -> Going {
    let project = Project::new();
    project.write("slow.pipe", SLOW);
    let set = format!("which={which}");
    let mut command = project.command();
    command.args(["run", "slow.pipe", "--jobs", "1", "--set", &set]);
    let child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("the binary is built");
    let pid = || {
        let runs = std::fs::read_dir(project.path().join(".runpipe/v1/tmp")).ok()?;
        let text = |run: std::io::Result<std::fs::DirEntry>| {
            std::fs::read_to_string(run.ok()?.path().join("work/out/pid")).ok()
        };
        runs.filter_map(text).find(|text| text.ends_with('\n'))
    };
    let group = until("the command begins", pid).trim().to_owned();
    Going { project, child, group }
}

/// What `find` finds, as soon as it does.
fn until<T>(what: &str, find: impl Fn() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(found) = find() {
            return found;
        }
        assert!(begun.elapsed() < Duration::from_mins(1), "not seen: {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn signal(name: &str, whom: &str) -> bool {
    let mut kill = std::process::Command::new("kill");
    kill.args(["-s", name, "--", whom]).stderr(Stdio::null());
    kill.status().expect("`kill` is there").success()
}

impl Going {
    fn signal(&self, name: &str) {
        assert!(signal(name, &self.child.id().to_string()));
    }

    /// The run's exit code (none after a signal) and what it said; nothing of its command is left.
    fn end(self) -> (Option<i32>, String, Project) {
        let output = self.child.wait_with_output().expect("it is our child");
        until("the command's group is gone", || {
            // What has ended and nobody has waited for yet is a member still.
            let alive = signal("0", &format!("-{}", self.group)) && living(&self.group);
            (!alive).then_some(())
        });
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned(), self.project)
    }
}

/// Whether a process group has a member that has not ended.
fn living(group: &str) -> bool {
    let mut ps = std::process::Command::new("ps");
    let listed = ps.args(["-e", "-o", "pgid=,stat="]).output().expect("`ps` is there");
    String::from_utf8_lossy(&listed.stdout).lines().any(|line| {
        let mut words = line.split_whitespace();
        words.next() == Some(group) && words.next().is_some_and(|stat| !stat.starts_with('Z'))
    })
}

#[test]
fn a_killed_run_leaves_no_command_behind() {
    for which in ["slow", "stubborn"] {
        let going = going(which);
        // It is noted a moment after it begins.
        std::thread::sleep(Duration::from_millis(500));
        going.signal("KILL");
        let (code, _, project) = going.end();
        assert_eq!(code, None);
        project.write("slow.pipe", "b = data.constant(text = \"x\")\n");
        project.ok(&["run", "slow.pipe"]);
        project.ok(&["cache", "verify"]);
    }
}

#[test]
fn interrupted_once_a_run_stops_cleanly_and_twice_at_once() {
    let once = going("slow");
    once.signal("INT");
    let (code, said, project) = once.end();
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("once more to stop at once") && said.contains("goes on from here"), "{said}");
    assert!(project.ok(&["runs", "show"]).stdout.contains("stopped"));
    let left = std::fs::read_dir(project.path().join(".runpipe/v1/tmp")).expect("the store's folder").count();
    assert_eq!(left, 0, "its folder is removed");

    let twice = going("stubborn");
    twice.signal("INT");
    std::thread::sleep(Duration::from_millis(300));
    twice.signal("INT");
    let (code, said, _) = twice.end();
    assert_eq!(code, Some(1), "{said}");
}

/// Real stages on files: the model is trained on `train`, scored on `test`.
#[test]
fn another_test_set_is_scored_and_trains_nothing() {
    let project = Project::new();
    let sentence = |i: usize| format!("in O\nLagos{i} B-LOC\nAda{i} B-PER\nsleeps O\n\n");
    let part = |from: usize| (from..from + 12).map(sentence).collect::<String>();
    for (name, from) in [("train", 0), ("dev", 3), ("test", 6)] {
        project.write(&format!("data/{name}.txt"), part(from));
    }
    project.write(
        "m.pipe",
        "corpus = data.conll(dir = \"data\")\n\
         encoder = corpus.text -> maner.pretrain(vocabulary = 100, layers = 1, width = 16, steps = 5)\n\
         tagger = encoder -> maner.finetune(corpus.train, dev = corpus.dev, epochs = 1, min_steps = 1)\n\
         scores = tagger -> maner.evaluate(corpus.test)\n",
    );
    let started = || {
        let ran = project.ok(&["run", "m.pipe", "--format", "json"]);
        let events = ran.stdout.lines().map(|line| serde_json::from_str(line).expect("one event a line"));
        let of = |event: serde_json::Value| {
            (event["event"] == "started").then(|| event["label"].as_str().map(str::to_owned)).flatten()
        };
        let mut labels: Vec<String> = events.filter_map(of).collect();
        labels.sort();
        labels
    };
    assert_eq!(started(), ["corpus", "encoder", "scores", "tagger"]);
    project.write("data/test.txt", part(40));
    assert_eq!(started(), ["corpus", "scores"]);
    project.write("data/train.txt", part(1));
    assert_eq!(started(), ["corpus", "encoder", "scores", "tagger"]);
}
