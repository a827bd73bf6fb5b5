//! The store beside plain files. `cargo bench -p runpipe-cache`.

use std::sync::Arc;

use divan::counter::{BytesCount, ItemsCount};
use divan::{Bencher, black_box};
use runpipe_base::{
    Blobs, Device, Digest, Hasher, Key, Kind, NodeRecord, NodeStatus, Output, RunLog, RunSummary, Value,
};
use runpipe_cache::{Claim, Draft, RecipePart, Store};
use tempfile::TempDir;

fn main() {
    divan::main();
}

/// Results in the store that lookups go through: the common case, a run in which nothing changed.
const NODES: u64 = 10_000;

fn key(i: u64) -> Key {
    Hasher::new("bench").u64(i).finish_key()
}

/// As large as a real one: a dozen recipe parts, a few numbers.
fn draft(i: u64) -> Draft {
    let part = |p: u64| RecipePart {
        name: format!("param p{p}"),
        value: format!("{i}"),
        digest: Digest::of(&p.to_le_bytes()),
    };
    Draft {
        stage: "toy.make".to_owned(),
        recipe: (0..12).map(part).collect(),
        metrics: [("f1".to_owned(), 0.5 + i as f64), ("loss".to_owned(), 0.25)].into(),
        elapsed_s: 0.001,
        made_by: "0.1.0".to_owned(),
        ..Draft::default()
    }
}

fn output(i: u64) -> Output {
    Output::new(Kind::of("toy")).file("metrics.json", format!("{{\"i\": {i}, \"more\": \"{i:0100}\"}}"))
}

fn commit(store: &Store, i: u64) {
    let Ok(Claim::Mine(slot)) = store.claim(&key(i)) else { panic!("a new key") };
    slot.commit(draft(i), &output(i)).expect("a commit");
}

fn filled() -> (TempDir, Store) {
    let dir = tempfile::tempdir().expect("a folder");
    let store = Store::open(dir.path()).expect("a store");
    for i in 0..NODES {
        commit(&store, i);
    }
    (dir, store)
}

#[divan::bench(sample_count = 10, sample_size = 1)]
fn lookup(bencher: Bencher<'_, '_>) {
    let (_dir, store) = filled();
    bencher.counter(ItemsCount::new(NODES)).bench(|| {
        for i in 0..NODES {
            black_box(store.lookup(&key(i)).expect("a lookup").expect("a hit"));
        }
    });
}

/// What the disk takes of [`lookup`]: the same files, only read.
#[divan::bench(sample_count = 10, sample_size = 1)]
fn plain_read_of_the_manifests(bencher: Bencher<'_, '_>) {
    let (dir, _store) = filled();
    let path = |i: u64| {
        let hex = key(i).hex();
        dir.path().join("v1/keys").join(&hex[..2]).join(&hex[2..])
    };
    bencher.counter(ItemsCount::new(NODES)).bench(|| {
        for i in 0..NODES {
            black_box(std::fs::read(path(i)).expect("a file"));
        }
    });
}

/// Claim, one small object, manifest.
#[divan::bench(sample_count = 10, sample_size = 1)]
fn commit_small(bencher: Bencher<'_, '_>) {
    const COUNT: u64 = 1000;
    let dir = tempfile::tempdir().expect("a folder");
    let store = Store::open(dir.path()).expect("a store");
    let mut next = 0;
    bencher.counter(ItemsCount::new(COUNT)).bench_local(|| {
        for _ in 0..COUNT {
            commit(&store, next);
            next += 1;
        }
    });
}

/// Two plain files and no more: the floor of [`commit_small`].
#[divan::bench(sample_count = 10, sample_size = 1)]
fn plain_write_of_two_files(bencher: Bencher<'_, '_>) {
    const COUNT: u64 = 1000;
    let dir = tempfile::tempdir().expect("a folder");
    let mut next = 0;
    bencher.counter(ItemsCount::new(COUNT)).bench_local(|| {
        for _ in 0..COUNT {
            std::fs::write(dir.path().join(format!("a{next}")), [7; 130]).expect("a file");
            std::fs::write(dir.path().join(format!("b{next}")), [7; 1700]).expect("a file");
            next += 1;
        }
    });
}

const LARGE: usize = 64 << 20;

fn large() -> (TempDir, Store, Digest) {
    let dir = tempfile::tempdir().expect("a folder");
    let store = Store::open(dir.path()).expect("a store");
    let Ok(Claim::Mine(slot)) = store.claim(&key(0)) else { panic!("a new key") };
    let bytes: Vec<u8> = (0..LARGE).map(|i| (i % 253) as u8).collect();
    let artifact = slot.put(&Output::new(Kind::of("toy")).file("x", bytes)).expect("room");
    let digest = artifact.files["x"].digest;
    (dir, store, digest)
}

#[divan::bench(sample_count = 10, sample_size = 1)]
fn read_verified(bencher: Bencher<'_, '_>) {
    let (_dir, store, digest) = large();
    bencher.counter(BytesCount::new(LARGE)).bench(|| store.read(&digest).expect("an object"));
}

#[divan::bench(sample_count = 10, sample_size = 1)]
fn plain_read(bencher: Bencher<'_, '_>) {
    let (dir, _store, digest) = large();
    let hex = digest.hex();
    let path = dir.path().join("v1/objects").join(&hex[..2]).join(&hex[2..]);
    bencher.counter(BytesCount::new(LARGE)).bench(|| std::fs::read(&path).expect("a file"));
}

fn log() -> RunLog {
    let params = Arc::new((0..10).map(|p| (format!("p{p}"), Value::Float(1e-3))).collect());
    let output = |i| runpipe_base::MemoryBlobs::default().keep(output(i));
    let node = |i: u64| NodeRecord {
        label: format!("scores[seed={i},site=prepend]"),
        name: "scores".to_owned(),
        index: vec![
            ("seed".to_owned(), Value::Int(i as i64)),
            ("site".to_owned(), Value::Str("prepend".to_owned())),
        ],
        stage: "toy.make".to_owned(),
        params: Arc::clone(&params),
        inputs: vec![("corpus".to_owned(), 0, "train".to_owned())],
        place: "pipelines/toy.pipe:12".to_owned(),
        status: NodeStatus::Cached,
        key: Some(key(i)),
        artifact: Some(Arc::new(output(i))),
        metrics: draft(i).metrics,
        series: Vec::new(),
        elapsed_s: 0.25,
        error: None,
    };
    RunLog {
        pipeline: "pipelines/toy.pipe".to_owned(),
        doc: String::new(),
        params: [].into(),
        device: Device::Cpu,
        nodes: (0..NODES).map(node).collect(),
        reports: Vec::new(),
        summary: RunSummary { nodes: NODES as usize, cached: NODES as usize, ..RunSummary::default() },
    }
}

#[divan::bench(sample_count = 10, sample_size = 1)]
fn save_run(bencher: Bencher<'_, '_>) {
    let dir = tempfile::tempdir().expect("a folder");
    let store = Store::open(dir.path()).expect("a store");
    let log = log();
    bencher.counter(ItemsCount::new(NODES)).bench(|| store.save_run(&log).expect("a record"));
}

#[divan::bench(sample_count = 10, sample_size = 1)]
fn list_runs(bencher: Bencher<'_, '_>) {
    const RUNS: usize = 10_000;
    let dir = tempfile::tempdir().expect("a folder");
    let store = Store::open(dir.path()).expect("a store");
    let log = RunLog { nodes: Vec::new(), ..log() };
    for _ in 0..RUNS {
        store.save_run(&log).expect("a record");
    }
    bencher.counter(ItemsCount::new(RUNS)).bench(|| store.runs().expect("a list"));
}

#[divan::bench]
fn open(bencher: Bencher<'_, '_>) {
    let dir = tempfile::tempdir().expect("a folder");
    Store::open(dir.path()).expect("a store");
    bencher.bench(|| Store::open(dir.path()).expect("a store"));
}
