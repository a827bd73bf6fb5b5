use dfdx::prelude::Cpu;

use super::{Classifier, Shape};
use crate::kit::backend::{Backend, Taped};
use crate::kit::ops::cross_entropy::{cross_entropy, soft_cross_entropy};
use crate::kit::params::{Params, Pass};
use crate::kit::testing::close;

pub(crate) fn shape(net: &str) -> Shape {
    Shape {
        classes: vec!["x".into(), "y".into()],
        net: net.into(),
        vocabulary: 9,
        width: 6,
        channels: 5,
        lower: true,
        max_len: 9,
        dropout: 0.0,
        encoder: None,
    }
}

#[test]
fn a_sentence_is_read_by_itself() {
    for net in ["bag", "cnn"] {
        let mut params = Params::new(&Cpu::default(), 1);
        let classifier = Classifier::new(&mut params, &shape(net)).unwrap();
        let read = |sentences: &[&[u32]]| {
            let logits = classifier.logits::<Cpu, Taped<Cpu>>(&Pass::eval(&params), sentences).unwrap();
            Cpu::view(&logits).into_owned()
        };
        let both = read(&[&[2, 3, 4], &[5]]);
        close(&both[..2], &read(&[&[2, 3, 4]]), 1e-6);
        close(&both[2..], &read(&[&[5]]), 1e-6);
    }
    assert!(Classifier::new(&mut Params::new(&Cpu::default(), 1), &shape("tree")).is_err());
}

#[test]
fn one_class_alone_is_the_plain_loss() {
    let mut params = Params::new(&Cpu::default(), 2);
    let classifier = Classifier::new(&mut params, &shape("cnn")).unwrap();
    let logits = || {
        let pass = Pass::eval(&params);
        classifier.logits::<Cpu, Taped<Cpu>>(&pass, &[&[2, 3], &[4, 4, 1]]).unwrap()
    };
    let soft = soft_cross_entropy(logits(), &[0.0, 1.0, 1.0, 0.0]).unwrap();
    let hard = cross_entropy(logits(), &[1, 0], 0.0).unwrap();
    close(&Cpu::view(&soft), &Cpu::view(&hard), 1e-6);
}
