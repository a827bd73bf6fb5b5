//! The devices that tensors live on, and the one place that names dfdx's bounds.

use std::borrow::Cow;

use dfdx::prelude::{Cpu, Device, Gradients, HasErr, HasShape, NoneTape, OwnedTape, Shape, Tensor};
use runpipe_base::StageError;

#[cfg(feature = "cuda")]
pub mod cuda;

/// One number.
pub type Scalar<D, T = NoneTape> = Tensor<(), f32, D, T>;
/// Numbers in a row.
pub type Vector<D, T = NoneTape> = Tensor<(usize,), f32, D, T>;
/// Rows of equal width: tokens × features, rows × classes.
pub type Matrix<D, T = NoneTape> = Tensor<(usize, usize), f32, D, T>;
/// Three axes: sequences × tokens × features.
pub type Cube<D, T = NoneTape> = Tensor<(usize, usize, usize), f32, D, T>;
/// Images or feature maps, `[B, C, H, W]`, and convolution weights, `[O, I, K, K]`.
pub type Images<D, T = NoneTape> = Tensor<(usize, usize, usize, usize), f32, D, T>;
/// The tape of a pass that trains.
pub type Taped<D> = OwnedTape<f32, D>;

/// What a kit function returns.
pub type Result<T> = std::result::Result<T, StageError>;

/// A device that the kit computes on.
pub trait Backend: Device<f32> {
    /// The device's words as a stage's error.
    fn refusal(error: <Self as HasErr>::Err) -> StageError {
        refused(error)
    }

    /// The tensor's numbers in row-major order, borrowed where they lie in host memory in that order.
    fn view<S: Shape, T>(x: &Tensor<S, f32, Self, T>) -> Cow<'_, [f32]>;

    /// Takes the gradient of `y` out of `grads`, zeros if there is none. Only the op that made `y` may, in its
    /// backward function: later readers would find nothing.
    ///
    /// # Errors
    /// When the device refuses.
    fn take_grad<S: Shape>(
        grads: &mut Gradients<f32, Self>,
        y: &Tensor<S, f32, Self>,
    ) -> std::result::Result<Vec<f32>, Self::Err>;

    /// Adds to the gradient of `x`: `add` must only add to the numbers it is given.
    ///
    /// # Errors
    /// When the device refuses.
    fn add_grad<S: Shape>(
        grads: &mut Gradients<f32, Self>,
        x: &Tensor<S, f32, Self>,
        add: impl FnOnce(&mut [f32]),
    ) -> std::result::Result<(), Self::Err>;

    /// A tensor of these numbers; on the processor the buffer moves.
    ///
    /// # Errors
    /// [`StageError::Tensor`] when the device refuses.
    ///
    /// # Panics
    /// When the shape holds another count of numbers.
    fn tensor_of<S: Shape>(&self, data: Vec<f32>, shape: S) -> Result<Tensor<S, f32, Self>> {
        assert_eq!(data.len(), shape.num_elements(), "numbers for a tensor of shape {shape:?}");
        self.try_tensor_from_vec(data, shape).map_err(Self::refusal)
    }
}

/// Words of a library below as a stage's error.
pub fn refused(error: impl std::fmt::Display) -> StageError {
    StageError::Tensor(error.to_string())
}

impl Backend for Cpu {
    fn view<S: Shape, T>(x: &Tensor<S, f32, Self, T>) -> Cow<'_, [f32]> {
        match x.shape().num_elements() {
            // dfdx reads the first number of a tensor that has none.
            0 => Cow::Borrowed(&[]),
            _ if is_row_major(x) => Cow::Borrowed(buffer(x)),
            _ => Cow::Owned(x.as_vec()),
        }
    }

    fn take_grad<S: Shape>(
        grads: &mut Gradients<f32, Self>,
        y: &Tensor<S, f32, Self>,
    ) -> std::result::Result<Vec<f32>, Self::Err> {
        Ok(std::mem::take(&mut **grads.get_or_alloc_mut(y)?))
    }

    fn add_grad<S: Shape>(
        grads: &mut Gradients<f32, Self>,
        x: &Tensor<S, f32, Self>,
        add: impl FnOnce(&mut [f32]),
    ) -> std::result::Result<(), Self::Err> {
        add(grads.get_or_alloc_mut(x)?);
        Ok(())
    }
}

/// Why no GPU can be used, for people: from the driver's number of an error and its words for it.
#[cfg(any(feature = "cuda", test))]
fn unusable(error: u32, words: &str) -> String {
    match error {
        34 => "`libcuda.so.1` is a stub here and not NVIDIA's driver: install the driver, or take the stub off \
               `LD_LIBRARY_PATH`"
            .into(),
        100 => "NVIDIA's driver finds no GPU: `nvidia-smi` lists those there are, and `CUDA_VISIBLE_DEVICES` may hide \
                them"
            .into(),
        _ => format!("NVIDIA's driver does not start: {words}; `nvidia-smi` may tell more"),
    }
}

/// Whether index order is memory order in a tensor that is not empty, as the addresses of single elements tell: dfdx keeps strides to itself.
fn is_row_major<S: Shape, T>(x: &Tensor<S, f32, Cpu, T>) -> bool {
    let sizes = x.shape().concrete();
    let origin = S::Concrete::default();
    let base = std::ptr::from_ref(&x[origin]).addr();
    let mut step = size_of::<f32>();
    for axis in (0..S::NUM_DIMS).rev() {
        if sizes[axis] > 1 {
            let mut next = origin;
            next[axis] = 1;
            if std::ptr::from_ref(&x[next]).addr() != base.wrapping_add(step) {
                return false;
            }
        }
        step *= sizes[axis];
    }
    true
}

/// The buffer of a row-major tensor.
#[expect(
    unsafe_code,
    reason = "dfdx lends single elements only, and a copy of every operand of every op costs as much as the op"
)]
fn buffer<S: Shape, T>(x: &Tensor<S, f32, Cpu, T>) -> &[f32] {
    let first = std::ptr::from_ref(&x[S::Concrete::default()]);
    // SAFETY: the tensor's buffer is one `Vec<f32>`; it is row-major from its first element, as `is_row_major` found,
    // so it holds at least `num_elements` from there on. It is borrowed through `x`, and dfdx changes a buffer only
    // through a tensor borrowed mutably.
    unsafe { std::slice::from_raw_parts(first, x.shape().num_elements()) }
}

/// Runs an expression with `dev` bound to the device that `cx` names: `on_device!(cx, |dev| fit(&dev, …, cx))`.
///
/// The expression is compiled once a device; its type is a [`Result`].
#[macro_export]
macro_rules! on_device {
    ($cx:expr, |$dev:ident| $body:expr) => {
        match $cx.device() {
            runpipe_base::Device::Cpu => {
                let $dev = dfdx::prelude::Cpu::default();
                $body
            }
            #[cfg(feature = "cuda")]
            runpipe_base::Device::Cuda => match $crate::kit::backend::cuda::open($cx.gpu()) {
                Ok($dev) => $body,
                Err(error) => Err(error),
            },
            #[cfg(not(feature = "cuda"))]
            runpipe_base::Device::Cuda => Err(runpipe_base::StageError::Tensor($crate::NO_GPU_CODE.into())),
        }
    };
}
pub use crate::on_device;

#[cfg(test)]
mod tests;
