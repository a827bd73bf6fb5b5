//! Whole commands: what a user types and what comes of it.

mod cli;
mod crash;
mod help;
mod house;
mod pages;
mod pipelines;
mod stop;
mod tidy;
