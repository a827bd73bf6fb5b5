//! The tensor kit: what the papers' stages compute with, over dfdx tensors and its tape.
//!
//! Two decisions shaped it. *Sizes are known at run time*, since they come from `.pipe` files: layers are ours, over
//! tensors whose dimensions are `usize`. *An op is one tape entry*: attention over all heads, or dropout, residual and
//! layer norm together, are each one forward and one backward function over plain slices, parallel and vectorised;
//! buffers move into and out of tensors without a copy. The same function serves a GPU, through host memory
//! ([`backend`]).
//!
//! Results are the same bytes for any number of threads: work is cut into blocks whose size depends on shapes only
//! ([`cpu::par`]), sums over blocks run in block order, and random numbers are functions of a counter ([`rng`]).
//!
//! | folder or file | what |
//! |---|---|
//! | [`backend`] | the devices and the one place that names dfdx's bounds |
//! | [`ops`] | differentiable functions, one a file |
//! | [`nn`] | layers over them, which hold handles into [`params::Params`] |
//! | [`optim`], [`schedule`], [`fit`] | updates, learning rates and the one training loop |
//! | [`batches`], [`best`] | what a step trains on; the best state and early stopping |

pub mod backend;
pub mod batches;
pub mod best;
pub mod cpu;
pub mod fit;
pub mod nn;
pub mod ops;
pub mod optim;
pub mod params;
pub mod rng;
pub mod schedule;
pub mod tally;
#[cfg(test)]
pub(crate) mod testing;
