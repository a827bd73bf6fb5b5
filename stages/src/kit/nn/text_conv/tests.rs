use dfdx::prelude::{Cpu, NoneTape};

use super::*;
use crate::kit::params::Params;
use crate::kit::testing::{close, normals};

#[test]
fn a_vector_a_sentence_whatever_its_length() {
    let mut params = Params::new(&Cpu::default(), 1);
    let layer = TextConv::new(params.root().at("conv"), 4, &[(1, 3), (2, 5), (3, 2)], Act::Tanh).unwrap();
    assert_eq!(params.count(), 3 * 5 + 5 * 9 + 2 * 13);
    assert!(params.numbers("conv.window.3.weight").is_some());
    let x: Matrix<Cpu> = Cpu::default().tensor_of(normals(2, 7 * 4), (7, 4)).unwrap();
    let pass = Pass::eval(&params);
    let y = layer.forward::<Cpu, NoneTape>(&pass, x, &Packed::new([5, 0, 2])).unwrap();
    assert_eq!(*dfdx::prelude::HasShape::shape(&y), (3, 10));
    let bias = params.numbers("conv.window.1.bias").unwrap();
    close(&y.as_vec()[10..13], &bias.iter().map(|b| b.tanh()).collect::<Vec<_>>(), 1e-6);
}
