//! The store: lookup, read, sync.

use std::path::Path;
use std::sync::Arc;

use runpipe_base::{Artifact, BlobError, Blobs, Digest, Key};

use crate::{Claim, Manifest, RecipePart, StoreError};

/// A store. Clones are handles to the same one; threads and processes may use it at once.
#[derive(Clone)]
pub struct Store(Arc<()>);

/// What is in a store, in numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct StoreStat {
    /// Results.
    pub manifests: u64,
    /// Their bytes.
    pub manifest_bytes: u64,
    /// Files.
    pub objects: u64,
    /// Their bytes.
    pub object_bytes: u64,
    /// Unfinished computations that can go on.
    pub checkpoints: u64,
    /// Their bytes.
    pub checkpoint_bytes: u64,
    /// Runs recorded.
    pub runs: u64,
    /// Damaged files set aside.
    pub quarantined: u64,
}

impl Store {
    /// Opens the store in the folder `root` (`.runpipe`), makes it if it is not there.
    ///
    /// A store that cannot be written is opened for reading: it serves hits, and [`claim`](Self::claim) of what it lacks
    /// is [`StoreError::ReadOnly`].
    ///
    /// # Errors
    /// [`StoreError`] when there is none and none can be made.
    pub fn open(_root: &Path) -> Result<Self, StoreError> {
        todo!()
    }

    /// The folder given to [`open`](Self::open).
    pub fn root(&self) -> &Path {
        todo!()
    }

    /// Whether the store can only be read.
    pub fn read_only(&self) -> bool {
        todo!()
    }

    /// What `key`'s computation made, if it is here and whole: the manifest's checksum holds and every object has its size.
    ///
    /// A damaged manifest is set aside with a warning and is no hit.
    ///
    /// # Errors
    /// [`StoreError`] when the disk refuses.
    pub fn lookup(&self, _key: &Key) -> Result<Option<Manifest>, StoreError> {
        todo!()
    }

    /// What `key` was made of, if its manifest is here. [`lookup`](Self::lookup) does not read it, `why` needs it.
    ///
    /// # Errors
    /// [`StoreError`] when the disk refuses.
    pub fn recipe(&self, _key: &Key) -> Result<Option<Vec<RecipePart>>, StoreError> {
        todo!()
    }

    /// Takes `key` to compute it, finds it computed, or finds who computes it.
    ///
    /// # Errors
    /// [`StoreError`] when the disk refuses; `ReadOnly` when it is to be computed and cannot be kept.
    pub fn claim(&self, _key: &Key) -> Result<Claim, StoreError> {
        todo!()
    }

    /// Makes everything committed so far survive a power failure. Cheap when there is nothing to do.
    ///
    /// # Errors
    /// [`StoreError`] when the disk refuses.
    pub fn sync(&self) -> Result<(), StoreError> {
        todo!()
    }

    /// What a person should know and that stopped nothing; each is told once.
    pub fn take_warnings(&self) -> Vec<String> {
        todo!()
    }

    /// Writes the files of `artifact` below `dir`, parts as folders, verified; copies (or clones), never links.
    /// Files that are there are replaced, each at once.
    ///
    /// # Errors
    /// [`StoreError::BadPath`] when a path would leave `dir`, `Blob` when an object is missing or damaged.
    pub fn materialise(&self, _artifact: &Artifact, _dir: &Path, _read_only: bool) -> Result<(), StoreError> {
        todo!()
    }

    /// The digest of what a file or folder holds: bytes and relative names, no times, owners or modes.
    /// Unchanged files (by device, inode, size, mtime, ctime) are not read again, in this process or a later one.
    ///
    /// # Errors
    /// [`StoreError`] when something cannot be read, is neither file nor folder, or keeps changing.
    pub fn hash_path(&self, _path: &Path) -> Result<Digest, StoreError> {
        todo!()
    }

    /// Counts what is in the store.
    ///
    /// # Errors
    /// [`StoreError`] when the disk refuses.
    pub fn stat(&self) -> Result<StoreStat, StoreError> {
        todo!()
    }
}

impl Blobs for Store {
    fn read(&self, _digest: &Digest) -> Result<Arc<[u8]>, BlobError> {
        todo!()
    }
}
