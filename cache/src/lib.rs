//! The content-addressed store: what was computed once is never computed again, and what is damaged is never served.
//!
//! ```text
//! .runpipe/v1/objects/ab/cdef…   bytes, named by their BLAKE3 digest
//!             keys/ab/cdef…      a manifest a key: what its computation made and how; written last
//!             checkpoints/       states of unfinished computations, by key
//!             runs/  pins/       what garbage collection starts from
//!             locks/             who computes a key; which processes live
//!             tmp/               files that have no name yet
//!             quarantine/        damaged files, set aside
//!             memo               digests of files outside, by how they stood when they were hashed
//! ```
//!
//! The one decision that shaped the crate: *a name never comes before its content*. A file is written under a temporary
//! name and then renamed, an object before the manifest that names it, and both carry a checksum that every reader
//! checks. No state but the files is kept, so there is nothing to repair: what is not whole is not there.
//!
//! # A process that is killed
//! leaves temporary files, objects without a manifest and unlocked lock files, which nobody reads and `gc` removes.
//! Results and checkpoints committed before are whole, since renames are atomic. Locks are the system's and end with
//! the process: those who wait for it go on.
//!
//! # A machine that loses power
//! may lose what was not flushed, and a file system may then show a name with an empty or torn file behind it. A torn manifest
//! fails its checksum, a torn object its size at lookup or its digest when it is read; each is set aside and
//! computed again. So flushing decides only how much work is lost, never whether a result is right:
//! - work worth saving (50 ms and more, or 64 KiB and more) is flushed when it is committed: its objects and their
//!   folders, then the manifest, then its folder;
//! - small results are flushed in groups, by [`Store::sync`]: a few one by one, many with their whole disk. The engine
//!   calls it about once a second and at the end, so that a power failure costs a second of small stages.
//!
//! # Many processes
//! share a store without a server. [`Store::claim`] takes a lock on a key, so one computes it while the others wait and
//! then find it. A lost race for an object is a success: both wrote the same bytes. Garbage collection runs beside them:
//! what a living process uses bears a stamp that spares it (see `gc.rs`).
//!
//! # A remote tier
//! would sit behind [`Store::lookup`], [`Slot::commit`] and [`Blobs::read`](runpipe_base::Blobs::read) alone: manifests by
//! key and objects by digest, both immutable and self-checking.

mod claim;
mod disk;
mod error;
mod gc;
mod hash;
mod import;
mod layout;
mod lock;
mod manifest;
mod number;
mod objects;
mod pins;
mod runs;
mod store;
mod verify;

#[cfg(test)]
mod tests;

pub use claim::{Claim, Holder, Slot, Waited};
pub use error::StoreError;
pub use gc::{GcOptions, GcReport, Removed};
pub use manifest::{Draft, Manifest, RecipePart};
pub use pins::Pin;
pub use runs::{NodeTime, RunId, RunInfo};
pub use store::{Store, StoreStat};
pub use verify::{Damage, VerifyReport};
