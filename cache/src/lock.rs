//! Locks of the system on files: they end with the process that holds them, however it ends.

use std::fs::File;
use std::sync::Arc;

use rustix::fs::FlockOperation;
use rustix::io::Errno;

use crate::StoreError;
use crate::disk::Folder;

/// Whether a lock was had; only an `operation` that does not wait may fail.
pub(crate) fn get_lock(file: &File, operation: FlockOperation) -> Result<bool, Errno> {
    loop {
        match rustix::fs::flock(file, operation) {
            Ok(()) => return Ok(true),
            Err(Errno::WOULDBLOCK) => return Ok(false),
            Err(Errno::INTR) => {}
            Err(e) => return Err(e),
        }
    }
}

/// A lock on an open file that ends with the value, and not only when the descriptor is closed: a child between fork and
/// exec holds that too.
pub(crate) struct Held<'a>(&'a File);

impl<'a> Held<'a> {
    /// The lock, waiting for it; or `None` where `operation` does not wait.
    pub(crate) fn take(file: &'a File, operation: FlockOperation) -> Result<Option<Self>, Errno> {
        Ok(get_lock(file, operation)?.then_some(Self(file)))
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        // It ends with the descriptor at the latest.
        let _ = rustix::fs::flock(self.0, FlockOperation::Unlock);
    }
}

/// Whether a file still has a name.
pub(crate) fn is_linked(file: &File) -> Result<bool, Errno> {
    rustix::fs::fstat(file).map(|stat| stat.st_nlink > 0)
}

/// An exclusive lock on a file in a folder of locks. The file goes with the lock.
///
/// Only the holder unlinks, and a lock on a file that has no name any more is worth nothing, so two holders of one
/// name cannot be.
pub(crate) struct Lock {
    folder: Arc<Folder>,
    name: String,
    file: File,
}

impl Lock {
    /// The lock, or the open file that another holds a lock on.
    pub(crate) fn take(folder: &Arc<Folder>, name: &str) -> Result<Result<Self, File>, StoreError> {
        loop {
            let file = folder.lock_file(name)?;
            let failed = |e| folder.error("lock", name, e);
            if !get_lock(&file, FlockOperation::NonBlockingLockExclusive).map_err(failed)? {
                return Ok(Err(file));
            }
            if is_linked(&file).map_err(failed)? {
                return Ok(Ok(Self { folder: Arc::clone(folder), name: name.to_owned(), file }));
            }
        }
    }

    pub(crate) fn file(&self) -> &File {
        &self.file
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // A name that stays is an unlocked file: the next to take it, or `gc`, deals with it.
        let _ = self.folder.remove(&self.name);
        drop(Held(&self.file));
    }
}
