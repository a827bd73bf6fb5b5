//! One training step a case, beside its PyTorch twin `step.py`: wall and processor time, the least of many.
#![expect(clippy::print_stdout, reason = "a bench reports on stdout")]

use std::time::{Duration, Instant};

use dfdx::prelude::{Backward, Cpu};
use runpipe_stages::kit::backend::{Matrix, Taped};
use runpipe_stages::kit::nn::encoder::{Encoder, EncoderSizes, MaskedHead};
use runpipe_stages::kit::ops::attention::Packed;
use runpipe_stages::kit::optim::{Optimizer, OptimizerConfig};
use runpipe_stages::kit::params::{Params, Pass};
use runpipe_stages::kit::rng::Stream;

fn main() {
    // `cargo test` builds and runs benches too: once each is enough then.
    let repeats = if std::env::args().any(|a| a == "--bench") { 40 } else { 1 };
    println!("| case | wall ms | cpu ms |\n|---|---|---|");
    masked("encoder 2×64, 64×32 tokens", repeats, (2, 64, 4, 256), 1500, 64, 32);
    masked("encoder 4×128, 16×64 tokens", repeats, (4, 128, 4, 512), 4000, 16, 64);
    masked("encoder 4×256, 16×64 tokens", repeats, (4, 256, 4, 1024), 4000, 16, 64);
}

/// A step of masked language modelling: 15 % of the tokens are predicted.
fn masked(
    name: &str,
    repeats: usize,
    (layers, width, heads, inner): (usize, usize, usize, usize),
    vocabulary: usize,
    sequences: usize,
    tokens: usize,
) {
    let sizes = EncoderSizes {
        vocabulary,
        positions: tokens,
        width,
        layers,
        heads,
        inner,
        dropout: 0.1,
        epsilon: 1e-12,
    };
    let mut params = Params::new(&Cpu::default(), 0);
    let encoder = Encoder::new(params.root().at("encoder"), sizes).expect("memory");
    let head = MaskedHead::new(params.root().at("head"), &encoder).expect("memory");
    let mut optimizer = Optimizer::new(OptimizerConfig::adam_w(0.01).clip(1.0));
    let mut stream = Stream::new(0, "bench");
    let ids: Vec<u32> = (0..sequences * tokens).map(|_| stream.below(vocabulary) as u32).collect();
    let sites: Vec<u32> = (0..ids.len() as u32).filter(|_| stream.chance(0.15)).collect();
    let words: Vec<u32> = sites.iter().map(|s| ids[*s as usize]).collect();
    let packed = Packed::new(vec![tokens; sequences]);
    let mut step = 0;
    report(name, repeats, || {
        let pass = Pass::train(&params, stream.child(step));
        let hidden: Matrix<Cpu, Taped<Cpu>> = encoder.forward(&pass, &ids, &packed).expect("memory");
        let loss = head.loss(&pass, hidden, &sites, &words).expect("memory");
        let grads = loss.backward();
        optimizer.step(&mut params, grads, 1e-4).expect("memory");
        step += 1;
    });
}

/// Times `work` and prints a row of the table.
fn report(name: &str, repeats: usize, mut work: impl FnMut()) {
    let mut best = [Duration::MAX; 2];
    for _ in 0..repeats {
        let (wall, cpu) = (Instant::now(), cpu_time());
        work();
        best = [best[0].min(wall.elapsed()), best[1].min(cpu_time() - cpu)];
    }
    let [wall, cpu] = best.map(|t| t.as_secs_f64() * 1e3);
    println!("| {name} | {wall:.2} | {cpu:.2} |");
}

/// User and system time of all threads.
fn cpu_time() -> Duration {
    let clock = rustix::time::ClockId::ProcessCPUTime;
    let time = rustix::time::clock_gettime(clock);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}
