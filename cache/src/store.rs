//! The store: open, lookup, read, sync.

use std::collections::BTreeSet;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use runpipe_base::Key;
use rustix::fs::{FlockOperation, Stat};
use rustix::io::Errno;

use crate::disk::{self, Folder, Name, Scratch, stamp_of};
use crate::hash::Memo;
use crate::lock::{self, Held, Lock, Spares};
use crate::objects::{InUse, Unsynced};
use crate::{Manifest, RecipePart, StoreError};

/// A store. Clones are handles to the same one; threads and processes may use it at once.
///
/// # Examples
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use runpipe_base::{Blobs, Hasher, Kind, Output};
/// use runpipe_cache::{Claim, Draft, Store};
///
/// let folder = tempfile::tempdir()?;
/// let store = Store::open(folder.path())?;
/// let key = Hasher::new("example").str("a recipe").finish_key();
/// if let Claim::Mine(slot) = store.claim(&key)? {
///     slot.commit(Draft::default(), &Output::new(Kind::of("text")).file("text.txt", "hello"))?;
/// }
/// let manifest = store.lookup(&key)?.expect("it was committed");
/// assert_eq!(*store.read(&manifest.artifact.files["text.txt"].digest)?, *b"hello");
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Store(pub(crate) Arc<Inner>);

/// What is in a store, in numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct StoreStat {
    /// Results, each under its key and maybe a looser one.
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

pub(crate) struct Inner {
    root: PathBuf,
    pub(crate) objects: Folder,
    pub(crate) keys: Folder,
    pub(crate) scratch: Scratch,
    pub(crate) locks: Arc<Folder>,
    pub(crate) spares: Spares,
    pub(crate) checkpoints: Folder,
    pub(crate) runs: Folder,
    pub(crate) pins: Folder,
    pub(crate) quarantine: Folder,
    pub(crate) memo: Mutex<Memo>,
    pub(crate) in_use: InUse,
    /// Says to `gc`, while it is locked, that this process lives and since when.
    pub(crate) lease: Result<Lock, Refused>,
    /// A result that is used and was stamped before this is stamped anew.
    pub(crate) fresh: i128,
    pub(crate) unsynced: Mutex<Unsynced>,
    warnings: Mutex<Warnings>,
}

/// Why a store cannot be written.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Refused {
    ReadOnly,
    Full,
}

/// Folders below `v1`, in the order of [`Inner`]'s fields.
const FOLDERS: [&str; 8] = ["objects", "keys", "tmp", "locks", "checkpoints", "runs", "pins", "quarantine"];

/// How much older than a process's start the stamp of a result may be that it uses without a new stamp. It keeps
/// lookups from writing more than once a day; `gc` grants it to every process that lives.
pub(crate) const SLACK_NS: i128 = 24 * 3600 * 1_000_000_000;

/// The file that `gc` locks while it works.
pub(crate) const GC_LOCK: &str = "gc";
/// The first letters of the names of leases.
pub(crate) const LEASE: &str = "live-";

#[derive(Default)]
struct Warnings {
    told: BTreeSet<String>,
    new: Vec<String>,
}

impl Store {
    /// Opens the store in the folder `root` (`.runpipe`), makes it if it is not there.
    ///
    /// A store that cannot be written is opened for reading: it serves hits, and [`claim`](Self::claim) of what it lacks
    /// is [`StoreError::ReadOnly`].
    ///
    /// # Errors
    /// [`StoreError`] when there is none and none can be made.
    pub fn open(root: &Path) -> Result<Self, StoreError> {
        let base = root.join("v1");
        if FOLDERS.iter().any(|name| !base.join(name).is_dir()) {
            make(root, &base)?;
        }
        let folder = |i: usize| Folder::open(base.join(FOLDERS[i]));
        let locks = Arc::new(folder(3)?);
        let scratch = Scratch::new(folder(2)?);
        let (lease, fresh) = match take_lease(&locks, &scratch) {
            Ok((lease, fresh)) => (Ok(lease), fresh),
            Err(StoreError::ReadOnly { .. } | StoreError::Denied { .. }) => {
                (Err(Refused::ReadOnly), i128::MIN)
            }
            Err(StoreError::Full { .. }) => (Err(Refused::Full), i128::MIN),
            Err(e) => return Err(e),
        };
        Ok(Self(Arc::new(Inner {
            root: root.to_owned(),
            objects: folder(0)?,
            keys: folder(1)?,
            scratch,
            locks,
            spares: Spares::default(),
            checkpoints: folder(4)?,
            runs: folder(5)?,
            pins: folder(6)?,
            quarantine: folder(7)?,
            memo: Mutex::new(Memo::new(base.join("memo"))),
            in_use: InUse::default(),
            lease,
            fresh,
            unsynced: Mutex::default(),
            warnings: Mutex::default(),
        })))
    }

    /// The folder given to [`open`](Self::open).
    pub fn root(&self) -> &Path {
        &self.0.root
    }

    /// Whether the store can only be read.
    pub fn read_only(&self) -> bool {
        matches!(self.0.lease, Err(Refused::ReadOnly))
    }

    /// What `key`'s computation made, if it is here and whole: the manifest's checksum holds and every object has its size.
    ///
    /// A damaged manifest is set aside with a warning and is no hit.
    ///
    /// # Errors
    /// [`StoreError`] when the disk refuses.
    pub fn lookup(&self, key: &Key) -> Result<Option<Manifest>, StoreError> {
        let name = Name::of(key.as_bytes());
        let Some((file, stat, bytes)) = self.0.keys.read(name.as_str())? else { return Ok(None) };
        let Some(manifest) = Manifest::decode(&bytes).filter(|manifest| manifest.answers(key)) else {
            self.set_aside(&self.0.keys, name.as_str(), &format!("manifest-{key}"));
            self.warn(format!(
                "the result under key `{}` was damaged; it is set aside and computed again",
                key.short()
            ));
            return Ok(None);
        };
        if !self.use_now(&file, &stat).map_err(|e| self.0.keys.error("stamp", name.as_str(), e))? {
            return Ok(None);
        }
        Ok(self.is_whole(&manifest.artifact)?.then_some(manifest))
    }

    /// What `key` was made of, if its manifest is here. [`lookup`](Self::lookup) does not read it, `why` needs it.
    ///
    /// # Errors
    /// [`StoreError`] when the disk refuses.
    pub fn recipe(&self, key: &Key) -> Result<Option<Vec<RecipePart>>, StoreError> {
        let found = self.0.keys.read(Name::of(key.as_bytes()).as_str())?;
        Ok(found.and_then(|(_, _, bytes)| Manifest::decode_recipe(&bytes)))
    }

    /// What a person should know and that stopped nothing; each is told once.
    pub fn take_warnings(&self) -> Vec<String> {
        std::mem::take(&mut lock(&self.0.warnings).new)
    }

    /// Counts what is in the store.
    ///
    /// # Errors
    /// [`StoreError`] when the disk refuses.
    pub fn stat(&self) -> Result<StoreStat, StoreError> {
        let count = |folder: &Folder, sharded| {
            let names = folder.names(sharded)?;
            let mut bytes = 0;
            for name in &names {
                let stat = folder.stat(name).map_err(|e| folder.error("read", name, e))?;
                bytes += stat.map_or(0, |stat| stat.st_size as u64);
            }
            Ok::<_, StoreError>((names.len() as u64, bytes))
        };
        let (manifests, manifest_bytes) = count(&self.0.keys, true)?;
        let (objects, object_bytes) = count(&self.0.objects, true)?;
        let (checkpoints, checkpoint_bytes) = count(&self.0.checkpoints, false)?;
        let runs = self.run_ids()?.len() as u64;
        let quarantined = self.0.quarantine.names(false)?.len() as u64;
        Ok(StoreStat {
            manifests,
            manifest_bytes,
            objects,
            object_bytes,
            checkpoints,
            checkpoint_bytes,
            runs,
            quarantined,
        })
    }

    /// Fails unless the store can be written.
    pub(crate) fn writable(&self) -> Result<&Inner, StoreError> {
        match &self.0.lease {
            Ok(_) => Ok(&self.0),
            Err(Refused::ReadOnly) => Err(StoreError::ReadOnly { path: self.0.root.clone() }),
            Err(Refused::Full) => Err(StoreError::io("write", &self.0.root, Errno::NOSPC)),
        }
    }

    pub(crate) fn warn(&self, message: String) {
        let mut warnings = lock(&self.0.warnings);
        if warnings.told.insert(message.clone()) {
            warnings.new.push(message);
        }
    }

    /// Moves a damaged file out of the way.
    pub(crate) fn set_aside(&self, folder: &Folder, name: &str, new: &str) {
        // In a store that cannot be written it stays, and is found damaged again each time.
        let _ = folder.rename(name, &self.0.quarantine, new);
    }

    /// Tells `gc` that a file is in use; whether it is still there. `stat` is how the open `file` stood just now.
    ///
    /// A young stamp is enough. An old one is renewed under a shared lock on the file: `gc` removes an old file under an
    /// exclusive one, after a second look, so either it sees the new stamp or this sees that the name is gone.
    pub(crate) fn use_now(&self, file: &File, stat: &Stat) -> Result<bool, Errno> {
        if stamp_of(stat) >= self.0.fresh {
            return Ok(true);
        }
        let _held = Held::take(file, FlockOperation::LockShared)?;
        match disk::stamp(file) {
            // Another user's file: without the stamp, the worst that `gc` can do is to have it computed again.
            Ok(()) | Err(Errno::PERM | Errno::ACCESS | Errno::ROFS) => lock::is_linked(file),
            Err(e) => Err(e),
        }
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        let memo = self.memo.get_mut().unwrap_or_else(PoisonError::into_inner);
        if self.lease.is_ok() {
            // A lost memo costs a second hashing, no more.
            let _ = memo.save(&self.scratch);
        }
    }
}

/// A lock on data that is whole between any two statements, so a panic elsewhere leaves nothing to mend.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn make(root: &Path, base: &Path) -> Result<(), StoreError> {
    for name in FOLDERS {
        let path = base.join(name);
        std::fs::create_dir_all(&path).map_err(|e| StoreError::io("create", path, e))?;
    }
    // Not for version control, not for backups. Without them the store works as well.
    let _ = std::fs::write(root.join(".gitignore"), "*\n");
    let tag = "Signature: 8a477f597d28d172789f06886806bc55\n# runpipe's store: it can be deleted, all is computed again.\n";
    let _ = std::fs::write(root.join("CACHEDIR.TAG"), tag);
    Ok(())
}

/// The lease of this process and the age from which it renews stamps.
fn take_lease(locks: &Arc<Folder>, scratch: &Scratch) -> Result<(Lock, i128), StoreError> {
    let name = format!("{LEASE}{}", scratch.unique());
    let failed = |e| locks.error("lock", &name, e);
    let lease = loop {
        // `gc` holds it for a moment when it looks whether it is a dead process's.
        if let Ok(lease) = Lock::take(locks, &name)? {
            break lease;
        }
        std::thread::yield_now();
    };
    let opened = stamp_of(&rustix::fs::fstat(lease.file()).map_err(failed)?);
    // A `gc` at work has counted those who live already, without this one: it spares what is stamped from now on.
    let gc = locks.lock_file(GC_LOCK)?;
    let idle = lock::get_lock(&gc, FlockOperation::NonBlockingLockShared).map_err(failed)?;
    Ok((lease, if idle { opened - SLACK_NS } else { opened }))
}
