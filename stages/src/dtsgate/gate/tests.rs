use proptest::prelude::*;

use super::*;
use crate::kit::testing::close;

/// The specification's worked tokens.
const Z: [f32; 8] = [1.0, 0.0, -1.0, 0.5, 0.2, 0.1, 0.0, -2.0];
const NOISE: [f32; 8] = [0.3, 1.2, -0.4, 0.0, -0.5, 2.0, 0.1, 0.7];

#[test]
fn weights_worked_by_hand() {
    let p = tempered(&Z, &[], 1.0, 4);
    close(&p, &[0.4740, 0.1744, 0.0641, 0.2875, 0.3528, 0.3192, 0.2889, 0.0391], 5e-5);
    for (temperature, expected) in [
        (2.0, [0.3471, 0.3302, 0.0900, 0.2327, 0.1627, 0.5400, 0.1987, 0.0987]),
        (0.5, [0.4938, 0.4043, 0.0022, 0.0997, 0.0080, 0.9731, 0.0178, 0.0011]),
        (0.2, [0.6154, 0.3733, 0.0000, 0.0113, 0.0000, 0.9999, 0.0000, 0.0000]),
    ] {
        close(&tempered(&Z, &NOISE, temperature, 4), &expected, 6e-5);
    }
}

#[test]
fn masks_worked_by_hand() {
    let masks = |temperature, threshold| {
        let mask = above(&tempered(&Z, &NOISE, temperature, 4), threshold);
        mask.chunks(4)
            .map(|m| m.iter().map(|m| if *m { '1' } else { '0' }).collect())
            .collect::<Vec<String>>()
    };
    assert_eq!(masks(2.0, 0.001), ["1111", "1111"]);
    assert_eq!(masks(0.5, 0.001), ["1111", "1111"]);
    assert_eq!(masks(0.5, 0.02), ["1101", "0100"]);
    assert_eq!(masks(0.2, 0.001), ["1101", "0100"]);
    assert_eq!(masks(0.2, 0.02), ["1100", "0100"]);
}

/// Sums of weights a token and the balance loss, in variants S (softmax(z)) and G (tempered).
#[test]
fn sums_and_losses_worked_by_hand() {
    let clean = tempered(&Z, &[], 1.0, 4);
    for (temperature, threshold, sums, losses) in [
        (2.0, 0.001, [1.0, 1.0, 1.0, 1.0], [4.0, 4.0]),
        (0.5, 0.02, [0.9359, 0.3192, 0.9978, 0.9731], [1.7487, 3.3482]),
        (0.2, 0.001, [0.9359, 0.3192, 1.0, 0.9999], [1.7487, 3.3732]),
        (0.2, 0.02, [0.6484, 0.3192, 0.9887, 0.9999], [1.4612, 3.3619]),
    ] {
        let p = tempered(&Z, &NOISE, temperature, 4);
        let mask = above(&p, threshold);
        let kept = |weights: &[f32], row: usize| -> f32 {
            (0..4).filter(|e| mask[row * 4 + e]).map(|e| weights[row * 4 + e]).sum()
        };
        close(&[kept(&clean, 0), kept(&clean, 1), kept(&p, 0), kept(&p, 1)], &sums, 6e-5);
        let slopes = balance(&shares(&mask, 4), 2, Some(&mask), 1.0);
        let loss = |weights: &[f32]| weights.iter().zip(&slopes).map(|(w, a)| w * a).sum();
        close(&[loss(&clean), loss(&p)], &losses, 2e-4);
    }
    let scores: Vec<f32> = Z.iter().zip(&NOISE).map(|(z, n)| z + n).collect();
    assert_eq!(lists(&highest(&scores, 4), 4), [vec![0], vec![1], vec![], vec![]]);
    close(&[clean[0], clean[5]], &[0.4740, 0.3192], 5e-5);
}

/// Six tokens, two experts, an even share of three: the fifth token is one too many for expert 0.
#[test]
fn a_capacity_keeps_the_earliest() {
    let of = [0, 0, 1, 0, 0, 1];
    let mut mask: Vec<bool> = of.iter().flat_map(|e| [*e == 0, *e == 1]).collect();
    assert_eq!(shares(&mask, 2), [4.0 / 6.0, 2.0 / 6.0]);
    assert_eq!(capacity(6, 2, 1, 1.0), 3);
    limit(&mut mask, &mut [0, 0], 3);
    assert_eq!(lists(&mask, 2), [vec![0, 1, 3], vec![2, 5]]);
    assert_eq!((capacity(7, 2, 1, 1.0), capacity(7, 2, 2, 1.0), capacity(7, 2, 1, 1.25)), (4, 8, 5));
}

#[test]
fn a_balance_loss_is_linear_in_weights() {
    let mask = [true, false, true, true];
    let slopes = balance(&shares(&mask, 2), 2, Some(&mask), 0.5);
    close(&slopes, &[0.5, 0.0, 0.5, 0.25], 1e-6);
    close(&balance(&[0.5, 0.5], 2, None, 1.0), &[0.5; 4], 1e-6);
}

#[test]
fn the_first_of_equals_is_the_best() {
    assert_eq!((argmax(&[1.0, 3.0, 3.0]), second(&[1.0, 3.0, 3.0], 1), second(&[2.0], 0)), (1, 2, 0));
}

/// Mean number of experts above the threshold, over draws with these logits.
fn asked(experts: usize, temperature: f64, threshold: f32, spread: f64) -> f64 {
    let draws = 40_000;
    let mut stream = Stream::new(3, "logits");
    let z: Vec<f32> = (0..draws * experts).map(|_| (spread * stream.normal()) as f32).collect();
    let noise = gumbel(Stream::new(5, "noise"), draws * experts);
    let p = tempered(&z, &noise, temperature, experts);
    above(&p, threshold).iter().filter(|m| **m).count() as f64 / draws as f64
}

/// The specification's table of an untrained gate, 40,000 draws, within 0.05.
#[test]
fn how_many_experts_an_untrained_gate_asks() {
    for (temperature, low, high) in [
        (2.0, [4.00, 8.00, 16.00], [3.99, 7.95, 15.09]),
        (1.0, [3.99, 7.94, 15.72], [3.72, 6.37, 8.67]),
        (0.75, [3.93, 7.66, 14.45], [3.34, 5.11, 6.31]),
        (0.5, [3.64, 6.41, 10.11], [2.70, 3.53, 4.08]),
        (0.3, [2.87, 4.12, 5.16], [2.01, 2.35, 2.56]),
        (0.2, [2.25, 2.83, 3.21], [1.66, 1.84, 1.93]),
        (0.1, [1.60, 1.75, 1.85], [1.31, 1.38, 1.42]),
    ] {
        for (i, experts) in [4, 8, 16].into_iter().enumerate() {
            for (threshold, expected) in [(0.001, low[i]), (0.02, high[i])] {
                let found = asked(experts, temperature, threshold, 0.0);
                assert!((found - expected).abs() < 0.05, "τ {temperature}, {experts}, {threshold}: {found}");
            }
        }
    }
    for (temperature, expected) in [(2.0, 15.96), (1.0, 12.31), (0.5, 5.73), (0.3, 3.26), (0.1, 1.56)] {
        let found = asked(16, temperature, 0.001, 2.0);
        assert!((found - expected).abs() < 0.05, "τ {temperature}: {found}");
    }
}

/// The hard phase routes by softmax(z), whatever the temperature: χ² of three degrees of freedom, 0.1 % beyond 16.3.
#[test]
fn a_hard_gate_routes_by_the_softmax_of_its_logits() {
    let draws = 20_000;
    let z: Vec<f32> = Z[..4].repeat(draws);
    let expected = tempered(&Z[..4], &[], 1.0, 4);
    for (temperature, seed) in [(2.0, 1), (0.3, 2)] {
        let p = tempered(&z, &gumbel(Stream::new(seed, "noise"), z.len()), temperature, 4);
        let found = shares(&highest(&p, 4), 4);
        let terms = found.iter().zip(&expected).map(|(f, e)| {
            let e = f64::from(*e);
            draws as f64 * (f - e) * (f - e) / e
        });
        let chi: f64 = terms.sum();
        assert!(chi < 16.3, "τ {temperature}: χ² is {chi}");
    }
}

#[test]
fn noise_is_finite_and_of_its_law() {
    let noise = gumbel(Stream::new(7, "noise"), 100_000);
    assert!(noise.iter().all(|x| x.is_finite()));
    let mean = noise.iter().map(|x| f64::from(*x)).sum::<f64>() / 1e5;
    assert!((mean - 0.5772).abs() < 0.015, "{mean}");
    assert_eq!(noise, gumbel(Stream::new(7, "noise"), 100_000));
}

/// Logits and noise of one token.
fn token() -> impl Strategy<Value = (Vec<f32>, Vec<f32>)> {
    (2usize..17)
        .prop_flat_map(|n| (prop::collection::vec(-8.0f32..8.0, n), prop::collection::vec(-2.0f32..6.0, n)))
}

fn count(mask: &[bool]) -> usize {
    mask.iter().filter(|m| **m).count()
}

proptest! {
    #[test]
    fn weights_sum_to_one((z, noise) in token(), temperature in 0.05f64..4.0) {
        let p = tempered(&z, &noise, temperature, z.len());
        prop_assert!((p.iter().sum::<f32>() - 1.0).abs() < 1e-5);
        let moved: Vec<f32> = z.iter().map(|z| z + 3.0).collect();
        let same = tempered(&moved, &noise, temperature, z.len());
        prop_assert!(p.iter().zip(&same).all(|(a, b)| (a - b).abs() < 2e-4));
    }

    /// Colder gates and higher thresholds ask no more experts, and at least one; all but (E − 1)·θ of the weight is kept.
    #[test]
    fn what_is_asked_shrinks((z, noise) in token(), hot in 0.3f64..4.0, share in 0.1f64..1.0, low in 0.0f32..1.0, high in 0.0f32..1.0) {
        let n = z.len();
        let top = 0.99 / n as f32;
        let (low, high) = (low.min(high) * top, low.max(high) * top);
        let p = tempered(&z, &noise, hot, n);
        let colder = tempered(&z, &noise, hot * share, n);
        prop_assert!(count(&above(&colder, low)) <= count(&above(&p, low)));
        prop_assert!(count(&above(&p, high)) <= count(&above(&p, low)));
        prop_assert!(count(&above(&p, high)) >= 1);
        let kept: f32 = p.iter().filter(|p| **p > low).sum();
        prop_assert!(kept >= 1.0 - (n - 1) as f32 * low - 1e-5 && kept <= 1.0 + 1e-5);
        prop_assert_eq!(count(&highest(&p, n)), 1);
    }

    #[test]
    fn nothing_overflows(z in prop::collection::vec(-1e4f32..1e4, 2..17), temperature in 0.001f64..2.0, seed: u64) {
        let noise = gumbel(Stream::new(seed, "noise"), z.len());
        let p = tempered(&z, &noise, temperature, z.len());
        prop_assert!(p.iter().all(|p| p.is_finite()));
        prop_assert!((p.iter().sum::<f32>() - 1.0).abs() < 1e-5);
    }

    #[test]
    fn a_capacity_is_kept(of in prop::collection::vec(0usize..5, 1..60), factor in 0.2f64..3.0) {
        let mut mask: Vec<bool> = of.iter().flat_map(|e| (0..5).map(move |i| i == *e)).collect();
        let most = capacity(of.len(), 5, 1, factor);
        limit(&mut mask, &mut [0; 5], most);
        for (e, rows) in lists(&mask, 5).iter().enumerate() {
            let all: Vec<u32> = (0..of.len() as u32).filter(|n| of[*n as usize] == e).collect();
            prop_assert_eq!(rows.as_slice(), &all[..all.len().min(most)]);
        }
    }
}
