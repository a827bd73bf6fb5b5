//! The store as others see it: killed, shared, damaged, full, read-only, collected.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod faults;
mod files;
mod gc;
mod kill;
mod kit;
mod runs;
mod share;
mod store;
