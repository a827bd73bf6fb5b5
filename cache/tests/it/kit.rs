//! Words that the tests share.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, SystemTime};

use runpipe_base::{Artifact, Blobs, Digest, Hasher, Key, Kind, Output};
use runpipe_cache::{Claim, Draft, Manifest, RecipePart, Slot, Store};
use tempfile::TempDir;

pub(crate) fn temp() -> TempDir {
    tempfile::tempdir().expect("a temporary folder")
}

pub(crate) fn key(i: u64) -> Key {
    Hasher::new("test").u64(i).finish_key()
}

/// What the computation of `key(i)` makes; every eighth is large enough to be flushed at once.
pub(crate) fn output(i: u64) -> Output {
    let text = format!("result {i}\n");
    let large = if i.is_multiple_of(8) { 70_000 } else { 50 };
    Output::new(Kind::of("toy"))
        .file("text.txt", text.as_bytes())
        .file("deep/numbers.bin", (0..large).map(|j| (i * 31 + j) as u8).collect::<Vec<_>>())
        .part("train", Output::new(Kind::of("toy/part")).file("x", format!("part of {}", i % 5).into_bytes()))
}

pub(crate) fn draft(i: u64) -> Draft {
    Draft {
        stage: "toy.make".to_owned(),
        recipe: vec![RecipePart {
            name: "i".to_owned(),
            value: i.to_string(),
            digest: Digest::of(&i.to_le_bytes()),
        }],
        metrics: [("i".to_owned(), i as f64)].into(),
        elapsed_s: 0.001,
        made_by: "test".to_owned(),
        ..Draft::default()
    }
}

pub(crate) fn mine(store: &Store, key: &Key) -> Slot {
    match store.claim(key).expect("a claim") {
        Claim::Mine(slot) => slot,
        Claim::Hit(_) => panic!("a hit where none should be"),
        Claim::Busy(holder) => panic!("busy: {holder:?}"),
    }
}

pub(crate) fn commit(store: &Store, i: u64) -> Manifest {
    mine(store, &key(i)).commit(draft(i), &output(i)).expect("a commit")
}

/// The files of an artifact, read from the store.
pub(crate) fn read_back(store: &Store, artifact: &Artifact) -> Output {
    let read = |digest| store.read(digest).expect("an object").to_vec();
    Output {
        kind: artifact.kind.clone(),
        files: artifact.files.iter().map(|(path, entry)| (path.clone(), read(&entry.digest))).collect(),
        parts: artifact.parts.iter().map(|(name, part)| (name.clone(), read_back(store, part))).collect(),
    }
}

/// Fails unless `key(i)` is a hit with the right bytes.
pub(crate) fn check_hit(store: &Store, i: u64) {
    let manifest = store.lookup(&key(i)).expect("a lookup").unwrap_or_else(|| panic!("no result {i}"));
    assert_eq!(read_back(store, &manifest.artifact), output(i));
    assert_eq!(manifest.metrics["i"].to_bits(), (i as f64).to_bits());
}

/// Every file below `dir`, sorted.
pub(crate) fn tree(dir: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(dir).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() { files.extend(tree(&path)) } else { files.push(path) }
    }
    files.sort();
    files
}

/// The file of an object or manifest.
pub(crate) fn place(store: &Store, folder: &str, hex: &str) -> PathBuf {
    store.root().join("v1").join(folder).join(&hex[..2]).join(&hex[2..])
}

/// Writes over a file in place, which the store itself never does.
pub(crate) fn overwrite(path: &Path, bytes: &[u8]) {
    fs::remove_file(path).expect("the old file goes");
    fs::write(path, bytes).expect("the new one comes");
}

/// Waits until the clock that stamps files shows another time: `gc` spares what was stamped in the very moment it began.
pub(crate) fn tick() {
    std::thread::sleep(Duration::from_millis(20));
}

/// Makes everything in the store look as if it was last used `days` ago.
pub(crate) fn age(store: &Store, days: u64) {
    for folder in ["objects", "keys", "checkpoints", "tmp", "quarantine"] {
        for path in tree(&store.root().join("v1").join(folder)) {
            age_file(&path, days);
        }
    }
}

pub(crate) fn age_file(path: &Path, days: u64) {
    #[expect(clippy::disallowed_methods, reason = "a test of what the clock decides")]
    let then = SystemTime::now() - Duration::from_hours(24 * days);
    fs::File::open(path).expect("a file").set_modified(then).expect("a stamp");
}

/// The variable that makes a test process a worker.
const WORKER: &str = "RUNPIPE_CACHE_TEST_WORKER";

/// Starts this very program again, to do one `job` on the store at `root`; its test `name` calls [`job`].
pub(crate) fn spawn(name: &str, root: &Path, job: &str) -> Child {
    Command::new(std::env::current_exe().expect("this program"))
        .args([name, "--exact", "--test-threads=1"])
        .env(WORKER, format!("{job} {}", root.display()))
        .stdout(Stdio::null())
        .spawn()
        .expect("a worker")
}

/// In a worker: its job and the store's folder.
pub(crate) fn job() -> Option<(String, PathBuf)> {
    let text = std::env::var_os(WORKER)?.into_string().expect("plain text");
    let (job, root) = text.split_once(' ').expect("a job and a folder");
    Some((job.to_owned(), PathBuf::from(root)))
}

/// Waits until `done`, or fails after ten seconds.
pub(crate) fn until(what: &str, mut done: impl FnMut() -> bool) {
    for _ in 0..5000 {
        if done() {
            return;
        }
        std::thread::sleep(Duration::from_millis(2));
    }
    panic!("waited in vain: {what}");
}
