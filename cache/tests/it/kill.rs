//! Processes killed at any moment.

use std::time::Duration;

use runpipe_cache::{Claim, GcOptions, Store, Waited};

use crate::kit::{check_hit, commit, draft, job, key, mine, output, spawn, temp, tree, until};

/// Keys that the worker computes in all: more than it can before it is killed for the last time.
const KEYS: u64 = 4000;
/// Times it is killed.
const KILLS: u64 = 20;

/// The worker: commits one key after the other, each with checkpoints on the way.
#[test]
fn worker() {
    let Some((job, root)) = job() else { return };
    let store = Store::open(&root).unwrap();
    match job.as_str() {
        "commit" => {
            for i in 0..KEYS {
                if let Claim::Mine(slot) = store.claim(&key(i)).unwrap() {
                    if i % 16 == 1 {
                        slot.save_checkpoint(&vec![i as u8; 3000]).unwrap();
                    }
                    slot.commit(draft(i), &output(i)).unwrap();
                }
                if i % 50 == 49 {
                    store.sync().unwrap();
                }
            }
        }
        "hold" => {
            let slot = mine(&store, &key(1));
            slot.save_checkpoint(b"half way").unwrap();
            std::fs::write(root.join("ready"), "").unwrap();
            loop {
                std::thread::park();
            }
        }
        other => panic!("no job {other}"),
    }
}

#[test]
fn a_kill_at_any_moment_leaves_whole_results_only() {
    let dir = temp();
    let store = Store::open(dir.path()).unwrap();
    let mut chance = 0x2545_f491_u64;
    let mut done = 0;
    for round in 0..KILLS {
        let mut child = spawn("kill::worker", dir.path(), "commit");
        // From its first new commit on, at a moment that is another each time.
        until("the worker commits", || store.lookup(&key(done)).unwrap().is_some());
        chance = chance.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        std::thread::sleep(Duration::from_micros((chance >> 33) % 6000));
        child.kill().unwrap();
        child.wait().unwrap();

        while done < KEYS && store.lookup(&key(done)).unwrap().is_some() {
            check_hit(&store, done);
            done += 1;
        }
        assert!(done < KEYS, "the worker was done before the kill: nothing was tested");
        if round % 10 == 9 {
            let report = store.verify(false).unwrap();
            assert_eq!(report.damaged, [], "after {done} results");
            assert_eq!(report.manifests, done, "results come one after the other");
        }
    }
    assert_eq!(store.take_warnings(), [""; 0], "nothing was found damaged");

    // A plain rerun goes on from there, and nothing of the dead is left after a collection.
    for i in done..done + 20 {
        commit(&store, i);
    }
    for i in 0..done + 20 {
        check_hit(&store, i);
    }
    store.pin("all", &(0..KEYS).map(key).collect::<Vec<_>>()).unwrap();
    store.gc(&GcOptions::default()).unwrap();
    assert_eq!(tree(&dir.path().join("v1/tmp")).len(), 0);
    assert_eq!(
        tree(&dir.path().join("v1/locks")).len(),
        3,
        "the gate, this process's lease and a lock in reserve"
    );
    for i in 0..done + 20 {
        check_hit(&store, i);
    }
}

#[test]
fn a_killed_process_frees_its_key_and_leaves_its_checkpoint() {
    let dir = temp();
    let store = Store::open(dir.path()).unwrap();
    let mut child = spawn("kill::worker", dir.path(), "hold");
    until("the worker holds the key", || dir.path().join("ready").exists());
    let Claim::Busy(holder) = store.claim(&key(1)).unwrap() else { panic!("the worker holds it") };
    assert_eq!(holder.pid(), Some(child.id()));
    assert_eq!(holder.wait(Duration::from_millis(20), &|| false).unwrap(), Waited::TimedOut);
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(holder.wait(Duration::from_secs(10), &|| false).unwrap(), Waited::Free);
    let slot = mine(&store, &key(1));
    assert_eq!(slot.load_checkpoint().as_deref(), Some(b"half way".as_slice()));
    slot.commit(draft(1), &output(1)).unwrap();
    check_hit(&store, 1);
}
