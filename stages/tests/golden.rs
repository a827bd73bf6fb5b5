//! The kit beside PyTorch: values and gradients of every op and layer, updates and learning rates, from the files that
//! `golden/make.py` wrote.

use std::path::Path;

use dfdx::prelude::{Backward, Cpu, HasShape, PutTape, Shape, SplitTape, SumTo, Tensor, TryMul};
use runpipe_stages::kit::backend::{Backend, Cube, Matrix, Scalar, Taped, Vector};
use runpipe_stages::kit::nn::encoder::{Encoder, EncoderSizes};
use runpipe_stages::kit::ops::act::Act;
use runpipe_stages::kit::ops::add::{activate, add};
use runpipe_stages::kit::ops::add_each::add_each;
use runpipe_stages::kit::ops::add_norm::add_norm;
use runpipe_stages::kit::ops::attention::{Packed, attention, causal_attention};
use runpipe_stages::kit::ops::columns::{columns, concat_columns, pick};
use runpipe_stages::kit::ops::combine::combine;
use runpipe_stages::kit::ops::cross_attention::{attention_weights, mix};
use runpipe_stages::kit::ops::cross_entropy::{
    IGNORE, cross_entropy, negative_log, smooth, soft_cross_entropy,
};
use runpipe_stages::kit::ops::linear::linear;
use runpipe_stages::kit::ops::lstm::{Direction, State, Weights, lstm};
use runpipe_stages::kit::ops::matmul::batched_matmul;
use runpipe_stages::kit::ops::mul::{mul, scale_rows};
use runpipe_stages::kit::ops::rows::{concat_rows, rows, scatter_rows};
use runpipe_stages::kit::ops::softmax::{log_softmax, softmax};
use runpipe_stages::kit::ops::text_conv::text_conv;
use runpipe_stages::kit::optim::{Average, Betas, Optimizer, OptimizerConfig, Rule};
use runpipe_stages::kit::params::{Arrays, Init, Param, Params, Pass, Role, load};
use runpipe_stages::kit::schedule::Schedule;

/// What a number may differ by, of its size plus one: single precision over sums of a few dozen products, and
/// elementary functions that are good to some 10⁻⁷.
const TOLERANCE: f32 = 5e-6;

fn family(name: &str) -> Arrays {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/golden/{name}.safetensors"));
    load(&std::fs::read(&path).expect("the file is committed")).expect("make.py wrote it")
}

/// Inputs of one case and what PyTorch made of them.
struct Case<'a> {
    name: &'a str,
    arrays: &'a Arrays,
}

impl<'a> Case<'a> {
    fn new(arrays: &'a Arrays, name: &'a str) -> Self {
        Self { name, arrays }
    }

    fn array(&self, key: &str) -> &'a (Vec<usize>, Vec<f32>) {
        self.arrays.get(&format!("{}/{key}", self.name)).unwrap_or_else(|| panic!("`{}/{key}`", self.name))
    }

    fn numbers(&self, key: &str) -> &'a [f32] {
        &self.array(key).1
    }

    fn matrix(&self, key: &str) -> Matrix<Cpu> {
        let (sizes, numbers) = self.array(key);
        Cpu::default().tensor_of(numbers.clone(), (sizes[0], sizes[1])).expect("memory")
    }

    fn cube(&self, key: &str) -> Cube<Cpu> {
        let (sizes, numbers) = self.array(key);
        Cpu::default().tensor_of(numbers.clone(), (sizes[0], sizes[1], sizes[2])).expect("memory")
    }

    fn vector(&self, key: &str) -> Vector<Cpu> {
        let (sizes, numbers) = self.array(key);
        Cpu::default().tensor_of(numbers.clone(), (sizes[0],)).expect("memory")
    }

    fn close(&self, what: &str, found: &[f32], expected: &[f32]) {
        assert_eq!(found.len(), expected.len(), "`{}/{what}`: how many numbers", self.name);
        for (i, (f, e)) in found.iter().zip(expected).enumerate() {
            let far = (f - e).abs() > TOLERANCE * (1.0 + e.abs());
            assert!(!far && f.is_finite(), "`{}/{what}` at {i}: found {f}, PyTorch has {e}", self.name);
        }
    }

    /// Compares y, and the gradients of the product of y with fixed weights for each of these inputs.
    fn check<S: Shape>(&self, y: Tensor<S, f32, Cpu, Taped<Cpu>>, inputs: &[(&str, Input<'_>)]) {
        let (y, tape) = y.split_tape();
        self.close("y", &Cpu::view(&y), self.numbers("y"));
        let r = Cpu::default().tensor_of(self.numbers("r").to_vec(), *y.shape()).expect("memory");
        let grads =
            y.put_tape(tape).try_mul(r).expect("memory").try_sum::<(), _>().expect("memory").backward();
        for (key, input) in inputs {
            let key = format!("d.{key}");
            let slopes = match input {
                Input::Cube(x) => grads.get(*x).as_vec(),
                Input::Matrix(x) => grads.get(*x).as_vec(),
                Input::Vector(x) => grads.get(*x).as_vec(),
            };
            self.close(&key, &slopes, self.numbers(&key));
        }
    }
}

enum Input<'a> {
    Cube(&'a Cube<Cpu>),
    Matrix(&'a Matrix<Cpu>),
    Vector(&'a Vector<Cpu>),
}
use Input::{Cube as C, Matrix as M, Vector as V};

/// Starts a tape.
fn tape<S: Shape>(x: &Tensor<S, f32, Cpu>) -> Tensor<S, f32, Cpu, Taped<Cpu>> {
    x.retaped()
}

/// The sequences of `make.py`.
fn packed() -> Packed {
    Packed::new([3, 1, 5])
}

#[test]
fn activations_alone_and_fused() {
    let arrays = family("acts");
    for (name, act) in [
        ("identity", Act::Identity),
        ("relu", Act::Relu),
        ("gelu", Act::Gelu),
        ("gelu_tanh", Act::GeluTanh),
        ("silu", Act::Silu),
        ("tanh", Act::Tanh),
        ("sigmoid", Act::Sigmoid),
        ("hard_sigmoid", Act::HardSigmoid),
        ("softplus", Act::Softplus),
    ] {
        let name_of = |op: &str| format!("{op}_{name}");
        let name = name_of("act");
        let case = Case::new(&arrays, &name);
        let x = case.vector("x");
        case.check(activate(tape(&x), act).unwrap(), &[("x", V(&x))]);
        let name = name_of("linear");
        let case = Case::new(&arrays, &name);
        let (x, w, b) = (case.matrix("x"), case.matrix("w"), case.vector("b"));
        let y = linear(tape(&x), &w, Some(&b), act).unwrap();
        case.check(y, &[("x", M(&x)), ("w", M(&w)), ("b", V(&b))]);
    }
}

#[test]
fn functions_of_rows() {
    let arrays = family("rows");
    let case = Case::new(&arrays, "softmax");
    let x = case.matrix("x");
    case.check(softmax(tape(&x)).unwrap(), &[("x", M(&x))]);
    let case = Case::new(&arrays, "log_softmax");
    let x = case.matrix("x");
    case.check(log_softmax(tape(&x)).unwrap(), &[("x", M(&x))]);
    let case = Case::new(&arrays, "add_norm");
    let (x, residual) = (case.matrix("x"), case.matrix("residual"));
    let (gain, shift) = (case.vector("gain"), case.vector("shift"));
    let y = add_norm(tape(&x), None, Some(tape(&residual)), &gain, &shift, 1e-5).unwrap();
    let inputs = [("x", M(&x)), ("residual", M(&residual)), ("gain", V(&gain)), ("shift", V(&shift))];
    case.check(y, &inputs);
}

#[test]
fn rows_and_columns_by_index() {
    let arrays = family("rows");
    let ids = [2, 0, 2, 5, 2];
    let case = Case::new(&arrays, "embedding");
    let x = case.matrix("x");
    case.check(rows(tape(&x), &ids).unwrap(), &[("x", M(&x))]);
    let case = Case::new(&arrays, "scatter_rows");
    let x = case.matrix("x");
    case.check(scatter_rows(tape(&x), &ids, 6).unwrap(), &[("x", M(&x))]);
    let case = Case::new(&arrays, "concat_rows");
    let (a, b) = (case.matrix("a"), case.matrix("b"));
    case.check(concat_rows(vec![tape(&a), tape(&b)]).unwrap(), &[("a", M(&a)), ("b", M(&b))]);
    let case = Case::new(&arrays, "concat_columns");
    let (a, b) = (case.matrix("a"), case.matrix("b"));
    case.check(concat_columns(vec![tape(&a), tape(&b)]).unwrap(), &[("a", M(&a)), ("b", M(&b))]);
    let case = Case::new(&arrays, "columns");
    let x = case.matrix("x");
    case.check(columns(tape(&x), 1..4).unwrap(), &[("x", M(&x))]);
    let case = Case::new(&arrays, "pick");
    let x = case.matrix("x");
    case.check(pick(tape(&x), &[5, 0, 3, 3]).unwrap(), &[("x", M(&x))]);
}

#[test]
fn arithmetic() {
    let arrays = family("rows");
    let case = Case::new(&arrays, "add");
    let (a, b) = (case.matrix("a"), case.matrix("b"));
    case.check(add(tape(&a), tape(&b), Act::Identity).unwrap(), &[("a", M(&a)), ("b", M(&b))]);
    let case = Case::new(&arrays, "mul");
    let (a, b) = (case.matrix("a"), case.matrix("b"));
    case.check(mul(tape(&a), tape(&b)).unwrap(), &[("a", M(&a)), ("b", M(&b))]);
    let case = Case::new(&arrays, "scale_rows");
    let (x, a) = (case.matrix("x"), case.vector("a"));
    case.check(scale_rows(tape(&x), tape(&a)).unwrap(), &[("x", M(&x)), ("a", V(&a))]);
}

#[test]
fn losses() {
    let arrays = family("losses");
    let labels = [3, IGNORE, 0, 6, 3];
    for (name, smoothing) in [("cross_entropy", 0.0), ("cross_entropy_smooth", 0.1)] {
        let case = Case::new(&arrays, name);
        let x = case.matrix("x");
        case.check(cross_entropy(tape(&x), &labels, smoothing).unwrap(), &[("x", M(&x))]);
    }
    for (name, smoothing) in [("soft_cross_entropy", 0.0), ("soft_cross_entropy_smooth", 0.2)] {
        let case = Case::new(&arrays, name);
        let (x, mut q) = (case.matrix("x"), case.numbers("q").to_vec());
        smooth(&mut q, 7, smoothing);
        case.check(soft_cross_entropy(tape(&x), &q).unwrap(), &[("x", M(&x))]);
    }
    let case = Case::new(&arrays, "negative_log");
    let p = case.matrix("p");
    case.check(negative_log(tape(&p), &labels).unwrap(), &[("p", M(&p))]);
}

#[test]
fn attention_of_both_kinds() {
    let arrays = family("attention");
    let case = Case::new(&arrays, "attention");
    let qkv = case.matrix("qkv");
    case.check(attention(tape(&qkv), &packed(), 2, None).unwrap(), &[("qkv", M(&qkv))]);
    let case = Case::new(&arrays, "causal_attention");
    let qkv = case.matrix("qkv");
    case.check(causal_attention(tape(&qkv), &packed(), 2, None).unwrap(), &[("qkv", M(&qkv))]);
    let case = Case::new(&arrays, "cross_attention");
    let (q, k, v) = (case.matrix("q"), case.matrix("k"), case.matrix("v"));
    let queries = Packed::new([2, 1, 3]);
    let weights = attention_weights(tape(&q), &queries, tape(&k), &packed(), 0.5).unwrap();
    let y = mix(weights, &queries, tape(&v), &packed()).unwrap();
    case.check(y, &[("q", M(&q)), ("k", M(&k)), ("v", M(&v))]);
}

#[test]
fn products_and_sums_by_sequence() {
    let arrays = family("attention");
    let case = Case::new(&arrays, "batched_matmul");
    let (a, b) = (case.cube("a"), case.cube("b"));
    let y = batched_matmul(tape(&a), tape(&b)).unwrap();
    case.check(y, &[("a", C(&a)), ("b", C(&b))]);
    let case = Case::new(&arrays, "add_each");
    let (x, a) = (case.matrix("x"), case.matrix("a"));
    let y = add_each(tape(&x), &packed(), tape(&a), Act::Tanh).unwrap();
    case.check(y, &[("x", M(&x)), ("a", M(&a))]);
}

#[test]
fn recurrence_in_both_directions() {
    let arrays = family("recurrent");
    for (name, direction) in [("lstm_forward", Direction::Forward), ("lstm_backward", Direction::Backward)] {
        for start in [false, true] {
            let name = if start { format!("{name}_start") } else { name.to_owned() };
            let case = Case::new(&arrays, &name);
            let (x, w, u, b) = (case.matrix("x"), case.matrix("w"), case.matrix("u"), case.vector("b"));
            let mut inputs = vec![("x", M(&x)), ("w", M(&w)), ("u", M(&u)), ("b", V(&b))];
            let state = start.then(|| (case.matrix("h"), case.matrix("c")));
            let from = state.as_ref().map(|(h, c)| State { hidden: tape(h), cell: tape(c) });
            let weights = Weights { input: &w, hidden: &u, bias: &b };
            let (rows, last) = lstm(tape(&x), &packed(), &weights, from, direction).unwrap().into_parts();
            if let Some((h, c)) = &state {
                inputs.extend([("h", M(h)), ("c", M(c))]);
            }
            case.check(concat_rows(vec![rows, last.hidden, last.cell]).unwrap(), &inputs);
        }
    }
}

#[test]
fn windows_over_text() {
    let arrays = family("recurrent");
    let case = Case::new(&arrays, "text_conv");
    let (x, w, b) = (case.matrix("x"), case.matrix("w"), case.vector("b"));
    let y = text_conv(tape(&x), &packed(), &w, &b, Act::Tanh).unwrap();
    case.check(y, &[("x", M(&x)), ("w", M(&w)), ("b", V(&b))]);
}

#[test]
fn experts_put_together() {
    let arrays = family("experts");
    let case = Case::new(&arrays, "combine");
    let (a, b, c) = (case.matrix("a"), case.matrix("b"), case.matrix("c"));
    let gates = case.matrix("gates");
    let rows = [vec![0, 2, 3], vec![1, 2], vec![0, 1, 2, 3]];
    let y = combine(vec![tape(&a), tape(&b), tape(&c)], &rows, tape(&gates)).unwrap();
    case.check(y, &[("a", M(&a)), ("b", M(&b)), ("c", M(&c)), ("gates", M(&gates))]);
}

#[test]
fn the_encoder() {
    let arrays = family("encoder");
    let case = Case::new(&arrays, "encoder");
    let sizes = EncoderSizes {
        vocabulary: 10,
        positions: 6,
        width: 8,
        layers: 2,
        heads: 2,
        inner: 12,
        dropout: 0.0,
        epsilon: 1e-5,
    };
    let mut params = Params::new(&Cpu::default(), 0);
    let encoder = Encoder::new(params.root(), sizes).unwrap();
    let given = params.describe().map(|(name, _, sizes)| (name.to_owned(), sizes, case.numbers(name)));
    let given: Vec<_> = given.collect();
    let file = runpipe_stages::kit::params::save(
        given.iter().map(|(name, sizes, numbers)| (name.as_str(), sizes.clone(), numbers.to_vec())),
    );
    params.load(&file.unwrap()).unwrap();
    let before: Vec<Vec<f32>> = given.iter().map(|(_, _, numbers)| numbers.to_vec()).collect();

    let pass = Pass::eval(&params);
    let y: Matrix<Cpu, Taped<Cpu>> = encoder.forward(&pass, &[1, 2, 3, 4, 5, 6, 7, 8, 9], &packed()).unwrap();
    let (y, tape) = y.split_tape();
    case.close("y", &Cpu::view(&y), case.numbers("y"));
    // A step of plain descent at rate 1 takes each gradient off its parameter.
    let r = Cpu::default().tensor_of(case.numbers("r").to_vec(), *y.shape()).unwrap();
    let loss: Scalar<Cpu, Taped<Cpu>> = y.put_tape(tape).try_mul(r).unwrap().try_sum().unwrap();
    let grads = loss.backward();
    Optimizer::new(OptimizerConfig::sgd(0.0, false, 0.0)).step(&mut params, grads, 1.0).unwrap();
    for ((name, _, _), before) in given.iter().zip(before) {
        let after = params.numbers(name).unwrap();
        let slopes: Vec<f32> = before.iter().zip(&after).map(|(b, a)| b - a).collect();
        case.close(&format!("d.{name}"), &slopes, case.numbers(&format!("d.{name}")));
    }
}

/// Steps on Σ(p − target)², compared after each.
fn descend(arrays: &Arrays, name: &str, config: OptimizerConfig) {
    let case = Case::new(arrays, name);
    let target = case.vector("target");
    let mut params = Params::new(&Cpu::default(), 0);
    let p: Param<(usize,)> = params.root().param("p", (6,), Init::ZEROS, Role::Weight).expect("memory");
    params.set(p, case.numbers("p").to_vec()).expect("memory");
    let mut optimizer = Optimizer::new(config);
    for after in case.numbers("after").chunks(6) {
        let away = (tape(params.get(p)) - target.clone()).square();
        let loss: Scalar<Cpu, Taped<Cpu>> = away.sum();
        optimizer.step(&mut params, loss.backward(), 0.1).expect("memory");
        case.close("after", &params.numbers("p").expect("memory"), after);
    }
}

#[test]
fn updates() {
    let arrays = family("optimisers");
    let betas = Betas { first: 0.9, second: 0.98, epsilon: 1e-6 };
    for (name, config) in [
        ("sgd", OptimizerConfig::sgd(0.0, false, 0.05)),
        ("sgd_momentum", OptimizerConfig::sgd(0.9, false, 0.05)),
        ("sgd_nesterov", OptimizerConfig::sgd(0.9, true, 0.05)),
        ("adam", OptimizerConfig { decay: 0.05, ..OptimizerConfig::adam() }),
        ("adam_w", OptimizerConfig { rule: Rule::AdamW(betas), decay: 0.05, clip: None }),
    ] {
        descend(&arrays, &format!("optim_{name}"), config);
        descend(&arrays, &format!("optim_{name}_clip"), config.clip(1.0));
    }
}

#[test]
fn moving_averages() {
    let arrays = family("optimisers");
    let case = Case::new(&arrays, "average");
    let mut params = Params::new(&Cpu::default(), 0);
    let p: Param<(usize,)> = params.root().param("p", (3,), Init::ZEROS, Role::Weight).unwrap();
    let mut seen = case.numbers("seen").chunks(3);
    params.set(p, seen.next().unwrap().to_vec()).unwrap();
    let mut average = Average::new(&params, 0.9);
    for (numbers, mean) in seen.zip(case.numbers("means").chunks(3)) {
        params.set(p, numbers.to_vec()).unwrap();
        average.update(&params);
        average.swap(&mut params).unwrap();
        case.close("means", &params.numbers("p").unwrap(), mean);
        average.swap(&mut params).unwrap();
    }
}

#[test]
fn learning_rates() {
    let arrays = family("schedules");
    for (name, schedule) in [
        ("linear", Schedule::Linear { warmup: 0 }),
        ("linear_warm", Schedule::Linear { warmup: 6 }),
        ("cosine", Schedule::Cosine { warmup: 0, floor: 0.05 }),
        ("cosine_warm", Schedule::Cosine { warmup: 6, floor: 0.05 }),
        ("steps", Schedule::Steps { at: vec![7, 20], factor: 0.3 }),
        ("cyclic", Schedule::Cyclic { half: 4, floor: 0.1 }),
    ] {
        let name = format!("schedule_{name}");
        let case = Case::new(&arrays, &name);
        let rates: Vec<f32> = (0..30).map(|step| schedule.share(step, 30) as f32).collect();
        case.close("rates", &rates, case.numbers("rates"));
    }
}
