use dfdx::prelude::{Cpu, NoneTape};

use super::windows;
use crate::kit::backend::{Backend, Matrix, Taped};
use crate::kit::ops::attention::Packed;
use crate::kit::testing::{Inputs, close};

#[test]
fn neighbours_stop_at_the_ends_of_sequences() {
    let x = Cpu::default().tensor_of(vec![1.0, 2.0, 3.0, 4.0], (4, 1)).unwrap();
    let y: Matrix<Cpu, NoneTape> = windows(x, &Packed::new([3, 0, 1]), 3).unwrap();
    close(&Cpu::view(&y), &[0.0, 1.0, 2.0, 1.0, 2.0, 3.0, 2.0, 3.0, 0.0, 0.0, 4.0, 0.0], 0.0);
}

#[test]
fn gradient() {
    let mut inputs = Inputs::new(1);
    let x = inputs.add((9, 2));
    for length in [1, 3, 5] {
        inputs.check(|params| {
            windows(params.get(x).retaped::<Taped<Cpu>>(), &Packed::new([4, 1, 0, 4]), length).unwrap()
        });
    }
}
