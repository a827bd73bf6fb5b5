//! Tests of the crate: data in, data out.

#![expect(clippy::float_cmp, reason = "these numbers are exact")]

mod expect;
mod fixture;
mod progress;
mod report;
mod stats;
mod writers;
