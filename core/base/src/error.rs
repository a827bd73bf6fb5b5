//! Why a stage fails, in words for people.

use crate::BlobError;

/// Why a stage could not do its work.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StageError {
    /// An input artifact is not what the stage can work with.
    #[error("{0}")]
    Input(String),
    /// A line of a data file is wrong.
    #[error("{}: {message}", place(path, *line))]
    Data {
        /// The file, as the user named it.
        path: String,
        /// Line, from 1; 0 when the file as a whole is meant.
        line: usize,
        /// What is wrong, expected then found.
        message: String,
    },
    /// A file given as a `path` parameter cannot be read.
    #[error("cannot read `{path}`: {message}")]
    Io {
        /// The file.
        path: String,
        /// The system's words.
        message: String,
    },
    /// The device refused.
    #[error("{0}")]
    Tensor(String),
    /// Training left the finite numbers.
    #[error("{what} is {value} at step {step}")]
    NonFinite {
        /// Which number.
        what: String,
        /// What it became.
        value: f64,
        /// The step, from 0.
        step: usize,
    },
    /// Stored bytes cannot be had.
    #[error(transparent)]
    Blob(#[from] BlobError),
    /// The run is being stopped; what was saved stays.
    #[error("stopped")]
    Cancelled,
    /// A command failed.
    #[error("{message}")]
    Command {
        /// What happened.
        message: String,
        /// Its last lines of stderr.
        stderr: String,
    },
    /// Anything else, in words.
    #[error("{0}")]
    Other(String),
}

/// `path:line`, or the path alone when no line is meant.
fn place(path: &str, line: usize) -> String {
    if line == 0 { path.to_owned() } else { format!("{path}:{line}") }
}
