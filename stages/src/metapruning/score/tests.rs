use dfdx::prelude::Cpu;

use super::super::grid;
use super::super::net::Family;
use super::super::prunenet::{Making, PruningNet};
use super::super::sample::uniform;
use super::*;
use crate::data::pictures::Pixels;
use crate::kit::rng::Stream;
use crate::kit::testing::threads;

fn pictures(count: usize, seed: u64) -> Pictures {
    let mut stream = Stream::new(seed, "pictures");
    Pictures {
        pixels: Pixels::Held((0..count * 192).map(|_| stream.below(256) as u8).collect()),
        size: [3, 8, 8],
        labels: (0..count).map(|_| stream.below(4) as u32).collect(),
        classes: ["a", "b", "c", "d"].map(str::to_owned).to_vec(),
    }
}

/// Sharing maps, the order of candidates and the number of threads change no score.
#[test]
fn scores_are_those_of_candidates_alone() {
    for family in [Family::Flat, Family::MobilenetV2] {
        let mut net = Net::new(family, 1, [3, 8, 8], 4);
        net.blocks.truncate(6);
        net.wires[1..].iter_mut().for_each(|wire| wire.base = wire.base.min(16));
        let features = net.features();
        net.wires[features].gene = None;
        let mut params = Params::new(&Cpu::default(), 3);
        let layers = PruningNet::new(&mut params, &net, Making::default()).unwrap();
        let (calibration, judged) = (pictures(40, 1), pictures(60, 2));
        let exam = Exam::new(&Cpu::default(), &calibration, 30, &judged, &Scale::of(&calibration)).unwrap();
        let mut stream = Stream::new(1, "genes");
        let mut genes: Vec<Gene> =
            (0..6).map(|_| uniform(net.genes, &(0..=grid::FULL), &mut stream)).collect();
        // Some that share their first blocks with others.
        for i in 0..6 {
            let mut near = genes[i].clone();
            near[net.genes - 1] = (near[net.genes - 1] + 5) % 31;
            genes.push(near);
        }
        let run = |genes: &[Gene]| scores(&params, &net, &layers, genes, &exam).unwrap();
        let together = threads(1, || run(&genes));
        assert_eq!(together, threads(3, || run(&genes)));
        let alone: Vec<f64> = genes.iter().map(|gene| run(std::slice::from_ref(gene))[0]).collect();
        assert_eq!(together, alone);
        let reversed: Vec<Gene> = genes.iter().rev().cloned().collect();
        assert_eq!(run(&reversed).into_iter().rev().collect::<Vec<_>>(), together);
        assert!(together.iter().any(|score| (score - together[0]).abs() > 1.0), "{together:?}");
    }
}

#[test]
fn the_first_of_equal_numbers_is_the_best() {
    assert_eq!(argmax(&[1.0, 3.0, 3.0]), 1);
    assert_eq!(argmax(&[f32::NAN, 1.0]), 0);
}
