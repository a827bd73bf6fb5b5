use dfdx::prelude::{Cpu, NoneTape};

use super::*;
use crate::kit::params::Params;
use crate::kit::testing::{close, normals};

/// A dense mixture, computed expert by expert over all rows.
fn dense(layer: &Experts, params: &Params<Cpu>, x: &Matrix<Cpu>, gates: &[f32]) -> Vec<f32> {
    let pass = Pass::eval(params);
    let mut y = vec![0.0; x.as_vec().len()];
    for (e, (up, down)) in layer.each().iter().enumerate() {
        let inner = up.forward::<Cpu, NoneTape>(&pass, x.clone(), Act::Gelu).unwrap();
        let f = down.forward::<Cpu, NoneTape>(&pass, inner, Act::Identity).unwrap().as_vec();
        let width = f.len() / 5;
        for (i, (y, f)) in y.iter_mut().zip(f).enumerate() {
            *y += gates[i / width * 3 + e] * f;
        }
    }
    y
}

#[test]
fn dispatch_in_groups_is_the_dense_formula() {
    let mut params = Params::new(&Cpu::default(), 3);
    let layer = Experts::new(params.root(), 3, 4, 6, Init::fan_in(4), Act::Gelu).unwrap();
    assert_eq!(params.count(), 3 * (4 * 6 + 6 + 6 * 4 + 4));
    let x: Matrix<Cpu> = Cpu::default().tensor_of(normals(1, 20), (5, 4)).unwrap();
    let sent = [vec![0, 1, 4], vec![], vec![0, 2, 3, 4]];
    let mut gates = vec![0.0; 15];
    for (e, rows) in sent.iter().enumerate() {
        for row in rows {
            gates[*row as usize * 3 + e] = 0.1 + *row as f32 * 0.2 + e as f32 * 0.05;
        }
    }
    let expected = dense(&layer, &params, &x, &gates);
    let gates = Cpu::default().tensor_of(gates, (5, 3)).unwrap();
    let y = layer.forward::<Cpu, NoneTape>(&Pass::eval(&params), x, &sent, gates).unwrap();
    close(&y.as_vec(), &expected, 1e-5);
}
