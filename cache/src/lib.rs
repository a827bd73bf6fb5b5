//! The content-addressed store.

mod claim;
mod disk;
mod error;
mod gc;
mod hash;
mod import;
mod layout;
mod manifest;
mod number;
mod pins;
mod runs;
mod store;
mod verify;

#[cfg(test)]
mod tests;

pub use claim::{Claim, Holder, Slot, Waited};
pub use error::StoreError;
pub use gc::{GcOptions, GcReport, Removed};
pub use manifest::{Draft, Manifest, RecipePart};
pub use pins::Pin;
pub use runs::{RunId, RunInfo};
pub use store::{Store, StoreStat};
pub use verify::{Damage, VerifyReport};
