//! Digests the source that can move a stage's numbers: one constant a folder, `code::DATA`, `code::MANER`, …

use std::env;
use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;

#[path = "build/sources.rs"]
mod sources;

use sources::Sources;

fn main() {
    let root = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").expect("cargo sets it"));
    let lock = root.join("../Cargo.lock");
    println!("cargo::rerun-if-changed=src");
    println!("cargo::rerun-if-changed={}", lock.display());
    let sources = Sources::read(&root.join("src"));
    let lock = fs::read_to_string(&lock).expect("a workspace has a lock file");
    let mut code = String::new();
    for folder in sources.folders() {
        let digest = sources.digest(&folder, &lock);
        let name = folder.to_uppercase();
        writeln!(code, "/// Digest of the source behind the stages of `{folder}`.")
            .expect("a String takes all");
        writeln!(code, "pub const {name}: &str = \"{digest}\";").expect("a String takes all");
    }
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets it"));
    fs::write(out.join("code.rs"), code).expect("cargo's own folder can be written");
}
