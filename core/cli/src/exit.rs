//! Exit codes, by name.

use std::process::ExitCode;

/// How the program ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// All is well.
    Fine,
    /// A stage failed, an expectation broke, or the run was stopped.
    Failed,
    /// The pipeline or the flags are wrong.
    Usage,
    /// The cache or the disk refused.
    Disk,
    /// A bug of ours.
    Bug,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(match exit {
            Exit::Fine => 0,
            Exit::Failed => 1,
            Exit::Usage => 2,
            Exit::Disk => 3,
            Exit::Bug => 101,
        })
    }
}
