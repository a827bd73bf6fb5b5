use dfdx::prelude::Cpu;
use runpipe_base::{Params as _, Record};

use super::*;
use crate::san::model::{Net, San};
use crate::san::questions::Look;
use crate::san::reader::Encoder;

#[test]
fn weights_are_small_and_biases_nothing() {
    let net = Net::decode(&Record::new()).unwrap();
    let mut params = Params::new(&Cpu::default(), 3);
    let net = Net { encoder: Encoder::Lstm, width: 4, ..net };
    San::new(&mut params, &net, Look::Pixels { size: [3, 16, 16] }, (5, 3)).unwrap();
    let norm = params.numbers("conv.0.norm.weight");
    small(&mut params, 3).unwrap();
    let largest = |name: &str| params.numbers(name).unwrap().iter().fold(0.0f32, |most, x| most.max(x.abs()));
    for name in [
        "question.lstm.weight_hh",
        "image.weight",
        "attention.1.score.weight",
        "answer.weight",
        "conv.0.conv.weight",
    ] {
        assert!(largest(name) <= 0.01 && largest(name) > 0.005, "{name}");
    }
    assert!(largest("question.word.weight") <= 0.5 && largest("question.word.weight") > 0.3);
    assert!(largest("answer.bias") < 1e-9 && largest("attention.0.query.bias") < 1e-9);
    let gates = params.numbers("question.lstm.bias").unwrap();
    assert_eq!(gates, [[0.0; 4], [1.0; 4], [0.0; 4], [0.0; 4]].concat());
    assert_eq!(params.numbers("conv.0.norm.weight"), norm);
    let once = params.save().unwrap();
    small(&mut params, 3).unwrap();
    assert_eq!(params.save().unwrap(), once);
}
