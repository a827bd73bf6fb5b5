//! Unit tests: the formats of files, and a crash at every write.

pub(crate) mod crash;
mod formats;
