use super::*;
use crate::kit::testing::threads;
use crate::testing::{Bench, int};

#[test]
fn patterns_are_standard() {
    let patterns = patterns(3);
    assert_eq!(patterns.len(), 20);
    for pattern in &patterns {
        let count = pattern.len() as f64;
        let mean = pattern.iter().sum::<f64>() / count;
        let variance = pattern.iter().map(|x| x * x).sum::<f64>() / count;
        assert!(mean.abs() < 1e-9 && (variance - 1.0).abs() < 1e-9);
    }
}

/// Without noise a picture is two patterns, and only they reach outside the middle.
#[test]
fn pictures_are_made_of_patterns_and_noise() {
    let patterns = patterns(1);
    let spread = |noise| {
        let pictures = pictures(&patterns, 200, noise, Stream::new(1, "train"));
        let Pixels::Held(bytes) = pictures.pixels else { panic!("they are generated") };
        let numbers = bytes.iter().map(|byte| (f64::from(*byte) - 128.0) / UNIT);
        numbers.map(|x| x * x).sum::<f64>() / bytes.len() as f64
    };
    // A pattern covers 9/16 of a picture; E a² = 0.84, E b² = 0.52.
    let expected = 9.0 / 16.0 * (0.84 + 0.52);
    assert!((spread(0.0) - expected).abs() < 0.06, "{}", spread(0.0));
    assert!((spread(0.8) - expected - 0.64).abs() < 0.06, "{}", spread(0.8));
}

#[test]
fn splits_differ_and_threads_do_not_matter() {
    let params = [("train", int(40)), ("test", int(20))];
    let run = || {
        let mut bench = Bench::new();
        let ran = bench.run("data.templates", &params, &[]);
        ["train", "test"].map(|part| Pictures::read(&bench.view(ran.part(part))).unwrap())
    };
    let sets = threads(1, run);
    assert_eq!(sets, threads(3, run));
    assert_eq!(sets.each_ref().map(Pictures::len), [40, 20]);
    assert_ne!(sets[0].stored(0), sets[1].stored(0));
}
