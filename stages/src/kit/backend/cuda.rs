//! NVIDIA GPUs. Tensors and gradients lie in a GPU's memory; an op copies its operands to the host, computes there, and
//! copies what it made back. So no kernel is launched, and a run makes the bytes that it makes on the processor; an
//! operator of dfdx's would break that (`stages/cuda/try.sh` tells).

use std::borrow::Cow;

use cudarc::driver::{DriverError, result};
use dfdx::prelude::{Cuda, CudaError, Gradients, HasShape, Shape, Tensor};
use runpipe_base::StageError;

use super::{Backend, Result, unusable};

/// How many GPUs can be used, at least one.
///
/// # Errors
/// Why there is none, in words.
pub fn count() -> std::result::Result<usize, String> {
    // dfdx does not ask but unwraps, so that a machine without a GPU would be a panic.
    let count = result::init().and_then(|()| result::device::get_count());
    let none = DriverError(cudarc::driver::sys::CUresult::CUDA_ERROR_NO_DEVICE);
    match count {
        Ok(count) if count > 0 => Ok(count as usize),
        Ok(_) => Err(unusable(none.0 as u32, "")),
        Err(error) => Err(unusable(error.0 as u32, &words(error))),
    }
}

/// The GPU of this number, from 0, of those that can be used.
///
/// # Errors
/// [`StageError::Tensor`] when there is none, or it refuses.
pub fn open(number: u32) -> Result<Cuda> {
    let count = count().map_err(StageError::Tensor)?;
    if number as usize >= count {
        return Err(StageError::Tensor(format!(
            "GPU {number}, counted from 0, was to be used of {count}: fewer can be asked for with `--gpus`"
        )));
    }
    Cuda::try_build(number as usize, 0).map_err(Cuda::refusal)
}

/// The driver's words for an error.
fn words(error: DriverError) -> String {
    let [name, text] = [error.error_name(), error.error_string()]
        .map(|words| words.map_or(Cow::Borrowed("?"), |words| words.to_string_lossy()));
    format!("{text} ({name})")
}

impl Backend for Cuda {
    fn refusal(error: CudaError) -> StageError {
        StageError::Tensor(match error {
            CudaError::Driver(error)
                if error.0 == cudarc::driver::sys::CUresult::CUDA_ERROR_OUT_OF_MEMORY =>
            {
                "the GPU's memory is full: smaller batches need less, and other programs may hold some of it"
                    .into()
            }
            CudaError::Driver(error) => format!("the GPU refuses: {}", words(error)),
            other => format!("the GPU refuses: {other}"),
        })
    }

    fn view<S: Shape, T>(x: &Tensor<S, f32, Self, T>) -> Cow<'_, [f32]> {
        match x.shape().num_elements() {
            // dfdx reads the first number of a tensor that has none.
            0 => Cow::Borrowed(&[]),
            _ => Cow::Owned(x.as_vec()),
        }
    }

    fn take_grad<S: Shape>(
        grads: &mut Gradients<f32, Self>,
        y: &Tensor<S, f32, Self>,
    ) -> std::result::Result<Vec<f32>, CudaError> {
        if y.shape().num_elements() == 0 {
            return Ok(Vec::new());
        }
        let dy = grads.get_or_alloc_mut(y)?;
        let device = dy.device();
        let taken = std::mem::replace(&mut **dy, device.null()?);
        Ok(device.sync_reclaim(taken)?)
    }

    fn add_grad<S: Shape>(
        grads: &mut Gradients<f32, Self>,
        x: &Tensor<S, f32, Self>,
        add: impl FnOnce(&mut [f32]),
    ) -> std::result::Result<(), CudaError> {
        if x.shape().num_elements() == 0 {
            add(&mut []);
            return Ok(());
        }
        let dx = grads.get_or_alloc_mut(x)?;
        let device = dx.device();
        let mut numbers = device.dtoh_sync_copy(&**dx)?;
        add(&mut numbers);
        Ok(device.htod_sync_copy_into(&numbers, &mut **dx)?)
    }
}
