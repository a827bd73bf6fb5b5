//! Garbage collection, also beside others.

use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use runpipe_cache::{Draft, GcOptions, Store, StoreError};

use crate::kit::{age, age_file, check_hit, commit, draft, key, mine, output, place, temp, tick, tree};
use crate::runs::log;

fn hits(store: &Store, keys: std::ops::Range<u64>) -> Vec<u64> {
    keys.filter(|i| fs::exists(place(store, "keys", &key(*i).hex())).unwrap()).collect()
}

#[test]
fn what_no_run_and_no_pin_uses_goes() {
    let dir = temp();
    let store = Store::open(dir.path()).unwrap();
    for i in 0..6 {
        commit(&store, i);
    }
    store.save_run(&log("a.pipe", &[0])).unwrap();
    store.save_run(&log("a.pipe", &[1])).unwrap();
    store.save_run(&log("b.pipe", &[2])).unwrap();
    store.pin("paper", &[key(3)]).unwrap();

    tick();
    let planned = store.gc(&GcOptions { dry_run: true, ..GcOptions::default() }).unwrap();
    assert_eq!(hits(&store, 0..6), [0, 1, 2, 3, 4, 5], "a dry run removes nothing");
    let before = store.stat().unwrap();
    let done = store.gc(&GcOptions::default()).unwrap();
    assert_eq!(done.removed, planned.removed);
    assert_eq!((done.kept_by_pins, done.kept_by_runs, done.kept_by_use), (1, 2, 0));
    assert_eq!(hits(&store, 0..6), [1, 2, 3]);
    for i in 1..4 {
        check_hit(&store, i);
    }
    let after = store.stat().unwrap();
    let size = |stat: runpipe_cache::StoreStat| stat.manifest_bytes + stat.object_bytes;
    assert_eq!(size(before) - size(after), done.freed);
    assert_eq!(store.runs().unwrap().len(), 3, "records of runs stay");
    assert_eq!(store.verify(false).unwrap().damaged, []);
    let again = store.gc(&GcOptions::default()).unwrap();
    assert_eq!(again.removed, []);

    assert!(store.unpin("paper").unwrap());
    assert!(!store.unpin("paper").unwrap());
    let last = store.gc(&GcOptions { keep_runs: 0, ..GcOptions::default() }).unwrap();
    assert_eq!(last.removed.iter().filter(|r| r.what == "result").count(), 3);
    assert_eq!(last.removed[0].reason, "no recent run and no pin uses it");
    assert_eq!(last.removed[0].note, "toy.make");
}

#[test]
fn a_size_budget_takes_the_least_recently_used() {
    let dir = temp();
    let store = Store::open(dir.path()).unwrap();
    for i in 1..6 {
        commit(&store, i);
        age_file(&place(&store, "keys", &key(i).hex()), 10 * i);
    }
    let stat = store.stat().unwrap();
    let all = stat.manifest_bytes + stat.object_bytes;
    let fits = GcOptions { max_size: Some(all), ..GcOptions::default() };
    assert_eq!(store.gc(&fits).unwrap().removed, []);
    let report = store.gc(&GcOptions { max_size: Some(all - 1), ..GcOptions::default() }).unwrap();
    assert_eq!(hits(&store, 1..6), [1, 2, 3, 4]);
    assert_eq!(report.kept_by_budget, 4);
    let stat = store.stat().unwrap();
    assert_eq!(report.kept, stat.manifest_bytes + stat.object_bytes);
    let report = store
        .gc(&GcOptions { older_than: Some(Duration::from_hours(24 * 25)), ..GcOptions::default() })
        .unwrap();
    assert_eq!(hits(&store, 1..6), [1, 2]);
    assert_eq!(report.removed[0].reason, "not used for 40 days");
}

#[test]
fn a_result_with_two_names_goes_with_both() {
    let dir = temp();
    let store = Store::open(dir.path()).unwrap();
    mine(&store, &key(1)).commit(Draft { also: Some(key(2)), ..draft(1) }, &output(1)).unwrap();
    let stat = store.stat().unwrap();
    tick();
    let report = store.gc(&GcOptions::default()).unwrap();
    assert_eq!(hits(&store, 0..5).len(), 0);
    assert_eq!(report.freed, stat.object_bytes + stat.manifest_bytes / 2);
    // A pin names the exact key and keeps both.
    mine(&store, &key(1)).commit(Draft { also: Some(key(2)), ..draft(1) }, &output(1)).unwrap();
    store.pin("p", &[key(1)]).unwrap();
    tick();
    store.gc(&GcOptions::default()).unwrap();
    assert_eq!(hits(&store, 0..5), [1, 2]);
}

#[test]
fn what_a_living_process_uses_stays() {
    let dir = temp();
    let store = Store::open(dir.path()).unwrap();
    for i in 1..4 {
        commit(&store, i);
    }
    age(&store, 5);
    // Another process: it finds 1, makes 4, and makes 12 anew, of which it shares a part with 2.
    let other = Store::open(dir.path()).unwrap();
    check_hit(&other, 1);
    commit(&other, 4);
    commit(&other, 12);
    let report = store.gc(&GcOptions::default()).unwrap();
    assert_eq!(hits(&store, 0..20), [1, 4, 12]);
    assert_eq!(report.kept_by_use, 3);
    for i in [1, 4, 12] {
        check_hit(&other, i);
    }
    drop(other);
    tick();
    store.gc(&GcOptions::default()).unwrap();
    assert_eq!(hits(&store, 0..20), [0; 0]);
    assert_eq!(store.stat().unwrap().objects, 0);
}

#[test]
fn an_object_that_is_about_to_be_named_stays() {
    let dir = temp();
    let store = Store::open(dir.path()).unwrap();
    let orphan = mine(&store, &key(1)).put(&output(1)).unwrap();
    age(&store, 5);
    let other = Store::open(dir.path()).unwrap();
    let slot = mine(&other, &key(1));
    // Found, not written: only the stamp can save it.
    assert_eq!(slot.put(&output(1)).unwrap(), orphan);
    store.gc(&GcOptions::default()).unwrap();
    slot.seal(draft(1), orphan).unwrap();
    check_hit(&store, 1);
}

#[test]
fn collecting_beside_writers_loses_nothing_of_theirs() {
    let dir = temp();
    let store = Store::open(dir.path()).unwrap();
    for i in 0..60 {
        commit(&store, i);
    }
    age(&store, 5);
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let collector = scope.spawn(|| {
            let mut rounds = 0;
            while !done.load(Ordering::Relaxed) {
                store.gc(&GcOptions::default()).unwrap();
                rounds += 1;
            }
            rounds
        });
        let writers: Vec<_> = (0..3_u64)
            .map(|t| {
                let root = dir.path();
                scope.spawn(move || {
                    for round in 0..6 {
                        // Like a process that comes, works and goes.
                        let store = Store::open(root).unwrap();
                        let own: Vec<u64> = (0..10).map(|j| (t * 7 + round * 13 + j * 5) % 60).collect();
                        for i in &own {
                            if store.lookup(&key(*i)).unwrap().is_none()
                                && let runpipe_cache::Claim::Mine(slot) = store.claim(&key(*i)).unwrap()
                            {
                                slot.commit(draft(*i), &output(*i)).unwrap();
                            }
                        }
                        // Busy ones may be another's still; what is there is whole and stays.
                        for i in &own {
                            if store.lookup(&key(*i)).unwrap().is_some() {
                                check_hit(&store, *i);
                            }
                        }
                    }
                })
            })
            .collect();
        for writer in writers {
            writer.join().unwrap();
        }
        done.store(true, Ordering::Relaxed);
        assert!(collector.join().unwrap() > 0);
    });
    assert_eq!(store.verify(false).unwrap().damaged, []);
    assert_eq!(store.take_warnings(), [""; 0]);
}

#[test]
fn leftovers_go_and_checkpoints_wait() {
    let dir = temp();
    let store = Store::open(dir.path()).unwrap();
    fs::write(dir.path().join("v1/tmp/dead"), "half").unwrap();
    fs::write(dir.path().join("v1/locks").join(key(7).hex()), "123").unwrap();
    fs::write(dir.path().join("v1/locks/live-dead"), "").unwrap();
    mine(&store, &key(1)).save_checkpoint(b"young").unwrap();
    mine(&store, &key(2)).save_checkpoint(b"old").unwrap();
    mine(&store, &key(3)).save_checkpoint(b"old, and at work").unwrap();
    for i in 2..4 {
        age_file(&dir.path().join("v1/checkpoints").join(key(i).hex()), 30);
    }
    age_file(&dir.path().join("v1/tmp/dead"), 2);
    let at_work = mine(&store, &key(3));
    let report = store.gc(&GcOptions::default()).unwrap();
    let removed: Vec<_> = report.removed.iter().map(|r| (r.what, r.name.clone())).collect();
    assert_eq!(removed, [("checkpoint", key(2).hex()), ("leftover", "dead".to_owned())]);
    assert_eq!(tree(&dir.path().join("v1/locks")).len(), 3, "the gate, a lease, a claim");
    assert!(at_work.load_checkpoint().is_some());
    assert!(mine(&store, &key(1)).load_checkpoint().is_some());
}

#[test]
fn old_runs_go_only_by_age() {
    let dir = temp();
    let store = Store::open(dir.path()).unwrap();
    for i in 0..3 {
        store.save_run(&log("a.pipe", &[i])).unwrap();
    }
    let options = GcOptions { older_than: Some(Duration::from_hours(1)), ..GcOptions::default() };
    assert_eq!(store.gc(&options).unwrap().removed, []);
    assert_eq!(store.runs().unwrap().len(), 3);
    for info in store.runs().unwrap() {
        store.load_run(info.id).unwrap();
    }
}

#[test]
fn pins_have_plain_names() {
    let dir = temp();
    let store = Store::open(dir.path()).unwrap();
    for name in ["", "../x", "a/b", ".hidden", "a b"] {
        let refused = store.pin(name, &[]).unwrap_err();
        assert!(matches!(refused, StoreError::BadName { .. }), "{refused}");
    }
    store.pin("table-2.v1", &[key(1), key(2)]).unwrap();
    store.pin("empty", &[]).unwrap();
    let pins = store.pins().unwrap();
    assert_eq!(pins.iter().map(|p| p.name.as_str()).collect::<Vec<_>>(), ["empty", "table-2.v1"]);
    assert_eq!(pins[1].keys, [key(1), key(2)]);
    fs::write(dir.path().join("v1/pins/empty"), "junk").unwrap();
    let damaged = store.pins().unwrap_err();
    assert!(matches!(damaged, StoreError::Damaged { .. }), "{damaged}");
    assert!(store.gc(&GcOptions::default()).is_err(), "what a damaged pin keeps is not known");
}
