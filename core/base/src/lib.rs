//! The words everyone speaks: values, digests, artifacts, stages, events and the report block as data.
//!
//! Everything above shares these types and nothing here touches a disk, a thread or a tensor. The one
//! decision that shaped the crate: *content* ([`Digest`]) and *computation* ([`Key`]) are unlike types, so a
//! recipe's name can never be passed where a file's name is meant.

mod artifact;
mod digest;
mod error;
mod event;
mod params;
mod report;
mod stage;
mod value;

pub use artifact::{Artifact, FileEntry, Kind, MemoryBlobs, Output, PartSpec, Port, View};
pub use artifact::{BlobError, Blobs};
pub use digest::{Digest, Hasher, Key, ParseDigestError};
pub use error::StageError;
pub use event::{Event, NodeRecord, NodeStatus, NullSink, RunLog, RunSummary, Sink};
pub use params::{FromRecord, Interval, ParamError, ParamSpec, Params, schema_param};
pub use report::{Cell, Column, Compare, ReportBlock, ReportExpr, ReportFn, ReportItem, ReportOp, TableSpec};
pub use stage::{
    Ctx, Device, DynStage, Host, Inputs, KindSpec, MetricSpec, NullHost, Paper, Registry, Series, Spec,
    Stage, Wants,
};
pub use value::{Record, Type, TypeMismatch, Value};
