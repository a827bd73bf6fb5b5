//! Figures that stages made: pictures and texts of artifacts.

use std::sync::Arc;

use runpipe_base::{Blobs, Cell, Digest};

use crate::format;
use crate::provenance::End;
use crate::sample::Source;

/// A `figure` of a report.
#[derive(Debug, Clone, PartialEq)]
pub struct Figure {
    /// Its number among the report's figures, from 1.
    pub number: usize,
    /// A name for files.
    pub slug: String,
    /// Its caption.
    pub caption: String,
    /// One a node.
    pub panels: Vec<Panel>,
}

/// What one node made of a figure.
#[derive(Debug, Clone, PartialEq)]
pub struct Panel {
    /// The node's label, with the part behind it.
    pub label: String,
    /// Its place in [`Provenance::nodes`](crate::Provenance::nodes).
    pub node: Option<usize>,
    /// Its files; none when the node has no result.
    pub files: Vec<FigureFile>,
}

/// A file of a figure.
#[derive(Debug, Clone, PartialEq)]
pub struct FigureFile {
    /// Its name in the artifact.
    pub name: String,
    /// Where it lies beside the report: `figures/01-confusion/scores/matrix.svg`.
    pub path: String,
    /// What is in it.
    pub digest: Digest,
    /// Its length in bytes.
    pub size: u64,
    /// What a page does with it.
    pub show: Show,
    /// The bytes, or why they are not here.
    pub bytes: Result<Arc<[u8]>, String>,
}

/// What a page does with a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Show {
    /// Shows it as a picture of this media type.
    Picture(&'static str),
    /// Shows it as it stands.
    Plain,
    /// Shows it as Markdown.
    Markdown,
    /// Shows it as a table with this separator.
    Table(u8),
    /// Only links to it.
    Link,
}

impl Show {
    fn of(name: &str, size: u64) -> Self {
        /// A page stays one that a browser opens at once.
        const MOST_PICTURE: u64 = 4 << 20;
        const MOST_TEXT: u64 = 256 << 10;
        let extension = name.rsplit_once('.').map(|(_, e)| e.to_lowercase()).unwrap_or_default();
        let show = match extension.as_str() {
            "svg" => Self::Picture("image/svg+xml"),
            "png" => Self::Picture("image/png"),
            "jpg" | "jpeg" => Self::Picture("image/jpeg"),
            "gif" => Self::Picture("image/gif"),
            "webp" => Self::Picture("image/webp"),
            "txt" | "log" | "json" | "jsonl" | "conll" | "mrg" => Self::Plain,
            "md" => Self::Markdown,
            "csv" => Self::Table(b','),
            "tsv" => Self::Table(b'\t'),
            _ => Self::Link,
        };
        let most = if matches!(show, Self::Picture(_)) { MOST_PICTURE } else { MOST_TEXT };
        if size > most { Self::Link } else { show }
    }
}

/// Larger files stay in the store: a report is no copy of it.
const MOST_COPIED: u64 = 32 << 20;

impl Figure {
    pub(crate) fn of(
        source: &Source<'_>,
        blobs: &dyn Blobs,
        caption: &str,
        cells: &[Cell],
        part: &str,
        number: usize,
    ) -> Self {
        let name =
            cells.first().and_then(|cell| source.log.nodes.get(cell.node)).map(|node| node.name.clone());
        let mut name = name.unwrap_or_default();
        if !part.is_empty() {
            name = format!("{name}.{part}");
        }
        let slug = format!("{number:02}-{}", format::slug(&name));
        let panels =
            cells.iter().enumerate().map(|(i, cell)| panel(source, blobs, cell, part, &slug, i)).collect();
        let caption = if caption.is_empty() { name } else { caption.to_owned() };
        Self { number, slug, caption, panels }
    }
}

fn panel(source: &Source<'_>, blobs: &dyn Blobs, cell: &Cell, part: &str, slug: &str, place: usize) -> Panel {
    let axes: Vec<String> =
        cell.index.iter().map(|(axis, value)| format!("{axis} = {}", format::axis_value(value))).collect();
    let label = axes.join(", ");
    let node = source.log.nodes.get(cell.node).filter(|node| End::of(node.status) == End::Done);
    let artifact = node.and_then(|node| node.artifact.as_ref()).and_then(|artifact| artifact.part(part));
    let folder =
        if label.is_empty() { String::new() } else { format!("{:02}-{}/", place + 1, format::slug(&label)) };
    let files = artifact.map(runpipe_base::Artifact::entries).unwrap_or_default();
    let files = files.into_iter().map(|(name, entry)| FigureFile {
        path: format!("figures/{slug}/{folder}{}", safe(&name)),
        show: Show::of(&name, entry.size),
        digest: entry.digest,
        size: entry.size,
        bytes: if entry.size > MOST_COPIED {
            Err(format!("{} stay in the store", format::bytes(entry.size)))
        } else {
            blobs.read(&entry.digest).map_err(|e| e.to_string())
        },
        name,
    });
    Panel { label, node: source.ranks.get(cell.node).copied(), files: files.collect() }
}

/// A file name of an artifact as one that stays in its folder.
fn safe(name: &str) -> String {
    let pieces =
        name.split('/').filter(|piece| !piece.is_empty()).map(|piece| match piece.rsplit_once('.') {
            Some((stem, extension)) if !stem.is_empty() && !extension.is_empty() => {
                format!("{}.{}", format::slug(stem), format::slug(extension))
            }
            _ => format::slug(piece),
        });
    pieces.collect::<Vec<_>>().join("/")
}
