#![expect(clippy::float_cmp, reason = "these very numbers are promised")]

use dfdx::prelude::{Axes2, Axis, BroadcastTo, Const, PermuteTo, TensorFrom};

use super::*;

#[test]
fn a_view_is_in_row_major_order() {
    let device = Cpu::default();
    let x = device.tensor_of(vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0], (2, 3)).unwrap();
    assert!(matches!(Cpu::view(&x), Cow::Borrowed([1.0, 2.0, 3.0, 4.0, 5.0, 6.0])));
    let turned = x.permute::<(usize, usize), Axes2<1, 0>>();
    assert_eq!(*Cpu::view(&turned), [1.0, 4.0, 2.0, 5.0, 3.0, 6.0]);
    let wide = device.tensor([7.0, 8.0]).broadcast_like::<_, Axis<0>>(&(3, Const::<2>));
    assert_eq!(*Cpu::view(&wide), [7.0, 8.0, 7.0, 8.0, 7.0, 8.0]);
    let none = device.tensor_of(Vec::new(), (0, 3)).unwrap();
    assert!(Cpu::view(&none).is_empty());
    assert_eq!(*Cpu::view(&device.tensor_of(vec![9.0], ()).unwrap()), [9.0]);
}

#[test]
fn on_device_names_the_device_of_the_context() {
    let cx = runpipe_base::Ctx::new(&runpipe_base::NullHost, runpipe_base::Device::Cpu);
    let found: Result<f32> = on_device!(cx, |dev| dev.tensor_of(vec![2.0], ()).map(|t| t.as_vec()[0]));
    assert_eq!(found.unwrap(), 2.0);
}

#[test]
fn a_gpu_that_cannot_be_used_is_told_for_people() {
    assert!(
        unusable(34, "")
            .starts_with("`libcuda.so.1` is a stub here and not NVIDIA's driver: install the driver")
    );
    assert!(
        unusable(100, "").starts_with("NVIDIA's driver finds no GPU: `nvidia-smi` lists those there are")
    );
    assert_eq!(
        unusable(803, "versions differ (CUDA_ERROR_SYSTEM_DRIVER_MISMATCH)"),
        "NVIDIA's driver does not start: versions differ (CUDA_ERROR_SYSTEM_DRIVER_MISMATCH); `nvidia-smi` may tell more"
    );
}

/// Without GPU code, asking for a GPU is an error and no panic.
#[cfg(not(feature = "cuda"))]
#[test]
fn a_build_without_gpu_code_says_so() {
    let cx = runpipe_base::Ctx::new(&runpipe_base::NullHost, runpipe_base::Device::Cuda);
    let found: Result<f32> = on_device!(cx, |dev| dev.tensor_of(vec![2.0], ()).map(|t| t.as_vec()[0]));
    assert_eq!(found.unwrap_err().to_string(), crate::NO_GPU_CODE);
}
