//! Files that a `path` parameter names: the only ones that a stage reads.

use std::fs;
use std::io::{BufRead, BufReader, Read as _};
use std::path::{Path, PathBuf};

use flate2::read::MultiGzDecoder;
use runpipe_base::StageError;

/// How a gzip stream begins.
const GZIP: &[u8] = &[0x1f, 0x8b];

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

/// Whether a file is one that gzip has packed, whatever its name.
///
/// # Errors
/// [`StageError::Io`] when it cannot be read.
pub fn is_packed(path: &Path) -> Result<bool, StageError> {
    let io = |e: std::io::Error| StageError::Io { path: path.display().to_string(), message: e.to_string() };
    let mut start = Vec::new();
    let file = fs::File::open(path).map_err(io)?;
    file.take(GZIP.len() as u64).read_to_end(&mut start).map_err(io)?;
    Ok(start == GZIP)
}

/// The bytes of a file; a gzip file is unpacked, whatever its name.
///
/// # Errors
/// [`StageError::Io`] when it cannot be read, [`StageError::Data`] when its gzip stream is broken.
pub fn bytes(path: &Path) -> Result<Vec<u8>, StageError> {
    let raw = fs::read(path)
        .map_err(|e| StageError::Io { path: path.display().to_string(), message: e.to_string() })?;
    if !raw.starts_with(GZIP) {
        return Ok(raw);
    }
    let mut bytes = Vec::new();
    let unpacked = MultiGzDecoder::new(raw.as_slice()).read_to_end(&mut bytes);
    unpacked.map_err(|e| not_whole(&path.display().to_string(), &e))?;
    Ok(bytes)
}

/// The lines of a text file, one after the other, without their ends and without a byte order mark; a gzip file is
/// unpacked on the way, so that no more than a line is held.
///
/// # Errors
/// [`StageError::Io`] when it cannot be opened. Of the lines: as [`text`].
pub fn lines(path: &Path) -> Result<impl Iterator<Item = Result<String, StageError>>, StageError> {
    let shown = path.display().to_string();
    let io = |e: std::io::Error| StageError::Io { path: path.display().to_string(), message: e.to_string() };
    let mut file = BufReader::new(fs::File::open(path).map_err(io)?);
    let packed = file.fill_buf().map_err(io)?.starts_with(GZIP);
    let mut reader: Box<dyn BufRead> =
        if packed { Box::new(BufReader::new(MultiGzDecoder::new(file))) } else { Box::new(file) };
    let mut number = 0;
    Ok(std::iter::from_fn(move || {
        let mut line = Vec::new();
        number += 1;
        match reader.read_until(b'\n', &mut line) {
            Ok(0) => return None,
            Ok(_) => {}
            Err(e) if packed => return Some(Err(not_whole(&shown, &e))),
            Err(e) => return Some(Err(StageError::Io { path: shown.clone(), message: e.to_string() })),
        }
        let end = line.strip_suffix(b"\n").map_or(line.len(), |l| l.strip_suffix(b"\r").unwrap_or(l).len());
        line.truncate(end);
        let line = String::from_utf8(line).map_err(|e| not_text(&shown, number, &e));
        let bare = |line: String| line.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(line);
        Some(if number == 1 { line.map(bare) } else { line })
    }))
}

fn not_whole(path: &str, e: &std::io::Error) -> StageError {
    let message = format!("expected a whole gzip stream: {e}");
    StageError::Data { path: path.to_owned(), line: 0, message }
}

fn not_text(path: &str, line: usize, e: &std::string::FromUtf8Error) -> StageError {
    let byte = e.as_bytes()[e.utf8_error().valid_up_to()];
    let message = format!("expected UTF-8, found the byte 0x{byte:02x}");
    StageError::Data { path: path.to_owned(), line, message }
}

/// The text of a file without a byte order mark; a gzip file is unpacked.
///
/// # Errors
/// As [`bytes`], and [`StageError::Data`] at the first line that is not UTF-8.
pub fn text(path: &Path) -> Result<String, StageError> {
    let text = String::from_utf8(bytes(path)?).map_err(|e| {
        let line = e.as_bytes()[..e.utf8_error().valid_up_to()].split(|b| *b == b'\n').count();
        not_text(&path.display().to_string(), line, &e)
    })?;
    Ok(text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text))
}
