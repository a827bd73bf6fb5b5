//! From the log of a run to a report; progress on the way.
