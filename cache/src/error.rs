//! What can go wrong with a store: always the disk's or the data's doing, never the key's.

use std::io;
use std::path::{Path, PathBuf};

use runpipe_base::BlobError;
use rustix::io::Errno;

/// The store cannot do what it was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The disk, or this user's share of it, is full. Nothing half-written was left behind.
    #[error("no space left to write `{}`", path.display())]
    Full {
        /// What was being written.
        path: PathBuf,
        /// The system's words.
        source: io::Error,
    },
    /// Something must be written and the store can only be read.
    #[error("the store `{}` is read-only", path.display())]
    ReadOnly {
        /// The store, or the file in it.
        path: PathBuf,
    },
    /// This user may not touch the file.
    #[error("permission denied for `{}`", path.display())]
    Denied {
        /// The file.
        path: PathBuf,
        /// The system's words.
        source: io::Error,
    },
    /// The disk refused in another way.
    #[error("cannot {action} `{}`", path.display())]
    Io {
        /// What was tried: `read`, `write`, `create`, …
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// The system's words.
        source: io::Error,
    },
    /// A path or part name of an artifact could not be a file below a folder.
    #[error("bad path `{path}` in an artifact: {why}")]
    BadPath {
        /// As given.
        path: String,
        /// The rule that it breaks.
        why: &'static str,
    },
    /// A folder holds something that is neither a file nor a folder of its own.
    #[error("cannot take `{}`: {what}", path.display())]
    Special {
        /// Where it stands.
        path: PathBuf,
        /// What it is.
        what: String,
    },
    /// A file kept changing while it was being hashed.
    #[error("`{}` changes while it is read", path.display())]
    Changing {
        /// The file.
        path: PathBuf,
    },
    /// There is no run of that name.
    #[error("no run `{id}`")]
    NoRun {
        /// As asked for.
        id: String,
    },
    /// A record of the store (a run, a pin) is not whole.
    #[error("`{}` is damaged: {why}", path.display())]
    Damaged {
        /// The record.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// A name for a pin cannot be a file name.
    #[error("bad name `{name}` for a pin")]
    BadName {
        /// As given.
        name: String,
    },
    /// An object cannot be had.
    #[error(transparent)]
    Blob(#[from] BlobError),
}

impl StoreError {
    /// Sorts a refusal of the disk by what a user can do about it.
    pub(crate) fn io(action: &'static str, path: impl AsRef<Path>, source: impl Into<io::Error>) -> Self {
        let (path, source) = (path.as_ref().to_owned(), source.into());
        match Errno::from_io_error(&source) {
            Some(Errno::NOSPC | Errno::DQUOT | Errno::FBIG) => Self::Full { path, source },
            Some(Errno::ROFS) => Self::ReadOnly { path },
            Some(Errno::ACCESS | Errno::PERM) => Self::Denied { path, source },
            _ => Self::Io { action, path, source },
        }
    }

    /// What the user can do about it.
    pub fn hint(&self) -> Option<&'static str> {
        Some(match self {
            Self::Full { .. } => {
                "`runpipe cache gc` frees what no recent run needs; `--cache DIR` puts the store on another disk"
            }
            Self::ReadOnly { .. } => "`--cache DIR` names a store that can be written",
            Self::Denied { .. } => "check who owns the store, or name another with `--cache DIR`",
            Self::BadPath { .. } => {
                "a path in an artifact is relative, with `/` between names, without `.`, `..` or empty names"
            }
            Self::Special { .. } => "leave only files and folders in an output folder",
            Self::Changing { .. } => "wait until nothing writes to it, then run again",
            Self::NoRun { .. } => "`runpipe runs list` shows the runs there are",
            Self::Damaged { .. } => "`runpipe cache verify --repair` sets damaged files aside",
            Self::BadName { .. } => "use letters, digits, `-`, `_` and `.`, not at the start",
            Self::Blob(_) => "run again: what is damaged is recomputed",
            Self::Io { .. } => return None,
        })
    }
}
