//! What a kill, a second process, a damaged or full or read-only store do to a run: nothing that a plain re-run does not mend.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::house::{Project, root};

/// Command stages and stages of our own, side by side and after one another, each long enough to be killed in.
const PIPE: &str = r#"
param n: int in 1..=100 = 6

stage shout(text: text) -> text {
    param i: int
    metric words
    run "sleep 0.02; tr a-z A-Z < {text}/text.txt > {out}/text.txt; echo {i} >> {out}/text.txt; echo '{{\"words\": {i}}}' > {out}/metrics.json"
}

hello = data.constant(text = "one two three")

for i in 0..n {
    loud  = hello -> shout(i = i)
    twice = loud -> shout(i = i + 100)
}
all = data.concat(twice)

report "Crash" {
    table twice.words by i
    expect count(twice.words) == n "every one is there"
}
"#;

fn project() -> Project {
    let project = Project::new();
    project.write("crash.pipe", PIPE);
    project
}

fn report(project: &Project, out: &str) -> (String, String) {
    (project.read(&format!("{out}/crash/report.md")), project.read(&format!("{out}/crash/report.html")))
}

fn start(project: &Project, pipe: &str, words: &[&str]) -> Child {
    let mut command = project.command();
    command.args(["run", pipe]).args(words).stdout(Stdio::piped()).stderr(Stdio::null());
    command.spawn().expect("the binary is built before its tests")
}

/// A small generator for moments: the test is the same every time.
fn moments(mut state: u64) -> impl FnMut(u64) -> u64 {
    move |below| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % below
    }
}

fn kill_and_compare(pipe: &str, name: &str, kills: u64, longest_ms: u64) {
    let undisturbed = project();
    undisturbed.ok(&["run", pipe]);
    let read =
        |project: &Project| ["md", "html"].map(|end| project.read(&format!("reports/{name}/report.{end}")));

    let project = project();
    let mut moment = moments(42);
    let mut killed = 0;
    for _ in 0..kills {
        let mut child = start(&project, pipe, &[]);
        std::thread::sleep(Duration::from_millis(moment(longest_ms)));
        let ended = child.try_wait().expect("it is our child").is_some();
        killed += u64::from(!ended);
        child.kill().expect("it is our child");
        child.wait().expect("it is our child");
        if ended || killed % 5 == 4 {
            // Begin again, so that early moments are met too.
            std::fs::remove_dir_all(project.path().join(".runpipe")).ok();
        }
    }
    assert!(killed >= kills / 4, "only {killed} of {kills} kills met a running process");
    project.ok(&["run", pipe]);
    assert_eq!(read(&project), read(&undisturbed));
    project.ok(&["cache", "verify"]);
}

#[test]
fn killed_at_random_moments_a_plain_rerun_ends_as_if_nothing_had_been() {
    let kills = if std::env::var_os("RUNPIPE_SLOW").is_some() { 50 } else { 12 };
    kill_and_compare("crash.pipe", "crash", kills, 250);
}

/// Training too: it goes on from its checkpoints and ends with the same bytes.
#[test]
fn killed_training_ends_with_the_same_bytes() {
    let kills = if std::env::var_os("RUNPIPE_SLOW").is_some() { 50 } else { 4 };
    let pipe = root().join("pipelines/smoke/maner.pipe");
    kill_and_compare(pipe.to_str().expect("our own names are UTF-8"), "maner", kills, 1200);
}

#[test]
fn two_runs_at_once_compute_each_stage_once() {
    let project = project();
    let children: Vec<Child> = (0..2)
        .map(|i| start(&project, "crash.pipe", &["--format", "json", "--out", &format!("out{i}")]))
        .collect();
    let mut ran = 0;
    for child in children {
        let output = child.wait_with_output().expect("it is our child");
        assert!(output.status.success());
        let events = String::from_utf8(output.stdout).expect("events are JSON");
        ran +=
            events.lines().filter(|line| line.contains("\"finished\"") && line.contains("\"ran\"")).count();
    }
    assert_eq!(ran, 14, "one constant, twelve commands, one concatenation");
    assert_eq!(report(&project, "out0"), report(&project, "out1"));
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display())) {
        let path = entry.expect("a readable folder").path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found.sort();
    found
}

fn writable(path: &Path) {
    let mut permissions = std::fs::metadata(path).expect("it is there").permissions();
    #[expect(clippy::permissions_set_readonly_false, reason = "a scratch file of this test")]
    permissions.set_readonly(false);
    std::fs::set_permissions(path, permissions).expect("it is ours");
}

#[test]
fn a_flipped_byte_anywhere_is_never_served() {
    let project = project();
    project.ok(&["run", "crash.pipe", "--out", "fresh"]);
    let fresh = report(&project, "fresh");
    let store = project.path().join(".runpipe/v1");
    let mut victims = files(&store.join("objects"));
    victims.extend(files(&store.join("keys")));
    assert!(victims.len() >= 14, "{victims:?}");
    for victim in victims {
        let Ok(mut bytes) = std::fs::read(&victim) else { continue };
        let middle = bytes.len() / 2;
        bytes[middle] ^= 0x40;
        writable(&victim);
        std::fs::write(&victim, &bytes).expect("it is ours");
        // A consumer that must read: everything after `hello` is forced.
        let ran = project.run(&["run", "crash.pipe", "--out", "damaged", "--force", "all"]);
        assert_eq!(ran.code, 0, "{}: {}", victim.display(), ran.stderr);
        assert_eq!(report(&project, "damaged"), fresh, "{}", victim.display());
        let verify = project.run(&["cache", "verify"]);
        assert!(verify.code == 0 || verify.code == 3, "{}", verify.stderr);
        project.ok(&["run", "crash.pipe", "--out", "damaged"]);
    }
    project.ok(&["cache", "verify"]);
}

#[test]
fn a_truncated_manifest_is_computed_anew() {
    let project = project();
    project.ok(&["run", "crash.pipe", "--out", "fresh"]);
    for manifest in files(&project.path().join(".runpipe/v1/keys")) {
        writable(&manifest);
        let half = std::fs::read(&manifest).expect("it is there").len() / 2;
        std::fs::OpenOptions::new()
            .write(true)
            .open(&manifest)
            .and_then(|f| f.set_len(half as u64))
            .expect("it is ours");
    }
    let ran = project.ok(&["run", "crash.pipe", "--out", "again"]);
    assert!(ran.stderr.contains("warning"), "{}", ran.stderr);
    assert_eq!(report(&project, "again"), report(&project, "fresh"));
}

/// Limits the size of files that the shell's children may write: what a full disk looks like to a process.
#[test]
fn a_full_disk_is_a_clear_message_and_no_damage() {
    let project = project();
    let line = format!("ulimit -f 0; trap '' XFSZ; exec {} run crash.pipe", env!("CARGO_BIN_EXE_runpipe"));
    let output = Command::new("bash")
        .args(["-c", &line])
        .current_dir(project.path())
        .env("NO_COLOR", "1")
        .output()
        .expect("bash is there");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(3), "{stderr}");
    assert!(stderr.contains("error: ") && stderr.contains("hint: "), "{stderr}");
    assert!(!stderr.contains("panicked") && !stderr.contains("a bug in"), "{stderr}");
    project.ok(&["run", "crash.pipe"]);
    project.ok(&["cache", "verify"]);
}

#[test]
fn a_store_that_cannot_be_made_is_a_clear_message() {
    let project = project();
    project.write("store", "a file, not a folder");
    let ran = project.run(&["run", "crash.pipe", "--cache", "store"]);
    assert_eq!(ran.code, 3, "{}", ran.stderr);
    assert!(ran.stderr.contains("store"), "{}", ran.stderr);
}
