//! The kit's ops on images beside PyTorch: values and gradients, from the files that `golden/images.py` wrote.

use std::path::Path;

use dfdx::prelude::{Backward, Cpu, HasShape, PutTape, Shape, SplitTape, SumTo, Tensor, TryMul};
use runpipe_stages::kit::backend::{Backend, Images, Matrix, Taped, Vector};
use runpipe_stages::kit::nn::batch_norm::BatchNorm2d;
use runpipe_stages::kit::ops::act::Act;
use runpipe_stages::kit::ops::add::{activate, add};
use runpipe_stages::kit::ops::batch_norm::{batch_norm, batch_norm_by};
use runpipe_stages::kit::ops::concat::concat_channels;
use runpipe_stages::kit::ops::conv::{Geometry, conv2d_cropped};
use runpipe_stages::kit::ops::pool::{average_pool, global_average, max_pool};
use runpipe_stages::kit::ops::scale::scale_channels;
use runpipe_stages::kit::params::{Arrays, Params, Pass, load};
use runpipe_stages::kit::rng::Stream;

/// What a number may differ by, of its size plus one: single precision over sums of some dozen products.
const TOLERANCE: f32 = 1e-5;

fn family(name: &str) -> Arrays {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/golden/{name}.safetensors"));
    load(&std::fs::read(&path).expect("the file is committed")).expect("images.py wrote it")
}

/// Names of the cases that start so.
fn cases<'a>(arrays: &'a Arrays, prefix: &str) -> Vec<&'a str> {
    let names =
        arrays.keys().filter_map(|key| key.strip_suffix("/x")).filter(|name| name.starts_with(prefix));
    names.collect()
}

/// Inputs of one case and what PyTorch made of them.
struct Case<'a> {
    name: &'a str,
    arrays: &'a Arrays,
}

impl Case<'_> {
    fn array(&self, key: &str) -> &(Vec<usize>, Vec<f32>) {
        self.arrays.get(&format!("{}/{key}", self.name)).unwrap_or_else(|| panic!("`{}/{key}`", self.name))
    }

    fn images(&self, key: &str) -> Images<Cpu> {
        let (sizes, numbers) = self.array(key);
        let [b, c, h, w] = sizes[..].try_into().expect("four axes");
        Cpu::default().tensor_of(numbers.clone(), (b, c, h, w)).expect("memory")
    }

    fn matrix(&self, key: &str) -> Matrix<Cpu> {
        let (sizes, numbers) = self.array(key);
        Cpu::default().tensor_of(numbers.clone(), (sizes[0], sizes[1])).expect("memory")
    }

    fn vector(&self, key: &str) -> Vector<Cpu> {
        let (sizes, numbers) = self.array(key);
        Cpu::default().tensor_of(numbers.clone(), (sizes[0],)).expect("memory")
    }

    fn whole<const N: usize>(&self, key: &str) -> [usize; N] {
        let numbers = &self.array(key).1;
        std::array::from_fn(|i| numbers[i] as usize)
    }

    fn close(&self, what: &str, found: &[f32]) {
        let expected = &self.array(what).1;
        assert_eq!(found.len(), expected.len(), "`{}/{what}`: how many numbers", self.name);
        for (i, (f, e)) in found.iter().zip(expected).enumerate() {
            let near = (f - e).abs() <= TOLERANCE * (1.0 + e.abs());
            assert!(near, "`{}/{what}` at {i}: found {f}, PyTorch has {e}", self.name);
        }
    }

    /// Compares y, and the gradients of the product of y with fixed weights for each of these inputs.
    fn check<S: Shape>(&self, y: Tensor<S, f32, Cpu, Taped<Cpu>>, inputs: &[(&str, Input<'_>)]) {
        let (y, tape) = y.split_tape();
        self.close("y", &Cpu::view(&y));
        let r = Cpu::default().tensor_of(self.array("r").1.clone(), *y.shape()).expect("memory");
        let product = y.put_tape(tape).try_mul(r).expect("memory");
        let grads = product.try_sum::<(), _>().expect("memory").backward();
        for (key, input) in inputs {
            let slopes = match input {
                Input::Images(x) => grads.get(*x).as_vec(),
                Input::Matrix(x) => grads.get(*x).as_vec(),
                Input::Vector(x) => grads.get(*x).as_vec(),
            };
            self.close(&format!("d.{key}"), &slopes);
        }
    }
}

enum Input<'a> {
    Images(&'a Images<Cpu>),
    Matrix(&'a Matrix<Cpu>),
    Vector(&'a Vector<Cpu>),
}
use Input::{Images as I, Matrix as M, Vector as V};

/// Starts a tape.
fn tape<S: Shape>(x: &Tensor<S, f32, Cpu>) -> Tensor<S, f32, Cpu, Taped<Cpu>> {
    x.retaped()
}

#[test]
fn convolutions() {
    let arrays = family("convolutions");
    let names = cases(&arrays, "");
    assert_eq!(names.len(), 12);
    for name in names {
        let case = Case { name, arrays: &arrays };
        let (x, w, b) = (case.images("x"), case.images("w"), case.vector("b"));
        let [outputs, stride, padding, dilation, groups] = case.whole("geometry");
        let geometry = Geometry { stride, padding, dilation, groups };
        let y = conv2d_cropped(tape(&x), &w, Some(&b), outputs, geometry).expect("memory");
        case.check(y, &[("x", I(&x)), ("w", I(&w)), ("b", V(&b))]);
    }
}

#[test]
fn batch_norms() {
    let arrays = family("norms");
    for (name, act) in [("batch", Act::Silu), ("cropped", Act::Identity), ("given", Act::Relu)] {
        let case = Case { name, arrays: &arrays };
        let (x, residual) = (case.images("x"), case.images("residual"));
        let (gain, shift) = (case.vector("gain"), case.vector("shift"));
        let residual_taped = Some(tape(&residual));
        let y = if name == "given" {
            let by = (&case.array("mean").1[..], &case.array("variance").1[..]);
            batch_norm_by(tape(&x), residual_taped, by, &gain, &shift, 1e-5, act).expect("memory")
        } else {
            batch_norm(tape(&x), residual_taped, &gain, &shift, 1e-5, act).expect("memory").0
        };
        let inputs = [("x", I(&x)), ("residual", I(&residual)), ("gain", V(&gain)), ("shift", V(&shift))];
        case.check(y, &inputs);
    }
}

#[test]
fn running_statistics() {
    let arrays = family("norms");
    let case = Case { name: "running", arrays: &arrays };
    let (sizes, numbers) = case.array("x");
    let mut params = Params::new(&Cpu::default(), 0);
    let norm = BatchNorm2d::new(params.root().at("norm"), sizes[1]).expect("memory");
    for (i, batch) in numbers.chunks(numbers.len() / 2).enumerate() {
        let shape = (sizes[0] / 2, sizes[1], sizes[2], sizes[3]);
        let x = Cpu::default().tensor_of(batch.to_vec(), shape).expect("memory");
        let pass = Pass::train(&params, Stream::new(i as u64, "test"));
        norm.forward(&pass, tape(&x), Act::Identity).expect("memory");
        let updates = pass.into_updates();
        params.apply(updates).expect("memory");
    }
    case.close("mean", &params.numbers("norm.running_mean").expect("a buffer"));
    case.close("variance", &params.numbers("norm.running_var").expect("a buffer"));
}

#[test]
fn pooling() {
    let arrays = family("pooling");
    for (kind, count) in [("max", 3), ("average", 2)] {
        let names = cases(&arrays, kind);
        assert_eq!(names.len(), count);
        for name in names {
            let case = Case { name, arrays: &arrays };
            let x = case.images("x");
            let [kernel, stride, padding, dilation] = case.whole("geometry");
            let geometry = Geometry { stride, padding, dilation, groups: 1 };
            let pool = if kind == "max" { max_pool } else { average_pool };
            case.check(pool(tape(&x), kernel, geometry).expect("memory"), &[("x", I(&x))]);
        }
    }
    let case = Case { name: "global", arrays: &arrays };
    let x = case.images("x");
    case.check(global_average(tape(&x)).expect("memory"), &[("x", I(&x))]);
}

#[test]
fn channels() {
    let arrays = family("channels");
    let case = Case { name: "scale", arrays: &arrays };
    let (x, s) = (case.images("x"), case.matrix("s"));
    case.check(scale_channels(tape(&x), tape(&s)).expect("memory"), &[("x", I(&x)), ("s", M(&s))]);
    let case = Case { name: "concat", arrays: &arrays };
    let (a, b) = (case.images("a"), case.images("b"));
    case.check(concat_channels(vec![tape(&a), tape(&b)]).expect("memory"), &[("a", I(&a)), ("b", I(&b))]);
    let case = Case { name: "add", arrays: &arrays };
    let (a, b) = (case.images("a"), case.images("b"));
    case.check(add(tape(&a), tape(&b), Act::HardSwish).expect("memory"), &[("a", I(&a)), ("b", I(&b))]);
    let case = Case { name: "relu6", arrays: &arrays };
    let x = case.images("x");
    case.check(activate(tape(&x), Act::Relu6).expect("memory"), &[("x", I(&x))]);
}
