//! What the kit's tests share: gradients against finite differences, bytes against another number of threads.

use dfdx::prelude::{Backward, Cpu, PutTape, Shape, SplitTape, Tape, Tensor};

use super::backend::{Backend, Scalar, Taped};
use super::params::{Init, Param, ParamShape, Params, Role};
use super::rng::Stream;

/// Half the step of a central difference: f32 outputs near 1 then carry a rounding error of about 10⁻⁵ in the slope,
/// and smooth functions a truncation error of about 10⁻⁴.
const STEP: f32 = 5e-3;
/// What a slope may differ by, of its size plus one.
const TOLERANCE: f64 = 5e-3;
/// Coordinates that are tried a tensor.
const TRIED: usize = 24;

/// Tensors of standard normal numbers, and functions of them whose gradients are to be checked.
pub(crate) struct Inputs {
    pub(crate) params: Params<Cpu>,
}

impl Inputs {
    pub(crate) fn new(seed: u64) -> Self {
        Self { params: Params::new(&Cpu::default(), seed) }
    }

    /// Another tensor.
    pub(crate) fn add<S: ParamShape>(&mut self, shape: S) -> Param<S> {
        let name = self.params.len().to_string();
        let init = Init::Normal { std: 1.0 };
        self.params.root().param(&name, shape, init, Role::Weight).expect("memory")
    }

    /// Checks the gradient of f for every tensor against finite differences, and that outputs and gradients are the
    /// same bytes with one thread and with three.
    pub(crate) fn check<S: Shape>(
        &mut self,
        f: impl Fn(&Params<Cpu>) -> Tensor<S, f32, Cpu, Taped<Cpu>> + Sync,
    ) {
        let one = threads(1, || self.slopes(&f));
        assert!(one == threads(3, || self.slopes(&f)), "one thread and three differ");
        let (y, slopes) = one;
        let weights = weights(y.len());
        let mut stream = Stream::new(1, "coordinates");
        for (index, slopes) in slopes.iter().enumerate() {
            let numbers = self.params.view_at(index).into_owned();
            for _ in 0..TRIED.min(numbers.len()) {
                let at = stream.below(numbers.len());
                let mut there = |step: f32| {
                    let mut moved = numbers.clone();
                    moved[at] += step;
                    self.params.set_at(index, moved).expect("memory");
                    let y = f(&self.params);
                    let y = Cpu::view(&y);
                    y.iter().zip(&weights).map(|(y, w)| f64::from(*y) * f64::from(*w)).sum::<f64>()
                };
                let numeric = (there(STEP) - there(-STEP)) / f64::from(2.0 * STEP);
                let slope = f64::from(slopes[at]);
                assert!(
                    (numeric - slope).abs() <= TOLERANCE * (1.0 + slope.abs()),
                    "tensor {index} at {at}: the gradient says {slope}, differences {numeric}"
                );
            }
            self.params.set_at(index, numbers).expect("memory");
        }
    }

    /// The output of f, and for every tensor the gradient of its product with fixed weights.
    pub(crate) fn slopes<S: Shape>(
        &self,
        f: &impl Fn(&Params<Cpu>) -> Tensor<S, f32, Cpu, Taped<Cpu>>,
    ) -> (Vec<f32>, Vec<Vec<f32>>) {
        let (y, mut tape) = f(&self.params).split_tape();
        let numbers = Cpu::view(&y).into_owned();
        // The product itself is of no interest, and dfdx has none of tensors without numbers.
        let weights = weights(numbers.len());
        tape.add_backward_op(move |grads| Cpu::add_grad(grads, &y, |dy| dy.copy_from_slice(&weights)));
        let product: Scalar<Cpu> = Cpu::default().tensor_of(vec![0.0], ()).expect("memory");
        let mut grads = product.put_tape(tape).backward();
        let slopes = (0..self.params.len()).map(|i| self.params.take_grad_at(i, &mut grads).expect("memory"));
        (numbers, slopes.collect())
    }
}

fn weights(count: usize) -> Vec<f32> {
    let mut stream = Stream::new(2, "weights");
    (0..count).map(|_| stream.normal() as f32).collect()
}

/// Runs `f` in a pool of so many threads.
pub(crate) fn threads<R: Send>(count: usize, f: impl FnOnce() -> R + Send) -> R {
    rayon::ThreadPoolBuilder::new().num_threads(count).build().expect("threads").install(f)
}

/// Standard normal numbers.
pub(crate) fn normals(seed: u64, count: usize) -> Vec<f32> {
    let mut stream = Stream::new(seed, "normals");
    (0..count).map(|_| stream.normal() as f32).collect()
}

/// Checks that numbers are within `tolerance` of the expected ones.
pub(crate) fn close(found: &[f32], expected: &[f32], tolerance: f32) {
    assert_eq!(found.len(), expected.len(), "how many numbers");
    for (i, (f, e)) in found.iter().zip(expected).enumerate() {
        assert!((f - e).abs() <= tolerance, "at {i}: found {f}, expected {e}");
    }
}
