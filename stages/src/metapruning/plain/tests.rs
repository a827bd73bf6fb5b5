use dfdx::prelude::{Cpu, NoneTape};

use super::super::forward::{Norms, logits};
use super::super::grid;
use super::super::net::Family;
use super::super::net::tests::ALL;
use super::super::prunenet::{Making, PruningNet};
use super::super::sample::uniform;
use super::*;
use crate::kit::rng::Stream;
use crate::kit::testing::{close, normals};

const IMAGES: usize = 6;

/// Invariant 3: a plain net with the generated weights and the calibrated norms says the same.
#[test]
fn a_plain_net_with_generated_weights_is_the_same_net() {
    for (i, family) in ALL.into_iter().enumerate() {
        let mut net = Net::new(family, 1, [3, 16, 16], 10);
        // Cut down to a few blocks and narrow, with shortcuts of both sorts and a pooling layer left.
        net.blocks.truncate(5);
        net.wires[1..].iter_mut().for_each(|wire| wire.base = wire.base.min(12));
        let features = net.features();
        net.wires[features].gene = None;
        same(&net, i as u64);
    }
}

fn same(net: &Net, seed: u64) {
    let gene = uniform(net.genes, &(0..=grid::FULL), &mut Stream::new(seed, "genes"));
    let at = Chosen::of(net, &gene);
    let mut params = Params::new(&Cpu::default(), seed);
    let layers = PruningNet::new(&mut params, net, Making::default()).unwrap();
    let pass = Pass::eval(&params);
    let x = || {
        let [channels, height, width] = net.picture;
        let numbers = normals(seed, IMAGES * channels * height * width);
        Cpu::default().tensor_of(numbers, (IMAGES, channels, height, width)).unwrap()
    };
    let mut norms = Norms::First { images: IMAGES - 2, found: Vec::new() };
    let generated = logits(&pass, net, &layers, &at, x(), &mut norms).unwrap();
    let Norms::First { found, .. } = norms else { panic!("norms keep what they are") };

    let mut copy = Params::new(&Cpu::default(), seed + 1);
    let plain = PlainNet::new(&mut copy, net, &at.widths).unwrap();
    for (index, conv) in net.convs().enumerate() {
        let w = Layers::<Cpu>::weights::<NoneTape>(&layers, &pass, index, conv, &at).unwrap();
        copy.set(plain.convs[index].weight, Cpu::view(&w).into_owned()).unwrap();
    }
    copy.set(plain.classifier.weight, params.numbers("classifier.weight").unwrap()).unwrap();
    copy.set(plain.classifier.bias.unwrap(), params.numbers("classifier.bias").unwrap()).unwrap();
    plain.set_statistics(&mut copy, found).unwrap();
    let chosen = Chosen::widths(at.widths.clone());
    let mut norms = Norms::Given(plain.statistics(&copy));
    let plain = logits(&Pass::eval(&copy), net, &plain, &chosen, x(), &mut norms).unwrap();
    close(&Cpu::view(&plain), &Cpu::view(&generated), 1e-5);
}

/// A plain net has as many trained numbers as its cost says.
#[test]
fn parameters_are_those_that_the_cost_counts() {
    for family in [Family::Doubling, Family::Flat, Family::MobilenetV1Small] {
        let net = Net::new(family, 1, [3, 32, 32], 10);
        let widths = net.uniform(0.25, true);
        let mut params = Params::new(&Cpu::default(), 0);
        PlainNet::new(&mut params, &net, &widths).unwrap();
        assert_eq!(params.count() as u64, super::super::cost::cost(&net, &widths).params);
    }
}

/// Weight decay touches convolutions that mix channels and the classifier, nothing else.
#[test]
fn depthwise_filters_and_norms_do_not_decay() {
    let net = Net::new(Family::Flat, 1, [3, 16, 16], 10);
    let mut params = Params::new(&Cpu::default(), 0);
    PlainNet::new(&mut params, &net, &net.uniform(0.5, true)).unwrap();
    let decayed: Vec<&str> =
        params.describe().filter(|(_, role, _)| *role == Role::Weight).map(|(name, ..)| name).collect();
    let mut expected = vec!["stem.weight".to_owned()];
    expected.extend((1..6).map(|i| format!("block{i}.pointwise.weight")));
    expected.extend(["classifier.weight".to_owned(), "classifier.bias".to_owned()]);
    assert_eq!(decayed, expected);
}
