#![expect(clippy::float_cmp, reason = "these very numbers are promised")]

use dfdx::prelude::{Axes2, Axis, BroadcastTo, Const, PermuteTo, TensorFrom};

use super::*;
use crate::kit::testing::{close, normals};

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
fn a_gradient_can_be_added_through_the_tape() {
    let device = Cpu::default();
    let x = device.tensor_of(normals(1, 12), (3, 4)).unwrap();
    let mut direct = x.leaky_trace().square().sum::<(), _>().backward();
    let mut around = direct.clone();
    let add = |dx: &mut [f32]| dx.iter_mut().enumerate().for_each(|(i, dx)| *dx += i as f32);
    Cpu::add_grad(&mut direct, &x, add).unwrap();
    add_grad_from_host(&mut around, &x, add).unwrap();
    close(&around.get(&x).as_vec(), &direct.get(&x).as_vec(), 0.0);
}

#[test]
fn on_device_names_the_device_of_the_context() {
    let cx = runpipe_base::Ctx::new(&runpipe_base::NullHost, runpipe_base::Device::Cpu);
    let found: Result<f32> = on_device!(cx, |dev| dev.tensor_of(vec![2.0], ()).map(|t| t.as_vec()[0]));
    assert_eq!(found.unwrap(), 2.0);
}
