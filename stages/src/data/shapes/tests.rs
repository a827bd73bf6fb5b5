use super::*;
use crate::testing::{Bench, int};

/// Every shape covers a fair part of its square and no two shapes the same.
#[test]
fn shapes_differ() {
    let cover = |shape: usize| -> Vec<bool> {
        (0..1600)
            .map(|i| covers(shape, (i % 40) as f64 / 20.0 - 0.975, (i / 40) as f64 / 20.0 - 0.975))
            .collect()
    };
    for shape in 0..5 {
        let covered = cover(shape).iter().filter(|c| **c).count();
        assert!((300..1200).contains(&covered), "shape {shape} covers {covered}");
        assert!((0..shape).all(|other| cover(other) != cover(shape)));
    }
}

#[test]
fn all_classes_occur() {
    let mut bench = Bench::new();
    let ran = bench.run("data.shapes", &[("train", int(300)), ("test", int(20))], &[]);
    let train = Pictures::read(&bench.view(ran.part("train"))).unwrap();
    for class in 0..10 {
        let count = train.labels.iter().filter(|label| **label == class).count();
        assert!((10..60).contains(&count), "{count} of class {class}");
    }
}
