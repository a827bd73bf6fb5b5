use dfdx::prelude::{Cpu, NoneTape};

use super::mean_of_sequences;
use crate::kit::backend::{Backend, Matrix, Taped};
use crate::kit::ops::attention::Packed;
use crate::kit::testing::{Inputs, close};

#[test]
fn means_by_hand() {
    let x = Cpu::default().tensor_of(vec![1.0, 2.0, 3.0, 6.0, 5.0, 7.0], (3, 2)).unwrap();
    let y: Matrix<Cpu, NoneTape> = mean_of_sequences(x, &Packed::new([2, 0, 1])).unwrap();
    close(&Cpu::view(&y), &[2.0, 4.0, 0.0, 0.0, 5.0, 7.0], 0.0);
}

#[test]
fn gradient() {
    let mut inputs = Inputs::new(1);
    let x = inputs.add((9, 3));
    inputs.check(|params| {
        mean_of_sequences(params.get(x).retaped::<Taped<Cpu>>(), &Packed::new([4, 1, 0, 4])).unwrap()
    });
}
