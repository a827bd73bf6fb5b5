use dfdx::prelude::{Cpu, NoneTape};

use super::*;
use crate::kit::params::Params;
use crate::kit::rng::Stream;
use crate::kit::testing::close;

#[test]
fn running_statistics_follow_the_batches() {
    let device = Cpu::default();
    let mut params = Params::new(&device, 0);
    let norm = BatchNorm2d::new(params.root().at("norm"), 3).unwrap().momentum(0.5);
    // Two of three channels: means 2 and 0, variances of the population 2 and 0.
    let x = device.tensor_of(vec![1.0, 3.0, 0.0, 0.0], (1, 2, 1, 2)).unwrap();
    let pass = Pass::train(&params, Stream::new(0, "test"));
    let y = norm.forward::<_, NoneTape>(&pass, x.clone(), Act::Identity).unwrap();
    close(&y.as_vec(), &[-1.0, 1.0, 0.0, 0.0], 1e-4);
    let updates = pass.into_updates();
    params.apply(updates).unwrap();
    close(&params.numbers("norm.running_mean").unwrap(), &[1.0, 0.0, 0.0], 1e-6);
    close(&params.numbers("norm.running_var").unwrap(), &[1.5, 0.5, 1.0], 1e-6);
    // A pass that evaluates uses them and changes nothing.
    let pass = Pass::eval(&params);
    let y = norm.forward::<_, NoneTape>(&pass, x, Act::Relu).unwrap();
    close(&y.as_vec(), &[0.0, 2.0 / 1.5f32.sqrt(), 0.0, 0.0], 1e-4);
    let updates = pass.into_updates();
    params.apply(updates).unwrap();
    close(&params.numbers("norm.running_mean").unwrap(), &[1.0, 0.0, 0.0], 1e-6);
}
