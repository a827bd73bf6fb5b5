//! Files below a folder or in a tar archive: listed once, read one by one.

use std::borrow::Cow;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

use runpipe_base::StageError;

use super::files;

/// Where a file lies in an archive; in a folder, how long it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// Its first byte.
    pub offset: u64,
    /// Its length in bytes.
    pub bytes: u64,
}

/// A folder or a tar archive.
#[derive(Debug)]
pub struct Archive {
    path: PathBuf,
    held: Held,
}

#[derive(Debug)]
enum Held {
    Folder,
    Tar(File),
    /// What gzip had packed: no place in it can be had without all that comes before.
    Unpacked(Vec<u8>),
}

impl Archive {
    /// Opens a folder or an archive. One that gzip has packed is unpacked into memory; of others nothing is held.
    ///
    /// # Errors
    /// [`StageError::Io`] when the disk refuses, [`StageError::Data`] when a gzip stream is broken.
    pub fn open(path: &Path) -> Result<Self, StageError> {
        let held = if path.is_dir() {
            Held::Folder
        } else if files::is_packed(path)? {
            Held::Unpacked(files::bytes(path)?)
        } else {
            Held::Tar(File::open(path).map_err(|e| io(path.display().to_string(), &e))?)
        };
        Ok(Self { path: path.to_owned(), held })
    }

    /// Every file with its place, in no order; names have `/` between folders.
    ///
    /// # Errors
    /// [`StageError::Io`] when the disk refuses; [`StageError::Data`] when it is no tar archive, or a name is not UTF-8.
    pub fn list(&self) -> Result<Vec<(String, Place)>, StageError> {
        match &self.held {
            Held::Folder => self.below(),
            Held::Tar(file) => {
                let mut file = file;
                file.seek(SeekFrom::Start(0)).map_err(|e| io(self.path.display().to_string(), &e))?;
                let mut archive = tar::Archive::new(file);
                let entries = archive.entries_with_seek().map_err(|e| self.broken(&e))?;
                self.packed(entries)
            }
            Held::Unpacked(bytes) => {
                let mut archive = tar::Archive::new(bytes.as_slice());
                let entries = archive.entries().map_err(|e| self.broken(&e))?;
                self.packed(entries)
            }
        }
    }

    fn below(&self) -> Result<Vec<(String, Place)>, StageError> {
        let mut found = Vec::new();
        let mut open = vec![String::new()];
        while let Some(folder) = open.pop() {
            let refuse = |e: std::io::Error| io(self.shown(&folder), &e);
            for entry in std::fs::read_dir(self.path.join(&folder)).map_err(refuse)? {
                let entry = entry.map_err(refuse)?;
                let name = entry.file_name();
                let name = name.to_str().ok_or_else(|| {
                    self.wrong(&folder, format!("expected names in UTF-8, found `{}`", name.display()))
                })?;
                let name = if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") };
                // Through links, as the key of a folder is made.
                let about = std::fs::metadata(entry.path()).map_err(|e| io(self.shown(&name), &e))?;
                if about.is_dir() {
                    open.push(name);
                } else {
                    found.push((name, Place { offset: 0, bytes: about.len() }));
                }
            }
        }
        Ok(found)
    }

    fn packed<R: Read>(&self, entries: tar::Entries<'_, R>) -> Result<Vec<(String, Place)>, StageError> {
        let mut found = Vec::new();
        for entry in entries {
            let entry = entry.map_err(|e| self.broken(&e))?;
            if !entry.header().entry_type().is_file() {
                continue;
            }
            let name = entry.path().map_err(|e| self.broken(&e))?;
            let name = name.to_str().ok_or_else(|| {
                self.wrong("", format!("expected names in UTF-8, found `{}`", name.display()))
            })?;
            let place = Place { offset: entry.raw_file_position(), bytes: entry.size() };
            found.push((name.trim_start_matches("./").to_owned(), place));
        }
        Ok(found)
    }

    /// The bytes of a file that was listed.
    ///
    /// # Errors
    /// [`StageError::Io`] when the disk refuses or the archive ends before.
    pub fn read(&self, name: &str, place: Place) -> Result<Cow<'_, [u8]>, StageError> {
        let refuse = |e: std::io::Error| io(self.shown(name), &e);
        let short = || refuse(std::io::ErrorKind::UnexpectedEof.into());
        match &self.held {
            Held::Folder => std::fs::read(self.path.join(name)).map(Cow::Owned).map_err(refuse),
            Held::Tar(file) => {
                // Before memory is asked for: a damaged header may claim any size.
                if place.offset.saturating_add(place.bytes) > file.metadata().map_err(refuse)?.len() {
                    return Err(short());
                }
                let mut bytes = vec![0; usize::try_from(place.bytes).map_err(|_| short())?];
                file.read_exact_at(&mut bytes, place.offset).map_err(refuse)?;
                Ok(Cow::Owned(bytes))
            }
            Held::Unpacked(all) => {
                let from = usize::try_from(place.offset).ok();
                let bytes = usize::try_from(place.bytes).ok();
                let found = from.zip(bytes).and_then(|(from, bytes)| all.get(from..)?.get(..bytes));
                found.map(Cow::Borrowed).ok_or_else(short)
            }
        }
    }

    /// Something is wrong with a file, or with the whole when the name is empty.
    pub fn wrong(&self, name: &str, message: String) -> StageError {
        StageError::Data { path: self.shown(name), line: 0, message }
    }

    fn broken(&self, e: &std::io::Error) -> StageError {
        self.wrong("", format!("expected a folder or a whole tar archive: {e}"))
    }

    fn shown(&self, name: &str) -> String {
        if name.is_empty() {
            return self.path.display().to_string();
        }
        format!("{}/{name}", self.path.display())
    }
}

fn io(path: String, e: &std::io::Error) -> StageError {
    StageError::Io { path, message: e.to_string() }
}

#[cfg(test)]
pub(crate) mod tests;
