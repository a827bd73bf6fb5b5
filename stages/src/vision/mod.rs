//! What the papers about pictures share: how a net learns to name their classes.

pub mod recipe;
