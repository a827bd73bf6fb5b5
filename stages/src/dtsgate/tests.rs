//! What the tests of this folder share.

use runpipe_base::{Artifact, Value};

use crate::testing::{Bench, Ran, int};

/// A corpus of the generated language, quick to learn.
pub(in crate::dtsgate) fn corpus(bench: &mut Bench) -> Artifact {
    let sizes = [
        ("train", int(400)),
        ("valid", int(20)),
        ("symbols", int(10)),
        ("dialects", int(4)),
        ("markers", int(2)),
        ("length", int(13)),
    ];
    bench.run("dtsgate.language", &sizes, &[]).artifact
}

/// A model that trains in a moment.
pub(in crate::dtsgate) fn small(steps: i64) -> Vec<(&'static str, Value)> {
    vec![
        ("layers", int(2)),
        ("width", int(16)),
        ("heads", int(2)),
        ("inner", int(24)),
        ("experts", int(4)),
        ("batch", int(8)),
        ("warmup", int(5)),
        ("evaluations", int(6)),
        ("steps", int(steps)),
    ]
}

pub(in crate::dtsgate) fn train(bench: &mut Bench, params: &[(&str, Value)], corpus: &Artifact) -> Ran {
    let parts = ["train", "valid"].map(|part| corpus.part(part).unwrap());
    bench.run("dtsgate.train", params, &[("train", parts[0]), ("valid", parts[1])])
}
