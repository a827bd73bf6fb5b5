//! Garbage collection.
//!
//! A result in use bears a young stamp: a process renews the stamp of what it finds when it is older than its own start
//! less a day, and `gc` takes nothing stamped since the oldest living process's start less a day. Old files go one by one,
//! each under a lock and after a second look, manifests before objects; so a result that is seen is whole, and one that
//! is used stays.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use runpipe_base::{Digest, Key};
use rustix::fs::FlockOperation;

use crate::disk::{self, Folder, Name, stamp_of};
use crate::lock::{self, Held, Lock, SPARE};
use crate::store::{GC_LOCK, LEASE, SLACK_NS};
use crate::{Manifest, RunInfo, Store, StoreError};

/// What garbage collection may remove. What pins, recent runs and running processes use always stays.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GcOptions {
    /// Remove, least recently used first, until results are no more than this many bytes.
    pub max_size: Option<u64>,
    /// The results of this many last runs of each pipeline stay.
    pub keep_runs: usize,
    /// Remove what was not used for so long; runs too, but for the last ones.
    pub older_than: Option<Duration>,
    /// Only say what would be removed.
    pub dry_run: bool,
}

impl Default for GcOptions {
    /// Without `max_size` and `older_than`: everything that the last run of each pipeline and the pins do not use.
    fn default() -> Self {
        Self { max_size: None, keep_runs: 1, older_than: None, dry_run: false }
    }
}

/// One thing that garbage collection removed, or would remove.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Removed {
    /// What: `run`, `result`, `object`, `checkpoint`, `leftover`, `quarantined`.
    pub what: &'static str,
    /// Its name: a run, a key, a digest, a file.
    pub name: String,
    /// More for a person: a result's stage, a run's pipeline.
    pub note: String,
    /// Bytes of the file itself; a result's objects are entries of their own.
    pub size: u64,
    /// Why it goes.
    pub reason: String,
}

/// What garbage collection did, or would do.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct GcReport {
    /// What went.
    pub removed: Vec<Removed>,
    /// Bytes freed.
    pub freed: u64,
    /// Bytes of results that stay.
    pub kept: u64,
    /// Results that stay because a pin names them.
    pub kept_by_pins: usize,
    /// Results that stay because a recent run used them.
    pub kept_by_runs: usize,
    /// Results that stay because a running process may be using them.
    pub kept_by_use: usize,
    /// Results that stay because neither age nor size asks for more.
    pub kept_by_budget: usize,
}

/// Checkpoints and damaged files are of use to a person for a while, whatever else goes.
const GRACE: Duration = Duration::from_hours(7 * 24);

impl Store {
    /// Removes what nobody needs. Safe beside other processes; what this very process uses is protected only by runs
    /// and pins, so call it before or after a run.
    ///
    /// # Errors
    /// [`StoreError`] when the disk refuses.
    pub fn gc(&self, options: &GcOptions) -> Result<GcReport, StoreError> {
        if !options.dry_run && self.read_only() {
            return Err(StoreError::ReadOnly { path: self.root().to_owned() });
        }
        // Held to the end: who starts meanwhile sees it and stamps all that it uses.
        let gate = if options.dry_run { None } else { Some(self.gate()?) };
        let now = match &gate {
            Some((_, start)) => *start,
            None => clock(),
        };
        let horizon = self.horizon(now, options.dry_run)?;
        let mut sweep =
            Sweep { store: self, options, now, horizon, freed: BTreeSet::new(), report: GcReport::default() };
        let (recent, logs) = sweep.runs()?;
        let mut used = sweep.results(&recent)?;
        for info in logs {
            used.entry(info.content).or_default();
        }
        sweep.objects(&used)?;
        sweep.checkpoints()?;
        sweep.rest()?;
        Ok(sweep.report)
    }

    /// Shuts out other collections; the lock and the time by the clock that stamps files.
    fn gate(&self) -> Result<(File, i128), StoreError> {
        let gate = self.0.locks.lock_file(GC_LOCK)?;
        let failed = |e| self.0.locks.error("lock", GC_LOCK, e);
        lock::get_lock(&gate, FlockOperation::LockExclusive).map_err(failed)?;
        disk::stamp(&gate).map_err(failed)?;
        let start = stamp_of(&rustix::fs::fstat(&gate).map_err(failed)?);
        Ok((gate, start))
    }

    /// What was stamped from here on may be in use. Dead processes' leases go.
    fn horizon(&self, now: i128, dry_run: bool) -> Result<i128, StoreError> {
        let mut horizon = now;
        if dry_run && self.0.lease.is_err() {
            return Ok(horizon);
        }
        let own = self.0.lease.as_ref().map_or("", Lock::name);
        for name in self.0.locks.names(false)? {
            if name.starts_with(LEASE)
                && name != own
                && let Err(lease) = Lock::take(&self.0.locks, &name)?
            {
                let stat = rustix::fs::fstat(&lease).map_err(|e| self.0.locks.error("read", &name, e))?;
                horizon = horizon.min(stamp_of(&stat) - SLACK_NS);
            }
        }
        Ok(horizon)
    }
}

/// One collection at work.
struct Sweep<'a> {
    store: &'a Store,
    options: &'a GcOptions,
    now: i128,
    horizon: i128,
    /// Device and inode of what went.
    freed: BTreeSet<(u64, u64)>,
    report: GcReport,
}

/// A manifest under one of its names.
struct Found {
    name: String,
    key: Key,
    stage: String,
    stamp: i128,
    size: u64,
    objects: Vec<(Digest, u64)>,
}

impl Sweep<'_> {
    /// Removes old runs; the keys of recent ones, and the runs that stay.
    fn runs(&mut self) -> Result<(BTreeSet<Key>, Vec<RunInfo>), StoreError> {
        let store = self.store;
        let mut count: BTreeMap<String, usize> = BTreeMap::new();
        let (mut keys, mut logs) = (BTreeSet::new(), Vec::new());
        for id in store.run_ids()?.into_iter().rev() {
            let Some(info) = store.run_or_warn(id)? else { continue };
            let newer = count.entry(info.pipeline.clone()).or_default();
            let recent = *newer < self.options.keep_runs;
            *newer += 1;
            if recent {
                match store.keys_of(&info) {
                    Ok(found) => keys.extend(found),
                    Err(e) => store.warn(format!("{e}; the results of run `{id}` are not kept for it")),
                }
            } else if let Some(reason) =
                self.age(i128::from(info.created) * 1_000_000_000, self.options.older_than)
            {
                let folder = &store.0.runs;
                self.remove(
                    folder,
                    &id.to_string(),
                    Label::new("run", id.to_string(), &info.pipeline, reason),
                    i128::MAX,
                )?;
                continue;
            }
            logs.push(info);
        }
        Ok((keys, logs))
    }

    /// Removes results; the objects of those that stay, each with how many name it.
    fn results(&mut self, recent: &BTreeSet<Key>) -> Result<BTreeMap<Digest, usize>, StoreError> {
        let store = self.store;
        let pinned: BTreeSet<Key> = store.pins()?.into_iter().flat_map(|pin| pin.keys).collect();
        let mut used: BTreeMap<Digest, usize> = BTreeMap::new();
        let mut candidates = Vec::new();
        let mut total = 0;
        for found in self.manifests()? {
            total += found.size;
            for (digest, size) in &found.objects {
                let names = used.entry(*digest).or_default();
                total += if *names == 0 { *size } else { 0 };
                *names += 1;
            }
            if pinned.contains(&found.key) {
                self.report.kept_by_pins += 1;
            } else if recent.contains(&found.key) {
                self.report.kept_by_runs += 1;
            } else if found.stamp >= self.horizon {
                self.report.kept_by_use += 1;
            } else {
                candidates.push(found);
            }
        }
        candidates.sort_by(|a, b| (a.stamp, &a.name).cmp(&(b.stamp, &b.name)));
        for found in candidates {
            let age = self.age(found.stamp, self.options.older_than);
            let reason = match (age, self.options.max_size) {
                (Some(reason), _) => reason,
                (None, Some(max)) if total > max => {
                    format!("least recently used, and the store is over {max} bytes")
                }
                (None, None) if self.options.older_than.is_none() => {
                    "no recent run and no pin uses it".to_owned()
                }
                _ => {
                    self.report.kept_by_budget += 1;
                    continue;
                }
            };
            let label = Label::new("result", found.name.replace('/', ""), &found.stage, reason);
            if !self.remove(&store.0.keys, &found.name, label, self.horizon)? {
                self.report.kept_by_use += 1;
                continue;
            }
            total -= found.size;
            for (digest, size) in found.objects {
                if let Some(names) = used.get_mut(&digest) {
                    *names -= 1;
                    if *names == 0 {
                        total -= size;
                        used.remove(&digest);
                    }
                }
            }
        }
        self.report.kept += total;
        Ok(used)
    }

    /// All manifests. Damaged ones go.
    fn manifests(&mut self) -> Result<Vec<Found>, StoreError> {
        let keys = &self.store.0.keys;
        let mut all = Vec::new();
        for name in keys.names(true)? {
            let Some((_, stat, bytes)) = keys.read(&name)? else { continue };
            let Some(manifest) = Manifest::decode(&bytes) else {
                let label = Label::new("result", name.replace('/', ""), "", "it is damaged".to_owned());
                self.remove(keys, &name, label, i128::MAX)?;
                continue;
            };
            // An artifact may hold one object under two paths.
            let objects: BTreeMap<Digest, u64> = manifest
                .artifact
                .entries()
                .into_iter()
                .map(|(_, entry)| (entry.digest, entry.size))
                .collect();
            all.push(Found {
                name,
                key: manifest.key,
                stage: manifest.stage,
                stamp: stamp_of(&stat),
                // Of a file with two names, each counts for a half.
                size: stat.st_size as u64 / i128::from(stat.st_nlink).max(1) as u64,
                objects: objects.into_iter().collect(),
            });
        }
        Ok(all)
    }

    /// Removes objects that nothing names.
    fn objects(&mut self, used: &BTreeMap<Digest, usize>) -> Result<(), StoreError> {
        let objects = &self.store.0.objects;
        for name in objects.names(true)? {
            let title = name.replace('/', "");
            if title.parse().is_ok_and(|digest: Digest| used.contains_key(&digest)) {
                continue;
            }
            let label = Label::new("object", title, "", "no result names it".to_owned());
            self.remove(objects, &name, label, self.horizon)?;
        }
        Ok(())
    }

    /// Removes checkpoints of finished or long abandoned computations.
    fn checkpoints(&mut self) -> Result<(), StoreError> {
        let disk = &self.store.0;
        for name in disk.checkpoints.names(false)? {
            let Some(stat) =
                disk.checkpoints.stat(&name).map_err(|e| disk.checkpoints.error("read", &name, e))?
            else {
                continue;
            };
            let result = name.parse::<Key>().ok().map(|key| Name::of(key.as_bytes()));
            let result = result.map_or(Ok(None), |name| disk.keys.stat(name.as_str()));
            let done = result.map_err(|e| disk.keys.error("read", &name, e))?.is_some();
            let old = self.age(stamp_of(&stat), Some(self.options.older_than.unwrap_or(GRACE)));
            let reason = if done { Some("its computation is finished".to_owned()) } else { old };
            let Some(reason) = reason else { continue };
            let label = Label::new("checkpoint", name.as_str(), "", reason);
            if self.options.dry_run {
                self.remove(&disk.checkpoints, &name, label, i128::MAX)?;
            } else if let Ok(_lock) = Lock::take(&disk.locks, &name)? {
                // Nobody computes the key, and nobody begins before it is gone.
                self.remove(&disk.checkpoints, &name, label, i128::MAX)?;
            }
        }
        Ok(())
    }

    /// Removes what dead processes left, and damaged files that nobody looked at.
    fn rest(&mut self) -> Result<(), StoreError> {
        let disk = &self.store.0;
        let scratch = disk.scratch.folder();
        for name in scratch.names(false)? {
            let label =
                Label::new("leftover", name.as_str(), "", "the process that wrote it is gone".to_owned());
            self.remove(scratch, &name, label, self.horizon)?;
        }
        if !self.options.dry_run {
            // Locks that a crash left: taken and dropped, they are gone.
            let of_keys = |name: &&String| name.len() == 64 || name.starts_with(SPARE);
            for name in disk.locks.names(false)?.iter().filter(of_keys) {
                drop(Lock::take(&disk.locks, name)?);
            }
        }
        for name in disk.quarantine.names(false)? {
            let stat = disk.quarantine.stat(&name).map_err(|e| disk.quarantine.error("read", &name, e))?;
            let grace = Some(self.options.older_than.unwrap_or(GRACE));
            if let Some(reason) = stat.and_then(|stat| self.age(stamp_of(&stat), grace)) {
                self.remove(
                    &disk.quarantine,
                    &name,
                    Label::new("quarantined", name.as_str(), "", reason),
                    i128::MAX,
                )?;
            }
        }
        Ok(())
    }

    /// Why something last used at `stamp` is too old, if it is.
    fn age(&self, stamp: i128, limit: Option<Duration>) -> Option<String> {
        let age = u64::try_from((self.now - stamp) / 1_000_000_000).ok()?;
        (age > limit?.as_secs()).then(|| match age {
            s if s >= 2 * 86_400 => format!("not used for {} days", s / 86_400),
            s if s >= 2 * 3600 => format!("not used for {} hours", s / 3600),
            s => format!("not used for {s} seconds"),
        })
    }

    /// Removes a file unless it was stamped at `limit` or later or someone is just stamping it; whether it went.
    fn remove(&mut self, folder: &Folder, name: &str, label: Label, limit: i128) -> Result<bool, StoreError> {
        let failed = |e| folder.error("remove", name, e);
        let Some(file) = folder.file(name).map_err(failed)? else { return Ok(false) };
        let held = if self.options.dry_run {
            None
        } else {
            let held = Held::take(&file, FlockOperation::NonBlockingLockExclusive).map_err(failed)?;
            let Some(held) = held else { return Ok(false) };
            Some(held)
        };
        let stat = rustix::fs::fstat(&file).map_err(failed)?;
        if stamp_of(&stat) >= limit || (held.is_some() && !folder.remove(name)?) {
            return Ok(false);
        }
        // A file with two names is freed once.
        let size = if self.freed.insert((stat.st_dev, stat.st_ino)) { stat.st_size as u64 } else { 0 };
        self.report.freed += size;
        let Label { what, name, note, reason } = label;
        self.report.removed.push(Removed { what, name, note, size, reason });
        Ok(true)
    }
}

/// What the report says of something that goes.
struct Label {
    what: &'static str,
    name: String,
    note: String,
    reason: String,
}

impl Label {
    fn new(what: &'static str, name: impl Into<String>, note: &str, reason: String) -> Self {
        Self { what, name: name.into(), note: note.to_owned(), reason }
    }
}

/// Now, in nanoseconds since 1970.
fn clock() -> i128 {
    #[expect(
        clippy::disallowed_methods,
        reason = "the age of files decides what goes, never what a result is"
    )]
    let now = SystemTime::now();
    now.duration_since(UNIX_EPOCH).map_or(0, |t| t.as_nanos() as i128)
}
