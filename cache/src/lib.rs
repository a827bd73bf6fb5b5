//! The content-addressed store.

mod claim;
mod error;
mod gc;
mod manifest;
mod runs;
mod store;
mod verify;

pub use claim::{Claim, Holder, Slot, Waited};
pub use error::StoreError;
pub use gc::{GcOptions, GcReport, Pin, Removed};
pub use manifest::{Draft, Manifest, RecipePart};
pub use runs::{RunId, RunInfo};
pub use store::{Store, StoreStat};
pub use verify::{Damage, VerifyReport};
