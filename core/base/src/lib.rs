//! The words everyone speaks: values, digests, artifacts, stages, events.
