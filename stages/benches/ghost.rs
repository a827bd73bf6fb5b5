//! Times RepGhost nets in their three forms beside a Ghost net whose norms are folded, picture by picture, and the sum of two maps
//! beside putting them side by side.
//!
//! ```text
//! cargo bench --workspace --bench ghost
//! ```
//!
//! One thread runs, and its processor time counts. In each round all nets take their turn, so that what else the machine does meets
//! all of them; a ratio is the median of those of the rounds.
#![expect(clippy::print_stdout, reason = "the result goes to stdout")]

use dfdx::prelude::{Cpu, NoneTape, Tensor};
use runpipe_stages::data::augment::Scale;
use runpipe_stages::kit::backend::{Backend as _, Images};
use runpipe_stages::kit::ops::act::Act;
use runpipe_stages::kit::ops::add::add;
use runpipe_stages::kit::ops::concat::concat_channels;
use runpipe_stages::kit::params::{Params, Pass, load};
use runpipe_stages::repghost::design::{Design, Family, Size};
use runpipe_stages::repghost::module::Form;
use runpipe_stages::repghost::net::Net;
use runpipe_stages::repghost::trained::Saved;

/// As in the program: what an allocator costs is part of a time.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Runs before the clock counts, and rounds that count.
const ROUNDS: [usize; 2] = [20, 60];
/// Repetitions of all rounds.
const REPEATS: usize = 5;
/// Channels and side of the maps that are added or put side by side: those of Ghost modules at 224 × 224.
const MAPS: [(usize, usize); 5] = [(24, 56), (60, 28), (100, 14), (336, 14), (480, 7)];

fn main() {
    let threads = rayon::ThreadPoolBuilder::new().num_threads(1).build().expect("a thread");
    threads.install(|| {
        for (width, side) in [(0.5, 64), (1.0, 64), (0.5, 224)] {
            nets(width, side);
        }
        maps();
    });
}

/// A net with weights as they start, in a form.
fn net(family: Family, width: f64, side: usize, form: Form) -> (Params<Cpu>, Net) {
    let device = Cpu::default();
    let classes = (0..1000).map(|i| i.to_string()).collect();
    let mut design = Design::new(family, Size::Paper, width, [3, side, side], classes);
    design.stem_stride = 2;
    let mut params = Params::new(&device, 0);
    Net::new(&mut params, &design, Form::Trained).expect("memory");
    let arrays = load(&params.save().expect("memory")).expect("they were saved just now");
    let scale = Scale { mean: vec![0.0; 3], std: vec![1.0; 3] };
    let saved = Saved { design, form: Form::Trained, scale, arrays };
    saved.fused(form).and_then(|saved| saved.net(&device)).expect("the weights are those of the design")
}

fn nets(width: f64, side: usize) {
    let cases = [
        ("RepGhost, as trained", net(Family::RepGhost, width, side, Form::Trained)),
        ("RepGhost, modules fused", net(Family::RepGhost, width, side, Form::Deployed)),
        ("RepGhost, all folded", net(Family::RepGhost, width, side, Form::Folded)),
        ("Ghost, all folded", net(Family::Ghost, width, side, Form::Folded)),
    ];
    let x = picture(3, side);
    let runs: Vec<Box<dyn Fn() + '_>> = cases
        .iter()
        .map(|(_, (params, net))| {
            let x = &x;
            Box::new(move || {
                let y: Tensor<(usize, usize), f32, Cpu, NoneTape> =
                    net.forward(&Pass::eval(params), x).expect("memory");
                std::hint::black_box(y);
            }) as Box<dyn Fn()>
        })
        .collect();
    println!("\n{width}× at {side} × {side}, a picture, processor time");
    for repeat in 0..REPEATS {
        let rounds = rounds(&runs);
        let words: Vec<String> = (0..runs.len())
            .map(|i| {
                let ratio = median(rounds.iter().map(|ms| ms[i] / ms[runs.len() - 1]).collect());
                let times = rounds.iter().map(|ms| ms[i]).collect();
                format!("{} {:.3} ms ({ratio:.3} of Ghost)", cases[i].0, median(times))
            })
            .collect();
        println!("  {}: {}", repeat + 1, words.join("; "));
    }
}

/// A map of channels: numbers that repeat, of both signs.
fn picture(channels: usize, side: usize) -> Images<Cpu> {
    let numbers = (0..channels * side * side).map(|i| (i % 7) as f32 - 3.0).collect();
    Cpu::default().tensor_of(numbers, (1, channels, side, side)).expect("memory")
}

fn maps() {
    println!("\nside by side against a sum, processor time");
    for (channels, side) in MAPS {
        let (a, b) = (picture(channels, side), picture(channels, side));
        let many = 50;
        let runs: [Box<dyn Fn()>; 2] = [
            Box::new(|| {
                for _ in 0..many {
                    std::hint::black_box(concat_channels(vec![a.clone(), b.clone()]).expect("memory"));
                }
            }),
            Box::new(|| {
                for _ in 0..many {
                    std::hint::black_box(add(a.clone(), b.clone(), Act::Identity).expect("memory"));
                }
            }),
        ];
        let ratio = median(rounds(&runs).iter().map(|ms| ms[0] / ms[1]).collect());
        println!("  {channels} channels of {side} × {side}: {ratio:.2}");
    }
}

/// Milliseconds of each run, a row a round.
fn rounds(runs: &[Box<dyn Fn() + '_>]) -> Vec<Vec<f64>> {
    for _ in 0..ROUNDS[0] {
        runs.iter().for_each(|run| run());
    }
    let once = |run: &dyn Fn()| {
        let start = clock();
        run();
        clock() - start
    };
    (0..ROUNDS[1]).map(|_| runs.iter().map(|run| once(run)).collect()).collect()
}

fn median(mut numbers: Vec<f64>) -> f64 {
    numbers.sort_by(f64::total_cmp);
    numbers[numbers.len() / 2]
}

/// Processor time of this thread in milliseconds.
fn clock() -> f64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    1e3 * time.tv_sec as f64 + 1e-6 * time.tv_nsec as f64
}
