//! The folders of a store and the few things done in them: read, write once and rename, stamp, flush.
//!
//! Paths are taken relative to open folders, which halves what the kernel spends on a lookup.

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use rustix::fs::{AtFlags, Mode, OFlags, Stat, Timespec, Timestamps, UTIME_NOW};
use rustix::io::Errno;

use crate::StoreError;
#[cfg(test)]
use crate::tests::crash::moment;

/// Marks a change of the disk; tests end the process before each of them.
#[cfg(not(test))]
fn moment() {}

/// Mode of files that nobody edits, before the umask.
pub(crate) const FROZEN: u32 = 0o444;
/// Mode of other files, before the umask.
pub(crate) const PLAIN: u32 = 0o666;

/// The place of an object or manifest in its folder: `ab/cdef…`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Name([u8; 65]);

impl Name {
    pub(crate) fn of(bytes: &[u8; 32]) -> Self {
        const HEX: &[u8; 16] = b"0123456789abcdef";
        let mut name = [b'/'; 65];
        for (i, byte) in bytes.iter().enumerate() {
            let at = 2 * i + usize::from(i > 0);
            name[at] = HEX[usize::from(byte >> 4)];
            name[at + 1] = HEX[usize::from(byte & 15)];
        }
        Self(name)
    }

    pub(crate) fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).expect("hexadecimal digits and a slash")
    }
}

/// A folder of the store, held open.
pub(crate) struct Folder {
    fd: OwnedFd,
    path: PathBuf,
}

impl Folder {
    /// Opens the folder at `path`.
    pub(crate) fn open(path: PathBuf) -> Result<Self, StoreError> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        match rustix::fs::open(&path, flags, Mode::empty()) {
            Ok(fd) => Ok(Self { fd, path }),
            Err(e) => Err(StoreError::io("open", path, e)),
        }
    }

    pub(crate) fn join(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    pub(crate) fn error(&self, action: &'static str, name: &str, e: Errno) -> StoreError {
        StoreError::io(action, self.join(name), e)
    }

    /// Opens a file to read it; `None` when there is none.
    pub(crate) fn file(&self, name: &str) -> Result<Option<File>, Errno> {
        absent(rustix::fs::openat(&self.fd, name, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty()))
            .map(|fd| fd.map(File::from))
    }

    /// What a file holds and how it stood when it was opened; `None` when there is none.
    pub(crate) fn read(&self, name: &str) -> Result<Option<(File, Stat, Vec<u8>)>, StoreError> {
        let Some(mut file) = self.file(name).map_err(|e| self.error("open", name, e))? else {
            return Ok(None);
        };
        let stat = rustix::fs::fstat(&file).map_err(|e| self.error("read", name, e))?;
        let mut bytes = vec![0; usize::try_from(stat.st_size).unwrap_or(0)];
        // A file that shrinks meanwhile reads as zeros at its end, and no checksum holds for those.
        let mut at = 0;
        while at < bytes.len() {
            match file.read(&mut bytes[at..]) {
                Ok(0) => break,
                Ok(n) => at += n,
                Err(e) if e.kind() == std::io::ErrorKind::Interrupted => {}
                Err(e) => return Err(StoreError::io("read", self.join(name), e)),
            }
        }
        Ok(Some((file, stat, bytes)))
    }

    pub(crate) fn stat(&self, name: &str) -> Result<Option<Stat>, Errno> {
        absent(rustix::fs::statat(&self.fd, name, AtFlags::SYMLINK_NOFOLLOW))
    }

    /// Removes a file; says whether there was one.
    pub(crate) fn remove(&self, name: &str) -> Result<bool, StoreError> {
        moment();
        absent(rustix::fs::unlinkat(&self.fd, name, AtFlags::empty()))
            .map(|done| done.is_some())
            .map_err(|e| self.error("remove", name, e))
    }

    /// Moves a file into another folder, in place of what has that name there; says whether there was one to move.
    pub(crate) fn rename(&self, name: &str, to: &Self, new: &str) -> Result<bool, StoreError> {
        moment();
        absent(rustix::fs::renameat(&self.fd, name, &to.fd, new))
            .map(|done| done.is_some())
            .map_err(|e| to.error("move", new, e))
    }

    /// Gives a file another name here. `Errno::EXIST` when the name is taken, others where the file system cannot do it.
    pub(crate) fn rename_new(&self, name: &str, new: &str) -> Result<(), Errno> {
        moment();
        #[cfg(any(target_os = "linux", target_vendor = "apple"))]
        return rustix::fs::renameat_with(&self.fd, name, &self.fd, new, rustix::fs::RenameFlags::NOREPLACE);
        #[cfg(not(any(target_os = "linux", target_vendor = "apple")))]
        Err(Errno::NOSYS)
    }

    /// Gives a file a second name here. `Errno::EXIST` when the name is taken.
    pub(crate) fn link(&self, name: &str, to: &Self, new: &str) -> Result<(), Errno> {
        moment();
        match rustix::fs::linkat(&self.fd, name, &to.fd, new, AtFlags::empty()) {
            Err(Errno::NOENT) => {
                to.make_shard(new)?;
                rustix::fs::linkat(&self.fd, name, &to.fd, new, AtFlags::empty())
            }
            done => done,
        }
    }

    /// Makes the folder that `name` (`ab/cdef…`) stands in.
    fn make_shard(&self, name: &str) -> Result<(), Errno> {
        let Some((shard, _)) = name.split_once('/') else { return Ok(()) };
        moment();
        match rustix::fs::mkdirat(&self.fd, shard, Mode::from_raw_mode(0o777)) {
            Ok(()) | Err(Errno::EXIST) => Ok(()),
            Err(e) => Err(e),
        }
    }

    /// Opens a file to lock it, makes it if needed.
    pub(crate) fn lock_file(&self, name: &str) -> Result<File, StoreError> {
        moment();
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::CLOEXEC;
        rustix::fs::openat(&self.fd, name, flags, Mode::from_raw_mode(PLAIN))
            .map(File::from)
            .map_err(|e| self.error("create", name, e))
    }

    /// Flushes a file.
    pub(crate) fn sync_file(&self, name: &str) -> Result<(), StoreError> {
        let file = self.file(name).map_err(|e| self.error("open", name, e))?;
        file.map_or(Ok(()), |file| rustix::fs::fsync(&file)).map_err(|e| self.error("flush", name, e))
    }

    /// Flushes the names in the folder that `name` stands in, and that folder's own.
    pub(crate) fn sync_names(&self, name: &str) -> Result<(), StoreError> {
        let shard = name.split_once('/').map_or(Ok(()), |(shard, _)| {
            let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
            rustix::fs::openat(&self.fd, shard, flags, Mode::empty()).and_then(rustix::fs::fsync)
        });
        shard.and_then(|()| rustix::fs::fsync(&self.fd)).map_err(|e| self.error("flush", name, e))
    }

    /// Flushes everything on the folder's disk.
    pub(crate) fn sync_disk(&self) -> Result<(), StoreError> {
        #[cfg(target_os = "linux")]
        return rustix::fs::syncfs(&self.fd).map_err(|e| StoreError::io("flush", &self.path, e));
        #[cfg(not(target_os = "linux"))]
        {
            rustix::fs::sync();
            Ok(())
        }
    }

    /// The names in the folder, sorted; of a sharded one `ab/cdef…`.
    pub(crate) fn names(&self, sharded: bool) -> Result<Vec<String>, StoreError> {
        let mut names = list(&self.path)?;
        if sharded {
            let mut all = Vec::new();
            for shard in names.iter().filter(|name| name.len() == 2) {
                all.extend(list(&self.path.join(shard))?.into_iter().map(|name| format!("{shard}/{name}")));
            }
            names = all;
        }
        Ok(names)
    }
}

fn list(path: &Path) -> Result<Vec<String>, StoreError> {
    let failed = |e| StoreError::io("list", path, e);
    let mut names = Vec::new();
    for entry in std::fs::read_dir(path).map_err(failed)? {
        // Names that are not UTF-8 are none of ours.
        names.extend(entry.map_err(failed)?.file_name().into_string());
    }
    names.sort_unstable();
    Ok(names)
}

fn absent<T>(done: Result<T, Errno>) -> Result<Option<T>, Errno> {
    match done {
        Ok(value) => Ok(Some(value)),
        Err(Errno::NOENT) => Ok(None),
        Err(e) => Err(e),
    }
}

/// When a file was written or last stamped, in nanoseconds since 1970.
pub(crate) fn stamp_of(stat: &Stat) -> i128 {
    i128::from(stat.st_mtime) * 1_000_000_000 + stat.st_mtime_nsec as i128
}

/// Stamps a file with the kernel's clock.
pub(crate) fn stamp(file: &File) -> Result<(), Errno> {
    let now = Timespec { tv_sec: 0, tv_nsec: UTIME_NOW as _ };
    rustix::fs::futimens(file, &Timestamps { last_access: now, last_modification: now })
}

/// The folder where files are written before they have a name, and the names they have there.
pub(crate) struct Scratch {
    folder: Folder,
    prefix: String,
    count: AtomicU64,
}

impl Scratch {
    pub(crate) fn new(folder: Folder) -> Self {
        // Unlike for every process, on every machine that shares the store; never part of a result.
        let chance = std::hash::BuildHasher::hash_one(&std::hash::RandomState::new(), 0_u8);
        Self { folder, prefix: format!("{}-{chance:016x}", std::process::id()), count: AtomicU64::new(0) }
    }

    /// A name that nobody else uses.
    pub(crate) fn unique(&self) -> String {
        format!("{}-{}", self.prefix, self.count.fetch_add(1, Ordering::Relaxed))
    }

    pub(crate) fn folder(&self) -> &Folder {
        &self.folder
    }

    /// A new, empty file.
    pub(crate) fn temp(&self, mode: u32) -> Result<Temp<'_>, StoreError> {
        moment();
        let name = self.unique();
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
        let fd = rustix::fs::openat(&self.folder.fd, &name, flags, Mode::from_raw_mode(mode));
        match fd {
            Ok(fd) => Ok(Temp { folder: &self.folder, name, file: File::from(fd), placed: false }),
            Err(e) => Err(self.folder.error("create", &name, e)),
        }
    }

    /// Writes `bytes` to the file `name` of `folder`, all or nothing.
    pub(crate) fn place(
        &self,
        folder: &Folder,
        name: &str,
        mode: u32,
        bytes: &[&[u8]],
        durable: bool,
    ) -> Result<(), StoreError> {
        let mut temp = self.temp(mode)?;
        for piece in bytes {
            temp.write(piece)?;
        }
        temp.place(folder, name, durable)
    }

    /// Writes `bytes` to the file at `path`, on the same disk, all or nothing.
    pub(crate) fn place_at(&self, path: &Path, mode: u32, bytes: &[u8]) -> Result<(), StoreError> {
        let mut temp = self.temp(mode)?;
        temp.write(bytes)?;
        moment();
        rustix::fs::renameat(&self.folder.fd, &temp.name, rustix::fs::CWD, path)
            .map_err(|e| StoreError::io("write", path, e))?;
        temp.placed = true;
        Ok(())
    }
}

/// A file without a name of its own yet; removed unless it is placed.
pub(crate) struct Temp<'a> {
    folder: &'a Folder,
    name: String,
    file: File,
    placed: bool,
}

impl Temp<'_> {
    pub(crate) fn write(&mut self, bytes: &[u8]) -> Result<(), StoreError> {
        // In tests a write is seen half done.
        let (some, rest) = bytes.split_at(if cfg!(test) { bytes.len() / 2 } else { bytes.len() });
        moment();
        let some = self.file.write_all(some);
        moment();
        some.and_then(|()| self.file.write_all(rest))
            .map_err(|e| StoreError::io("write", self.folder.join(&self.name), e))
    }

    /// Gives the file its name, in place of what had it. With `durable` the bytes reach the disk before the name does,
    /// and the name before this returns.
    pub(crate) fn place(mut self, folder: &Folder, name: &str, durable: bool) -> Result<(), StoreError> {
        moment();
        if durable {
            rustix::fs::fsync(&self.file).map_err(|e| folder.error("flush", name, e))?;
        }
        let rename = || rustix::fs::renameat(&self.folder.fd, &self.name, &folder.fd, name);
        let done = rename().or_else(|e| match e {
            Errno::NOENT => folder.make_shard(name).and_then(|()| rename()),
            e => Err(e),
        });
        done.map_err(|e| folder.error("write", name, e))?;
        self.placed = true;
        moment();
        if durable { folder.sync_names(name) } else { Ok(()) }
    }

    /// Gives the file a name if nobody has it; says whether it got it.
    pub(crate) fn place_new(&self, folder: &Folder, name: &str) -> Result<bool, StoreError> {
        match self.folder.link(&self.name, folder, name) {
            Ok(()) => Ok(true),
            Err(Errno::EXIST) => Ok(false),
            Err(e) => Err(folder.error("write", name, e)),
        }
    }
}

impl Drop for Temp<'_> {
    fn drop(&mut self) {
        if !self.placed {
            // What cannot be removed now, `gc` removes.
            let _ = self.folder.remove(&self.name);
        }
    }
}
