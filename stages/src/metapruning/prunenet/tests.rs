use dfdx::prelude::{Backward as _, Cpu, PutTape as _};

use super::super::cost::generator_params;
use super::super::forward::{Norms, logits};
use super::super::net::Family;
use super::*;
use crate::kit::backend::Taped;
use crate::kit::ops::cross_entropy::cross_entropy;
use crate::kit::optim::{Optimizer, OptimizerConfig};
use crate::kit::testing::normals;

fn net() -> Net {
    Net::new(Family::Doubling, 1, [3, 8, 8], 10)
}

/// Names of the parameters that one step of plain SGD moves.
fn moved(making: Making, gene: &[u8]) -> Vec<String> {
    let (net, mut params) = (net(), Params::new(&Cpu::default(), 1));
    let layers = PruningNet::new(&mut params, &net, making).unwrap();
    let before = params.clone();
    let x = Cpu::default().tensor_of(normals(1, 4 * 192), (4, 3, 8, 8)).unwrap();
    let loss = {
        let pass = Pass::eval(&params);
        let x = x.put_tape(Taped::<Cpu>::default());
        let logits = logits(&pass, &net, &layers, &Chosen::of(&net, gene), x, &mut Norms::Batch).unwrap();
        cross_entropy(logits, &[0, 1, 2, 3], 0.1).unwrap()
    };
    let grads = loss.try_backward().unwrap();
    Optimizer::new(OptimizerConfig::sgd(0.0, false, 0.0)).step(&mut params, grads, 0.1).unwrap();
    let names: Vec<String> = params.describe().map(|(name, ..)| name.to_owned()).collect();
    names.into_iter().filter(|name| params.numbers(name) != before.numbers(name)).collect()
}

#[test]
fn layers_have_as_many_numbers_as_their_cost_says() {
    let (net, mut params) = (net(), Params::new(&Cpu::default(), 0));
    PruningNet::new(&mut params, &net, Making::default()).unwrap();
    assert_eq!(params.count() as u64, generator_params(&net));
}

/// Invariant 8: a step touches only those entries of the norms' banks that the structure picks.
#[test]
fn a_step_touches_the_chosen_norms_only() {
    let gene = [15, 30, 12, 4, 7];
    let affine = Making { affine: true, ..Making::default() };
    let norms: Vec<String> = moved(affine, &gene).into_iter().filter(|n| n.contains(".norm.")).collect();
    let (net, mut expected) = (net(), Vec::new());
    for conv in net.convs() {
        let wire = net.wires[conv.bank];
        let id = wire.gene.map_or(grid::FULL, |index| gene[index]);
        expected.extend(["bias", "weight"].map(|what| format!("{}.norm.{id}.{what}", conv.name)));
    }
    assert!(norms.iter().all(|name| expected.contains(name)), "{norms:?}");
    // A gain may stay: the next norm undoes a channel's scale, so its gradient is next to nothing.
    assert!(expected.iter().filter(|n| n.ends_with("bias")).all(|name| norms.contains(name)), "{norms:?}");
}

#[test]
fn every_layer_learns() {
    let names = moved(Making::default(), &[15; 5]);
    let (net, mut expected) = (net(), Vec::new());
    for conv in net.convs() {
        for layer in ["hidden", "output"] {
            expected.extend(["weight", "bias"].map(|what| format!("{}.generator.{layer}.{what}", conv.name)));
        }
    }
    expected.extend(["classifier.weight".to_owned(), "classifier.bias".to_owned()]);
    assert_eq!(names, expected);
    let shared = moved(Making { shared: true, ..Making::default() }, &[15; 5]);
    assert_eq!(shared.len(), net.convs().count() + 2);
}
