//! From a syntax tree to a finished run.

mod bind;
mod eval;
mod expand;
mod functions;
mod load;
mod pipeline;
mod problems;
mod settings;

pub use bind::{Listing, describe, load};
pub use functions::{FUNCTIONS, Function};
pub use pipeline::{CommandStage, Hints, Input, Node, NodeId, Piece, Pipeline, StageCode, StageEntry};
pub use settings::{Rejected, Settings};
