//! The stages: seven papers over one tensor kit.
