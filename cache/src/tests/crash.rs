//! A process killed at every single moment of writing, one after the other.

use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

use runpipe_base::{Blobs, Device, Digest, Hasher, Key, Kind, Output, RunLog, RunSummary};

use crate::disk::Folder;
use crate::lock::Lock;
use crate::{Claim, Draft, GcOptions, Slot, Store};

/// The variables that make a test process a worker and end it at its n-th moment.
const ROOT: &str = "RUNPIPE_CACHE_CRASH_ROOT";
const AT: &str = "RUNPIPE_CACHE_CRASH_AT";

/// Called by `disk.rs` before each change that others could see half done; kills the process when its time has come.
pub(crate) fn moment() {
    static END: OnceLock<Option<u64>> = OnceLock::new();
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let end = END.get_or_init(|| std::env::var_os(AT)?.to_str()?.parse().ok());
    if end.is_some_and(|end| end == COUNT.fetch_add(1, Ordering::Relaxed)) {
        let _ = rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL);
    }
}

fn key(i: u8) -> Key {
    Hasher::new("crash").bytes(&[i]).finish_key()
}

fn output(i: u8) -> Output {
    let part = Output::new(Kind::of("toy")).file("x", format!("part of {i}"));
    Output::new(Kind::of("toy")).file("deep/a", vec![i; 100]).file("b", "the same").part("p", part)
}

fn slot(store: &Store, key: &Key) -> Option<Slot> {
    match store.claim(key).expect("a claim") {
        Claim::Mine(slot) => Some(slot),
        Claim::Hit(_) => None,
        Claim::Busy(holder) => panic!("held by {:?}", holder.pid()),
    }
}

/// Everything that writes: small and large work, checkpoints, a second key, a run, a pin, a collection.
fn script(root: &Path) {
    let store = Store::open(root).expect("a store");
    for i in 1..=3 {
        let Some(slot) = slot(&store, &key(i)) else { continue };
        if i == 1 {
            slot.save_checkpoint(b"one third").expect("room");
            slot.save_checkpoint(b"two thirds").expect("room");
        }
        let elapsed_s = if i == 2 { 1.0 } else { 0.0 };
        let draft = Draft { elapsed_s, also: Some(key(10 + i)), ..Draft::default() };
        slot.commit(draft, &output(i)).expect("room");
    }
    let log = RunLog {
        pipeline: "toy.pipe".to_owned(),
        doc: String::new(),
        params: [].into(),
        device: Device::Cpu,
        nodes: Vec::new(),
        reports: Vec::new(),
        summary: RunSummary { nodes: 1, ran: 1, ..RunSummary::default() },
    };
    store.save_run(&log).expect("room");
    store.pin("paper", &[key(1), key(2)]).expect("room");
    store.sync().expect("a flush");
    std::thread::sleep(std::time::Duration::from_millis(30));
    store.gc(&GcOptions::default()).expect("a collection");
}

/// What is there is whole; says how much there is.
fn check(root: &Path) -> usize {
    let store = Store::open(root).expect("a store");
    let mut found = 0;
    for i in [1, 2, 3, 11, 12, 13] {
        let Some(manifest) = store.lookup(&key(i)).expect("a lookup") else { continue };
        for (path, entry) in manifest.artifact.entries() {
            let bytes = store.read(&entry.digest).expect("an object");
            assert_eq!(Digest::of(&bytes), entry.digest, "{path}");
        }
        assert_eq!(manifest.artifact.entries().len(), 3);
        found += 1;
    }
    if let Some(slot) = slot(&store, &key(1))
        && let Some(state) = slot.load_checkpoint()
    {
        assert!([&b"one third"[..], b"two thirds"].contains(&&state[..]));
    }
    for pin in store.pins().expect("whole pins") {
        assert_eq!(pin.keys, [key(1), key(2)]);
    }
    for run in store.runs().expect("whole runs") {
        store.load_run(run.id).expect("a whole log");
    }
    assert_eq!(store.verify(false).expect("a check").damaged, []);
    assert_eq!(store.take_warnings(), [""; 0]);
    found
}

#[test]
fn worker() {
    if let Some(root) = std::env::var_os(ROOT) {
        script(Path::new(&root));
    }
}

/// Ends a worker at its `end`-th moment and looks at what it left; how much that is, and whether it came to its own end.
fn crash(end: u64) -> (usize, bool) {
    // In memory where that can be: a kill is not about the disk, and flushing hundreds of stores takes its time.
    let dir = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).expect("a folder");
    let status = Command::new(std::env::current_exe().expect("this program"))
        .args(["tests::crash::worker", "--exact"])
        .env(ROOT, dir.path())
        .env(AT, end.to_string())
        .stdout(Stdio::null())
        .status()
        .expect("a worker");
    let found = check(dir.path());
    script(dir.path());
    assert_eq!(check(dir.path()), 4, "after moment {end} and a rerun: the pinned ones under both their keys");
    (found, status.success())
}

#[test]
fn a_crash_at_any_write_leaves_whole_files_only() {
    let (next, most, moments) = (AtomicU64::new(0), AtomicUsize::new(0), AtomicU64::new(u64::MAX));
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                loop {
                    let end = next.fetch_add(1, Ordering::Relaxed);
                    if end > moments.load(Ordering::Relaxed) {
                        return;
                    }
                    let (found, done) = crash(end);
                    most.fetch_max(found, Ordering::Relaxed);
                    if done {
                        moments.fetch_min(end, Ordering::Relaxed);
                    }
                }
            });
        }
    });
    let (most, moments) = (most.into_inner(), moments.into_inner());
    assert!(moments > 80, "only {moments} moments: not all writes are seen");
    assert_eq!(most, 6, "some crash came after all commits");
}

#[test]
fn two_never_hold_one_lock() {
    let dir = tempfile::tempdir().expect("a folder");
    let folder = std::sync::Arc::new(Folder::open(dir.path().to_owned()).expect("a folder"));
    let held = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..3000 {
                    if let Ok(_lock) = Lock::take(&folder, "one").expect("a lock file") {
                        assert!(!held.swap(true, Ordering::SeqCst), "two hold it");
                        std::thread::yield_now();
                        held.store(false, Ordering::SeqCst);
                    }
                }
            });
        }
    });
}
