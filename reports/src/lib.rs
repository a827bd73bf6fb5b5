//! From the log of a run to a report; progress on the way.
//!
//! [`Report::of`] does all arithmetic and no formatting; each writer ([`markdown`], [`html`], [`csv`], [`svg`]) only shows
//! what is in it. The one decision that shaped the crate: a report is a function of the *content* of a run. Times,
//! hosts, folders and whether a result came from the store never reach it, so that it can be checked byte by byte.
//!
//! [`Progress`], [`Plain`] and [`JsonLines`] hear the events of a run while it goes on.

mod compare;
pub mod csv;
mod expect;
mod figure;
mod format;
mod graph;
mod grid;
pub mod html;
mod jsonlines;
pub mod markdown;
mod plain;
mod plot;
mod progress;
mod provenance;
mod report;
mod sample;
pub mod stats;
mod summary;
pub mod svg;
mod table;
mod tally;
mod write;

pub use compare::{Change, Comparison, compare};
pub use expect::{Outcome, Side, Verdict, expectations};
pub use figure::{Figure, FigureFile, Panel, Show};
pub use format::slug;
pub use graph::{Edge, Graph, GraphBox, Vertex, vertices};
pub use jsonlines::JsonLines;
pub use plain::Plain;
pub use plot::{Plot, PlotAxis, PlotKind, PlotLine, PlotPoint};
pub use progress::Progress;
pub use provenance::{End, Family, NodeEntry, Provenance};
pub use report::{Block, Report, Section};
pub use sample::Sample;
pub use summary::summary;
pub use table::{Against, Better, Row, Table, TableCell, TableColumn};
pub use write::{ReportError, Written, write_all};

#[cfg(test)]
mod tests;
