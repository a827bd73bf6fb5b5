//! Measures every convolution of a family of nets, with its norm and activation, and the classifier, at pairs of widths,
//! and prints the table that `metapruning.latency` reads. Then, on stderr, how far sums of the table are from whole nets.
//!
//! ```text
//! cargo bench --workspace --bench latency -- FAMILY SIDE [TIMES] [BATCH] > latency.csv
//! ```
//!
//! Widths with commas between them, such as `8,8,8,8,8,8`, are those of a net whose time is told beside its sum, too.
//!
//! One thread runs, and its processor time counts. What else the machine does can only make a run slower, by what it
//! takes out of caches or of a shared core, so the least of many runs is kept; all cases are run in turn, again and
//! again, since such a time may last for seconds.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a table goes to stdout, talk to stderr")]

use std::fmt::Write as _;

use dfdx::prelude::Cpu;
use runpipe_base::{FromRecord as _, Value};
use runpipe_stages::kit::backend::{Backend as _, Images};
use runpipe_stages::kit::ops::act::Act;
use runpipe_stages::kit::params::{Params, Pass};
use runpipe_stages::kit::rng::Stream;
use runpipe_stages::metapruning::forward::{Chosen, Norms, block_forward, classify};
use runpipe_stages::metapruning::latency::{CLASSIFIER, Table};
use runpipe_stages::metapruning::net::{Block, Conv, Family, Net, Shortcut, Wire};
use runpipe_stages::metapruning::plain::PlainNet;
use runpipe_stages::metapruning::{grid, sample};

/// As in the program: what an allocator costs is part of a time.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Pictures of a batch. Source: the paper's.
const BATCH: usize = 32;
/// Rounds over all cases; in each of them runs of a case before the clock counts, and runs that count.
const ROUNDS: [usize; 3] = [12, 3, 9];
/// Places in the grid that are measured.
const PLACES: [u8; 7] = [0, 5, 10, 15, 20, 25, 30];
/// Random nets that sums of the table are compared with.
const NETS: usize = 20;

fn main() {
    let words: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with("--")).collect();
    let [family, others @ ..] = &words[..] else { return eprintln!("usage: FAMILY SIDE [TIMES] [BATCH]") };
    let family = Family::from_value(&Value::Str(family.clone()));
    let (given, numbers): (Vec<&String>, Vec<&String>) = others.iter().partition(|word| word.contains(','));
    let numbers: Result<Vec<usize>, _> = numbers.iter().map(|word| word.parse()).collect();
    let given: Result<Vec<Vec<usize>>, _> =
        given.iter().map(|word| word.split(',').map(str::parse).collect()).collect();
    let (Some(family), Ok(numbers), Ok(given)) = (family, numbers, given) else {
        return eprintln!("expected a family of nets and numbers, found {words:?}");
    };
    let Some(side) = numbers.first() else { return eprintln!("expected the side of a picture") };
    let (times, batch) = (*numbers.get(1).unwrap_or(&1), *numbers.get(2).unwrap_or(&BATCH));
    let net = Net::new(family, times, [3, *side, *side], 10);
    let (names, mut cases): (Vec<String>, Vec<Case>) = cases(&net).into_iter().unzip();
    let mut stream = Stream::new(0, "genes");
    let genes = (0..NETS).map(|_| sample::uniform(net.genes, &(0..=grid::FULL), &mut stream));
    let mut widths: Vec<Vec<usize>> = genes.map(|gene| net.widths(&gene)).collect();
    widths.extend(given.into_iter().map(|given| [vec![net.wires[0].base], given].concat()));
    if let Some(wrong) = widths.iter().find(|widths| widths.len() != net.wires.len()) {
        return eprintln!("expected {} widths, found {:?}", net.wires.len() - 1, &wrong[1..]);
    }
    cases.extend(widths.iter().map(|widths| Case::whole(&net, widths)));
    let threads = rayon::ThreadPoolBuilder::new().num_threads(1).build().expect("a thread");
    let ms = threads.install(|| least(&cases, batch));
    let mut table = "conv,inputs,outputs,ms\n".to_owned();
    for (name, ms) in names.iter().zip(&ms) {
        let _ = writeln!(table, "{name},{ms:.5}");
    }
    print!("{table}");
    let table = Table::parse(&table, &net).expect("it is what the stage reads");
    let sums = widths.iter().map(|widths| table.of(&net, widths));
    let pairs: Vec<(f64, f64)> = sums.zip(ms[names.len()..].iter().copied()).collect();
    let mut errors: Vec<f64> =
        pairs[..NETS].iter().map(|(sum, whole)| 100.0 * (sum - whole) / whole).collect();
    errors.sort_by(f64::total_cmp);
    eprintln!("sums of the table against {NETS} random nets, in percent: {errors:.1?}");
    for (widths, (sum, whole)) in widths.iter().zip(&pairs).skip(NETS) {
        eprintln!("{:?}: {whole:.4} ms, sum {sum:.4}", &widths[1..]);
    }
}

/// A net, or a part of one, and what it reads.
struct Case {
    net: Net,
    widths: Vec<usize>,
    /// What of its blocks runs.
    blocks: Vec<Block>,
    /// Channels, height and width.
    input: [usize; 3],
    /// Whether the classifier is a part of it.
    classified: bool,
}

impl Case {
    fn whole(net: &Net, widths: &[usize]) -> Self {
        let (net, blocks) = (net.clone(), net.blocks.clone());
        Self { input: net.picture, net, widths: widths.to_vec(), blocks, classified: true }
    }
}

/// Every convolution at pairs of widths, alone, and the classifier, each with the start of its line in the table.
fn cases(net: &Net) -> Vec<(String, Case)> {
    let (mut cases, mut size) = (Vec::new(), [net.picture[1], net.picture[2]]);
    for block in &net.blocks {
        let start = size;
        for (i, conv) in block.convs.iter().enumerate() {
            let pool = block.pool && i + 1 == block.convs.len();
            alone(net, conv, size, pool, &mut cases);
            size = conv.maps(size);
        }
        if let Shortcut::Conv(conv) = &block.shortcut {
            alone(net, conv, start, false, &mut cases);
        }
        size = if block.pool { size.map(|n| (n - 1) / 2 + 1) } else { size };
    }
    for inputs in widths(net, net.features()) {
        let wires = vec![Wire { base: inputs, gene: None }];
        // What it reads are the features. A convolution that does not run says so.
        let conv =
            Conv { input: 0, output: 0, ..net.convs().next().expect("a net has a convolution").clone() };
        let nothing = Block { convs: vec![conv], shortcut: Shortcut::None, act: Act::Identity, pool: false };
        let net = Net { wires, blocks: vec![nothing], genes: 0, ..net.clone() };
        let name = format!("{CLASSIFIER},{inputs},{}", net.classes);
        let input = [inputs, size[0], size[1]];
        cases.push((name, Case { net, widths: vec![inputs], blocks: Vec::new(), input, classified: true }));
    }
    cases
}

/// One convolution that reads maps of this size, at every pair of widths.
fn alone(net: &Net, conv: &Conv, [height, width]: [usize; 2], pool: bool, cases: &mut Vec<(String, Case)>) {
    for inputs in widths(net, conv.input) {
        for outputs in widths(net, conv.output).into_iter().filter(|o| !conv.depthwise || *o == inputs) {
            let both = vec![inputs, outputs];
            let wires = both.iter().map(|base| Wire { base: *base, gene: None }).collect();
            let conv = Conv { input: 0, output: usize::from(!conv.depthwise), ..conv.clone() };
            let name = format!("{},{inputs},{outputs}", conv.name);
            let block = Block { convs: vec![conv], shortcut: Shortcut::None, act: Act::Identity, pool };
            let blocks = vec![block];
            let net = Net { wires, blocks: blocks.clone(), genes: 0, ..net.clone() };
            let input = [inputs, height, width];
            cases.push((name, Case { net, widths: both, blocks, input, classified: false }));
        }
    }
}

/// The widths at which a wire is measured. One that no gene chooses may still be narrow: in a uniform net.
fn widths(net: &Net, wire: usize) -> Vec<usize> {
    let base = net.wires[wire].base;
    let mut all: Vec<usize> = PLACES.iter().map(|id| grid::width(base, *id)).collect();
    all.dedup();
    if wire == 0 { vec![base] } else { all }
}

/// The least milliseconds of a batch through each case.
fn least(cases: &[Case], batch: usize) -> Vec<f64> {
    let mut least = vec![f64::INFINITY; cases.len()];
    for _ in 0..ROUNDS[0] {
        for (case, least) in cases.iter().zip(&mut least) {
            *least = least.min(once(case, batch));
        }
    }
    least
}

/// The least milliseconds of some runs after others.
fn once(case: &Case, batch: usize) -> f64 {
    let Case { net, widths, blocks, input: [channels, height, width], classified } = case;
    let device = Cpu::default();
    let mut params = Params::new(&device, 0);
    let layers = PlainNet::new(&mut params, net, widths).expect("memory");
    let at = Chosen::widths(widths.clone());
    let count = batch * channels * height * width;
    let x: Images<Cpu> = device
        .tensor_of((0..count).map(|i| (i % 7) as f32 - 3.0).collect(), (batch, *channels, *height, *width))
        .expect("memory");
    let mut norms = Norms::Given(layers.statistics(&params));
    let pass = Pass::eval(&params);
    let mut run = || {
        let start = clock();
        let (mut x, mut index) = (x.clone(), 0);
        for block in blocks {
            x = block_forward(&pass, block, index, &layers, &at, x, &mut norms).expect("memory");
            index += block.all().count();
        }
        if *classified {
            classify(&pass, &layers, x).expect("memory");
        }
        clock() - start
    };
    for _ in 0..ROUNDS[1] {
        let _ = run();
    }
    (0..ROUNDS[2]).map(|_| run()).fold(f64::INFINITY, f64::min)
}

/// Processor time of this thread in milliseconds.
fn clock() -> f64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    1e3 * time.tv_sec as f64 + 1e-6 * time.tv_nsec as f64
}
