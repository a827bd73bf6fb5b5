//! Parameters by name: the one place where a model's numbers live.
//!
//! Layers hold [`Param`] handles and a forward pass looks them up in a [`Pass`]; saving, loading, initialising,
//! updating and counting are then loops over one list. Names are dotted paths such as `layer.0.ffn.up.weight`, stable
//! since they are what weight files say.

use std::borrow::Cow;
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::marker::PhantomData;

use dfdx::prelude::{Gradients, HasShape, Shape, Tensor};
use runpipe_base::StageError;
use safetensors::tensor::{Dtype, SafeTensors, TensorView};

use super::backend::{Backend, Cube, Images, Matrix, Result, Vector, refused};
use super::rng::Stream;

/// What training does to a parameter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// It is trained, and weight decay applies: weights of layers, tables of embeddings.
    Weight,
    /// It is trained without weight decay: biases, gains and shifts of norms.
    Plain,
    /// It is not trained: running statistics, frozen weights.
    Buffer,
}

/// How a parameter starts.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Init {
    /// Every number is this one.
    Constant(f32),
    /// Normal around 0.
    Normal {
        /// Standard deviation.
        std: f32,
    },
    /// Uniform between −bound and bound.
    Uniform {
        /// Bound.
        bound: f32,
    },
}

impl Init {
    /// All zeros.
    pub const ZEROS: Self = Self::Constant(0.0);
    /// All ones.
    pub const ONES: Self = Self::Constant(1.0);

    /// What PyTorch gives linear and convolution layers: uniform within 1 / √fan-in.
    pub fn fan_in(fan_in: usize) -> Self {
        Self::Uniform { bound: 1.0 / (fan_in.max(1) as f32).sqrt() }
    }

    /// Kaiming's normal for layers before a ReLU: variance 2 / fan.
    pub fn kaiming(fan: usize) -> Self {
        Self::Normal { std: (2.0 / fan.max(1) as f32).sqrt() }
    }

    /// Glorot's uniform: bound √(6 / (fan-in + fan-out)).
    pub fn glorot(fan_in: usize, fan_out: usize) -> Self {
        Self::Uniform { bound: (6.0 / (fan_in + fan_out).max(1) as f32).sqrt() }
    }

    fn fill(self, count: usize, mut stream: Stream) -> Vec<f32> {
        match self {
            Self::Constant(value) => vec![value; count],
            Self::Normal { std } => (0..count).map(|_| (stream.normal() * f64::from(std)) as f32).collect(),
            Self::Uniform { bound } => {
                (0..count).map(|_| ((2.0 * stream.uniform() - 1.0) * f64::from(bound)) as f32).collect()
            }
        }
    }
}

/// A handle to a parameter whose tensor has shape `S`.
#[derive(Debug)]
pub struct Param<S> {
    index: usize,
    shape: PhantomData<fn() -> S>,
}

impl<S> Clone for Param<S> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<S> Copy for Param<S> {}

/// Shapes that a parameter may have.
pub trait ParamShape: Shape + sealed::Stored {}
impl<S: Shape + sealed::Stored> ParamShape for S {}

/// A parameter's tensor, by its number of axes.
#[derive(Debug, Clone)]
enum Value<D: Backend> {
    One(Vector<D>),
    Two(Matrix<D>),
    Three(Cube<D>),
    Four(Images<D>),
}

mod sealed {
    use super::{Backend, Cube, Images, Matrix, Shape, Tensor, Value, Vector};

    /// Shapes with a variant of `Value`.
    #[expect(private_interfaces, reason = "sealed")]
    pub trait Stored: Shape {
        fn wrap<D: Backend>(tensor: Tensor<Self, f32, D>) -> Value<D>;
        fn unwrap<D: Backend>(value: &Value<D>) -> Option<&Tensor<Self, f32, D>>;
    }

    macro_rules! stored {
        ($variant:ident, $alias:ident, $shape:ty) => {
            #[expect(private_interfaces, reason = "sealed")]
            impl Stored for $shape {
                fn wrap<D: Backend>(tensor: $alias<D>) -> Value<D> {
                    Value::$variant(tensor)
                }
                fn unwrap<D: Backend>(value: &Value<D>) -> Option<&$alias<D>> {
                    if let Value::$variant(tensor) = value { Some(tensor) } else { None }
                }
            }
        };
    }
    stored!(One, Vector, (usize,));
    stored!(Two, Matrix, (usize, usize));
    stored!(Three, Cube, (usize, usize, usize));
    stored!(Four, Images, (usize, usize, usize, usize));
}

/// Does the same to the tensor of any variant.
macro_rules! each_rank {
    ($value:expr, $tensor:ident => $body:expr) => {
        match $value {
            Value::One($tensor) => $body,
            Value::Two($tensor) => $body,
            Value::Three($tensor) => $body,
            Value::Four($tensor) => $body,
        }
    };
}

#[derive(Debug, Clone)]
struct Entry<D: Backend> {
    name: String,
    role: Role,
    value: Value<D>,
}

/// All parameters of a model, in the order in which its layers made them.
#[derive(Debug, Clone)]
pub struct Params<D: Backend> {
    device: D,
    seed: u64,
    entries: Vec<Entry<D>>,
    by_name: BTreeMap<String, usize>,
}

impl<D: Backend> Params<D> {
    /// No parameters yet; those made later start from streams of `seed`, one a name.
    pub fn new(device: &D, seed: u64) -> Self {
        Self { device: device.clone(), seed, entries: Vec::new(), by_name: BTreeMap::new() }
    }

    /// Where layers make their parameters.
    pub fn root(&mut self) -> Scope<'_, D> {
        Scope { params: self, prefix: String::new() }
    }

    /// The device.
    pub fn device(&self) -> &D {
        &self.device
    }

    /// A parameter's tensor.
    pub fn get<S: ParamShape>(&self, param: Param<S>) -> &Tensor<S, f32, D> {
        S::unwrap(&self.entries[param.index].value).expect("a handle keeps the shape it was made with")
    }

    /// Replaces a parameter's numbers.
    ///
    /// # Errors
    /// [`StageError::Tensor`] when the device refuses.
    ///
    /// # Panics
    /// When there are more or fewer of them than before.
    pub fn set<S: ParamShape>(&mut self, param: Param<S>, data: Vec<f32>) -> Result<()> {
        self.set_at(param.index, data)
    }

    /// How many numbers are trained.
    pub fn count(&self) -> usize {
        self.entries.iter().filter(|e| e.role != Role::Buffer).map(Entry::len).sum()
    }

    /// Names, roles and sizes, in order.
    pub fn describe(&self) -> impl Iterator<Item = (&str, Role, Vec<usize>)> {
        self.entries.iter().map(|e| (e.name.as_str(), e.role, e.sizes()))
    }

    /// Gives every parameter whose name starts with `prefix` another role, such as [`Role::Buffer`] to freeze it.
    pub fn set_role(&mut self, prefix: &str, role: Role) {
        for entry in self.entries.iter_mut().filter(|e| e.name.starts_with(prefix)) {
            entry.role = role;
        }
    }

    /// The numbers of the parameter `name`.
    pub fn numbers(&self, name: &str) -> Option<Vec<f32>> {
        self.by_name.get(name).map(|i| self.view_at(*i).into_owned())
    }

    /// All parameters as a safetensors file: the same bytes for the same names and numbers.
    ///
    /// # Errors
    /// [`StageError::Tensor`] when the format refuses.
    pub fn save(&self) -> Result<Vec<u8>> {
        let entries = self.entries.iter().enumerate();
        save(entries.map(|(i, e)| (e.name.as_str(), e.sizes(), self.view_at(i).into_owned())))
    }

    /// Takes the numbers of every parameter from a safetensors file.
    ///
    /// # Errors
    /// [`StageError::Input`] when one is missing, left over or of another size.
    pub fn load(&mut self, bytes: &[u8]) -> Result<()> {
        let left = self.load_some(bytes, |_| true)?;
        match left.first() {
            None => Ok(()),
            Some(name) => Err(StageError::Input(format!("the weights hold `{name}`, which the model lacks"))),
        }
    }

    /// Takes the numbers of the parameters whose names `wanted` accepts, and returns the names in the file that were
    /// not used.
    ///
    /// # Errors
    /// [`StageError::Input`] when a wanted one is missing or of another size.
    pub fn load_some(&mut self, bytes: &[u8], wanted: impl Fn(&str) -> bool) -> Result<Vec<String>> {
        let mut file = load(bytes)?;
        for index in 0..self.entries.len() {
            let entry = &self.entries[index];
            if !wanted(&entry.name) {
                continue;
            }
            let (sizes, numbers) = file
                .remove(&entry.name)
                .ok_or_else(|| StageError::Input(format!("the weights lack `{}`", entry.name)))?;
            if sizes != entry.sizes() {
                let message =
                    format!("`{}` has sizes {:?}, found {sizes:?} in the weights", entry.name, entry.sizes());
                return Err(StageError::Input(message));
            }
            self.set_at(index, numbers)?;
        }
        Ok(file.into_keys().collect())
    }

    /// Puts new statistics, made by a pass that trains, in place.
    ///
    /// # Errors
    /// [`StageError::Tensor`] when the device refuses.
    pub fn apply(&mut self, updates: Updates) -> Result<()> {
        updates.0.into_iter().try_for_each(|(index, data)| self.set_at(index, data))
    }

    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(super) fn name_at(&self, index: usize) -> &str {
        &self.entries[index].name
    }

    pub(super) fn role_at(&self, index: usize) -> Role {
        self.entries[index].role
    }

    pub(super) fn view_at(&self, index: usize) -> Cow<'_, [f32]> {
        each_rank!(&self.entries[index].value, t => D::view(t))
    }

    pub(super) fn set_at(&mut self, index: usize, data: Vec<f32>) -> Result<()> {
        let device = &self.device;
        each_rank!(&mut self.entries[index].value, t => *t = device.tensor_of(data, *t.shape())?);
        Ok(())
    }

    pub(super) fn take_grad_at(&self, index: usize, grads: &mut Gradients<f32, D>) -> Result<Vec<f32>> {
        each_rank!(&self.entries[index].value, t => D::take_grad(grads, t)).map_err(D::refusal)
    }
}

impl<D: Backend> Entry<D> {
    fn sizes(&self) -> Vec<usize> {
        each_rank!(&self.value, t => t.shape().concrete().into_iter().collect())
    }

    fn len(&self) -> usize {
        each_rank!(&self.value, t => t.shape().num_elements())
    }
}

/// Where a layer makes its parameters: names below a prefix.
pub struct Scope<'a, D: Backend> {
    params: &'a mut Params<D>,
    prefix: String,
}

impl<D: Backend> Scope<'_, D> {
    /// The scope `name` below this one.
    pub fn at(&mut self, name: impl std::fmt::Display) -> Scope<'_, D> {
        let prefix = format!("{}{name}.", self.prefix);
        Scope { params: self.params, prefix }
    }

    /// A new parameter.
    ///
    /// # Errors
    /// [`StageError::Tensor`] when the device refuses.
    ///
    /// # Panics
    /// When its name is taken.
    pub fn param<S: ParamShape>(&mut self, name: &str, shape: S, init: Init, role: Role) -> Result<Param<S>> {
        let name = format!("{}{name}", self.prefix);
        let stream = Stream::new(self.params.seed, "init").named(&name);
        let numbers = init.fill(shape.num_elements(), stream);
        let value = S::wrap(self.params.device.tensor_of(numbers, shape)?);
        let index = self.params.entries.len();
        let old = self.params.by_name.insert(name.clone(), index);
        assert!(old.is_none(), "two parameters are named `{name}`");
        self.params.entries.push(Entry { name, role, value });
        Ok(Param { index, shape: PhantomData })
    }
}

/// New numbers of buffers, in the order in which a pass made them.
#[derive(Debug, Default)]
pub struct Updates(Vec<(usize, Vec<f32>)>);

/// One forward pass: the parameters, and whether it trains.
pub struct Pass<'a, D: Backend> {
    params: &'a Params<D>,
    stream: Option<Stream>,
    sites: Cell<u64>,
    updates: RefCell<Updates>,
}

impl<'a, D: Backend> Pass<'a, D> {
    /// A pass that evaluates: no dropout, running statistics.
    pub fn eval(params: &'a Params<D>) -> Self {
        Self { params, stream: None, sites: Cell::new(0), updates: RefCell::default() }
    }

    /// A pass that trains, its dropout drawn from `stream`, which must be another one each step.
    pub fn train(params: &'a Params<D>, stream: Stream) -> Self {
        Self { stream: Some(stream), ..Self::eval(params) }
    }

    /// A parameter's tensor.
    pub fn get<S: ParamShape>(&self, param: Param<S>) -> &'a Tensor<S, f32, D> {
        self.params.get(param)
    }

    /// The parameters.
    pub fn params(&self) -> &'a Params<D> {
        self.params
    }

    /// The device.
    pub fn device(&self) -> &'a D {
        &self.params.device
    }

    /// Whether the pass trains.
    pub fn trains(&self) -> bool {
        self.stream.is_some()
    }

    /// A stream for the next place in the model that draws random numbers; none in a pass that evaluates.
    pub fn stream(&self) -> Option<Stream> {
        let site = self.sites.get();
        self.sites.set(site + 1);
        self.stream.map(|s| s.child(site))
    }

    /// Notes new numbers for a buffer.
    pub fn update<S: ParamShape>(&self, buffer: Param<S>, numbers: Vec<f32>) {
        self.updates.borrow_mut().0.push((buffer.index, numbers));
    }

    /// The updates noted, for [`Params::apply`].
    pub fn into_updates(self) -> Updates {
        self.updates.into_inner()
    }
}

/// Named arrays as a safetensors file; the same bytes for the same content.
///
/// # Errors
/// [`StageError::Tensor`] when the format refuses.
pub fn save<'a>(arrays: impl IntoIterator<Item = (&'a str, Vec<usize>, Vec<f32>)>) -> Result<Vec<u8>> {
    let arrays: Vec<(&str, Vec<usize>, Vec<u8>)> = arrays
        .into_iter()
        .map(|(name, sizes, numbers)| (name, sizes, numbers.iter().flat_map(|x| x.to_le_bytes()).collect()))
        .collect();
    let views = arrays.iter().map(|(name, sizes, bytes)| {
        TensorView::new(Dtype::F32, sizes.clone(), bytes).map(|view| (*name, view)).map_err(refused)
    });
    // The file lists tensors by name, so their order here does not matter.
    safetensors::serialize(views.collect::<Result<Vec<_>>>()?, None).map_err(refused)
}

/// Sizes and numbers by name.
pub type Arrays = BTreeMap<String, (Vec<usize>, Vec<f32>)>;

/// The arrays of a safetensors file by name.
///
/// # Errors
/// [`StageError::Input`] when it is none or holds other numbers than 32-bit floats.
pub fn load(bytes: &[u8]) -> Result<Arrays> {
    let file = SafeTensors::deserialize(bytes)
        .map_err(|e| StageError::Input(format!("the weights are no safetensors file: {e}")))?;
    let mut arrays = BTreeMap::new();
    for (name, view) in file.tensors() {
        if view.dtype() != Dtype::F32 {
            return Err(StageError::Input(format!("`{name}` holds {:?}, expected F32", view.dtype())));
        }
        let (quads, _) = view.data().as_chunks::<4>();
        let numbers = quads.iter().map(|b| f32::from_le_bytes(*b)).collect();
        arrays.insert(name, (view.shape().to_vec(), numbers));
    }
    Ok(arrays)
}

#[cfg(test)]
mod tests;
