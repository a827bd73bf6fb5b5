//! The folder of a report.

use std::collections::BTreeSet;
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use runpipe_base::{Blobs, NodeStatus, Record, RunLog, RunSummary};
use serde::{Deserialize, Serialize};

use crate::report::{Block, Report};
use crate::{csv, expect, format, html, markdown, svg};

/// A report cannot be written.
#[derive(Debug, thiserror::Error)]
#[error("cannot write `{}`", path.display())]
pub struct ReportError {
    /// The file or folder.
    pub path: PathBuf,
    /// Why.
    #[source]
    pub source: io::Error,
}

/// A report that was written.
#[derive(Debug, Clone, PartialEq)]
pub struct Written {
    /// Its folder.
    pub folder: PathBuf,
    /// The page.
    pub html: PathBuf,
    /// The Markdown file.
    pub markdown: PathBuf,
    /// All files, relative to the folder, in order.
    pub files: Vec<String>,
    /// The report itself.
    pub report: Report,
}

/// Writes the report of `log` into `dir/NAME/`, NAME being the pipeline's.
///
/// `report.md`, `report.html`, `tables/` and `figures/` hold what the content of the run determines: the same results give
/// the same bytes. `run.json` beside them holds the rest: times, versions, what was in the store, why nodes failed.
/// Each file is replaced in one step. Tables and figures of an earlier report that this one no longer has are removed;
/// files that no report wrote stay.
///
/// # Errors
/// [`ReportError`] when the disk refuses.
pub fn write_all(log: &RunLog, blobs: &dyn Blobs, dir: &Path) -> Result<Written, ReportError> {
    let report = Report::of(log, blobs);
    let folder = dir.join(format::slug(&report.name));
    let earlier = earlier_files(&folder);

    let mut files = vec![
        ("report.md".to_owned(), markdown::render(&report).into_bytes()),
        ("report.html".to_owned(), html::render(&report).into_bytes()),
        ("figures/graph.svg".to_owned(), report.graph.svg().into_bytes()),
    ];
    for (name, text) in csv::files(&report) {
        files.push((format!("tables/{name}"), text.into_bytes()));
    }
    for block in report.blocks() {
        match block {
            Block::Plot(plot) => {
                files.push((format!("figures/{}.svg", plot.slug), svg::plot(plot).into_bytes()));
            }
            Block::Figure(figure) => {
                for file in figure.panels.iter().flat_map(|panel| &panel.files) {
                    if let Ok(bytes) = &file.bytes {
                        files.push((file.path.clone(), bytes.to_vec()));
                    }
                }
            }
            Block::Text(_) | Block::Table(_) | Block::Expect(_) => {}
        }
    }
    files.sort();
    let mut names: Vec<String> = files.iter().map(|(name, _)| name.clone()).collect();
    names.push("run.json".to_owned());

    for (name, bytes) in &files {
        replace(&folder.join(name), bytes)?;
    }
    let run = serde_json::to_vec_pretty(&RunFile::of(log, &names)).expect("all keys are text");
    replace(&folder.join("run.json"), &run)?;
    remove_stale(&folder, &earlier, &names)?;
    Ok(Written {
        html: folder.join("report.html"),
        markdown: folder.join("report.md"),
        folder,
        files: names,
        report,
    })
}

/// What stands in `run.json`.
#[derive(Serialize)]
struct RunFile<'a> {
    v: u32,
    runpipe: &'a str,
    system: String,
    pipeline: &'a str,
    params: &'a Record,
    device: runpipe_base::Device,
    summary: RunSummary,
    expectations: Vec<Claim>,
    nodes: Vec<NodeFile<'a>>,
    files: &'a [String],
}

#[derive(Serialize)]
struct Claim {
    place: String,
    text: String,
    held: bool,
}

#[derive(Serialize)]
struct NodeFile<'a> {
    label: &'a str,
    stage: &'a str,
    status: NodeStatus,
    elapsed_s: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    result: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'a str>,
    params: &'a Record,
}

impl<'a> RunFile<'a> {
    fn of(log: &'a RunLog, files: &'a [String]) -> Self {
        let nodes = log.nodes.iter().map(|node| NodeFile {
            label: &node.label,
            stage: &node.stage,
            status: node.status,
            elapsed_s: node.elapsed_s,
            key: node.key.map(|key| key.hex()),
            result: node.artifact.as_ref().map(|artifact| artifact.digest().hex()),
            error: node.error.as_deref(),
            params: &node.params,
        });
        let expectations = expect::expectations(log).into_iter().map(|outcome| Claim {
            held: outcome.held(),
            place: outcome.place,
            text: outcome.text,
        });
        Self {
            v: 1,
            runpipe: env!("CARGO_PKG_VERSION"),
            system: format!("{} {}", std::env::consts::OS, std::env::consts::ARCH),
            pipeline: &log.pipeline,
            params: &log.params,
            device: log.device,
            summary: log.summary,
            expectations: expectations.collect(),
            nodes: nodes.collect(),
            files,
        }
    }
}

/// The part of `run.json` that the next report reads.
#[derive(Deserialize)]
struct Earlier {
    files: Vec<String>,
}

fn earlier_files(folder: &Path) -> Vec<String> {
    let text = fs::read(folder.join("run.json")).unwrap_or_default();
    serde_json::from_slice::<Earlier>(&text).map(|earlier| earlier.files).unwrap_or_default()
}

/// Removes what the earlier report wrote and this one did not, within `tables/` and `figures/` alone.
fn remove_stale(folder: &Path, earlier: &[String], now: &[String]) -> Result<(), ReportError> {
    let now: BTreeSet<&String> = now.iter().collect();
    let inside = |name: &&String| {
        let safe = name.split('/').all(|piece| !piece.is_empty() && piece != "." && piece != "..");
        safe && !name.contains('\\') && (name.starts_with("tables/") || name.starts_with("figures/"))
    };
    for name in earlier.iter().filter(inside).filter(|name| !now.contains(name)) {
        let path = folder.join(name);
        match fs::remove_file(&path) {
            Err(source) if source.kind() != io::ErrorKind::NotFound => {
                return Err(ReportError { path, source });
            }
            _ => {}
        }
        // Folders that are empty now; one that is not refuses.
        let mut parent = path.parent();
        while let Some(dir) = parent.filter(|dir| *dir != folder && fs::remove_dir(dir).is_ok()) {
            parent = dir.parent();
        }
    }
    Ok(())
}

/// Puts `bytes` at `path`: all of them or none, whoever looks and whenever the machine stops.
fn replace(path: &Path, bytes: &[u8]) -> Result<(), ReportError> {
    let failed = |source| ReportError { path: path.to_owned(), source };
    if fs::read(path).is_ok_and(|old| old == bytes) {
        return Ok(());
    }
    let folder = path.parent().unwrap_or_else(|| Path::new("."));
    fs::create_dir_all(folder).map_err(failed)?;
    let mut builder = tempfile::Builder::new();
    builder.prefix(".report-");
    // A report is for others to read, unlike what temporary files are for.
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    let mut file = builder.tempfile_in(folder).map_err(failed)?;
    file.write_all(bytes).map_err(failed)?;
    file.persist(path).map_err(|e| failed(e.error))?;
    Ok(())
}
