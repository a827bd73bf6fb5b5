//! From a syntax tree to a finished run.
