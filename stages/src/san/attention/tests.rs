use dfdx::prelude::{Cpu, NoneTape};
use proptest::prelude::*;

use super::*;
use crate::kit::params::Params;
use crate::kit::testing::{Inputs, close, normals};

const WIDTH: usize = 3;
const HIDDEN: usize = 4;

fn layer(seed: u64, variant: Variant) -> (Params<Cpu>, Attention) {
    let mut params = Params::new(&Cpu::default(), seed);
    let layer = Attention::new(params.root(), WIDTH, HIDDEN, variant).unwrap();
    (params, layer)
}

fn matrix(numbers: &[f32], width: usize) -> Matrix<Cpu> {
    Cpu::default().tensor_of(numbers.to_vec(), (numbers.len() / width, width)).unwrap()
}

fn weights(params: &Params<Cpu>, layer: &Attention, v: &[f32], u: &[f32]) -> Vec<f32> {
    let (pictures, regions) = (u.len() / WIDTH, v.len() / u.len());
    let asks = Asks::new(&(0..pictures).collect::<Vec<_>>(), pictures, regions);
    let (v, u) = (matrix(v, WIDTH), matrix(u, WIDTH));
    let p = layer.weights::<Cpu, NoneTape>(&Pass::eval(params), v, u, &asks).unwrap();
    Cpu::view(&p).into_owned()
}

/// The paper's formula and the released code's, written out.
#[test]
fn weights_follow_the_definition() {
    for variant in [Variant::Paper, Variant::Released] {
        let (mut params, layer) = layer(3, variant);
        params.set(layer.query.bias.unwrap(), normals(5, HIDDEN)).unwrap();
        params.set(layer.score.bias.unwrap(), vec![0.7]).unwrap();
        if let Some(bias) = layer.image.bias {
            params.set(bias, normals(6, HIDDEN)).unwrap();
        }
        let (v, u) = (normals(1, 5 * WIDTH), normals(2, WIDTH));
        let get = |name: &str| params.numbers(name).unwrap_or_else(|| vec![0.0; HIDDEN]);
        let times = |w: &[f32], x: &[f32], k: usize| (0..WIDTH).map(|j| w[k * WIDTH + j] * x[j]).sum::<f32>();
        let score = |v: &[f32]| {
            let h = |k: usize| {
                let image = times(&get("image.weight"), v, k) + get("image.bias")[k];
                let query = times(&get("query.weight"), &u, k) + get("query.bias")[k];
                if variant == Variant::Paper { (image + query).tanh() } else { image.tanh() + query.tanh() }
            };
            let s = (0..HIDDEN).map(|k| get("score.weight")[k] * h(k)).sum::<f32>() + 0.7;
            if variant == Variant::Paper { s } else { s.tanh() }
        };
        let scores: Vec<f32> = v.chunks_exact(WIDTH).map(|v| score(v).exp()).collect();
        let whole: f32 = scores.iter().sum();
        let expected: Vec<f32> = scores.iter().map(|s| s / whole).collect();
        close(&weights(&params, &layer, &v, &u), &expected, 1e-5);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn weights_are_shares_and_follow_their_regions(regions in 1usize..12, questions in 1usize..4, seed: u64) {
        for variant in [Variant::Paper, Variant::Released] {
            let (mut params, layer) = layer(seed, variant);
            let (v, u) = (normals(seed, questions * regions * WIDTH), normals(seed ^ 1, questions * WIDTH));
            let p = weights(&params, &layer, &v, &u);
            for p in p.chunks_exact(regions) {
                prop_assert!((p.iter().sum::<f32>() - 1.0).abs() < 1e-5 && p.iter().all(|p| *p >= 0.0));
                let bound = 2.0f32.exp() / (2.0f32.exp() + regions as f32 - 1.0);
                let largest = p.iter().copied().fold(0.0, f32::max);
                prop_assert!(variant == Variant::Paper || largest <= bound + 1e-5);
            }
            // Regions in reverse order have their weights in reverse order.
            let back: Vec<f32> = v
                .chunks_exact(regions * WIDTH)
                .flat_map(|v| v.chunks_exact(WIDTH).rev().flatten().copied())
                .collect();
            let there: Vec<f32> = p.chunks_exact(regions).flat_map(|p| p.iter().rev().copied()).collect();
            close(&weights(&params, &layer, &back, &u), &there, 1e-5);
            // In the paper's form a constant in all scores changes nothing.
            params.set(layer.score.bias.unwrap(), vec![1.5]).unwrap();
            if variant == Variant::Paper {
                close(&weights(&params, &layer, &v, &u), &p, 1e-5);
            }
            // Nothing to score with, or the same region everywhere: the same weight everywhere.
            let even = vec![1.0 / regions as f32; questions * regions];
            let same: Vec<f32> = v[..WIDTH].iter().copied().cycle().take(v.len()).collect();
            close(&weights(&params, &layer, &same, &u), &even, 1e-5);
            params.set(layer.score.weight, vec![0.0; HIDDEN]).unwrap();
            close(&weights(&params, &layer, &v, &u), &even, 1e-5);
        }
    }
}

/// Two halves of a region, its score less by ln 2 each, are the region.
#[test]
fn a_region_twice_counts_once_if_its_scores_say_so() {
    let v = normals(1, 3 * WIDTH);
    let twice = [&v[..], &v[2 * WIDTH..]].concat();
    let mixed = |scores: &[f32], v: &[f32]| {
        let asks = Asks::new(&[0], 1, scores.len());
        let p = softmax::<Cpu, NoneTape>(matrix(scores, scores.len())).unwrap();
        Cpu::view(&asks.mix(p, matrix(v, WIDTH)).unwrap()).into_owned()
    };
    let half = 0.7 - 2.0f32.ln();
    close(&mixed(&[0.2, -0.4, half, half], &twice), &mixed(&[0.2, -0.4, 0.7], &v), 1e-6);
}

#[test]
fn several_questions_ask_one_picture() {
    let asks = Asks::new(&[1, 0, 1], 2, 2);
    let v = matrix(&[1.0, 2.0, 3.0, 4.0], 1);
    let each: Matrix<Cpu> = asks.of(v).unwrap();
    assert_eq!(Cpu::view(&each).as_ref(), [3.0, 4.0, 1.0, 2.0, 3.0, 4.0]);
    let mean = asks.mean(each).unwrap();
    assert_eq!(Cpu::view(&mean).as_ref(), [3.5, 1.5, 3.5]);
    assert_eq!(asks.questions(), 3);
    assert!(Asks::new(&[0, 1], 2, 5).rows.is_none());
}

#[test]
fn gradients() {
    for variant in [Variant::Paper, Variant::Released] {
        let mut given = Inputs::new(4);
        let (v, u) = (given.add((2 * 3, WIDTH)), given.add((3, WIDTH)));
        let layer = Attention::new(given.params.root().at("layer"), WIDTH, HIDDEN, variant).unwrap();
        let asks = Asks::new(&[0, 1, 1], 2, 3);
        given.check(|p| {
            let weights =
                layer.weights(&Pass::eval(p), p.get(v).retaped(), p.get(u).retaped(), &asks).unwrap();
            asks.mix(weights, asks.of(p.get(v).retaped()).unwrap()).unwrap()
        });
    }
}

/// b_P moves no score against another, so nothing moves it.
#[test]
fn the_bias_of_scores_has_no_gradient() {
    let mut given = Inputs::new(4);
    let (v, u) = (given.add((5, WIDTH)), given.add((1, WIDTH)));
    let layer = Attention::new(given.params.root().at("layer"), WIDTH, HIDDEN, Variant::Paper).unwrap();
    let asks = Asks::new(&[0], 1, 5);
    let (_, slopes) = given.slopes(&|p: &Params<Cpu>| {
        layer.weights(&Pass::eval(p), p.get(v).retaped(), p.get(u).retaped(), &asks).unwrap()
    });
    let names: Vec<String> = given.params.describe().map(|(name, ..)| name.to_owned()).collect();
    let bias = names.iter().position(|name| name == "layer.score.bias").unwrap();
    assert!(slopes[bias].len() == 1 && slopes[bias][0].abs() < 1e-6, "{:?}", slopes[bias]);
    let weight = names.iter().position(|name| name == "layer.score.weight").unwrap();
    assert!(slopes[weight].iter().any(|slope| slope.abs() > 1e-3));
}

#[test]
fn entropies_are_in_nats() {
    assert!((entropy(&[0.25; 4]) - 4.0f64.ln()).abs() < 1e-9);
    assert!(entropy(&[1.0, 0.0]).abs() < 1e-12);
    let half = entropy(&[0.5, 0.25, 0.25]);
    assert!((half - 1.5 * 2.0f64.ln()).abs() < 1e-9);
}
