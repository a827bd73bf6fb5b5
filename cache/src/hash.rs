//! What files and folders hold, hashed once: a memo remembers it as long as they stay as they are.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs::File;
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use runpipe_base::{Digest, Hasher};

use crate::disk::{PLAIN, Scratch};
use crate::store::lock;
use crate::{Store, StoreError, manifest};

impl Store {
    /// The digest of what a file or folder holds: bytes and relative names, no times, owners or modes.
    ///
    /// A file's digest is that of its bytes. Links are followed. Unchanged files (by device, inode, size, mtime, ctime) are
    /// not read again, in this process or a later one; a file that changed within the last two seconds is always read, since
    /// its times may not show the next change.
    ///
    /// # Errors
    /// [`StoreError`] when something cannot be read, is neither file nor folder, or keeps changing.
    pub fn hash_path(&self, path: &Path) -> Result<Digest, StoreError> {
        self.hash_below(path, &mut Vec::new())
    }

    fn hash_below(&self, path: &Path, above: &mut Vec<(u64, u64)>) -> Result<Digest, StoreError> {
        let failed = |e| StoreError::io("read", path, e);
        let special = |what: &str| StoreError::Special { path: path.to_owned(), what: what.to_owned() };
        let metadata = path.metadata().map_err(failed)?;
        if metadata.is_file() {
            return self.hash_file(path);
        }
        if !metadata.is_dir() {
            return Err(special("neither a file nor a folder"));
        }
        let id = (metadata.dev(), metadata.ino());
        if above.contains(&id) {
            return Err(special("a link to a folder that it stands in"));
        }
        above.push(id);
        let entries = std::fs::read_dir(path).map_err(failed)?.collect::<Result<Vec<_>, _>>();
        let mut names: Vec<_> = entries.map_err(failed)?.into_iter().map(|entry| entry.file_name()).collect();
        names.sort_unstable();
        let mut hasher = Hasher::new("runpipe folder 1");
        for name in names {
            let child = path.join(&name);
            let digest = self.hash_below(&child, above)?;
            hasher.bytes(name.as_bytes()).u64(u64::from(child.is_dir())).digest(&digest);
        }
        above.pop();
        Ok(hasher.finish_digest())
    }

    fn hash_file(&self, path: &Path) -> Result<Digest, StoreError> {
        /// A file may change once or twice under our eyes; one that always does cannot be hashed.
        const TRIES: usize = 3;
        let failed = |e| StoreError::io("read", path, e);
        for _ in 0..TRIES {
            let mut file = File::open(path).map_err(failed)?;
            let before = Stamp::of(&file).map_err(failed)?;
            if let Some(digest) = lock(&self.0.memo).get(&before) {
                return Ok(digest);
            }
            let mut hasher = blake3::Hasher::new();
            let mut buffer = vec![0; (before.size as usize + 1).clamp(1 << 12, 1 << 20)];
            loop {
                match file.read(&mut buffer) {
                    Ok(0) => break,
                    Ok(n) => _ = hasher.update(&buffer[..n]),
                    Err(e) if e.kind() == std::io::ErrorKind::Interrupted => {}
                    Err(e) => return Err(failed(e)),
                }
            }
            if Stamp::of(&file).map_err(failed)? == before {
                let digest = Digest::from_bytes(*hasher.finalize().as_bytes());
                if before.is_settled() {
                    lock(&self.0.memo).insert(before, digest);
                }
                return Ok(digest);
            }
        }
        Err(StoreError::Changing { path: path.to_owned() })
    }

    pub(crate) fn save_memo(&self) {
        if self.0.lease.is_ok()
            && let Err(e) = lock(&self.0.memo).save(&self.0.scratch)
        {
            self.warn(format!("{e}; files will be hashed again"));
        }
    }
}

/// How a file stands: a change shows in one of these, unless it comes within the clock's grain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stamp {
    dev: u64,
    ino: u64,
    size: u64,
    mtime_ns: i128,
    ctime_ns: i128,
}

impl Stamp {
    fn of(file: &File) -> std::io::Result<Self> {
        let m = file.metadata()?;
        let ns = |s: i64, ns: i64| i128::from(s) * 1_000_000_000 + i128::from(ns);
        Ok(Self {
            dev: m.dev(),
            ino: m.ino(),
            size: m.size(),
            mtime_ns: ns(m.mtime(), m.mtime_nsec()),
            ctime_ns: ns(m.ctime(), m.ctime_nsec()),
        })
    }

    /// Whether the last change is so long ago that another would show. File systems stamp with a grain of up to two seconds.
    fn is_settled(&self) -> bool {
        #[expect(clippy::disallowed_methods, reason = "decides what is remembered, never what a digest is")]
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |t| t.as_nanos() as i128);
        now - self.mtime_ns.max(self.ctime_ns) > 2_000_000_000
    }
}

/// The first word of a memo.
const MARK: &str = "runpipe-memo-1 ";
/// Beyond so many files, those that this process did not see are forgotten.
const MANY: usize = 1_000_000;

/// Digests of files by how they stand, kept in one small file. A damaged one is as good as none.
pub(crate) struct Memo {
    path: PathBuf,
    /// What the file held; `None` until it is needed.
    known: Option<BTreeMap<(u64, u64), (Stamp, Digest)>>,
    /// What this process hashed since the last save.
    new: Vec<(Stamp, Digest)>,
}

impl Memo {
    pub(crate) fn new(path: PathBuf) -> Self {
        Self { path, known: None, new: Vec::new() }
    }

    fn get(&mut self, stamp: &Stamp) -> Option<Digest> {
        let known = self.known.get_or_insert_with(|| load(&self.path));
        known.get(&(stamp.dev, stamp.ino)).filter(|(then, _)| then == stamp).map(|(_, digest)| *digest)
    }

    fn insert(&mut self, stamp: Stamp, digest: Digest) {
        let known = self.known.get_or_insert_with(|| load(&self.path));
        known.insert((stamp.dev, stamp.ino), (stamp, digest));
        self.new.push((stamp, digest));
    }

    /// Adds what is new to the file, beside what other processes added.
    pub(crate) fn save(&mut self, scratch: &Scratch) -> Result<(), StoreError> {
        if self.new.is_empty() {
            return Ok(());
        }
        let mut all = load(&self.path);
        if all.len() > MANY {
            all.clear();
        }
        all.extend(std::mem::take(&mut self.new).into_iter().map(|(s, d)| ((s.dev, s.ino), (s, d))));
        let mut body = String::with_capacity(all.len() * 128);
        for (s, digest) in all.values() {
            let Stamp { dev, ino, size, mtime_ns, ctime_ns } = s;
            writeln!(body, "{dev} {ino} {size} {mtime_ns} {ctime_ns} {digest}").expect("a String takes all");
        }
        let bytes = manifest::seal(MARK, body.as_bytes());
        scratch.place_at(&self.path, PLAIN, &bytes)
    }
}

fn load(path: &Path) -> BTreeMap<(u64, u64), (Stamp, Digest)> {
    let Ok(bytes) = std::fs::read(path) else { return BTreeMap::new() };
    let body = manifest::unseal(MARK, &bytes).and_then(|body| std::str::from_utf8(body).ok());
    body.into_iter().flat_map(str::lines).filter_map(parse).map(|(s, d)| ((s.dev, s.ino), (s, d))).collect()
}

fn parse(line: &str) -> Option<(Stamp, Digest)> {
    let mut words = line.split(' ');
    let stamp = Stamp {
        dev: words.next()?.parse().ok()?,
        ino: words.next()?.parse().ok()?,
        size: words.next()?.parse().ok()?,
        mtime_ns: words.next()?.parse().ok()?,
        ctime_ns: words.next()?.parse().ok()?,
    };
    Some((stamp, words.next()?.parse().ok()?))
}
