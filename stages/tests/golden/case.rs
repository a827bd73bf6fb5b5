//! Cases of a family: inputs, and what PyTorch made of them.

use std::path::Path;

use dfdx::prelude::{Backward, Cpu, Gradients, HasShape, PutTape, Shape, SplitTape, SumTo, Tensor, TryMul};
use runpipe_stages::kit::backend::{Backend, Cube, Images, Matrix, Taped, Vector};
use runpipe_stages::kit::optim::{Optimizer, OptimizerConfig};
use runpipe_stages::kit::params::{Arrays, Params, Role, load, save};

/// What a number may differ by, of its size plus one: single precision over sums of a few dozen products, and
/// elementary functions that are good to some 10⁻⁷.
const TOLERANCE: f32 = 5e-6;

/// The cases of one file.
pub(crate) struct Family(Arrays);

impl Family {
    pub(crate) fn open(name: &str) -> Self {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/golden/{name}.safetensors"));
        Self(load(&std::fs::read(&path).expect("the file is committed")).expect("make.py wrote it"))
    }

    pub(crate) fn case(&self, name: impl Into<String>) -> Case<'_> {
        Case { name: name.into(), arrays: &self.0 }
    }

    /// The cases whose names start so, all with an input `x`.
    pub(crate) fn cases(&self, prefix: &str) -> Vec<Case<'_>> {
        let names = self.0.keys().filter_map(|key| key.strip_suffix("/x"));
        names.filter(|name| name.starts_with(prefix)).map(|name| self.case(name)).collect()
    }
}

/// One case.
pub(crate) struct Case<'a> {
    pub(crate) name: String,
    arrays: &'a Arrays,
}

/// A tensor whose gradient is compared.
pub(crate) trait Trained {
    fn slopes(&self, grads: &Gradients<f32, Cpu>) -> Vec<f32>;
}

impl<S: Shape> Trained for Tensor<S, f32, Cpu> {
    fn slopes(&self, grads: &Gradients<f32, Cpu>) -> Vec<f32> {
        grads.get(self).as_vec()
    }
}

impl<'a> Case<'a> {
    fn array(&self, key: &str) -> &'a (Vec<usize>, Vec<f32>) {
        self.arrays.get(&format!("{}/{key}", self.name)).unwrap_or_else(|| panic!("`{}/{key}`", self.name))
    }

    pub(crate) fn numbers(&self, key: &str) -> &'a [f32] {
        &self.array(key).1
    }

    pub(crate) fn has(&self, key: &str) -> bool {
        self.arrays.contains_key(&format!("{}/{key}", self.name))
    }

    pub(crate) fn whole<const N: usize>(&self, key: &str) -> [usize; N] {
        std::array::from_fn(|i| self.numbers(key)[i] as usize)
    }

    pub(crate) fn vector(&self, key: &str) -> Vector<Cpu> {
        self.tensor(key, |sizes| (sizes[0],))
    }

    pub(crate) fn matrix(&self, key: &str) -> Matrix<Cpu> {
        self.tensor(key, |sizes| (sizes[0], sizes[1]))
    }

    pub(crate) fn cube(&self, key: &str) -> Cube<Cpu> {
        self.tensor(key, |sizes| (sizes[0], sizes[1], sizes[2]))
    }

    pub(crate) fn images(&self, key: &str) -> Images<Cpu> {
        self.tensor(key, |sizes| (sizes[0], sizes[1], sizes[2], sizes[3]))
    }

    fn tensor<S: Shape>(&self, key: &str, shape: impl FnOnce(&[usize]) -> S) -> Tensor<S, f32, Cpu> {
        let (sizes, numbers) = self.array(key);
        Cpu::default().tensor_of(numbers.clone(), shape(sizes)).expect("memory")
    }

    /// Compares numbers with those of an array.
    pub(crate) fn close(&self, key: &str, found: &[f32]) {
        self.near(key, found, self.numbers(key));
    }

    pub(crate) fn near(&self, what: &str, found: &[f32], expected: &[f32]) {
        assert_eq!(found.len(), expected.len(), "`{}/{what}`: how many numbers", self.name);
        for (i, (f, e)) in found.iter().zip(expected).enumerate() {
            let far = (f - e).abs() > TOLERANCE * (1.0 + e.abs());
            assert!(!far && f.is_finite(), "`{}/{what}` at {i}: found {f}, PyTorch has {e}", self.name);
        }
    }

    /// Compares y, and the gradients of the product of y with fixed weights for each of these inputs.
    pub(crate) fn check<S: Shape>(
        &self,
        y: Tensor<S, f32, Cpu, Taped<Cpu>>,
        inputs: &[(&str, &dyn Trained)],
    ) {
        self.slopes(y, inputs);
    }

    fn slopes<S: Shape>(
        &self,
        y: Tensor<S, f32, Cpu, Taped<Cpu>>,
        inputs: &[(&str, &dyn Trained)],
    ) -> Gradients<f32, Cpu> {
        let (y, tape) = y.split_tape();
        self.close("y", &Cpu::view(&y));
        let r = Cpu::default().tensor_of(self.numbers("r").to_vec(), *y.shape()).expect("memory");
        let product = y.put_tape(tape).try_mul(r).expect("memory");
        let grads = product.try_sum::<(), _>().expect("memory").backward();
        for (key, input) in inputs {
            self.close(&format!("d.{key}"), &input.slopes(&grads));
        }
        grads
    }

    /// Puts the case's numbers in place of a layer's.
    pub(crate) fn fill(&self, params: &mut Params<Cpu>) {
        let given: Vec<_> = params
            .describe()
            .map(|(name, _, sizes)| (name.to_owned(), sizes, self.numbers(name).to_vec()))
            .collect();
        let file = save(given.iter().map(|(name, sizes, numbers)| (&**name, sizes.clone(), numbers.clone())));
        params.load(&file.expect("numbers")).expect("the sizes of the layer's parameters");
    }

    /// As [`Case::check`] for a layer, whose parameters' gradients are compared, too.
    pub(crate) fn check_layer<S: Shape>(
        &self,
        params: &mut Params<Cpu>,
        y: Tensor<S, f32, Cpu, Taped<Cpu>>,
        inputs: &[(&str, &dyn Trained)],
    ) {
        let grads = self.slopes(y, inputs);
        let trained = params.describe().filter(|(_, role, _)| *role != Role::Buffer);
        let names: Vec<String> = trained.map(|(name, ..)| name.to_owned()).collect();
        let numbers = |params: &Params<Cpu>, name: &str| params.numbers(name).expect("its own name");
        let before: Vec<_> = names.iter().map(|name| numbers(params, name)).collect();
        // A step of plain descent at rate 1 takes each gradient off its parameter.
        Optimizer::new(OptimizerConfig::sgd(0.0, false, 0.0)).step(params, grads, 1.0).expect("memory");
        for (name, before) in names.iter().zip(before) {
            let slopes: Vec<f32> =
                before.iter().zip(numbers(params, name)).map(|(before, after)| before - after).collect();
            self.close(&format!("d.{name}"), &slopes);
        }
    }
}

/// Starts a tape.
pub(crate) fn tape<S: Shape>(x: &Tensor<S, f32, Cpu>) -> Tensor<S, f32, Cpu, Taped<Cpu>> {
    x.retaped()
}
