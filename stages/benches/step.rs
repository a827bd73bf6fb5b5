//! Training steps of whole models, for `compare.py` to time beside their PyTorch twins in `step.py`.
//!
//! `cargo bench --bench step -- CASE` builds a case, takes two steps and says `ready`; then, for every number on stdin, it
//! takes so many steps and prints a line of JSON: the least wall and processor time of one, and the memory. Without a
//! case it lists them; as a test it takes one step of each.
#![expect(clippy::print_stdout, reason = "a bench reports on stdout")]

#[path = "step/conv.rs"]
mod conv;
#[path = "step/encoder.rs"]
mod encoder;
#[path = "step/experts.rs"]
mod experts;
#[path = "step/recurrent.rs"]
mod recurrent;
#[path = "step/san.rs"]
mod san;

use std::io::BufRead as _;
use std::time::{Duration, Instant};

use dfdx::prelude::{Backward as _, Cpu};
use runpipe_stages::kit::backend::{Result, Scalar, Taped};
use runpipe_stages::kit::cpu::gemm::{Mat, Old, matmul};
use runpipe_stages::kit::optim::{Optimizer, OptimizerConfig};
use runpipe_stages::kit::params::{Params, Pass, Scope};
use runpipe_stages::kit::rng::Stream;

/// A step to take again and again.
pub(crate) type Step = Box<dyn FnMut()>;

/// Builds a case: a step, and the multiplications and additions of its matrix products, in millions.
type Build = fn() -> (Step, f64);

/// Cases by name.
const CASES: &[(&str, Build)] = &[
    ("matmul 1024", product),
    ("encoder 2×64", || encoder::masked((2, 64, 4, 256), 1500, 64, 32)),
    ("encoder 4×128", || encoder::masked((4, 128, 4, 512), 4000, 16, 64)),
    ("encoder 4×256", || encoder::masked((4, 256, 4, 1024), 4000, 16, 64)),
    ("bilstm 128", || recurrent::classifier(64, 128)),
    ("seq2seq 128", || recurrent::seq2seq(32, 128)),
    ("seq2seq 512", || recurrent::seq2seq(64, 512)),
    ("mobilenet 0.5", || conv::mobile_net(0.5, 4672.0)),
    ("mobilenet 1.0", || conv::mobile_net(1.0, 17_800.0)),
    ("repghost 0.5", conv::rep_ghost),
    ("preactresnet 18", conv::pre_act_res_net),
    ("san 2×512", san::san),
    ("experts 8×128", experts::language_model),
];

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|a| !a.starts_with("--")).collect();
    let benches = std::env::args().any(|a| a == "--bench");
    match arguments.first() {
        Some(wanted) => {
            let found = CASES.iter().find(|(name, _)| name == wanted);
            let (_, build) = found.unwrap_or_else(|| panic!("no case `{wanted}`"));
            serve(*build);
        }
        None if benches => CASES.iter().for_each(|(name, _)| println!("{name}")),
        // `cargo test` builds and runs benches, too.
        None => CASES.iter().skip(1).for_each(|(_, build)| build().0()),
    }
}

/// Takes steps as asked.
fn serve(build: Build) {
    let before = memory().0;
    let (mut step, million) = build();
    (0..2).for_each(|_| step());
    println!("ready");
    for line in std::io::stdin().lock().lines() {
        let steps: u32 = line.expect("a line").trim().parse().expect("a number of steps");
        let mut best = [Duration::MAX; 2];
        for _ in 0..steps {
            let (wall, cpu) = (Instant::now(), cpu_time());
            step();
            best = [best[0].min(wall.elapsed()), best[1].min(cpu_time().saturating_sub(cpu))];
        }
        let [wall, cpu] = best.map(|t| t.as_secs_f64() * 1e3);
        let mib = (memory().1 - before) as f64 / 1024.0;
        println!("{{\"wall\": {wall}, \"cpu\": {cpu}, \"mib\": {mib}, \"million\": {million}}}");
    }
}

/// A step of training with Adam and clipping: what most cases share.
pub(crate) fn train<M: 'static>(
    config: OptimizerConfig,
    build: impl FnOnce(Scope<'_, Cpu>) -> Result<M>,
    loss: impl Fn(&M, &Pass<'_, Cpu>) -> Result<Scalar<Cpu, Taped<Cpu>>> + 'static,
) -> Step {
    let mut params = Params::new(&Cpu::default(), 0);
    let model = build(params.root()).expect("memory");
    let mut optimizer = Optimizer::new(config);
    let stream = Stream::new(0, "bench");
    let mut step = 0;
    Box::new(move || {
        let (grads, updates) = {
            let pass = Pass::train(&params, stream.child(step));
            let loss = loss(&model, &pass).expect("memory");
            (loss.backward(), pass.into_updates())
        };
        params.apply(updates).expect("memory");
        optimizer.step(&mut params, grads, 1e-4).expect("memory");
        step += 1;
    })
}

/// A large product, for what the machine can do.
fn product() -> (Step, f64) {
    let n = 1024;
    let (a, b, mut c) = (vec![1.0; n * n], vec![0.5; n * n], vec![0.0; n * n]);
    let step = move || matmul(&mut c, Mat::new(&a, n, n), Mat::new(&b, n, n), Old::Replace);
    (Box::new(step), 2.0 * (n * n * n) as f64 / 1e6)
}

/// User and system time of all threads.
fn cpu_time() -> Duration {
    let clock = rustix::time::ClockId::ProcessCPUTime;
    let time = rustix::time::clock_gettime(clock);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

/// Memory in use and the most that ever was, in KiB; zeros where the system does not say.
fn memory() -> (u64, u64) {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let field = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        line.and_then(|rest| rest.trim_matches([':', '\t', ' ', 'k', 'B']).parse().ok()).unwrap_or(0)
    };
    (field("VmRSS"), field("VmHWM"))
}
