//! Locks of the system on files: they end with the process that holds them, however it ends.

use std::fs::File;
use std::io::Write;
use std::sync::{Arc, Mutex};

use rustix::fs::FlockOperation;
use rustix::io::Errno;

use crate::StoreError;
use crate::disk::{Folder, Scratch};
use crate::store::lock;

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

/// Whether a file is the one of that name. A lock on another is worth nothing.
pub(crate) fn is_named(folder: &Folder, name: &str, file: &File) -> Result<bool, Errno> {
    let (named, open) = (folder.stat(name)?, rustix::fs::fstat(file)?);
    Ok(named.is_some_and(|named| (named.st_dev, named.st_ino) == (open.st_dev, open.st_ino)))
}

/// An exclusive lock on a file in a folder of locks. The file goes with the lock.
///
/// Only the holder takes the name away from the file, and a lock on a file that has not the name any more is worth nothing,
/// so two holders of one name cannot be.
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
            if is_named(folder, name, &file).map_err(failed)? {
                return Ok(Ok(Self { folder: Arc::clone(folder), name: name.to_owned(), file }));
            }
        }
    }

    /// Turns this lock into one on another name, if nobody has that: whoever looks sees one of the two, and it is held.
    fn turn(&mut self, name: String) -> bool {
        let done = self.folder.rename_new(&self.name, &name).is_ok();
        if done {
            self.name = name;
        }
        done
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

/// The first letters of the names of locks that are held and not needed.
pub(crate) const SPARE: &str = "spare-";
/// So many are held in reserve; more workers than this make new ones.
const MOST: usize = 64;

/// Locks that are used again, under one name after another: to make and remove a file for each of many short computations
/// costs more than all else that the store does for them.
#[derive(Default)]
pub(crate) struct Spares(Mutex<Vec<Lock>>);

impl Spares {
    /// The lock of that name, or the open file that another holds a lock on.
    pub(crate) fn take(&self, folder: &Arc<Folder>, name: &str) -> Result<Result<Lock, File>, StoreError> {
        let spare = lock(&self.0).pop();
        if let Some(mut spare) = spare {
            if spare.turn(name.to_owned()) {
                return Ok(Ok(spare));
            }
            lock(&self.0).push(spare);
        }
        let taken = Lock::take(folder, name)?;
        if let Ok(lock) = &taken {
            // Only for people; without it they do not know for whom they wait.
            let _ = lock.file().write_all(std::process::id().to_string().as_bytes());
        }
        Ok(taken)
    }

    /// Gives the name back and keeps the file.
    pub(crate) fn give_back(&self, mut used: Lock, scratch: &Scratch) {
        if lock(&self.0).len() < MOST && used.turn(format!("{SPARE}{}", scratch.unique())) {
            lock(&self.0).push(used);
        }
    }
}
