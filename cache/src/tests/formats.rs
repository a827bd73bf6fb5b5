//! The formats of files.

use std::collections::BTreeMap;
use std::sync::Arc;

use proptest::prelude::*;
use runpipe_base::{Artifact, Digest, FileEntry, Hasher, Key, Kind, Series};

use crate::disk::Name;
use crate::{Draft, Manifest, RecipePart, layout, manifest};

fn key(name: &str) -> Key {
    Hasher::new("test").str(name).finish_key()
}

/// Curves by name.
type Curves = Vec<(String, Vec<(u64, u64)>)>;

/// Equal to the bit, so that NaN is itself.
fn bits(manifest: &Manifest) -> (BTreeMap<String, u64>, Curves, u64) {
    let metrics = manifest.metrics.iter().map(|(name, x)| (name.clone(), canonical(*x))).collect();
    let curve = |s: &Series| (s.name.clone(), s.points.iter().map(|(i, x)| (*i, canonical(*x))).collect());
    (metrics, manifest.series.iter().map(curve).collect(), canonical(manifest.elapsed_s))
}

/// There is one NaN to us.
fn canonical(x: f64) -> u64 {
    if x.is_nan() { f64::NAN.to_bits() } else { x.to_bits() }
}

fn any_artifact() -> impl Strategy<Value = Artifact> {
    let files =
        || prop::collection::btree_map("[a-zé]{1,6}(/[a-z \"\n]{1,5})?", any::<(Vec<u8>, u64)>(), 0..4);
    let of = |kind: String, files: BTreeMap<String, (Vec<u8>, u64)>| Artifact {
        kind: Kind::named(kind),
        files: files
            .into_iter()
            .map(|(p, (b, size))| (p, FileEntry { digest: Digest::of(&b), size }))
            .collect(),
        parts: BTreeMap::new(),
    };
    ("[a-z]{1,5}/[a-z]{1,5}", files(), prop::collection::btree_map("[a-z]{1,5}", files(), 0..3)).prop_map(
        move |(kind, files, parts)| {
            let mut artifact = of(kind.clone(), files);
            artifact.parts = parts.into_iter().map(|(n, files)| (n, of(kind.clone(), files))).collect();
            artifact
        },
    )
}

fn any_draft() -> impl Strategy<Value = Draft> {
    let number = prop::num::f64::ANY;
    let recipe = prop::collection::vec((".{0,8}", ".{0,20}"), 0..5);
    let series = prop::collection::vec((".{0,8}", prop::collection::vec((any::<u64>(), number), 0..4)), 0..3);
    (
        ".{0,12}",
        recipe,
        prop::collection::btree_map(".{0,8}", number, 0..4),
        series,
        number,
        ".{0,8}",
        any::<bool>(),
    )
        .prop_map(|(stage, recipe, metrics, series, elapsed_s, made_by, also)| Draft {
            stage,
            recipe: recipe
                .into_iter()
                .map(|(name, value)| RecipePart { digest: Digest::of(value.as_bytes()), name, value })
                .collect(),
            metrics,
            series: series.into_iter().map(|(name, points)| Series { name, points }).collect(),
            elapsed_s,
            made_by,
            also: also.then(|| key("also")),
        })
}

proptest! {
    #[test]
    fn a_manifest_reads_back_as_written(draft in any_draft(), artifact in any_artifact()) {
        let (written, recipe) = Manifest::of(key("a"), draft, artifact);
        let bytes = written.encode(&recipe);
        let read = Manifest::decode(&bytes).expect("just written");
        prop_assert_eq!(bits(&read), bits(&written));
        prop_assert_eq!(Manifest::decode_recipe(&bytes), Some(recipe));
        prop_assert!(read.answers(&key("a")) && read.answers(&key("also")) == written.also.is_some());
        prop_assert!(!read.answers(&key("b")));
        prop_assert_eq!((read.key, read.also, read.stage, read.made_by),
            (written.key, written.also, written.stage, written.made_by));
        prop_assert_eq!(read.artifact, written.artifact);
    }

    #[test]
    fn no_bytes_make_a_manifest_by_chance(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        prop_assert!(Manifest::decode(&bytes).is_none());
        prop_assert!(Manifest::decode(&manifest::seal("runpipe-manifest-1 ", &bytes)).is_none());
    }

    #[test]
    fn a_name_is_a_digest_in_two_pieces(bytes in any::<[u8; 32]>()) {
        let (name, hex) = (Name::of(&bytes), Digest::from_bytes(bytes).hex());
        prop_assert_eq!(name.as_str(), format!("{}/{}", &hex[..2], &hex[2..]));
    }
}

#[test]
fn a_seal_holds_no_other_bytes() {
    let sealed = manifest::seal("mark ", b"body");
    assert_eq!(manifest::unseal("mark ", &sealed), Some(b"body".as_slice()));
    assert_eq!(manifest::unseal("other ", &sealed), None);
    for i in 0..sealed.len() {
        let mut bad = sealed.clone();
        bad[i] ^= 0x20;
        assert_eq!(manifest::unseal("mark ", &bad), None, "byte {i}");
        assert_eq!(manifest::unseal("mark ", &sealed[..i]), None, "length {i}");
    }
}

/// A change of this text is a new layout: give the mark a new number.
#[test]
fn the_layout_of_a_manifest_is_pinned() {
    let entry = FileEntry { digest: Digest::of(b"x"), size: 1 };
    let artifact =
        Artifact { kind: Kind::of("text"), files: [("a".to_owned(), entry)].into(), parts: [].into() };
    let draft = Draft {
        stage: "toy.make".to_owned(),
        recipe: vec![RecipePart { name: "code".to_owned(), value: "1".to_owned(), digest: Digest::of(b"1") }],
        metrics: [("f1".to_owned(), 0.5), ("loss".to_owned(), f64::INFINITY)].into(),
        series: vec![Series { name: "loss".to_owned(), points: vec![(1, f64::NAN)] }],
        elapsed_s: 2.0,
        made_by: "0.1.0".to_owned(),
        also: None,
    };
    let (manifest, recipe) = Manifest::of(key("a"), draft, artifact);
    let text = String::from_utf8(manifest.encode(&recipe)).expect("JSON is UTF-8");
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 4);
    assert_eq!(lines[0].split(' ').next(), Some("runpipe-manifest-1"));
    let head = format!(
        r#"{{"key":"{}","stage":"toy.make","artifact":{{"kind":"text","files":{{"a":{{"digest":"{}","size":1}}}}}},"metrics":{{"f1":0.5,"loss":"inf"}},"elapsed_s":2.0,"made_by":"0.1.0"}}"#,
        key("a"),
        Digest::of(b"x")
    );
    assert_eq!(lines[1], head);
    assert_eq!(lines[2], r#"[{"name":"loss","points":[[1,"NaN"]]}]"#);
    assert_eq!(lines[3], format!(r#"[{{"name":"code","value":"1","digest":"{}"}}]"#, Digest::of(b"1")));
    assert_eq!(Manifest::decode(text.as_bytes()).map(|m| Arc::clone(&m.artifact)), Some(manifest.artifact));
}

#[test]
fn paths_that_could_leave_a_folder_are_refused() {
    let entry = FileEntry { digest: Digest::of(b""), size: 0 };
    let check = |files: &[&str], parts: &[&str]| {
        let part = Artifact { kind: Kind::ANY, files: [].into(), parts: [].into() };
        let artifact = Artifact {
            kind: Kind::ANY,
            files: files.iter().map(|path| ((*path).to_owned(), entry)).collect(),
            parts: parts.iter().map(|name| ((*name).to_owned(), part.clone())).collect(),
        };
        let inner = Artifact {
            kind: Kind::ANY,
            files: [].into(),
            parts: [("p".to_owned(), artifact.clone())].into(),
        };
        let why = layout::check(&artifact).err().map(|e| e.to_string());
        assert_eq!(layout::check(&inner).err().map(|e| e.to_string()), why, "the same rules inside a part");
        why
    };
    for (path, why) in [
        ("", "it is empty"),
        ("/etc/passwd", "it is absolute"),
        ("..", "it has the name `.` or `..`"),
        ("a/../b", "it has the name `.` or `..`"),
        ("a/.", "it has the name `.` or `..`"),
        ("a//b", "it has an empty name"),
        ("a/", "it has an empty name"),
        ("a\0b", "it has a zero byte"),
    ] {
        assert_eq!(check(&[path], &[]), Some(format!("bad path `{path}` in an artifact: {why}")));
    }
    for name in ["", "..", "a/b", "a.b"] {
        assert!(check(&[], &[name]).is_some(), "part `{name}`");
    }
    assert!(check(&["train/x"], &["train"]).is_some());
    assert!(check(&["a", "a-b", "a/b"], &[]).is_some());
    assert!(check(&[&"n".repeat(256)], &[]).is_some());
    assert_eq!(check(&["a..b", "..a", "a b/ü", "-x"], &["train"]), None);
}
