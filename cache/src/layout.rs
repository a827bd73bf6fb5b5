//! Paths in artifacts: which may be, so that none ever leads out of a folder or over another.

use std::collections::BTreeSet;

use runpipe_base::{Artifact, Output};

use crate::StoreError;

/// Refuses an artifact whose files could not all stand below one folder.
pub(crate) fn check(artifact: &Artifact) -> Result<(), StoreError> {
    check_names(artifact.files.keys().map(String::as_str), artifact.parts.keys().map(String::as_str))?;
    artifact.parts.values().try_for_each(check)
}

/// As [`check`], before anything is stored.
pub(crate) fn check_output(output: &Output) -> Result<(), StoreError> {
    check_names(output.files.keys().map(String::as_str), output.parts.keys().map(String::as_str))?;
    output.parts.values().try_for_each(check_output)
}

fn check_names<'a>(
    files: impl Iterator<Item = &'a str>,
    parts: impl Iterator<Item = &'a str>,
) -> Result<(), StoreError> {
    let files: BTreeSet<&str> = files.collect();
    let parts: BTreeSet<&str> = parts.collect();
    let refuse = |path: &str, why| Err(StoreError::BadPath { path: path.to_owned(), why });
    for name in &parts {
        if let Some(why) = why_not(name) {
            return refuse(name, why);
        }
        if name.contains(['/', '.']) {
            return refuse(name, "a part's name has no `/` and no `.`");
        }
    }
    for path in &files {
        if let Some(why) = why_not(path) {
            return refuse(path, why);
        }
        if parts.contains(path.split('/').next().unwrap_or_default()) {
            return refuse(path, "a part has that name");
        }
        if path.match_indices('/').any(|(end, _)| files.contains(&path[..end])) {
            return refuse(path, "a file stands where it needs a folder");
        }
    }
    Ok(())
}

/// Why `path` is no relative path of plain names.
fn why_not(path: &str) -> Option<&'static str> {
    if path.is_empty() {
        return Some("it is empty");
    }
    if path.starts_with('/') {
        return Some("it is absolute");
    }
    if path.contains('\0') {
        return Some("it has a zero byte");
    }
    path.split('/').find_map(|name| match name {
        "" => Some("it has an empty name"),
        "." | ".." => Some("it has the name `.` or `..`"),
        name if name.len() > 255 => Some("it has a name of more than 255 bytes"),
        _ => None,
    })
}
