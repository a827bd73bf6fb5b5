//! Whole layers, with the gradients of their parameters.

use dfdx::prelude::{Cpu, WithEmptyTape};
use runpipe_stages::kit::backend::{Backend, Images, Matrix, Result, Taped};
use runpipe_stages::kit::nn::batch_norm::BatchNorm2d;
use runpipe_stages::kit::nn::conv::Conv2d;
use runpipe_stages::kit::nn::conv_norm::ConvNorm;
use runpipe_stages::kit::nn::encoder::{Encoder, EncoderSizes, MaskedHead};
use runpipe_stages::kit::nn::experts::Experts;
use runpipe_stages::kit::nn::linear::{Embedding, Linear};
use runpipe_stages::kit::nn::norm::LayerNorm;
use runpipe_stages::kit::nn::recurrent::{BiLstm, Lstm};
use runpipe_stages::kit::nn::squeeze::SqueezeExcite;
use runpipe_stages::kit::nn::text_conv::TextConv;
use runpipe_stages::kit::ops::act::Act;
use runpipe_stages::kit::ops::columns::concat_columns;
use runpipe_stages::kit::ops::conv::Geometry;
use runpipe_stages::kit::ops::cross_entropy::IGNORE;
use runpipe_stages::kit::ops::lstm::{Direction, State};
use runpipe_stages::kit::ops::rows::concat_rows;
use runpipe_stages::kit::ops::softmax::softmax;
use runpipe_stages::kit::params::{Init, Params, Pass, Scope};
use runpipe_stages::kit::rng::Stream;

use crate::case::{Case, Family, tape};
use crate::ops::packed;

type Rows = Matrix<Cpu, Taped<Cpu>>;

/// Makes a layer whose parameters hold the numbers of the case.
fn layer<L>(case: &Case<'_>, new: impl FnOnce(Scope<'_, Cpu>) -> Result<L>) -> (Params<Cpu>, L) {
    let mut params = Params::new(&Cpu::default(), 0);
    let layer = new(params.root()).expect("memory");
    case.fill(&mut params);
    (params, layer)
}

/// A layer from rows to rows.
fn rows<L>(
    case: &Case<'_>,
    new: impl FnOnce(Scope<'_, Cpu>) -> Result<L>,
    forward: impl FnOnce(&L, &Pass<'_, Cpu>, Rows) -> Result<Rows>,
) {
    let (mut params, layer) = layer(case, new);
    let x = case.matrix("x");
    let y = forward(&layer, &Pass::eval(&params), tape(&x)).expect("memory");
    case.check_layer(&mut params, y, &[("x", &x)]);
}

#[test]
fn linear_layers_and_tables() {
    let family = Family::open("layers");
    let linear = |at: Scope<'_, Cpu>| Linear::new(at, 3, 4, Init::ZEROS);
    rows(&family.case("linear"), linear, |layer, pass, x| layer.forward(pass, x, Act::Gelu));
    let case = family.case("linear_of");
    let (mut params, layer) = layer(&case, linear);
    let y = layer.of(&Pass::eval(&params), &case.matrix("x"), Act::Gelu).unwrap();
    case.check_layer(&mut params, y, &[]);
    let case = family.case("embedding");
    let (mut params, table) = self::layer(&case, |at| Embedding::new(at, 6, 3, Init::ZEROS));
    let y: Rows = table.forward(&Pass::eval(&params), &[2, 0, 2, 5]).unwrap();
    case.check_layer(&mut params, y, &[]);
}

#[test]
fn layer_norms() {
    let family = Family::open("layers");
    let norm = |at: Scope<'_, Cpu>| LayerNorm::new(at, 6, 1e-5);
    rows(&family.case("layer_norm"), norm, LayerNorm::forward);
    let case = family.case("layer_norm_after");
    let (mut params, layer) = layer(&case, norm);
    let (x, residual) = (case.matrix("x"), case.matrix("residual"));
    let pass = Pass::train(&params, Stream::new(3, "golden"));
    let y = layer.after(&pass, tape(&x), 0.4, tape(&residual)).unwrap();
    case.check_layer(&mut params, y, &[("x", &x), ("residual", &residual)]);
}

#[test]
fn experts_that_rows_ask() {
    let family = Family::open("layers");
    for asked in [1, 2] {
        let new = |mut at: Scope<'_, Cpu>| {
            let gate = Linear::new(at.at("gate"), 4, 3, Init::ZEROS)?;
            Ok((gate, Experts::new(at.at("expert"), 3, 4, 6, Init::ZEROS, Act::Gelu)?))
        };
        rows(&family.case(format!("experts_{asked}")), new, |(gate, experts), pass, x| {
            let gates = softmax(gate.forward(pass, x.with_empty_tape(), Act::Identity)?)?;
            let sent = best(&Cpu::view(&gates), asked);
            experts.forward(pass, x, &sent, gates)
        });
    }
}

/// For each of three experts the rows that have it among so many best.
fn best(gates: &[f32], asked: usize) -> Vec<Vec<u32>> {
    let mut sent = vec![Vec::new(); 3];
    for (row, gates) in gates.chunks_exact(3).enumerate() {
        let mut order = [0, 1, 2];
        order.sort_by(|a, b| gates[*b].total_cmp(&gates[*a]));
        order[..asked].iter().for_each(|e| sent[*e].push(row as u32));
    }
    sent
}

#[test]
fn readers_of_sequences() {
    let family = Family::open("sequences");
    let case = family.case("lstm");
    let (mut params, layer) = layer(&case, |at| Lstm::new(at, 4, 5));
    let (x, h, c) = (case.matrix("x"), case.matrix("h"), case.matrix("c"));
    let start = Some(State { hidden: tape(&h), cell: tape(&c) });
    let pass = Pass::eval(&params);
    let read = layer.forward(&pass, tape(&x), &packed(), start, Direction::Forward).unwrap();
    let (y, last) = read.into_parts();
    let y = concat_rows(vec![y, last.hidden, last.cell]).unwrap();
    case.check_layer(&mut params, y, &[("x", &x), ("h", &h), ("c", &c)]);

    let bilstm = |at: Scope<'_, Cpu>| BiLstm::new(at, 4, 5);
    rows(&family.case("bilstm"), bilstm, |layer, pass, x| {
        let read = layer.forward(pass, x, &packed())?;
        let hidden = concat_columns(vec![read.forward.hidden, read.backward.hidden])?;
        let cells = concat_columns(vec![read.forward.cell, read.backward.cell])?;
        concat_rows(vec![read.rows, hidden, cells])
    });
    rows(&family.case("bilstm_summary"), bilstm, |layer, pass, x| layer.summary(pass, x, &packed()));
    let text_conv = |at: Scope<'_, Cpu>| TextConv::new(at, 4, &[(1, 3), (2, 5), (4, 2)], Act::Tanh);
    rows(&family.case("text_conv"), text_conv, |layer, pass, x| layer.forward(pass, x, &packed()));
    let lstm = |at: Scope<'_, Cpu>| Lstm::new(at, 4, 5);
    rows(&family.case("lstm_bare"), lstm, |layer, pass, x| {
        Ok(layer.forward_bare(pass, x, &packed(), Direction::Forward)?.into_rows())
    });
}

const IDS: [u32; 9] = [1, 2, 3, 4, 5, 6, 7, 8, 9];

fn sizes(layers: usize, epsilon: f32, dropout: f32) -> EncoderSizes {
    EncoderSizes { vocabulary: 10, positions: 6, width: 8, layers, heads: 2, inner: 12, dropout, epsilon }
}

#[test]
fn encoders() {
    let family = Family::open("encoder");
    let places = [0, 0, 1, 5, 3, 3, 2, 0, 4];
    let veiled = [1, 4, 7].into_iter().fold([false; 9], |mut veiled, row| {
        veiled[row] = true;
        veiled
    });
    for (name, sizes, act, packed) in [
        ("encoder", sizes(2, 1e-5, 0.0), Act::Gelu, packed()),
        ("relu", sizes(2, 1e-12, 0.0), Act::Relu, packed()),
        ("veiled", sizes(1, 1e-5, 0.0), Act::Gelu, packed().placed(&places).veiled(&veiled)),
        ("dropout", sizes(2, 1e-5, 0.2), Act::Gelu, packed()),
    ] {
        let case = family.case(name);
        let (mut params, encoder) = layer(&case, |at| Ok(Encoder::new(at, sizes)?.acting(act)));
        let pass = Pass::train(&params, Stream::new(5, "golden"));
        let y: Rows = encoder.forward(&pass, &IDS, &packed).unwrap();
        case.check_layer(&mut params, y, &[]);
    }
}

#[test]
fn the_head_of_masked_words() {
    let family = Family::open("encoder");
    let sites = [1, 3, 8, 6];
    let new = |mut at: Scope<'_, Cpu>| {
        let encoder = Encoder::new(at.at("encoder"), sizes(1, 1e-5, 0.0))?;
        let head = MaskedHead::new(at.at("head"), &encoder)?;
        Ok((encoder, head))
    };
    let case = family.case("masked_logits");
    let (mut params, (encoder, head)) = layer(&case, new);
    let pass = Pass::eval(&params);
    let hidden: Rows = encoder.forward(&pass, &IDS, &packed()).unwrap();
    let y = head.logits(&pass, hidden, &sites).unwrap();
    case.check_layer(&mut params, y, &[]);
    let case = family.case("masked_loss");
    let (mut params, (encoder, head)) = layer(&case, new);
    let pass = Pass::eval(&params);
    let hidden: Rows = encoder.forward(&pass, &IDS, &packed()).unwrap();
    let y = head.loss(&pass, hidden, &sites, &[7, IGNORE, 0, 9]).unwrap();
    case.check_layer(&mut params, y, &[]);
    let case = family.case("masked_untied");
    let (mut params, (encoder, head)) = layer(&case, |mut at| {
        let encoder = Encoder::new(at.at("encoder"), sizes(1, 1e-5, 0.0))?;
        let head = MaskedHead::new(at.at("head"), &encoder)?.untied(at.at("head"), &encoder)?;
        Ok((encoder, head))
    });
    let pass = Pass::eval(&params);
    let hidden: Rows = encoder.forward(&pass, &IDS, &packed()).unwrap();
    let y = head.logits(&pass, hidden, &sites).unwrap();
    case.check_layer(&mut params, y, &[]);
}

/// A layer on images.
fn maps<L>(
    case: &Case<'_>,
    new: impl FnOnce(Scope<'_, Cpu>) -> Result<L>,
    forward: impl FnOnce(&L, &Pass<'_, Cpu>, Images<Cpu, Taped<Cpu>>) -> Result<Images<Cpu, Taped<Cpu>>>,
) {
    let (mut params, layer) = layer(case, new);
    let x = case.images("x");
    let y = forward(&layer, &Pass::eval(&params), tape(&x)).expect("memory");
    case.check_layer(&mut params, y, &[("x", &x)]);
}

#[test]
fn convolutions_and_gates() {
    let family = Family::open("maps");
    let grouped = Geometry::same(3).stride(2).groups(2);
    let conv = |at: Scope<'_, Cpu>| Conv2d::biased(at, (4, 6), 3, grouped);
    maps(&family.case("conv"), conv, Conv2d::forward);
    let case = family.case("conv_of_data");
    let (mut params, layer) = layer(&case, |at| Conv2d::new(at, (3, 4), 3, Geometry::same(3)));
    let y = layer.of_data(&Pass::eval(&params), &case.images("x")).unwrap();
    case.check_layer(&mut params, y, &[]);
    for (name, gate) in [("sigmoid", Act::Sigmoid), ("hard_sigmoid", Act::HardSigmoid)] {
        let squeeze = |at: Scope<'_, Cpu>| SqueezeExcite::new(at, 4, 2, gate);
        maps(&family.case(format!("squeeze_{name}")), squeeze, SqueezeExcite::forward);
    }
}

#[test]
fn batch_norms_that_train_and_evaluate() {
    let family = Family::open("maps");
    for name in ["batch_norm", "batch_norm_onto", "batch_norm_by", "batch_norm_by_onto"] {
        let case = family.case(name);
        let (mut params, norm) = layer(&case, |at| BatchNorm2d::new(at, 3));
        let x = case.images("x");
        let pass = if name.contains("by") {
            Pass::eval(&params)
        } else {
            Pass::train(&params, Stream::new(0, "golden"))
        };
        let (y, residual) = if name.ends_with("onto") {
            let residual = case.images("residual");
            let y = norm.onto(&pass, tape(&x), tape(&residual), Act::Relu).unwrap();
            (y, Some(residual))
        } else {
            (norm.forward(&pass, tape(&x), Act::Silu).unwrap(), None)
        };
        let updates = pass.into_updates();
        match &residual {
            None => case.check_layer(&mut params, y, &[("x", &x)]),
            Some(residual) => case.check_layer(&mut params, y, &[("x", &x), ("residual", residual)]),
        }
        params.apply(updates).unwrap();
        for running in ["running_mean", "running_var"] {
            case.close(&format!("after.{running}"), &params.numbers(running).unwrap());
        }
    }
}

#[test]
fn statistics_run_over_two_batches() {
    let family = Family::open("norms");
    let case = family.case("running");
    let x = case.images("x");
    let (images, channels, height, width) = *dfdx::prelude::HasShape::shape(&x);
    let mut params = Params::new(&Cpu::default(), 0);
    let norm = BatchNorm2d::new(params.root(), channels).unwrap().momentum(0.1);
    for batch in Cpu::view(&x).chunks(images / 2 * channels * height * width) {
        let batch = Cpu::default().tensor_of(batch.to_vec(), (images / 2, channels, height, width)).unwrap();
        let pass = Pass::train(&params, Stream::new(0, "golden"));
        norm.forward(&pass, tape(&batch), Act::Identity).unwrap();
        let updates = pass.into_updates();
        params.apply(updates).unwrap();
    }
    case.close("mean", &params.numbers("running_mean").unwrap());
    case.close("variance", &params.numbers("running_var").unwrap());
}

#[test]
fn convolutions_with_their_norms() {
    let family = Family::open("maps");
    for (name, groups) in [("normed", 1), ("normed_depthwise", 4)] {
        for residual in [false, true] {
            let case = family.case(if residual { format!("{name}_onto") } else { name.to_owned() });
            let geometry = Geometry::same(3).stride(2).groups(groups);
            let (mut params, layer) = layer(&case, |at| ConvNorm::new(at, (4, 4), 3, geometry));
            let x = case.images("x");
            let pass = Pass::train(&params, Stream::new(0, "golden"));
            let (y, residual) = if residual {
                let residual = case.images("residual");
                (layer.onto(&pass, tape(&x), tape(&residual), Act::Relu).unwrap(), Some(residual))
            } else {
                (layer.forward(&pass, tape(&x), Act::Relu).unwrap(), None)
            };
            let updates = pass.into_updates();
            match &residual {
                None => case.check_layer(&mut params, y, &[("x", &x)]),
                Some(residual) => case.check_layer(&mut params, y, &[("x", &x), ("residual", residual)]),
            }
            if groups == 1 && residual.is_none() {
                let (mut params, layer) = self::layer(&case, |at| ConvNorm::new(at, (4, 4), 3, geometry));
                let pass = Pass::train(&params, Stream::new(0, "golden"));
                let y = layer.of_data(&pass, &x, Act::Relu).unwrap();
                drop(pass);
                case.check_layer(&mut params, y, &[]);
            }
            params.apply(updates).unwrap();
            for running in ["norm.running_mean", "norm.running_var"] {
                case.close(&format!("after.{running}"), &params.numbers(running).unwrap());
            }
        }
    }
}
