use std::collections::BTreeSet;

use super::*;
use crate::data::pictures::Pixels;
use crate::testing::{Bench, int};

fn pictures(counts: &[usize]) -> Pictures {
    let labels: Vec<u32> =
        counts.iter().enumerate().flat_map(|(class, n)| std::iter::repeat_n(class as u32, *n)).collect();
    Pictures {
        pixels: Pixels::Held((0..labels.len()).map(|i| i as u8).collect()),
        size: [1, 1, 1],
        classes: (0..counts.len()).map(|class| class.to_string()).collect(),
        labels,
    }
}

fn params(held: usize, kept: Option<usize>, seed: u64) -> SplitParams {
    SplitParams { held, kept, share: None, seed }
}

/// Invariant 16: the parts share no picture, hold exact counts of each class, and together are the whole.
#[test]
fn parts_are_exact() {
    let all = pictures(&[10, 20, 30]);
    let (held, kept) = parted(&all, 9, &params(9, None, 3));
    let count = |places: &[usize], class: u32| places.iter().filter(|i| all.labels[**i] == class).count();
    assert_eq!([0, 1, 2].map(|class| count(&held, class)), [3, 3, 3]);
    let both: BTreeSet<usize> = held.iter().chain(&kept).copied().collect();
    assert_eq!((both.len(), held.len() + kept.len()), (60, 60));
    let (other, _) = parted(&all, 9, &params(9, None, 4));
    assert_ne!(held, other);
    // What is kept is as even as it can be: the smallest class runs out.
    let (_, few) = parted(&all, 3, &params(3, Some(45), 3));
    assert_eq!([0, 1, 2].map(|class| count(&few, class)), [9, 18, 18]);
}

#[test]
fn too_few_pictures_are_told() {
    let mut bench = Bench::new();
    let images = bench.keep(pictures(&[3, 3]).write());
    let ran = bench.run("data.split", &[("held", int(2))], &[("images", &images)]);
    assert_eq!((ran.metrics["kept_images"], ran.metrics["held_images"]), (4.0, 2.0));
    let error = bench.attempt("data.split", &[("held", int(6))], &[("images", &images)]).unwrap_err();
    assert_eq!(error.to_string(), "expected at least 7 pictures, found 6");
    // By shares a set of any size is parted.
    let params = [("held", int(4000)), ("kept", int(2000)), ("share", runpipe_base::Value::Float(0.4))];
    let ran = bench.run("data.split", &params, &[("images", &images)]);
    assert_eq!((ran.metrics["kept_images"], ran.metrics["held_images"]), (4.0, 2.0));
    let one = bench.keep(pictures(&[1]).write());
    let error = bench.attempt("data.split", &params, &[("images", &one)]).unwrap_err();
    assert_eq!(error.to_string(), "expected at least 2 pictures, found 1");
}
