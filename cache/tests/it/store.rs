//! Commit, lookup, read, claim.

use std::collections::BTreeMap;
use std::time::Duration;

use proptest::prelude::*;
use runpipe_base::{BlobError, Blobs, Digest, Kind, Output};
use runpipe_cache::{Claim, Draft, Store, StoreError, Waited};

use crate::kit::{check_hit, commit, draft, key, mine, output, overwrite, place, read_back, temp, tree};

#[test]
fn what_is_committed_is_found_by_this_and_later_processes() {
    let dir = temp();
    let store = Store::open(dir.path()).unwrap();
    assert_eq!(store.lookup(&key(1)).unwrap(), None);
    let manifest = commit(&store, 1);
    assert_eq!(store.lookup(&key(1)).unwrap(), Some(manifest.clone()));
    assert_eq!(store.recipe(&key(1)).unwrap(), Some(draft(1).recipe));
    assert_eq!(store.recipe(&key(2)).unwrap(), None);
    store.sync().unwrap();
    drop(store);
    let store = Store::open(dir.path()).unwrap();
    assert_eq!(store.lookup(&key(1)).unwrap(), Some(manifest));
    check_hit(&store, 1);
    assert!(store.take_warnings().is_empty());
}

#[test]
fn equal_bytes_are_stored_once() {
    let dir = temp();
    let store = Store::open(dir.path()).unwrap();
    let toy = || Output::new(Kind::of("toy")).file("a", "same").file("b", "same");
    mine(&store, &key(1)).commit(draft(1), &toy()).unwrap();
    mine(&store, &key(2)).commit(draft(2), &toy()).unwrap();
    let stat = store.stat().unwrap();
    assert_eq!((stat.objects, stat.object_bytes, stat.manifests), (1, 4, 2));
}

#[test]
fn a_second_key_finds_the_same_result() {
    let dir = temp();
    let store = Store::open(dir.path()).unwrap();
    for (exact, draft) in
        [(1, Draft { also: Some(key(9)), ..draft(1) }), (2, Draft { also: Some(key(9)), ..draft(2) })]
    {
        mine(&store, &key(exact)).commit(draft, &output(exact)).unwrap();
        let manifest = store.lookup(&key(9)).unwrap().expect("a hit by the second key");
        assert_eq!(manifest.key, key(exact), "the last one counts");
    }
}

#[test]
fn nothing_is_left_in_tmp_or_locks() {
    let dir = temp();
    let store = Store::open(dir.path()).unwrap();
    commit(&store, 8);
    drop(mine(&store, &key(3)));
    mine(&store, &key(4)).save_checkpoint(b"state").unwrap();
    drop(store);
    assert_eq!(tree(&dir.path().join("v1/tmp")), [""; 0].map(std::path::PathBuf::from));
    let locks: Vec<_> = tree(&dir.path().join("v1/locks"));
    assert_eq!(locks, [dir.path().join("v1/locks/gc")]);
}

#[test]
fn a_claim_is_a_hit_or_mine_or_busy() {
    let dir = temp();
    let store = Store::open(dir.path()).unwrap();
    let slot = mine(&store, &key(1));
    let other = Store::open(dir.path()).unwrap();
    let Claim::Busy(holder) = other.claim(&key(1)).unwrap() else { panic!("two hold one key") };
    assert_eq!(holder.pid(), Some(std::process::id()));
    let millis = Duration::from_millis;
    assert_eq!(holder.wait(millis(5), &|| false).unwrap(), Waited::TimedOut);
    assert_eq!(holder.wait(millis(10_000), &|| true).unwrap(), Waited::Stopped);
    std::thread::scope(|scope| {
        scope.spawn(|| assert_eq!(holder.wait(millis(10_000), &|| false).unwrap(), Waited::Free));
        std::thread::sleep(millis(10));
        slot.commit(draft(1), &output(1)).unwrap();
    });
    assert!(matches!(other.claim(&key(1)).unwrap(), Claim::Hit(_)));
    // `--force`: the result is there and computed again all the same.
    let Claim::Mine(slot) = other.claim_anew(&key(1)).unwrap() else { panic!("it is free") };
    assert!(matches!(store.claim(&key(1)).unwrap(), Claim::Hit(_)), "the old result serves meanwhile");
    slot.commit(draft(1), &output(1)).unwrap();
    check_hit(&store, 1);
}

#[test]
fn a_slot_given_back_is_free() {
    let dir = temp();
    let store = Store::open(dir.path()).unwrap();
    drop(mine(&store, &key(1)));
    drop(mine(&store, &key(1)));
}

#[test]
fn a_checkpoint_is_kept_until_the_commit() {
    let dir = temp();
    let store = Store::open(dir.path()).unwrap();
    let slot = mine(&store, &key(1));
    assert_eq!(slot.load_checkpoint(), None);
    slot.save_checkpoint(b"one").unwrap();
    slot.save_checkpoint(b"two").unwrap();
    drop(slot);
    let slot = mine(&store, &key(1));
    assert_eq!(slot.load_checkpoint().as_deref(), Some(b"two".as_slice()));
    slot.commit(draft(1), &output(1)).unwrap();
    assert_eq!(store.stat().unwrap().checkpoints, 0);
}

#[test]
fn sealing_asks_for_the_objects() {
    let dir = temp();
    let store = Store::open(dir.path()).unwrap();
    let slot = mine(&store, &key(1));
    let artifact = slot.put(&output(1)).unwrap();
    assert_eq!(store.lookup(&key(1)).unwrap(), None, "not sealed yet");
    slot.seal(draft(1), artifact.clone()).unwrap();
    check_hit(&store, 1);

    let elsewhere = temp();
    let other = Store::open(elsewhere.path()).unwrap();
    let refused = mine(&other, &key(1)).seal(draft(1), artifact).unwrap_err();
    assert!(matches!(refused, StoreError::Blob(BlobError::Missing(_))), "{refused}");
    assert_eq!(other.lookup(&key(1)).unwrap(), None);
}

#[test]
fn paths_out_of_the_folder_are_not_committed() {
    let dir = temp();
    let store = Store::open(dir.path()).unwrap();
    for path in ["../x", "/x", "a/../../x", "", "a//b"] {
        let output = Output::new(Kind::of("toy")).part("p", Output::new(Kind::of("toy")).file(path, "bad"));
        let refused = mine(&store, &key(1)).commit(draft(1), &output).unwrap_err();
        assert!(matches!(refused, StoreError::BadPath { .. }), "{refused}");
        assert!(refused.hint().is_some());
    }
    assert_eq!(store.stat().unwrap(), runpipe_cache::StoreStat::default(), "nothing was written");
}

#[test]
fn large_objects_are_in_memory_once() {
    let dir = temp();
    let store = Store::open(dir.path()).unwrap();
    let large = Output::new(Kind::of("toy")).file("x", vec![7; 2 << 20]).file("y", "small");
    let artifact = mine(&store, &key(1)).put(&large).unwrap();
    let read = |path: &str| store.read(&artifact.files[path].digest).unwrap();
    let (one, two) = (read("x"), read("x"));
    assert!(std::sync::Arc::ptr_eq(&one, &two));
    drop((one, two));
    // Nobody holds it: it is read from the disk again, and its damage seen.
    overwrite(&place(&store, "objects", &artifact.files["x"].digest.hex()), b"junk");
    assert!(matches!(store.read(&artifact.files["x"].digest), Err(BlobError::Damaged(_))));
}

#[test]
fn an_object_that_is_not_there_is_missing() {
    let dir = temp();
    let store = Store::open(dir.path()).unwrap();
    let found = store.read(&Digest::of(b"nowhere")).unwrap_err();
    assert!(matches!(found, BlobError::Missing(_)), "{found}");
}

#[test]
fn a_file_where_the_store_should_be_is_an_error() {
    let dir = temp();
    let file = dir.path().join("file");
    std::fs::write(&file, "").unwrap();
    let refused = Store::open(&file).err().expect("a file is no store");
    assert!(refused.to_string().contains("cannot create"), "{refused}");
}

fn any_output(depth: u32) -> BoxedStrategy<Output> {
    let files = prop::collection::btree_map(
        "[a-c]{1,2}(/[x-z.]{2,3}q)?",
        prop::collection::vec(any::<u8>(), 0..200),
        0..4,
    );
    let parts: BoxedStrategy<BTreeMap<String, Output>> = if depth == 0 {
        Just(BTreeMap::new()).boxed()
    } else {
        prop::collection::btree_map("p[a-z]{1,3}", any_output(depth - 1), 0..3).boxed()
    };
    (files, parts).prop_map(|(files, parts)| Output { kind: Kind::of("toy"), files, parts }).boxed()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn what_is_committed_reads_back_equal(output in any_output(2)) {
        let clash = |o: &Output| o.files.keys().any(|p| p.match_indices('/').any(|(i, _)| o.files.contains_key(&p[..i])));
        prop_assume!(!clash(&output) && !output.parts.values().any(|p| clash(p) || p.parts.values().any(clash)));
        let dir = temp();
        let store = Store::open(dir.path()).unwrap();
        mine(&store, &key(1)).commit(draft(1), &output).unwrap();
        let manifest = store.lookup(&key(1)).unwrap().unwrap();
        prop_assert_eq!(read_back(&store, &manifest.artifact), output);
        let out = dir.path().join("out");
        store.materialise(&manifest.artifact, &out, true).unwrap();
        let found: Vec<_> = tree(&out).iter().map(|p| p.strip_prefix(&out).unwrap().to_str().unwrap().to_owned()).collect();
        let mut expected: Vec<_> = manifest.artifact.entries().into_iter().map(|(path, _)| path).collect();
        expected.sort_by_key(|path| out.join(path));
        prop_assert_eq!(found, expected);
    }
}
