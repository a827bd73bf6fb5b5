//! Between the store and folders of the outside: what a command left, and files for people and commands.

use std::collections::BTreeSet;
use std::fs::{File, Metadata, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use runpipe_base::{Artifact, BlobError, Digest, FileEntry, Kind, PartSpec};

use crate::disk::{FROZEN, Name, PLAIN};
use crate::{Store, StoreError, layout};

/// Files up to this size are read at once; larger ones go through a buffer of this size.
const CHUNK: usize = 1 << 20;

/// Stores the files below `dir`; see [`Slot::import`](crate::Slot::import).
pub(crate) fn import(
    store: &Store,
    dir: &Path,
    kind: Kind,
    parts: &[PartSpec],
) -> Result<Artifact, StoreError> {
    let root = dir.canonicalize().map_err(|e| StoreError::io("read", dir, e))?;
    let mut walk = Walk { store, root: root.clone(), above: vec![root] };
    let mut artifact = Artifact { kind, files: [].into(), parts: [].into() };
    for (name, path) in sorted(dir)? {
        let Some(part) = parts.iter().find(|part| part.name == name) else {
            walk.take(&path, name, &mut artifact)?;
            continue;
        };
        let mut made = Artifact { kind: part.kind.clone(), files: [].into(), parts: [].into() };
        if !path.is_dir() {
            let what = format!("`{name}` is a part of the output and must be a folder");
            return Err(StoreError::Special { path, what });
        }
        walk.take(&path, String::new(), &mut made)?;
        artifact.parts.insert(name, made);
    }
    layout::check(&artifact)?;
    Ok(artifact)
}

struct Walk<'a> {
    store: &'a Store,
    /// Nothing outside it is taken.
    root: PathBuf,
    /// The folders on the way to the current one, to notice a link back to one of them.
    above: Vec<PathBuf>,
}

impl Walk<'_> {
    /// Takes the file or folder at `path` under the name `name`.
    fn take(&mut self, path: &Path, name: String, artifact: &mut Artifact) -> Result<(), StoreError> {
        let failed = |e| StoreError::io("read", path, e);
        let special = |what: &str| StoreError::Special { path: path.to_owned(), what: what.to_owned() };
        if path.symlink_metadata().map_err(failed)?.is_symlink() {
            let target = path.canonicalize().map_err(|_| special("a link that leads nowhere"))?;
            if !target.starts_with(&self.root) {
                return Err(special("a link out of the output folder"));
            }
        }
        let metadata = path.metadata().map_err(failed)?;
        if metadata.is_file() {
            artifact.files.insert(name, put_file(self.store, path, &metadata)?);
            return Ok(());
        }
        if !metadata.is_dir() {
            return Err(special("neither a file nor a folder"));
        }
        let real = path.canonicalize().map_err(failed)?;
        if self.above.contains(&real) {
            return Err(special("a link to a folder that it stands in"));
        }
        self.above.push(real);
        for (child, path) in sorted(path)? {
            let child = if name.is_empty() { child } else { format!("{name}/{child}") };
            self.take(&path, child, artifact)?;
        }
        self.above.pop();
        Ok(())
    }
}

/// Names and paths in a folder, in order of their names.
fn sorted(dir: &Path) -> Result<Vec<(String, PathBuf)>, StoreError> {
    let failed = |e| StoreError::io("list", dir, e);
    let mut entries = Vec::new();
    for entry in std::fs::read_dir(dir).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        match entry.file_name().into_string() {
            Ok(name) => entries.push((name, entry.path())),
            Err(_) => {
                return Err(StoreError::Special {
                    path: entry.path(),
                    what: "its name is not UTF-8".to_owned(),
                });
            }
        }
    }
    entries.sort();
    Ok(entries)
}

/// Stores a copy of a file. It is copied, not moved: whoever made it may still hold it open for writing.
fn put_file(store: &Store, path: &Path, metadata: &Metadata) -> Result<FileEntry, StoreError> {
    let failed = |e| StoreError::io("read", path, e);
    if metadata.len() <= CHUNK as u64 {
        let bytes = std::fs::read(path).map_err(failed)?;
        return Ok(FileEntry { digest: store.put_bytes(&bytes)?, size: bytes.len() as u64 });
    }
    let disk = store.writable()?;
    let mut file = File::open(path).map_err(failed)?;
    let mut temp = disk.scratch.temp(FROZEN)?;
    let (digest, size) = copy(&mut file, |bytes| temp.write(bytes), failed)?;
    let name = Name::of(digest.as_bytes());
    if !store.has_object(&name, size)? {
        temp.place(&disk.objects, name.as_str(), false)?;
    }
    Ok(FileEntry { digest, size })
}

/// Reads a file to its end, hands every piece on, and says what it was.
pub(crate) fn copy(
    file: &mut File,
    mut write: impl FnMut(&[u8]) -> Result<(), StoreError>,
    failed: impl Fn(std::io::Error) -> StoreError,
) -> Result<(Digest, u64), StoreError> {
    let mut hasher = blake3::Hasher::new();
    let mut buffer = vec![0; CHUNK];
    let mut size = 0;
    loop {
        match file.read(&mut buffer) {
            Ok(0) => return Ok((Digest::from_bytes(*hasher.finalize().as_bytes()), size)),
            Ok(n) => {
                hasher.update(&buffer[..n]);
                write(&buffer[..n])?;
                size += n as u64;
            }
            Err(e) if e.kind() == std::io::ErrorKind::Interrupted => {}
            Err(e) => return Err(failed(e)),
        }
    }
}

impl Store {
    /// Writes the files of `artifact` below `dir`, parts as folders, verified; copies (or clones), never links.
    /// Files that are there are replaced, each at once.
    ///
    /// # Errors
    /// [`StoreError::BadPath`] when a path would leave `dir`, `Blob` when an object is missing or damaged.
    pub fn materialise(&self, artifact: &Artifact, dir: &Path, read_only: bool) -> Result<(), StoreError> {
        layout::check(artifact)?;
        let mut made = BTreeSet::new();
        let mut make = |path: &Path| {
            if made.contains(path) {
                return Ok(());
            }
            made.insert(path.to_owned());
            std::fs::create_dir_all(path).map_err(|e| StoreError::io("create", path, e))
        };
        make(dir)?;
        for (path, entry) in artifact.entries() {
            let path = dir.join(path);
            make(path.parent().unwrap_or(dir))?;
            self.write_out(&entry.digest, &path, if read_only { FROZEN } else { PLAIN })?;
        }
        Ok(())
    }

    /// Writes a verified copy of an object to `path`.
    fn write_out(&self, digest: &Digest, path: &Path, mode: u32) -> Result<(), StoreError> {
        let objects = &self.0.objects;
        let name = Name::of(digest.as_bytes());
        let object = objects.file(name.as_str()).map_err(|e| objects.error("open", name.as_str(), e))?;
        let mut object = object.ok_or(BlobError::Missing(*digest))?;

        let temp = path.with_file_name(format!(".{}", self.0.scratch.unique()));
        let failed = |e| StoreError::io("write", path, e);
        let open = OpenOptions::new().read(true).write(true).create_new(true).mode(mode).open(&temp);
        let mut out = open.map_err(failed)?;
        let found = if clone(&out, &object) {
            copy(&mut out, |_| Ok(()), failed)
        } else {
            copy(
                &mut object,
                |bytes| out.write_all(bytes).map_err(failed),
                |e| {
                    objects.error(
                        "read",
                        name.as_str(),
                        rustix::io::Errno::from_io_error(&e).unwrap_or(rustix::io::Errno::IO),
                    )
                },
            )
        };
        let done = found.and_then(|(found, _)| {
            if found == *digest {
                return std::fs::rename(&temp, path).map_err(failed);
            }
            self.set_object_aside(digest);
            Err(BlobError::Damaged(*digest).into())
        });
        if done.is_err() {
            // The error that matters is the first one.
            let _ = std::fs::remove_file(&temp);
        }
        done
    }
}

/// Makes `to` a copy-on-write clone of `from`, where the file system can.
#[cfg(target_os = "linux")]
fn clone(to: &File, from: &File) -> bool {
    rustix::fs::ioctl_ficlone(to, from).is_ok()
}

#[cfg(not(target_os = "linux"))]
fn clone(_: &File, _: &File) -> bool {
    false
}
