//! From a syntax tree to a finished run.

mod bind;
mod cancel;
mod command;
mod dag;
mod eval;
mod expand;
mod functions;
mod history;
mod load;
mod pipeline;
mod plan;
mod problems;
mod recipe;
mod run;
mod schedule;
mod settings;
mod why;

pub use bind::{Listing, describe, load};
pub use cancel::Cancel;
pub use dag::select;
pub use functions::{FUNCTIONS, Function};
pub use pipeline::{CommandStage, Hints, Input, Node, NodeId, Piece, Pipeline, StageCode, StageEntry};
pub use plan::{EngineError, Plan, Planned, RunOptions, Status, plan};
pub use schedule::{PANICKED, run};
pub use settings::{Rejected, Settings};
pub use why::{Difference, PartChange, Reason, Why, why};
