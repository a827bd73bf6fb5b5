//! Checking all that is in the store.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use runpipe_base::{Artifact, Digest, Key};

use crate::disk::{Folder, Name};
use crate::store::lock;
use crate::{Manifest, Store, StoreError, claim, import};

/// Something in the store that is not as it was written.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Damage {
    /// `object`, `manifest`, `checkpoint`, `run`.
    pub what: &'static str,
    /// Its name.
    pub name: String,
    /// What is wrong.
    pub problem: String,
    /// Whether it was set aside.
    pub repaired: bool,
}

/// What a check of the whole store found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct VerifyReport {
    /// Objects hashed.
    pub objects: u64,
    /// Bytes hashed.
    pub bytes: u64,
    /// Manifests read.
    pub manifests: u64,
    /// What is damaged.
    pub damaged: Vec<Damage>,
}

impl Store {
    /// Hashes every object and reads every manifest. With `repair` what is damaged is set aside, so that the next run
    /// recomputes it.
    ///
    /// # Errors
    /// [`StoreError`] when the disk refuses.
    pub fn verify(&self, repair: bool) -> Result<VerifyReport, StoreError> {
        let disk = if repair { self.writable()? } else { &self.0 };
        let mut report = self.verify_objects(repair)?;
        let mut damage = |folder: &Folder, name: &str, what, title: String, problem: String| {
            let aside = format!("{what}-{title}");
            let repaired = repair && folder.rename(name, &disk.quarantine, &aside)?;
            report.damaged.push(Damage { what, name: title, problem, repaired });
            Ok::<_, StoreError>(())
        };
        for name in disk.keys.names(true)? {
            let Some((_, _, bytes)) = disk.keys.read(&name)? else { continue };
            report.manifests += 1;
            let title = name.replace('/', "");
            let manifest = Manifest::decode(&bytes).filter(|_| Manifest::decode_recipe(&bytes).is_some());
            let problem = match (manifest, title.parse::<Key>()) {
                (Some(manifest), Ok(key)) if manifest.answers(&key) => self.lacks(&manifest.artifact)?,
                (Some(_), _) => Some("it stands under the name of another".to_owned()),
                (None, _) => Some("its checksum does not hold".to_owned()),
            };
            if let Some(problem) = problem {
                damage(&disk.keys, &name, "manifest", title, problem)?;
            }
        }
        for name in disk.checkpoints.names(false)? {
            let Some((_, _, bytes)) = disk.checkpoints.read(&name)? else { continue };
            if !claim::is_checkpoint(&bytes) {
                damage(
                    &disk.checkpoints,
                    &name,
                    "checkpoint",
                    name.clone(),
                    "its checksum does not hold".to_owned(),
                )?;
            }
        }
        for id in self.run_ids()? {
            let problem = match self.run(id) {
                Err(StoreError::Damaged { why, .. }) => Some(why),
                Err(e) => return Err(e),
                Ok(None) => None,
                Ok(Some(info)) => self.lacks_object(&info.content)?,
            };
            if let Some(problem) = problem {
                damage(&disk.runs, &id.to_string(), "run", id.to_string(), problem)?;
            }
        }
        Ok(report)
    }

    /// Hashes every object, on all cores.
    fn verify_objects(&self, repair: bool) -> Result<VerifyReport, StoreError> {
        let names = self.0.objects.names(true)?;
        let next = AtomicUsize::new(0);
        let report = Mutex::new(VerifyReport::default());
        let work = || -> Result<(), StoreError> {
            while let Some(name) = names.get(next.fetch_add(1, Ordering::Relaxed)) {
                self.verify_object(name, repair, &report)?;
            }
            Ok(())
        };
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        std::thread::scope(|scope| {
            let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
            workers.into_iter().try_for_each(|worker| worker.join().expect("it does not panic"))
        })?;
        let mut report = report.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
        report.damaged.sort();
        Ok(report)
    }

    fn verify_object(
        &self,
        name: &str,
        repair: bool,
        report: &Mutex<VerifyReport>,
    ) -> Result<(), StoreError> {
        let objects = &self.0.objects;
        let file = objects.file(name).map_err(|e| objects.error("open", name, e))?;
        // Removed meanwhile by another process.
        let Some(mut file) = file else { return Ok(()) };
        let failed = |e| StoreError::io("read", objects.join(name), e);
        let (digest, size) = import::copy(&mut file, |_| Ok(()), failed)?;
        let title = name.replace('/', "");
        let fine = title.parse::<Digest>() == Ok(digest);
        let repaired =
            !fine && repair && objects.rename(name, &self.0.quarantine, &format!("object-{title}"))?;
        let mut report = lock(report);
        report.objects += 1;
        report.bytes += size;
        if !fine {
            let problem = "its bytes are not those that it is named for".to_owned();
            report.damaged.push(Damage { what: "object", name: title, problem, repaired });
        }
        Ok(())
    }

    /// What `artifact` lacks in the store.
    fn lacks(&self, artifact: &Artifact) -> Result<Option<String>, StoreError> {
        for (_, entry) in artifact.entries() {
            if let Some(problem) = self.lacks_object(&entry.digest)? {
                return Ok(Some(problem));
            }
        }
        Ok(None)
    }

    fn lacks_object(&self, digest: &Digest) -> Result<Option<String>, StoreError> {
        let name = Name::of(digest.as_bytes());
        let found = self.0.objects.stat(name.as_str());
        let found = found.map_err(|e| self.0.objects.error("read", name.as_str(), e))?;
        Ok(found.is_none().then(|| format!("object `{}` is missing", digest.short())))
    }
}
