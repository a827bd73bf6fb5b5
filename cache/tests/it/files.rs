//! Folders of the outside: import, materialise, hash.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use runpipe_base::{Artifact, BlobError, Blobs, Digest, FileEntry, Kind, PartSpec};
use runpipe_cache::{Store, StoreError};

use crate::kit::{commit, draft, key, mine, output, overwrite, place, read_back, temp, tree};

const KIND: Kind = Kind::of("toy");

fn write(dir: &Path, name: &str, bytes: impl AsRef<[u8]>) {
    let path = dir.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, bytes).unwrap();
}

#[test]
fn a_folder_becomes_an_artifact() {
    let dir = temp();
    let store = Store::open(&dir.path().join("store")).unwrap();
    let out = dir.path().join("out");
    let large: Vec<u8> = (0..3_000_000_u32).map(|i| (i % 251) as u8).collect();
    write(&out, "b.txt", "b");
    write(&out, "sub/deep/large.bin", &large);
    write(&out, "train/x.txt", "x");
    write(&out, "train/y/z.txt", "z");
    symlink("b.txt", out.join("link.txt")).unwrap();
    symlink("sub", out.join("linked")).unwrap();
    let parts = [PartSpec::of("train", "toy/part", ""), PartSpec::of("test", "toy/part", "")];
    let slot = mine(&store, &key(1));
    let artifact = slot.import(&out, KIND, &parts).unwrap();
    let files: Vec<&str> = artifact.files.keys().map(String::as_str).collect();
    assert_eq!(files, ["b.txt", "link.txt", "linked/deep/large.bin", "sub/deep/large.bin"]);
    let parts: Vec<&str> = artifact.parts.keys().map(String::as_str).collect();
    assert_eq!(parts, ["train"], "`test` was not made");
    assert_eq!(artifact.parts["train"].kind.as_str(), "toy/part");
    assert_eq!(artifact.files["sub/deep/large.bin"].digest, Digest::of(&large));

    // A writer that is still at work does not reach the store.
    fs::write(out.join("b.txt"), "later").unwrap();
    let manifest = slot.seal(draft(1), artifact).unwrap();
    let back = read_back(&store, &manifest.artifact);
    assert_eq!((&back.files["b.txt"][..], &back.files["sub/deep/large.bin"]), (&b"b"[..], &large));
    assert_eq!(back.parts["train"].files["y/z.txt"], b"z");
}

#[test]
fn what_is_no_file_of_the_folder_is_refused() {
    let dir = temp();
    let store = Store::open(&dir.path().join("store")).unwrap();
    let slot = mine(&store, &key(1));
    let check = |set_up: &dyn Fn(&Path), parts: &[PartSpec], expected: &str| {
        let out = dir.path().join("out");
        write(&out, "sub/fine.txt", "");
        set_up(&out);
        let refused = slot.import(&out, KIND, parts).unwrap_err();
        assert!(matches!(refused, StoreError::Special { .. }), "{refused}");
        assert!(refused.to_string().ends_with(expected), "{refused}");
        fs::remove_dir_all(&out).unwrap();
    };
    check(&|out| symlink("/etc/hostname", out.join("l")).unwrap(), &[], "a link out of the output folder");
    check(&|out| symlink("../store", out.join("sub/l")).unwrap(), &[], "a link that leads nowhere");
    check(&|out| symlink("../../store", out.join("sub/l")).unwrap(), &[], "a link out of the output folder");
    check(&|out| symlink("nothing", out.join("l")).unwrap(), &[], "a link that leads nowhere");
    check(&|out| symlink("..", out.join("sub/l")).unwrap(), &[], "a link to a folder that it stands in");
    let part = [PartSpec::of("train", "toy", "")];
    check(&|out| write(out, "train", ""), &part, "`train` is a part of the output and must be a folder");
    let made = Command::new("mkfifo").arg(dir.path().join("fifo")).status();
    if made.is_ok_and(|status| status.success()) {
        let pipe = dir.path().join("fifo");
        check(&|out| fs::rename(&pipe, out.join("p")).unwrap(), &[], "neither a file nor a folder");
    }
    assert_eq!(store.lookup(&key(1)).unwrap(), None);
}

#[test]
fn names_that_are_not_utf8_are_refused() {
    let dir = temp();
    let store = Store::open(&dir.path().join("store")).unwrap();
    let name = <std::ffi::OsStr as std::os::unix::ffi::OsStrExt>::from_bytes(b"a\xff");
    let out = dir.path().join("out");
    fs::create_dir(&out).unwrap();
    fs::write(out.join(name), "").unwrap();
    let refused = mine(&store, &key(1)).import(&out, KIND, &[]).unwrap_err();
    assert!(refused.to_string().ends_with("its name is not UTF-8"), "{refused}");
}

#[test]
fn materialised_files_are_copies() {
    let dir = temp();
    let store = Store::open(&dir.path().join("store")).unwrap();
    let artifact = commit(&store, 8).artifact;
    let out = dir.path().join("out");
    store.materialise(&artifact, &out, false).unwrap();
    let expected = output(8);
    assert_eq!(fs::read(out.join("text.txt")).unwrap(), expected.files["text.txt"]);
    assert_eq!(fs::read(out.join("deep/numbers.bin")).unwrap(), expected.files["deep/numbers.bin"]);
    assert_eq!(fs::read(out.join("train/x")).unwrap(), expected.parts["train"].files["x"]);
    assert_eq!(tree(&out).len(), 3, "and nothing else");
    // Writing to them does not reach the store; a second time replaces them.
    fs::write(out.join("text.txt"), "mine").unwrap();
    store.materialise(&artifact, &out, true).unwrap();
    assert_eq!(fs::read(out.join("text.txt")).unwrap(), expected.files["text.txt"]);
    assert_eq!(out.join("text.txt").metadata().unwrap().permissions().mode() & 0o222, 0, "read-only");
    assert_eq!(read_back(&store, &artifact), expected);
}

#[test]
fn materialising_never_writes_through_a_link() {
    let dir = temp();
    let store = Store::open(&dir.path().join("store")).unwrap();
    let artifact = commit(&store, 1).artifact;
    let (out, victim) = (dir.path().join("out"), dir.path().join("victim"));
    fs::create_dir(&out).unwrap();
    fs::write(&victim, "precious").unwrap();
    symlink(&victim, out.join("text.txt")).unwrap();
    store.materialise(&artifact, &out, false).unwrap();
    assert_eq!(fs::read(&victim).unwrap(), b"precious");
    assert_eq!(fs::read(out.join("text.txt")).unwrap(), b"result 1\n");
}

#[test]
fn a_damaged_object_is_not_materialised() {
    let dir = temp();
    let store = Store::open(&dir.path().join("store")).unwrap();
    let artifact = commit(&store, 1).artifact;
    let digest = artifact.files["text.txt"].digest;
    overwrite(&place(&store, "objects", &digest.hex()), b"result 2\n");
    let out = dir.path().join("out");
    let refused = store.materialise(&artifact, &out, false).unwrap_err();
    assert!(matches!(refused, StoreError::Blob(BlobError::Damaged(_))), "{refused}");
    assert!(!out.join("text.txt").exists());
    assert!(tree(&out).iter().all(|path| !path.file_name().unwrap().to_str().unwrap().starts_with('.')));
    assert!(matches!(store.read(&digest), Err(BlobError::Missing(_))), "it is set aside");
}

#[test]
fn paths_out_of_the_folder_are_not_materialised() {
    let dir = temp();
    let store = Store::open(&dir.path().join("store")).unwrap();
    let known = commit(&store, 1).artifact.files["text.txt"];
    for path in ["../escaped", "/escaped", "a/../../escaped"] {
        let files = [(path.to_owned(), FileEntry { ..known })].into();
        let artifact = Artifact { kind: KIND, files, parts: [].into() };
        let refused = store.materialise(&artifact, &dir.path().join("out"), false).unwrap_err();
        assert!(matches!(refused, StoreError::BadPath { .. }), "{refused}");
    }
    assert!(!dir.path().join("escaped").exists() && !Path::new("/escaped").exists());
}

#[test]
fn a_path_is_hashed_by_what_it_holds() {
    let dir = temp();
    let store = Store::open(&dir.path().join("store")).unwrap();
    let data = dir.path().join("data");
    write(&data, "a.txt", "a");
    write(&data, "sub/b.txt", "b");
    assert_eq!(store.hash_path(&data.join("a.txt")).unwrap(), Digest::of(b"a"));
    let first = store.hash_path(&data).unwrap();

    let copy = dir.path().join("copy");
    write(&copy, "sub/b.txt", "b");
    write(&copy, "a.txt", "a");
    assert_eq!(store.hash_path(&copy).unwrap(), first, "whenever and wherever it was written");
    fs::remove_file(copy.join("a.txt")).unwrap();
    symlink(data.join("a.txt"), copy.join("a.txt")).unwrap();
    assert_eq!(store.hash_path(&copy).unwrap(), first, "through links too");

    let mut seen = vec![first];
    let changes: [&dyn Fn(&Path); 5] = [
        &|d: &Path| write(d, "a.txt", "b"),
        &|d: &Path| write(d, "sub/c.txt", ""),
        &|d: &Path| fs::rename(d.join("sub/c.txt"), d.join("sub/d.txt")).unwrap(),
        &|d: &Path| fs::rename(d.join("sub/d.txt"), d.join("d.txt")).unwrap(),
        &|d: &Path| fs::create_dir(d.join("empty")).unwrap(),
    ];
    for change in changes {
        change(&data);
        let digest = store.hash_path(&data).unwrap();
        assert!(!seen.contains(&digest), "a change that does not show");
        seen.push(digest);
    }
    symlink("..", data.join("sub/up")).unwrap();
    let refused = store.hash_path(&data).unwrap_err();
    assert!(matches!(refused, StoreError::Special { .. }), "{refused}");
}

#[test]
fn a_change_within_the_clocks_grain_is_seen() {
    let dir = temp();
    let store = Store::open(&dir.path().join("store")).unwrap();
    let file = dir.path().join("file");
    for i in 0..200_u32 {
        fs::write(&file, i.to_le_bytes()).unwrap();
        assert_eq!(store.hash_path(&file).unwrap(), Digest::of(&i.to_le_bytes()), "the same size, {i}");
    }
    drop(store);
    let memo = dir.path().join("store/v1/memo");
    assert!(!memo.exists(), "a file that may change unseen is not remembered");
}

#[test]
fn settled_files_are_remembered_and_a_damaged_memory_is_none() {
    let dir = temp();
    let root = dir.path().join("store");
    let store = Store::open(&root).unwrap();
    let file = dir.path().join("file");
    fs::write(&file, "data").unwrap();
    std::thread::sleep(Duration::from_millis(2100));
    assert_eq!(store.hash_path(&file).unwrap(), Digest::of(b"data"));
    drop(store);
    let memo = fs::read_to_string(root.join("v1/memo")).unwrap();
    assert!(memo.contains(&Digest::of(b"data").hex()), "{memo}");

    // A memo that says otherwise, sealed well, shows that it is used at all.
    let (_, body) = memo.split_once('\n').unwrap();
    let body = body.replace(&Digest::of(b"data").hex(), &Digest::of(b"other").hex());
    fs::write(root.join("v1/memo"), format!("runpipe-memo-1 {}\n{body}", Digest::of(body.as_bytes())))
        .unwrap();
    let store = Store::open(&root).unwrap();
    assert_eq!(store.hash_path(&file).unwrap(), Digest::of(b"other"));
    drop(store);

    fs::write(root.join("v1/memo"), format!("{memo}junk")).unwrap();
    let store = Store::open(&root).unwrap();
    assert_eq!(store.hash_path(&file).unwrap(), Digest::of(b"data"));
    // The same bytes at another time: hashed again, and equal.
    fs::write(&file, "DATA").unwrap();
    assert_eq!(store.hash_path(&file).unwrap(), Digest::of(b"DATA"));
}
