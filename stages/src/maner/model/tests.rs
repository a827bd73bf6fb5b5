use dfdx::prelude::{Backward as _, Cpu, NoneTape};
use proptest::prelude::*;

use super::{Batch, Model, Tagger};
use crate::kit::backend::{Backend as _, Taped};
use crate::kit::nn::encoder::EncoderSizes;
use crate::kit::ops::cross_entropy::cross_entropy;
use crate::kit::optim::{Optimizer, OptimizerConfig};
use crate::kit::params::{self, Params, Pass};
use crate::maner::config::Config;
use crate::maner::layout::{Layout, Long, Places, Pool, Sequence, Site, Visibility};
use crate::maner::tokenizer::Special;

const SPECIAL: Special = Special { start: 0, pad: 1, end: 2, unknown: 3, mask: 4 };
const CLASSES: usize = 5;

fn config() -> Config {
    let sizes = EncoderSizes {
        vocabulary: 30,
        positions: 64,
        width: 8,
        layers: 2,
        heads: 2,
        inner: 16,
        dropout: 0.1,
        epsilon: 1e-5,
    };
    Config::new(sizes, SPECIAL.pad)
}

/// A small tagger whose weights are large enough to make a difference.
fn tagger(hidden_layer: bool) -> (Params<Cpu>, Tagger) {
    let mut params = Params::new(&Cpu::default(), 3);
    let tagger = Tagger::new(&mut params, &config(), CLASSES, hidden_layer).unwrap();
    let names: Vec<(String, Vec<usize>)> = params.describe().map(|(n, _, s)| (n.to_owned(), s)).collect();
    let grown = names.iter().map(|(name, sizes)| {
        let factor = if name.ends_with("weight") && sizes.len() == 2 { 12.0 } else { 1.0 };
        (name.as_str(), sizes.clone(), params.numbers(name).unwrap().iter().map(|x| factor * x).collect())
    });
    let file = params::save(grown.collect::<Vec<_>>()).unwrap();
    params.load(&file).unwrap();
    (params, tagger)
}

fn layout(site: Site) -> Layout {
    Layout {
        site,
        pool: Pool::First,
        visibility: Visibility::Full,
        places: Places::Consecutive,
        filler: SPECIAL.mask,
        special: SPECIAL,
        max_len: 64,
        long: Long::Windows,
    }
}

fn sequences(site: Site) -> Vec<Sequence> {
    let sentences = [
        vec![vec![7], vec![8, 9], vec![10]],
        vec![vec![20, 21, 22, 23]],
        vec![vec![11], vec![7], vec![12], vec![13, 14], vec![15]],
    ];
    sentences.iter().flat_map(|units| layout(site).sequences(units, 0..units.len())).collect()
}

fn logits(params: &Params<Cpu>, tagger: &Tagger, sequences: &[&Sequence]) -> Vec<Vec<f32>> {
    let batch = Batch::of(sequences.iter().copied());
    let logits = tagger.logits::<Cpu, NoneTape>(&Pass::eval(params), &batch).unwrap();
    Cpu::view(&logits).chunks_exact(CLASSES).map(<[f32]>::to_vec).collect()
}

fn near(a: &[Vec<f32>], b: &[Vec<f32>]) -> bool {
    a.len() == b.len() && a.iter().flatten().zip(b.iter().flatten()).all(|(a, b)| (a - b).abs() < 1e-5)
}

#[test]
fn company_in_a_batch_changes_nothing() {
    for site in [Site::Tokcls, Site::Prepend, Site::Append, Site::MaskFiller, Site::Cloze] {
        let (params, tagger) = tagger(false);
        let sequences = sequences(site);
        let all: Vec<&Sequence> = sequences.iter().collect();
        let alone: Vec<Vec<f32>> = all.iter().flat_map(|s| logits(&params, &tagger, &[s])).collect();
        assert!(near(&logits(&params, &tagger, &all), &alone), "{site:?}");
        let turned: Vec<&Sequence> = sequences.iter().rev().collect();
        let back: Vec<Vec<f32>> = all.iter().rev().flat_map(|s| logits(&params, &tagger, &[s])).collect();
        assert!(near(&logits(&params, &tagger, &turned), &back), "{site:?} in another order");
    }
}

#[test]
fn evaluation_has_no_dropout() {
    let (params, tagger) = tagger(true);
    let sequences = sequences(Site::Prepend);
    let all: Vec<&Sequence> = sequences.iter().collect();
    assert_eq!(logits(&params, &tagger, &all), logits(&params, &tagger, &all));
}

#[test]
fn every_word_is_seen_by_every_mask() {
    let (params, tagger) = tagger(false);
    let of = |units: &[Vec<u32>]| {
        let sequence = layout(Site::Prepend).sequences(units, 0..units.len()).remove(0);
        logits(&params, &tagger, &[&sequence])
    };
    let units = vec![vec![7], vec![8, 9], vec![10]];
    let plain = of(&units);
    for word in 0..3 {
        let mut other = units.clone();
        other[word][0] = 25;
        assert!(of(&other).iter().zip(&plain).all(|(a, b)| a != b), "word {word} reaches all masks");
    }
}

/// Masks that are seen by themselves alone and stand where their words do leave the words as they were.
#[test]
fn a_mask_that_only_asks_changes_no_word() {
    let (params, tagger) = tagger(false);
    let units = [vec![7], vec![8, 9], vec![10], vec![11]];
    let of = |site: Site, visibility: Visibility, places: Places| {
        let layout = Layout { visibility, places, ..layout(site) };
        logits(&params, &tagger, &[&layout.sequences(&units, 0..4).remove(0)])
    };
    let plain = of(Site::Tokcls, Visibility::Full, Places::Consecutive);
    // The filler's words are read where the plain tagger reads them.
    let apart = of(Site::MaskFiller, Visibility::QueryOnly, Places::Shared);
    assert!(near(&plain, &apart), "{plain:?} and {apart:?}");
    for (visibility, places) in
        [(Visibility::Full, Places::Shared), (Visibility::QueryOnly, Places::Consecutive)]
    {
        assert!(!near(&plain, &of(Site::MaskFiller, visibility, places)), "{visibility:?} {places:?}");
    }
    let asking = of(Site::Prepend, Visibility::QueryOnly, Places::Shared);
    assert!(!near(&asking, &of(Site::Prepend, Visibility::Full, Places::Consecutive)));
}

#[test]
fn a_mean_of_one_piece_is_that_piece() {
    let (params, tagger) = tagger(false);
    let of = |pool: Pool, units: &[Vec<u32>]| {
        let layout = Layout { pool, ..layout(Site::Tokcls) };
        logits(&params, &tagger, &[&layout.sequences(units, 0..units.len()).remove(0)])
    };
    let single = [vec![7], vec![8], vec![10]];
    assert!(near(&of(Pool::First, &single), &of(Pool::Mean, &single)));
    let several = [vec![7], vec![8, 9, 12], vec![10]];
    let (first, last, mean) = (of(Pool::First, &several), of(Pool::Last, &several), of(Pool::Mean, &several));
    assert!(
        near(&first[..1], &mean[..1]) && !near(&first[1..2], &mean[1..2]) && !near(&last[1..2], &mean[1..2])
    );
}

/// The gradient of the loss by the parameter's name: what one step of plain descent at rate 1 takes away.
fn gradient(params: &Params<Cpu>, tagger: &Tagger, batch: &Batch, labels: &[u32]) -> Vec<(String, Vec<f32>)> {
    let mut moved = params.clone();
    let pass = Pass::eval(params);
    let logits = tagger.logits::<Cpu, Taped<Cpu>>(&pass, batch).unwrap();
    let grads = cross_entropy(logits, labels, 0.0).unwrap().backward();
    Optimizer::new(OptimizerConfig::sgd(0.0, false, 0.0)).step(&mut moved, grads, 1.0).unwrap();
    let names: Vec<String> = params.describe().map(|(name, _, _)| name.to_owned()).collect();
    let difference = |name: &String| {
        let (old, new) = (params.numbers(name).unwrap(), moved.numbers(name).unwrap());
        old.iter().zip(new).map(|(old, new)| old - new).collect::<Vec<f32>>()
    };
    names.iter().map(|name| (name.clone(), difference(name))).collect()
}

fn loss(params: &Params<Cpu>, tagger: &Tagger, batch: &Batch, labels: &[u32]) -> f64 {
    let logits = tagger.logits::<Cpu, NoneTape>(&Pass::eval(params), batch).unwrap();
    let rows = Cpu::view(&logits).chunks_exact(CLASSES).map(<[f32]>::to_vec).collect::<Vec<_>>();
    let row = |(row, label): (&Vec<f32>, &u32)| {
        let sum: f64 = row.iter().map(|x| f64::from(*x).exp()).sum();
        sum.ln() - f64::from(row[*label as usize])
    };
    rows.iter().zip(labels).map(row).sum::<f64>() / labels.len() as f64
}

#[test]
fn gradients_are_those_of_finite_differences() {
    for site in [Site::Tokcls, Site::Prepend] {
        let (params, tagger) = tagger(true);
        let sequences = sequences(site);
        let batch = Batch::of(&sequences);
        let labels: Vec<u32> = (0..batch.sites.len()).map(|i| (i % CLASSES) as u32).collect();
        for (name, slope) in gradient(&params, &tagger, &batch, &labels) {
            let length: f64 = slope.iter().map(|g| f64::from(g * g)).sum::<f64>().sqrt();
            if length < 1e-4 {
                continue;
            }
            // Along the gradient the loss rises by its length; a step of 1e-2 leaves an error of the third derivative.
            let sizes = params.describe().find(|(n, _, _)| *n == name).unwrap().2;
            let at = |step: f64| {
                let old = params.numbers(&name).unwrap();
                let new = old
                    .iter()
                    .zip(&slope)
                    .map(|(x, g)| (f64::from(*x) + step * f64::from(*g) / length) as f32);
                let file = params::save([(name.as_str(), sizes.clone(), new.collect())]).unwrap();
                let mut moved = params.clone();
                moved.load_some(&file, |n| n == name).unwrap();
                loss(&moved, &tagger, &batch, &labels)
            };
            let found = (at(1e-2) - at(-1e-2)) / 2e-2;
            assert!(
                (found - length).abs() < 0.02 * length + 2e-4,
                "{site:?} `{name}`: {found}, not {length}"
            );
        }
    }
}

#[test]
fn only_masks_that_are_there_learn() {
    for (site, learns) in [(Site::Tokcls, false), (Site::Prepend, true), (Site::Append, true)] {
        let (params, tagger) = tagger(false);
        let sequences = sequences(site);
        let batch = Batch::of(&sequences);
        let labels = vec![1; batch.sites.len()];
        let (_, slope) = gradient(&params, &tagger, &batch, &labels).swap_remove(0);
        let mask = &slope[SPECIAL.mask as usize * 8..][..8];
        assert_eq!(mask.iter().any(|g| *g != 0.0), learns, "{site:?}: {mask:?}");
    }
}

#[test]
fn a_fresh_head_is_undecided() {
    let mut params = Params::new(&Cpu::default(), 1);
    let tagger = Tagger::new(&mut params, &config(), 9, false).unwrap();
    let sequences = sequences(Site::Prepend);
    let batch = Batch::of(&sequences);
    let logits = tagger.logits::<Cpu, NoneTape>(&Pass::eval(&params), &batch).unwrap();
    let loss = cross_entropy(logits, &vec![2; batch.sites.len()], 0.0).unwrap();
    let (found, chance) = (Cpu::view(&loss)[0], 9_f32.ln());
    assert!((found - chance).abs() < 0.15 * chance, "{found}, not {chance}");
}

#[test]
fn files_must_fit_each_other() {
    let mut params = Params::new(&Cpu::default(), 1);
    let small = Config { vocab_size: 10, ..config() };
    Tagger::new(&mut params, &small, CLASSES, false).unwrap();
    let weights = crate::maner::hub::save(&params::load(&params.save().unwrap()).unwrap(), &small).unwrap();
    let subwords = crate::maner::tokenizer::Subwords::learn(["a few words of a text"], 40).unwrap();
    let json = subwords.save().unwrap();
    let refusal =
        |config: Config| Model::of(config, json.as_bytes(), &[&weights]).map(|_| ()).unwrap_err().to_string();
    assert_eq!(
        refusal(small.clone()),
        format!(
            "`tokenizer.json` has {} tokens, more than the `vocab_size` 10 of `config.json`",
            subwords.size
        )
    );
    let moved = Config { vocab_size: 40, pad_token_id: 0, ..small };
    assert_eq!(refusal(moved), "the padding token is 1 in `tokenizer.json`, 0 in `config.json`");
}

proptest! {
    #[test]
    fn a_batch_reads_the_rows_of_its_sites(lengths in prop::collection::vec(1_usize..6, 1..8)) {
        let units: Vec<Vec<Vec<u32>>> =
            lengths.iter().map(|n| (0..*n).map(|i| vec![5 + i as u32; 1 + i % 3]).collect()).collect();
        let sequences: Vec<Sequence> =
            units.iter().flat_map(|u| layout(Site::Prepend).sequences(u, 0..u.len())).collect();
        let batch = Batch::of(&sequences);
        prop_assert_eq!(batch.packed.rows(), batch.ids.len());
        prop_assert_eq!(batch.sites.len(), lengths.iter().sum::<usize>());
        prop_assert!(batch.sites.iter().all(|row| batch.ids[*row as usize] == SPECIAL.mask));
    }
}
