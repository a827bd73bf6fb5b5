//! Files that a `path` parameter names: the only ones that a stage reads.

use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use flate2::read::MultiGzDecoder;
use runpipe_base::StageError;

/// The names of the files in a folder, sorted.
///
/// # Errors
/// [`StageError::Io`] when the folder cannot be read.
pub fn names(dir: &Path) -> Result<Vec<String>, StageError> {
    let refuse =
        |e: std::io::Error| StageError::Io { path: dir.display().to_string(), message: e.to_string() };
    let mut names = Vec::new();
    for entry in fs::read_dir(dir).map_err(refuse)? {
        let entry = entry.map_err(refuse)?;
        if !entry.path().is_dir() {
            names.push(entry.file_name().to_string_lossy().into_owned());
        }
    }
    names.sort();
    Ok(names)
}

/// The one file of a folder that has one of these names, with one of these endings.
///
/// # Errors
/// [`StageError::Data`] when there is none, or more than one.
pub fn one(dir: &Path, stems: &[&str], endings: &[&str]) -> Result<PathBuf, StageError> {
    let is_one = |file: &String| {
        stems.iter().any(|stem| endings.iter().any(|ending| *file == format!("{stem}{ending}")))
    };
    let found: Vec<String> = names(dir)?.into_iter().filter(is_one).collect();
    let refuse = |message: String| StageError::Data { path: dir.display().to_string(), line: 0, message };
    match found.as_slice() {
        [file] => Ok(dir.join(file)),
        [] => {
            let quoted =
                endings.iter().filter(|ending| !ending.is_empty()).map(|ending| format!("`{ending}`"));
            let mut words: Vec<String> = quoted.collect();
            words.extend(endings.contains(&"").then(|| "none".to_owned()));
            let last = words.pop().unwrap_or_default();
            let before = if words.is_empty() { String::new() } else { format!("{} or ", words.join(", ")) };
            Err(refuse(format!("expected a file `{}` with the ending {before}{last}", stems.join("` or `"))))
        }
        [first, second, ..] => {
            Err(refuse(format!("expected one file for `{}`, found `{first}` and `{second}`", stems[0])))
        }
    }
}

/// The bytes of a file; a gzip file is unpacked, whatever its name.
///
/// # Errors
/// [`StageError::Io`] when it cannot be read, [`StageError::Data`] when its gzip stream is broken.
pub fn bytes(path: &Path) -> Result<Vec<u8>, StageError> {
    let raw = fs::read(path)
        .map_err(|e| StageError::Io { path: path.display().to_string(), message: e.to_string() })?;
    if !raw.starts_with(&[0x1f, 0x8b]) {
        return Ok(raw);
    }
    let mut bytes = Vec::new();
    MultiGzDecoder::new(raw.as_slice()).read_to_end(&mut bytes).map_err(|e| StageError::Data {
        path: path.display().to_string(),
        line: 0,
        message: format!("expected a whole gzip stream: {e}"),
    })?;
    Ok(bytes)
}

/// The text of a file without a byte order mark; a gzip file is unpacked.
///
/// # Errors
/// As [`bytes`], and [`StageError::Data`] at the first line that is not UTF-8.
pub fn text(path: &Path) -> Result<String, StageError> {
    let text = String::from_utf8(bytes(path)?).map_err(|e| {
        let valid = e.utf8_error().valid_up_to();
        let line = e.as_bytes()[..valid].split(|b| *b == b'\n').count();
        let message = format!("expected UTF-8, found the byte 0x{:02x}", e.as_bytes()[valid]);
        StageError::Data { path: path.display().to_string(), line, message }
    })?;
    Ok(text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text))
}
