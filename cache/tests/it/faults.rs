//! Damaged files, a full disk, a store that cannot be written.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use runpipe_base::{BlobError, Blobs, Digest, Kind, Output};
use runpipe_cache::{Claim, Draft, Store, StoreError};

use crate::kit::{check_hit, commit, draft, key, mine, output, overwrite, place, temp, tick, tree};

#[test]
fn any_flipped_byte_of_a_manifest_is_a_miss() {
    let dir = temp();
    let store = Store::open(dir.path()).unwrap();
    commit(&store, 1);
    let path = place(&store, "keys", &key(1).hex());
    let bytes = fs::read(&path).unwrap();
    for i in 0..bytes.len() {
        let mut bad = bytes.clone();
        bad[i] ^= 1 << (i % 8);
        overwrite(&path, &bad);
        assert_eq!(store.lookup(&key(1)).unwrap(), None, "byte {i}");
        assert!(!path.exists(), "it is set aside");
        fs::write(&path, &bytes).unwrap();
    }
    check_hit(&store, 1);
    assert_eq!(store.take_warnings().len(), 1, "told once, not {} times", bytes.len());
    assert_eq!(store.take_warnings().len(), 0);
}

#[test]
fn a_truncated_manifest_is_a_miss_and_recomputed() {
    let dir = temp();
    let store = Store::open(dir.path()).unwrap();
    commit(&store, 1);
    let path = place(&store, "keys", &key(1).hex());
    let bytes = fs::read(&path).unwrap();
    for length in 0..bytes.len() {
        overwrite(&path, &bytes[..length]);
        assert_eq!(store.lookup(&key(1)).unwrap(), None, "length {length}");
        if length % 50 == 0 {
            commit(&store, 1);
        } else {
            fs::write(&path, &bytes).unwrap();
        }
        check_hit(&store, 1);
    }
}

#[test]
fn a_manifest_under_another_key_is_a_miss() {
    let dir = temp();
    let store = Store::open(dir.path()).unwrap();
    commit(&store, 1);
    let path = place(&store, "keys", &key(2).hex());
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::copy(place(&store, "keys", &key(1).hex()), path).unwrap();
    assert_eq!(store.lookup(&key(2)).unwrap(), None);
    check_hit(&store, 1);
}

#[test]
fn a_flipped_byte_of_any_object_is_found_set_aside_and_recomputed() {
    let dir = temp();
    let store = Store::open(dir.path()).unwrap();
    for (round, (_, entry)) in commit(&store, 8).artifact.entries().into_iter().enumerate() {
        let path = place(&store, "objects", &entry.digest.hex());
        let mut bytes = fs::read(&path).unwrap();
        let at = bytes.len() / 2;
        bytes[at] ^= 1;
        overwrite(&path, &bytes);
        assert!(store.lookup(&key(8)).unwrap().is_some(), "a lookup does not read objects");
        let damaged = store.read(&entry.digest).unwrap_err();
        assert!(matches!(damaged, BlobError::Damaged(d) if d == entry.digest), "{damaged}");
        assert!(!path.exists());
        assert_eq!(store.stat().unwrap().quarantined as usize, round + 1);
        assert_eq!(store.take_warnings().len(), 1);
        assert_eq!(store.lookup(&key(8)).unwrap(), None, "its object is gone");
        commit(&store, 8);
        check_hit(&store, 8);
    }
}

#[test]
fn a_torn_object_is_no_hit() {
    let dir = temp();
    let store = Store::open(dir.path()).unwrap();
    let digest = commit(&store, 1).artifact.files["text.txt"].digest;
    overwrite(&place(&store, "objects", &digest.hex()), b"");
    assert_eq!(store.lookup(&key(1)).unwrap(), None);
    commit(&store, 1);
    check_hit(&store, 1);
}

#[test]
fn a_damaged_checkpoint_is_none() {
    let dir = temp();
    let store = Store::open(dir.path()).unwrap();
    let slot = mine(&store, &key(1));
    slot.save_checkpoint(b"state").unwrap();
    let path = dir.path().join("v1/checkpoints").join(key(1).hex());
    let mut bytes = fs::read(&path).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    overwrite(&path, &bytes);
    assert_eq!(slot.load_checkpoint(), None);
    assert_eq!(store.take_warnings().len(), 1);
    assert_eq!(slot.load_checkpoint(), None);
    assert_eq!(store.take_warnings().len(), 0, "it was set aside");
}

#[test]
fn verify_finds_every_damage_and_repair_sets_it_aside() {
    let dir = temp();
    let store = Store::open(dir.path()).unwrap();
    for i in 1..6 {
        commit(&store, i);
    }
    let object = store.lookup(&key(1)).unwrap().unwrap().artifact.files["text.txt"].digest;
    overwrite(&place(&store, "objects", &object.hex()), b"result 2\n");
    overwrite(&place(&store, "keys", &key(2).hex()), b"junk");
    let gone = store.lookup(&key(3)).unwrap().unwrap().artifact.files["text.txt"].digest;
    fs::remove_file(place(&store, "objects", &gone.hex())).unwrap();

    let names = |report: runpipe_cache::VerifyReport, repaired| {
        assert!(report.damaged.iter().all(|damage| damage.repaired == repaired));
        report.damaged.into_iter().map(|damage| (damage.what, damage.name)).collect::<Vec<_>>()
    };
    let report = store.verify(false).unwrap();
    assert_eq!((report.manifests, report.objects), (5, 14));
    let found = |mut manifests: Vec<u64>| {
        manifests.sort_by_key(|i| key(*i).hex());
        let manifests = manifests.into_iter().map(|i| ("manifest", key(i).hex()));
        [("object", object.hex())].into_iter().chain(manifests).collect::<Vec<_>>()
    };
    assert_eq!(names(report, false), found(vec![2, 3]));
    // Once the object is set aside, the result that names it goes too.
    assert_eq!(names(store.verify(true).unwrap(), true), found(vec![1, 2, 3]));
    assert_eq!(names(store.verify(false).unwrap(), false), []);
    for i in 1..4 {
        commit(&store, i);
    }
    for i in 1..6 {
        check_hit(&store, i);
    }
}

#[test]
fn a_full_disk_is_an_error_with_a_hint_and_leaves_nothing_half_written() {
    let dir = temp();
    let Some(_mount) = Mount::new(dir.path(), &["-t", "tmpfs", "-o", "size=1m", "none"]) else {
        eprintln!("skipped: a small disk cannot be mounted here");
        return;
    };
    let store = Store::open(dir.path()).unwrap();
    commit(&store, 1);
    let slot = mine(&store, &key(2));
    slot.save_checkpoint(b"small").unwrap();
    let full = slot.save_checkpoint(&vec![7; 4 << 20]).unwrap_err();
    assert!(matches!(full, StoreError::Full { .. }), "{full}");
    assert_eq!(slot.load_checkpoint().as_deref(), Some(b"small".as_slice()), "the old one stays");
    let large = Output::new(Kind::of("toy")).file("x", vec![7; 4 << 20]);
    let full = slot.commit(draft(2), &large).unwrap_err();
    assert!(matches!(full, StoreError::Full { .. }), "{full}");
    assert!(full.to_string().starts_with("no space left to write `"), "{full}");
    assert!(full.hint().unwrap().contains("cache gc"));

    assert_eq!(tree(&dir.path().join("v1/tmp")).len(), 0);
    assert_eq!(store.verify(false).unwrap().damaged, []);
    assert_eq!(store.lookup(&key(2)).unwrap(), None);
    check_hit(&store, 1);
    commit(&store, 3);
    check_hit(&store, 3);
}

#[test]
fn a_disk_that_fills_up_never_shows_half_a_result() {
    let dir = temp();
    let Some(_mount) = Mount::new(dir.path(), &["-t", "tmpfs", "-o", "size=600k", "none"]) else {
        eprintln!("skipped: a small disk cannot be mounted here");
        return;
    };
    let store = Store::open(dir.path()).unwrap();
    let mut done = 0;
    let full = loop {
        match mine(&store, &key(done)).commit(draft(done), &output(done)) {
            Ok(_) => done += 1,
            Err(e) => break e,
        }
    };
    assert!(matches!(full, StoreError::Full { .. }), "{full}");
    assert!(done > 5);
    // Opening, hits and collecting need no room.
    drop(store);
    let store = Store::open(dir.path()).unwrap();
    for i in 0..done {
        check_hit(&store, i);
    }
    assert_eq!(store.verify(false).unwrap().damaged, []);
    tick();
    let report = store.gc(&runpipe_cache::GcOptions::default()).unwrap();
    assert!(report.freed > 0);
    drop(store);
    let store = Store::open(dir.path()).unwrap();
    commit(&store, done);
    check_hit(&store, done);
}

#[test]
fn a_store_that_cannot_be_written_serves_hits() {
    let dir = temp();
    let store = Store::open(dir.path()).unwrap();
    let digest = commit(&store, 1).artifact.files["text.txt"].digest;
    commit(&store, 2);
    overwrite(&place(&store, "keys", &key(2).hex()), b"junk");
    drop(store);
    let Some(_frozen) = Frozen::new(dir.path()) else {
        eprintln!("skipped: nothing can be made read-only here");
        return;
    };
    let store = Store::open(dir.path()).unwrap();
    assert!(store.read_only());
    check_hit(&store, 1);
    assert!(matches!(store.claim(&key(1)).unwrap(), Claim::Hit(_)));
    assert_eq!(store.lookup(&key(2)).unwrap(), None, "damaged, and no hit here either");
    assert_eq!(*store.read(&digest).unwrap(), *b"result 1\n");
    let refused = store.claim(&key(3)).err().expect("it could not be kept");
    assert!(matches!(refused, StoreError::ReadOnly { .. }), "{refused}");
    assert!(refused.hint().is_some());
    let refused = store.gc(&runpipe_cache::GcOptions::default()).unwrap_err();
    assert!(matches!(refused, StoreError::ReadOnly { .. }), "{refused}");
    assert!(store.pin("x", &[]).is_err());
    assert_eq!(store.verify(false).unwrap().damaged.len(), 1);
    store.sync().unwrap();
}

#[test]
fn errors_say_what_where_and_what_to_do() {
    let dir = temp();
    let store = Store::open(dir.path()).unwrap();
    let output = Output::new(Kind::of("toy")).file("../x", "");
    let refused = mine(&store, &key(1)).commit(Draft::default(), &output).unwrap_err();
    assert_eq!(refused.to_string(), "bad path `../x` in an artifact: it has the name `.` or `..`");
    let missing = store.hash_path(Path::new("/no/such/file")).unwrap_err();
    assert_eq!(missing.to_string(), "cannot read `/no/such/file`");
    let cause = std::error::Error::source(&missing).expect("the system's words").to_string();
    assert!(cause.contains("No such file"), "{cause}");
    assert_eq!(Digest::of(b"").short().len(), 12);
}

/// A mount that goes with the value.
struct Mount<'a>(&'a Path);

impl<'a> Mount<'a> {
    fn new(at: &'a Path, options: &[&str]) -> Option<Self> {
        let mounted = Command::new("mount").args(options).arg(at).output().ok()?.status.success();
        mounted.then_some(Self(at))
    }
}

impl Drop for Mount<'_> {
    fn drop(&mut self) {
        let _ = Command::new("umount").args(["-l".as_ref(), self.0.as_os_str()]).output();
    }
}

/// A folder that cannot be written for a while: by its modes, or for root, whom modes do not stop, by a mount.
struct Frozen<'a> {
    dir: &'a Path,
    mount: Option<Mount<'a>>,
}

impl<'a> Frozen<'a> {
    fn new(dir: &'a Path) -> Option<Self> {
        let mut frozen = Self { dir, mount: None };
        frozen.set_modes(0o555);
        if fs::write(dir.join("v1/probe"), "").is_err() {
            return Some(frozen);
        }
        frozen.mount = Some(Mount::new(dir, &["--bind", dir.to_str()?])?);
        let again = Command::new("mount").args(["-o", "remount,ro,bind"]).arg(dir).output().ok()?;
        again.status.success().then_some(frozen)
    }

    fn set_modes(&self, mode: u32) {
        for folder in ["", "objects", "keys", "tmp", "locks", "checkpoints", "runs", "pins", "quarantine"] {
            let path = self.dir.join("v1").join(folder);
            let _ = fs::set_permissions(path, fs::Permissions::from_mode(mode));
        }
    }
}

impl Drop for Frozen<'_> {
    fn drop(&mut self) {
        self.mount = None;
        self.set_modes(0o755);
    }
}
