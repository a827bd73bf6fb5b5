//! Recorded runs: a small record a run, and the log proper as an object.
//!
//! Two runs that found the same numbers have the same log but for their summary, so a run that changes nothing adds a
//! few hundred bytes, however many nodes it has; and a list of runs reads the small records alone.

use std::borrow::Cow;
use std::fmt;
use std::io::BufWriter;
use std::str::FromStr;
use std::time::{SystemTime, UNIX_EPOCH};

use runpipe_base::{
    Blobs, Device, Digest, FileEntry, Key, NodeRecord, Record, ReportBlock, RunLog, RunSummary,
};
use serde::{Deserialize, Serialize};

use crate::disk::{Name, PLAIN};
use crate::number::Number;
use crate::{Store, StoreError, manifest};

/// A run's name: `r000042`. A later run has a greater one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RunId(u64);

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "r{:06}", self.0)
    }
}

impl FromStr for RunId {
    type Err = StoreError;

    /// Reads `r000042`, `r42` or `42`.
    fn from_str(text: &str) -> Result<Self, StoreError> {
        let digits = text.strip_prefix('r').unwrap_or(text);
        if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
            return Err(StoreError::NoRun { id: text.to_owned() });
        }
        digits.parse().map(Self).map_err(|_| StoreError::NoRun { id: text.to_owned() })
    }
}

/// A run in a line.
#[derive(Debug, Clone, PartialEq)]
pub struct RunInfo {
    /// Its name.
    pub id: RunId,
    /// The pipeline's file, as it was named.
    pub pipeline: String,
    /// When it was recorded, seconds since 1970 (UTC).
    pub created: u64,
    /// The class of device.
    pub device: Device,
    /// How it went.
    pub summary: RunSummary,
    /// What its log says, apart from the summary: alike for runs that found the same.
    pub content: Digest,
}

/// How long a node of a run took; nothing when it was not computed.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct NodeTime {
    /// Its label.
    pub label: String,
    /// Its name, without what distinguishes it within its family.
    pub name: String,
    /// Its stage.
    pub stage: String,
    /// Seconds that computing it took.
    pub elapsed_s: f64,
    /// The computation, when it was known.
    #[serde(default)]
    pub key: Option<Key>,
}

#[derive(Deserialize)]
struct Times {
    nodes: Vec<NodeTime>,
}

/// The first word of a record.
const MARK: &str = "runpipe-run-1 ";
/// Where the next number is looked for first. Only a hint.
const NEXT: &str = "next";

#[derive(Serialize, Deserialize)]
struct Stored<'a> {
    pipeline: Cow<'a, str>,
    created: u64,
    device: Device,
    summary: RunSummary,
    body: FileEntry,
}

#[derive(Serialize, Deserialize)]
struct Body<'a> {
    pipeline: Cow<'a, str>,
    doc: Cow<'a, str>,
    params: Cow<'a, Record>,
    device: Device,
    nodes: Cow<'a, [NodeRecord]>,
    reports: Cow<'a, [ReportBlock]>,
    /// Numbers that JSON does not know, which stand in `nodes` as zeros.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    odd: Vec<Odd>,
}

/// A number of a node that is infinite or NaN: a metric, or a point of a curve.
#[derive(Serialize, Deserialize)]
struct Odd {
    node: usize,
    metric: Option<String>,
    point: Option<(usize, usize)>,
    value: Number,
}

impl Store {
    /// Records a run.
    ///
    /// # Errors
    /// [`StoreError`] when the disk refuses.
    pub fn save_run(&self, log: &RunLog) -> Result<RunId, StoreError> {
        let disk = self.writable()?;
        let mut nodes = Cow::from(&log.nodes);
        let odd = take_odd(&mut nodes);
        let body = Body {
            pipeline: log.pipeline.as_str().into(),
            doc: log.doc.as_str().into(),
            params: Cow::Borrowed(&log.params),
            device: log.device,
            nodes,
            reports: Cow::from(&log.reports),
            odd,
        };
        let body = self.put_json(&body)?;

        #[expect(
            clippy::disallowed_methods,
            reason = "when a run was is told to people and to gc, and never hashed"
        )]
        let created = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |t| t.as_secs());
        let stored = Stored {
            pipeline: log.pipeline.as_str().into(),
            created,
            device: log.device,
            summary: log.summary,
            body,
        };
        let bytes = serde_json::to_vec(&stored).expect("plain data with text keys, written to memory");
        let mut temp = disk.scratch.temp(PLAIN)?;
        temp.write(&manifest::seal(MARK, &bytes))?;
        let mut id = self.next_run()?;
        // Another process may have taken the number.
        while !temp.place_new(&disk.runs, &id.to_string())? {
            id = RunId(id.0 + 1);
        }
        // Without the hint the next run reads the folder.
        let _ = disk.scratch.place(&disk.runs, NEXT, PLAIN, &[(id.0 + 1).to_string().as_bytes()], false);
        // A run that only found what was there is not worth waiting for the disk.
        if log.summary.cached < log.summary.nodes {
            self.sync_run_later(id.to_string(), Name::of(body.digest.as_bytes()));
        }
        Ok(id)
    }

    /// Stores data as an object. Most runs find what the last one found and have its log, so that it is hashed as it is
    /// written, and held only when it is new.
    fn put_json(&self, data: &impl Serialize) -> Result<FileEntry, StoreError> {
        const MEMORY: &str = "plain data with text keys, written to memory";
        let mut hasher = BufWriter::with_capacity(1 << 16, blake3::Hasher::new());
        serde_json::to_writer(&mut hasher, data).expect(MEMORY);
        let hasher = hasher.into_inner().expect("a hasher takes all");
        let entry =
            FileEntry { digest: Digest::from_bytes(*hasher.finalize().as_bytes()), size: hasher.count() };
        if !self.has_object(&Name::of(entry.digest.as_bytes()), entry.size)? {
            self.put_bytes(&serde_json::to_vec(data).expect(MEMORY))?;
        }
        Ok(entry)
    }

    /// All runs, oldest first. Damaged records are left out with a warning.
    ///
    /// # Errors
    /// [`StoreError`] when the disk refuses.
    pub fn runs(&self) -> Result<Vec<RunInfo>, StoreError> {
        let mut runs = Vec::new();
        for id in self.run_ids()? {
            runs.extend(self.run_or_warn(id)?);
        }
        Ok(runs)
    }

    /// The whole log of a run.
    ///
    /// # Errors
    /// [`StoreError::NoRun`], `Damaged`, or the disk's refusal.
    pub fn load_run(&self, id: RunId) -> Result<RunLog, StoreError> {
        let info = self.run(id)?.ok_or_else(|| StoreError::NoRun { id: id.to_string() })?;
        let bytes = self.read(&info.content)?;
        let body: Body<'_> = serde_json::from_slice(&bytes).map_err(|e| self.damaged(id, &e.to_string()))?;
        let mut nodes = body.nodes.into_owned();
        for odd in body.odd {
            put_odd(&mut nodes, odd);
        }
        Ok(RunLog {
            pipeline: body.pipeline.into_owned(),
            doc: body.doc.into_owned(),
            params: body.params.into_owned(),
            device: body.device,
            nodes,
            reports: body.reports.into_owned(),
            summary: info.summary,
        })
    }

    /// The last runs of the pipeline in this file, newest first, no more than `most`. Damaged records are left out with a
    /// warning.
    ///
    /// # Errors
    /// [`StoreError`] when the disk refuses.
    pub fn runs_of(&self, pipeline: &str, most: usize) -> Result<Vec<RunInfo>, StoreError> {
        let mut runs = Vec::new();
        for id in self.run_ids()?.into_iter().rev() {
            if runs.len() == most {
                break;
            }
            runs.extend(self.run_or_warn(id)?.filter(|run| run.pipeline == pipeline));
        }
        Ok(runs)
    }

    /// What each node of a run was and how long it took; far less than the whole log.
    ///
    /// # Errors
    /// As [`load_run`](Self::load_run).
    pub fn times_of(&self, run: &RunInfo) -> Result<Vec<NodeTime>, StoreError> {
        let bytes = self.read(&run.content)?;
        let times: Times =
            serde_json::from_slice(&bytes).map_err(|e| self.damaged(run.id, &e.to_string()))?;
        Ok(times.nodes)
    }

    /// All runs there are, oldest first.
    pub(crate) fn run_ids(&self) -> Result<Vec<RunId>, StoreError> {
        let names = self.0.runs.names(false)?;
        let mut ids: Vec<RunId> =
            names.iter().filter(|n| n.starts_with('r')).filter_map(|n| n.parse().ok()).collect();
        ids.sort_unstable();
        Ok(ids)
    }

    /// A run's record; `None` when there is none.
    pub(crate) fn run(&self, id: RunId) -> Result<Option<RunInfo>, StoreError> {
        let Some((_, _, bytes)) = self.0.runs.read(&id.to_string())? else { return Ok(None) };
        let stored =
            manifest::unseal(MARK, &bytes).ok_or_else(|| self.damaged(id, "its checksum does not hold"))?;
        let stored: Stored<'_> =
            serde_json::from_slice(stored).map_err(|e| self.damaged(id, &e.to_string()))?;
        let Stored { pipeline, created, device, summary, body } = stored;
        Ok(Some(RunInfo {
            id,
            pipeline: pipeline.into_owned(),
            created,
            device,
            summary,
            content: body.digest,
        }))
    }

    /// The keys of a run's nodes.
    pub(crate) fn keys_of(&self, run: &RunInfo) -> Result<Vec<Key>, StoreError> {
        Ok(self.times_of(run)?.into_iter().filter_map(|node| node.key).collect())
    }

    pub(crate) fn run_or_warn(&self, id: RunId) -> Result<Option<RunInfo>, StoreError> {
        self.run(id).or_else(|e| match e {
            StoreError::Damaged { .. } => {
                self.warn(format!("{e}; the run is left out"));
                Ok(None)
            }
            e => Err(e),
        })
    }

    /// The number after the last run's, as far as is known.
    fn next_run(&self) -> Result<RunId, StoreError> {
        if let Some((_, _, hint)) = self.0.runs.read(NEXT)?
            && let Some(next) = std::str::from_utf8(&hint).ok().and_then(|text| text.parse().ok())
        {
            return Ok(RunId(next));
        }
        Ok(RunId(self.run_ids()?.last().map_or(1, |last| last.0 + 1)))
    }

    fn damaged(&self, id: RunId, why: &str) -> StoreError {
        StoreError::Damaged { path: self.0.runs.join(&id.to_string()), why: why.to_owned() }
    }
}

/// Takes the numbers that JSON does not know out of the nodes, if there are any.
fn take_odd(nodes: &mut Cow<'_, [NodeRecord]>) -> Vec<Odd> {
    let is_odd = |node: &NodeRecord| {
        node.metrics.values().any(|x| !x.is_finite())
            || node.series.iter().flat_map(|s| &s.points).any(|(_, x)| !x.is_finite())
    };
    let mut odd = Vec::new();
    let places: Vec<usize> = nodes.iter().enumerate().filter(|(_, n)| is_odd(n)).map(|(i, _)| i).collect();
    for i in places {
        let node = &mut nodes.to_mut()[i];
        for (name, x) in node.metrics.iter_mut().filter(|(_, x)| !x.is_finite()) {
            let value = Number(std::mem::take(x));
            odd.push(Odd { node: i, metric: Some(name.clone()), point: None, value });
        }
        for (s, series) in node.series.iter_mut().enumerate() {
            for (p, (_, x)) in series.points.iter_mut().enumerate().filter(|(_, (_, x))| !x.is_finite()) {
                odd.push(Odd {
                    node: i,
                    metric: None,
                    point: Some((s, p)),
                    value: Number(std::mem::take(x)),
                });
            }
        }
    }
    odd
}

/// Puts a number back where [`take_odd`] took it.
fn put_odd(nodes: &mut [NodeRecord], odd: Odd) {
    let Some(node) = nodes.get_mut(odd.node) else { return };
    let place = match (odd.metric, odd.point) {
        (Some(metric), _) => node.metrics.get_mut(&metric),
        (None, Some((s, p))) => node.series.get_mut(s).and_then(|s| s.points.get_mut(p)).map(|(_, x)| x),
        (None, None) => None,
    };
    if let Some(place) = place {
        *place = odd.value.0;
    }
}
