use dfdx::prelude::{Cpu, NoneTape};

use super::*;
use crate::kit::params::Params;
use crate::kit::testing::{Inputs, close};

#[test]
fn gates_are_between_nothing_and_all() {
    let device = Cpu::default();
    let mut params = Params::new(&device, 1);
    let layer = SqueezeExcite::new(params.root().at("se"), 2, 1, Act::HardSigmoid).unwrap();
    // The mean of channel 0 is 2, and its gate clamp(2·3/6 + ½) is 1; that of channel 1 is clamp(−2·1/6 + ½) = 1/6.
    params.set(layer.reduce.weight, vec![1.0, 0.0]).unwrap();
    params.set(layer.expand.weight, vec![1.5, -1.0]).unwrap();
    let x = device.tensor_of(vec![1.0, 3.0, 6.0, 6.0], (1, 2, 1, 2)).unwrap();
    let y = layer.forward::<_, NoneTape>(&Pass::eval(&params), x).unwrap();
    close(&y.as_vec(), &[1.0, 3.0, 1.0, 1.0], 1e-5);
}

#[test]
fn gradients() {
    let mut given = Inputs::new(3);
    let x = given.add((2, 4, 3, 3));
    let layer = SqueezeExcite::new(given.params.root().at("se"), 4, 2, Act::Sigmoid).unwrap();
    given.check(|p| layer.forward(&Pass::eval(p), p.get(x).retaped()).unwrap());
}
