//! Stages of the folder run one after the other, small.

use runpipe_base::{Artifact, Value};

use crate::testing::{Bench, Ran, int};

/// A task.
pub(super) struct Small {
    pub(super) bench: Bench,
    pub(super) data: Ran,
}

impl Small {
    pub(super) fn new() -> Self {
        let mut bench = Bench::new();
        let data = bench.run("data.templates", &[("train", int(200)), ("test", int(200))], &[]);
        Self { bench, data }
    }

    pub(super) fn design(&mut self, params: &[(&str, Value)]) -> Artifact {
        let images = self.data.part("train").clone();
        self.bench.run("repghost.design", params, &[("images", &images)]).artifact
    }

    pub(super) fn few(&mut self, count: i64) -> Artifact {
        let train = self.data.part("train").clone();
        self.bench.run("data.split", &[("held", int(count))], &[("images", &train)]).part("held").clone()
    }
}
