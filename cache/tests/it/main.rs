//! The store as others see it: killed, shared, damaged, full, read-only, collected.

mod faults;
mod files;
mod gc;
mod kill;
mod kit;
mod runs;
mod share;
mod store;
