use dfdx::prelude::{Cpu, NoneTape};

use super::*;
use crate::kit::params::Params;
use crate::kit::testing::normals;

#[test]
fn both_directions_meet_in_a_palindrome() {
    let mut params = Params::new(&Cpu::default(), 1);
    let layer = BiLstm::new(params.root().at("lstm"), 2, 3).unwrap();
    assert_eq!(params.count(), 2 * (12 * 2 + 12 * 3 + 12));
    for part in ["weight_ih", "weight_hh", "bias"] {
        let numbers = params.numbers(&format!("lstm.forward.{part}")).unwrap();
        match part {
            "weight_ih" => params.set(layer.backward.input, numbers),
            "weight_hh" => params.set(layer.backward.hidden, numbers),
            _ => params.set(layer.backward.bias, numbers),
        }
        .unwrap();
    }
    let x = normals(1, 4);
    let x = [&x[..], &x[2..], &x[..2]].concat();
    let x: Matrix<Cpu> = Cpu::default().tensor_of(x, (4, 2)).unwrap();
    let pass = Pass::eval(&params);
    let packed = Packed::new([4]);
    let read = layer.forward::<Cpu, NoneTape>(&pass, x.clone(), &packed).unwrap();
    let rows = read.rows.as_vec();
    for t in 0..4 {
        assert_eq!(rows[t * 6..][..3], rows[(3 - t) * 6 + 3..][..3], "step {t}");
    }
    assert_eq!(read.forward.hidden.as_vec(), read.backward.hidden.as_vec());
    assert_eq!(read.forward.cell.as_vec(), read.backward.cell.as_vec());
    let summary = layer.summary::<Cpu, NoneTape>(&pass, x, &packed).unwrap().as_vec();
    assert_eq!(summary[..3], read.forward.hidden.as_vec());
    assert_eq!(summary[3..], read.backward.hidden.as_vec());
}
