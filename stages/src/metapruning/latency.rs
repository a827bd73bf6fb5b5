//! `metapruning.latency`: measured times of layers, for a limit of time.
//!
//! A stage may not look at a clock, so times come from outside: `cargo bench --bench latency` measures every
//! convolution and the classifier at some widths and prints the table that this stage reads. Between measured widths
//! time is taken to be linear.

use std::collections::BTreeMap;
use std::path::PathBuf;

use runpipe_base::{Ctx, Inputs, Kind, Output, Port, Spec, Stage, StageError, View, params};

use super::PAPER;
use super::net::Net;
use super::space::{self, Space};
use crate::code;
use crate::data::files;

/// The kind of a table of times.
pub const KIND: &str = "latency";
/// The file that it stands in.
pub const FILE: &str = "latency.csv";
const HEAD: &str = "conv,inputs,outputs,ms";
/// Name of the classifier, with the mean of the maps before it.
pub const CLASSIFIER: &str = "classifier";

params! {
    /// Parameters of [`Latency`].
    pub struct LatencyParams {
        /// A CSV file: for each convolution and for the `classifier` the time of a batch at some pairs of widths, the
        /// columns `conv`, `inputs`, `outputs` and `ms`.
        path: PathBuf;
    }
}

/// `metapruning.latency`: reads measured times of layers.
pub struct Latency;

impl Stage for Latency {
    type Params = LatencyParams;

    fn spec(&self) -> Spec {
        Spec::new(
            "metapruning.latency",
            code::METAPRUNING,
            KIND,
            "Reads a table of measured times of layers, by which a search can keep to a limit of time.",
        )
        .input(Port::one("space", space::KIND, "the family of nets"))
        .metric("full_ms", "time of the whole net: the sum over its layers")
        .metric("entries", "times that were measured")
        .paper(&PAPER)
    }

    fn run(&self, p: &LatencyParams, inputs: &Inputs<'_>, cx: &mut Ctx<'_>) -> Result<Output, StageError> {
        let net = Space::read(&inputs.one("space")?)?.net()?;
        let text = files::text(&p.path)?;
        let table = Table::parse(&text, &net).map_err(|(line, message)| StageError::Data {
            path: p.path.display().to_string(),
            line,
            message,
        })?;
        cx.metric("full_ms", table.of(&net, &net.widths(&net.full())));
        cx.metric("entries", (text.lines().count() - 1) as f64);
        Ok(Output::new(Kind::of(KIND)).file(FILE, text))
    }
}

/// Times of one convolution or of the classifier by widths of its input and output.
#[derive(Debug, Clone, PartialEq, Default)]
struct Times {
    inputs: Vec<usize>,
    outputs: Vec<usize>,
    /// By input, then by output.
    ms: Vec<f64>,
}

/// Times of all convolutions of a net, in their order, and of its classifier.
#[derive(Debug, Clone, PartialEq)]
pub struct Table(Vec<Times>);

impl Table {
    /// Reads an artifact of kind `latency`.
    ///
    /// # Errors
    /// [`StageError::Data`] when it does not fit the net.
    pub fn read(view: &View<'_>, net: &Net) -> Result<Self, StageError> {
        Self::parse(&view.text(FILE)?, net).map_err(|(line, message)| StageError::Data {
            path: FILE.to_owned(),
            line,
            message,
        })
    }

    /// Reads a table.
    ///
    /// # Errors
    /// What is wrong, with its line, 0 for the table as a whole.
    pub fn parse(text: &str, net: &Net) -> Result<Self, (usize, String)> {
        let mut measured: BTreeMap<&str, BTreeMap<(usize, usize), f64>> = BTreeMap::new();
        let mut lines = text.lines().enumerate().map(|(i, line)| (i + 1, line.trim()));
        if lines.next().map(|(_, line)| line) != Some(HEAD) {
            return Err((1, format!("expected the columns `{HEAD}`")));
        }
        for (number, line) in lines.filter(|(_, line)| !line.is_empty()) {
            let fields: Vec<&str> = line.split(',').map(str::trim).collect();
            let read = || {
                let [conv, inputs, outputs, ms] = fields[..] else { return None };
                let ms: f64 = ms.parse().ok().filter(|ms: &f64| ms.is_finite() && *ms >= 0.0)?;
                Some((conv, (inputs.parse().ok()?, outputs.parse().ok()?), ms))
            };
            let (conv, widths, ms) = read()
                .ok_or_else(|| (number, format!("expected a name, two widths and a time, found `{line}`")))?;
            if measured.entry(conv).or_default().insert(widths, ms).is_some() {
                return Err((number, format!("expected one time for `{conv}` at {widths:?}, found another")));
            }
        }
        let names = net.convs().map(|conv| conv.name.as_str()).chain([CLASSIFIER]);
        let times = names.map(|name| {
            let of =
                measured.get(name).ok_or_else(|| (0, format!("expected times of `{name}`, found none")))?;
            let count = of.len();
            Times::of(of).ok_or_else(|| {
                (0, format!("expected a time of `{name}` for every pair of its widths, found {count}"))
            })
        });
        Ok(Self(times.collect::<Result<_, _>>()?))
    }

    /// The time of a net: the sum over its convolutions and its classifier.
    pub fn of(&self, net: &Net, widths: &[usize]) -> f64 {
        let convs = net.convs().map(|conv| (widths[conv.input], widths[conv.output]));
        let all = convs.chain([(widths[net.features()], net.classes)]);
        self.0.iter().zip(all).map(|(times, (inputs, outputs))| times.at(inputs, outputs)).sum()
    }
}

impl Times {
    /// A full grid of times, or nothing. A depthwise convolution is measured at equal widths only: one line of a grid.
    fn of(measured: &BTreeMap<(usize, usize), f64>) -> Option<Self> {
        let mut inputs: Vec<usize> = measured.keys().map(|(i, _)| *i).collect();
        inputs.dedup();
        if measured.keys().all(|(i, o)| i == o) {
            return Some(Self { inputs, outputs: vec![0], ms: measured.values().copied().collect() });
        }
        let mut outputs: Vec<usize> = measured.keys().map(|(_, o)| *o).collect();
        outputs.sort_unstable();
        outputs.dedup();
        let full = inputs.len() * outputs.len() == measured.len();
        full.then(|| Self { inputs, outputs, ms: measured.values().copied().collect() })
    }

    /// The time at these widths, linear between those measured and constant beyond them.
    fn at(&self, inputs: usize, outputs: usize) -> f64 {
        let ((i, next_i, share_i), (o, next_o, share_o)) =
            (between(&self.inputs, inputs), between(&self.outputs, outputs));
        let ms = |i: usize, o: usize| self.ms[i * self.outputs.len() + o];
        let mix = |a: f64, b: f64, share: f64| a + (b - a) * share;
        mix(mix(ms(i, o), ms(i, next_o), share_o), mix(ms(next_i, o), ms(next_i, next_o), share_o), share_i)
    }
}

/// The places of the measured widths on both sides, and how far the width is from the first to the second.
fn between(measured: &[usize], width: usize) -> (usize, usize, f64) {
    let after = measured.partition_point(|w| *w < width).min(measured.len() - 1);
    if after == 0 || measured[after] <= width {
        return (after, after, 0.0);
    }
    let (low, high) = (measured[after - 1], measured[after]);
    (after - 1, after, (width - low) as f64 / (high - low) as f64)
}

#[cfg(test)]
mod tests;
