use dfdx::prelude::{Backward, Cpu, NoneTape};

use super::*;
use crate::kit::backend::Taped;
use crate::kit::optim::{Optimizer, OptimizerConfig};
use crate::kit::params::Params;
use crate::kit::rng::Stream;
use crate::kit::testing::{Inputs, threads};

fn sizes() -> EncoderSizes {
    EncoderSizes {
        vocabulary: 13,
        positions: 9,
        width: 8,
        layers: 2,
        heads: 2,
        inner: 16,
        dropout: 0.1,
        epsilon: 1e-5,
    }
}

const IDS: [u32; 8] = [1, 5, 2, 12, 0, 5, 5, 3];
const SITES: [u32; 3] = [1, 4, 7];

#[test]
fn the_gradient_of_a_whole_encoder() {
    let mut inputs = Inputs::new(1);
    let encoder = Encoder::new(inputs.params.root().at("encoder"), sizes()).unwrap();
    let head = MaskedHead::new(inputs.params.root().at("head"), &encoder).unwrap();
    // Weights large enough that their slopes are not lost in rounding.
    let names: Vec<String> = inputs.params.describe().map(|(name, ..)| name.to_owned()).collect();
    for (i, name) in names.iter().enumerate().filter(|(_, name)| !name.contains("norm")) {
        let numbers = inputs.params.numbers(name).unwrap();
        inputs.params.set_at(i, numbers.iter().map(|x| x * 15.0).collect()).unwrap();
    }
    let packed = Packed::new([5, 3]);
    inputs.check(|params| {
        let pass = Pass::train(params, Stream::new(3, "step"));
        let hidden = encoder.forward(&pass, &IDS, &packed).unwrap();
        head.logits(&pass, hidden, &SITES).unwrap()
    });
}

#[test]
fn one_batch_is_learnt_and_the_bytes_do_not_depend_on_threads() {
    let run = |count| {
        threads(count, || {
            let mut params = Params::new(&Cpu::default(), 1);
            let encoder = Encoder::new(params.root().at("encoder"), sizes()).unwrap();
            let head = MaskedHead::new(params.root().at("head"), &encoder).unwrap();
            let mut optimizer = Optimizer::new(OptimizerConfig::adam_w(0.01));
            let packed = Packed::new([5, 3]);
            let mut losses = Vec::new();
            for step in 0..150 {
                let pass = Pass::train(&params, Stream::new(0, "step").child(step));
                let hidden = encoder.forward::<Cpu, Taped<Cpu>>(&pass, &IDS, &packed).unwrap();
                let loss = head.loss(&pass, hidden, &SITES, &[7, 2, 9]).unwrap();
                losses.push(Cpu::view(&loss)[0]);
                optimizer.step(&mut params, loss.backward(), 0.01).unwrap();
            }
            (losses, params.save().unwrap())
        })
    };
    let (losses, bytes) = run(1);
    assert!(losses[0] > 2.0 && losses[149] < 0.2, "from {} to {}", losses[0], losses[149]);
    assert_eq!((losses, bytes), run(2));
}

#[test]
fn a_sequence_does_not_see_its_neighbour() {
    let mut params = Params::new(&Cpu::default(), 1);
    let encoder = Encoder::new(params.root(), sizes()).unwrap();
    let pass = Pass::eval(&params);
    let both = encoder.forward::<Cpu, NoneTape>(&pass, &IDS, &Packed::new([5, 3])).unwrap();
    let alone = encoder.forward::<Cpu, NoneTape>(&pass, &IDS[5..], &Packed::new([3])).unwrap();
    crate::kit::testing::close(&both.as_vec()[5 * 8..], &alone.as_vec(), 1e-6);
}

#[test]
fn names_are_stable_and_roles_set() {
    let mut params = Params::new(&Cpu::default(), 1);
    let encoder = Encoder::new(params.root().at("encoder"), EncoderSizes { layers: 1, ..sizes() }).unwrap();
    MaskedHead::new(params.root().at("head"), &encoder).unwrap();
    let lines: Vec<String> =
        params.describe().map(|(name, role, sizes)| format!("{name} {role:?} {sizes:?}")).collect();
    insta::assert_snapshot!(lines.join("\n"), @r"
    encoder.embed.word.weight Weight [13, 8]
    encoder.embed.position.weight Weight [9, 8]
    encoder.embed.norm.weight Plain [8]
    encoder.embed.norm.bias Plain [8]
    encoder.layer.0.attention.qkv.weight Weight [24, 8]
    encoder.layer.0.attention.qkv.bias Plain [24]
    encoder.layer.0.attention.out.weight Weight [8, 8]
    encoder.layer.0.attention.out.bias Plain [8]
    encoder.layer.0.attention.norm.weight Plain [8]
    encoder.layer.0.attention.norm.bias Plain [8]
    encoder.layer.0.ffn.up.weight Weight [16, 8]
    encoder.layer.0.ffn.up.bias Plain [16]
    encoder.layer.0.ffn.down.weight Weight [8, 16]
    encoder.layer.0.ffn.down.bias Plain [8]
    encoder.layer.0.ffn.norm.weight Plain [8]
    encoder.layer.0.ffn.norm.bias Plain [8]
    head.dense.weight Weight [8, 8]
    head.dense.bias Plain [8]
    head.norm.weight Plain [8]
    head.norm.bias Plain [8]
    head.bias Plain [13]
    ");
}
