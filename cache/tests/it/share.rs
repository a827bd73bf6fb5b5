//! Many processes and threads on one store.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;
use std::time::Duration;

use runpipe_cache::{Claim, Store, Waited};

use crate::kit::{check_hit, draft, job, key, output, spawn, temp};

const KEYS: u64 = 40;

/// Computes all keys or waits for who does; writes down each that it computed itself.
fn compute_all(root: &Path) {
    let store = Store::open(root).unwrap();
    let mut log = OpenOptions::new().append(true).create(true).open(root.join("computed")).unwrap();
    for i in 0..KEYS {
        loop {
            match store.claim(&key(i)).unwrap() {
                Claim::Hit(_) => break,
                Claim::Mine(slot) => {
                    writeln!(log, "{i}").unwrap();
                    std::thread::sleep(Duration::from_millis(2));
                    slot.commit(draft(i), &output(i)).unwrap();
                    break;
                }
                Claim::Busy(holder) => {
                    let ended = holder.wait(Duration::from_secs(20), &|| false).unwrap();
                    assert_eq!(ended, Waited::Free);
                }
            }
        }
        check_hit(&store, i);
    }
}

fn check_computed_once(root: &Path) {
    let log = std::fs::read_to_string(root.join("computed")).unwrap();
    let mut computed: Vec<u64> = log.lines().map(|line| line.parse().unwrap()).collect();
    computed.sort_unstable();
    assert_eq!(computed, (0..KEYS).collect::<Vec<_>>());
}

#[test]
fn worker() {
    if let Some((_, root)) = job() {
        compute_all(&root);
    }
}

#[test]
fn of_many_processes_one_computes_a_key() {
    let dir = temp();
    let children: Vec<_> = (0..4).map(|_| spawn("share::worker", dir.path(), "compute")).collect();
    for mut child in children {
        assert!(child.wait().unwrap().success());
    }
    check_computed_once(dir.path());
}

#[test]
fn of_many_threads_one_computes_a_key() {
    let dir = temp();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| compute_all(dir.path()));
        }
    });
    check_computed_once(dir.path());
}
