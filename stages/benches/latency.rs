//! Measures every convolution of a family of nets, with its norm and activation, at some pairs of widths, and prints
//! the table that `metapruning.latency` reads. Then, on stderr, how far sums of the table are from whole nets.
//!
//! ```text
//! cargo bench --bench latency -- flat 16 > latency.csv
//! ```
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a table goes to stdout, talk to stderr")]

use std::fmt::Write as _;
use std::time::Instant;

use dfdx::prelude::Cpu;
use runpipe_base::{FromRecord as _, Value};
use runpipe_stages::kit::backend::{Backend as _, Images};
use runpipe_stages::kit::ops::act::Act;
use runpipe_stages::kit::params::{Params, Pass};
use runpipe_stages::kit::rng::Stream;
use runpipe_stages::metapruning::forward::{Chosen, Norms, logits};
use runpipe_stages::metapruning::latency::Table;
use runpipe_stages::metapruning::net::{Block, Conv, Family, Net, Shortcut, Wire};
use runpipe_stages::metapruning::plain::PlainNet;
use runpipe_stages::metapruning::{grid, sample};

/// Pictures of a batch. Source: the paper's.
const BATCH: usize = 32;
/// Runs before the clock counts, and runs of which the median is taken.
const RUNS: [usize; 2] = [20, 101];
/// Places in the grid that are measured.
const PLACES: [u8; 6] = [0, 6, 12, 18, 24, 30];

fn main() {
    let words: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with("--")).collect();
    let [family, side, ..] = &words[..] else { return eprintln!("usage: latency FAMILY SIDE") };
    let (Some(family), Ok(side)) = (Family::from_value(&Value::Str(family.clone())), side.parse::<usize>())
    else {
        return eprintln!("expected a family of nets and the side of a picture");
    };
    let net = Net::new(family, 1, [3, side, side], 10);
    let table = measure(&net);
    print!("{table}");
    let table = Table::parse(&table, &net).expect("it is what the stage reads");
    let mut stream = Stream::new(0, "genes");
    let mut errors: Vec<f64> = (0..10)
        .map(|_| {
            let widths = net.widths(&sample::uniform(net.genes, &(0..=grid::FULL), &mut stream));
            let whole = time(&net, &widths);
            100.0 * (table.of(&net, &widths) - whole) / whole
        })
        .collect();
    errors.sort_by(f64::total_cmp);
    eprintln!("sums of the table against whole nets, 10 random genes, in percent: {errors:.1?}");
}

/// The table of a net's convolutions.
fn measure(net: &Net) -> String {
    let mut table = "conv,inputs,outputs,ms\n".to_owned();
    let mut start = [net.picture[1], net.picture[2]];
    for block in &net.blocks {
        let mut size = start;
        for conv in &block.convs {
            table += &lines(net, conv, size);
            size = conv.maps(size);
        }
        if let Shortcut::Conv(conv) = &block.shortcut {
            table += &lines(net, conv, start);
        }
        start = if block.pool { size.map(|n| (n - 1) / 2 + 1) } else { size };
    }
    table
}

/// A line for each pair of widths of a convolution that reads maps of this size.
fn lines(net: &Net, conv: &Conv, [height, width]: [usize; 2]) -> String {
    let widths = |wire: usize| {
        let wire = net.wires[wire];
        let mut all: Vec<usize> = PLACES.iter().map(|id| grid::width(wire.base, *id)).collect();
        all.dedup();
        if wire.gene.is_some() { all } else { vec![wire.base] }
    };
    let mut lines = String::new();
    for inputs in widths(conv.input) {
        for outputs in widths(conv.output).into_iter().filter(|o| !conv.depthwise || *o == inputs) {
            // The convolution alone, as a net of one block.
            let wires = [inputs, outputs].map(|base| Wire { base, gene: None }).to_vec();
            let alone = Conv { input: 0, output: usize::from(!conv.depthwise), ..conv.clone() };
            let block =
                Block { convs: vec![alone], shortcut: Shortcut::None, act: Act::Identity, pool: false };
            let picture = [inputs, height, width];
            let one = Net { picture, wires, blocks: vec![block], genes: 0, ..net.clone() };
            let ms = time(&one, &[inputs, outputs]);
            let _ = writeln!(lines, "{},{inputs},{outputs},{ms:.4}", conv.name);
        }
    }
    lines
}

/// Milliseconds of a batch through a net of these widths, the median of many runs.
fn time(net: &Net, widths: &[usize]) -> f64 {
    let device = Cpu::default();
    let mut params = Params::new(&device, 0);
    let layers = PlainNet::new(&mut params, net, widths).expect("memory");
    let at = Chosen::widths(widths.to_vec());
    let [_, height, width] = net.picture;
    let shape = (BATCH, widths[0], height, width);
    let count = BATCH * widths[0] * height * width;
    let x: Images<Cpu> =
        device.tensor_of((0..count).map(|i| (i % 7) as f32 - 3.0).collect(), shape).expect("memory");
    let mut norms = Norms::Given(layers.statistics(&params));
    let mut run = || {
        let start = Instant::now();
        logits(&Pass::eval(&params), net, &layers, &at, x.clone(), &mut norms).expect("memory");
        1000.0 * start.elapsed().as_secs_f64()
    };
    for _ in 0..RUNS[0] {
        let _ = run();
    }
    let mut times: Vec<f64> = (0..RUNS[1]).map(|_| run()).collect();
    times.sort_by(f64::total_cmp);
    times[RUNS[1] / 2]
}
