//! What the digest of a folder's source covers.

#[path = "../build/sources.rs"]
mod sources;

use std::path::Path;

use runpipe_stages::code;
use sources::Sources;

const LOCK: &str = "[[package]]\nname = \"dfdx\"\nversion = \"0.13.0\"\n";

const FILES: &[(&str, &str)] = &[
    ("maner/mod.rs", "mod model; use crate::data::{tags::Tag, text}; pub(super) fn f() {}"),
    ("maner/model.rs", "use crate::kit::rng::Stream; use super::f;"),
    ("maner/tests.rs", "fn t() {}"),
    ("data/mod.rs", "pub mod tags; pub mod text; pub mod conll;"),
    ("data/tags.rs", "pub struct Tag;"),
    ("data/text.rs", "fn g() { super::files::read(); }"),
    ("data/files.rs", "pub fn read() {}"),
    ("data/conll.rs", "pub fn conll() {}"),
    ("kit/mod.rs", "pub mod rng; pub mod nn;"),
    ("kit/rng.rs", "mod inner; pub struct Stream;"),
    ("kit/rng/inner.rs", "pub fn h() {}"),
    ("kit/nn/mod.rs", "mod linear; pub use linear::Linear;"),
    ("kit/nn/linear.rs", "use super::super::ops::matmul; pub struct Linear;"),
    ("kit/ops.rs", "pub fn matmul() {}"),
    ("san/mod.rs", "use crate::kit::nn::Linear;"),
    ("fgsm/mod.rs", "use crate::kit::*;"),
    ("lib.rs", "pub mod data;"),
];

fn behind(folder: &str) -> String {
    let found = Sources::of(FILES.iter().copied()).behind(folder);
    found.into_iter().collect::<Vec<_>>().join(" ")
}

/// The digest of `maner` after `place` was made to hold `text`.
fn digest(place: &str, text: &str) -> String {
    let files = FILES.iter().map(|(p, t)| if *p == place { (*p, text) } else { (*p, *t) });
    Sources::of(files).digest("maner", LOCK)
}

#[test]
fn a_folder_reaches_what_its_paths_name() {
    assert_eq!(
        behind("maner"),
        "data/files.rs data/tags.rs data/text.rs kit/rng.rs kit/rng/inner.rs maner/mod.rs maner/model.rs"
    );
    assert_eq!(behind("san"), "kit/nn/linear.rs kit/nn/mod.rs kit/ops.rs san/mod.rs");
    assert_eq!(
        behind("fgsm").split(' ').count(),
        7,
        "a glob of the kit is all of the kit and the folder itself"
    );
    assert_eq!(behind("data"), "data/conll.rs data/files.rs data/mod.rs data/tags.rs data/text.rs");
}

#[test]
fn folders_are_those_with_stages() {
    let folders = Sources::of(FILES.iter().copied()).folders();
    assert_eq!(folders.into_iter().collect::<Vec<_>>(), ["data", "fgsm", "maner", "san"]);
}

#[test]
fn only_tokens_count() {
    let before = digest("data/tags.rs", "pub struct Tag;");
    let check = |text: &str, same: bool| assert_eq!(digest("data/tags.rs", text) == before, same, "{text}");
    check("pub  struct\nTag ;", true);
    check("/// A tag.\npub struct Tag; // of a word", true);
    check("//! Tags.\n#[doc = \"A tag.\"] pub struct Tag;", true);
    check("pub struct Tags;", false);
    check("#[derive(Debug)] pub struct Tag;", false);
    check("struct Tag;", false);
}

#[test]
fn tests_and_strangers_do_not_count() {
    let before = digest("lib.rs", "pub mod data;");
    assert_eq!(digest("maner/tests.rs", "fn other() {}"), before);
    assert_eq!(digest("data/conll.rs", "pub fn other() {}"), before);
    assert_eq!(digest("kit/nn/linear.rs", "pub struct Other;"), before);
    assert_ne!(digest("kit/rng/inner.rs", "pub fn other() {}"), before);
}

#[test]
fn libraries_count() {
    let sources = Sources::of(FILES.iter().copied());
    let other = LOCK.replace("0.13.0", "0.13.1");
    assert_ne!(sources.digest("maner", LOCK), sources.digest("maner", &other));
    let stranger = format!("{LOCK}\n[[package]]\nname = \"clap\"\nversion = \"4.0.0\"\n");
    assert_eq!(sources.digest("maner", LOCK), sources.digest("maner", &stranger));
}

#[test]
fn the_crate_has_the_digests_of_its_own_source() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let sources = Sources::read(&root.join("src"));
    let lock = std::fs::read_to_string(root.join("../Cargo.lock")).expect("a workspace has a lock file");
    for (folder, digest) in [
        ("data", code::DATA),
        ("dtsgate", code::DTSGATE),
        ("maner", code::MANER),
        ("metapruning", code::METAPRUNING),
        ("treemix", code::TREEMIX),
    ] {
        assert!(sources.folders().contains(folder));
        assert_eq!(sources.digest(folder, &lock), digest, "the digest of `{folder}`");
    }
}
