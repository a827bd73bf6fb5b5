//! Progress for programs: one event a line.

use std::io::Write;
use std::sync::{Mutex, PoisonError};

use runpipe_base::{Event, Sink};
use serde::Serialize;

/// Writes each event as a JSON object on a line of its own: `{"v":1,"event":"finished",…}`.
///
/// `v` is the version of the format: fields may be added within a version, but none changes its meaning. A writer that
/// refuses (a closed pipe) is not written to again: the run goes on.
pub struct JsonLines<W> {
    out: Mutex<Option<W>>,
}

#[derive(Serialize)]
struct Line<'a> {
    v: u32,
    #[serde(flatten)]
    event: &'a Event,
}

impl<W: Write + Send> JsonLines<W> {
    /// Writes to `out`.
    pub fn new(out: W) -> Self {
        Self { out: Mutex::new(Some(out)) }
    }

    /// The writer, unless it refused.
    pub fn into_inner(self) -> Option<W> {
        self.out.into_inner().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<W: Write + Send> Sink for JsonLines<W> {
    fn emit(&self, event: &Event) {
        let mut line = serde_json::to_vec(&Line { v: 1, event }).expect("all keys of events are text");
        line.push(b'\n');
        let mut out = self.out.lock().unwrap_or_else(PoisonError::into_inner);
        // One write a line: a reader never sees half of one.
        if let Some(writer) = out.as_mut()
            && writer.write_all(&line).and_then(|()| writer.flush()).is_err()
        {
            *out = None;
        }
    }
}
