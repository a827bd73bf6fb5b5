//! `data.templates`: noisy pictures of soft patterns, one of the class and one that misleads.

use rayon::prelude::*;
use runpipe_base::{Ctx, Inputs, Output, Spec, Stage, StageError, params};

use super::pictures::{DATASET, KIND, Pictures, Pixels, dataset};
use crate::code;
use crate::kit::rng::Stream;

const CLASSES: usize = 10;
const CHANNELS: usize = 3;
/// Side of a picture.
const SIDE: usize = 16;
/// Side of a pattern.
const PATTERN: usize = 12;
/// A byte is 128 and so many for each unit; noise, pattern and distractor together rarely reach the ends.
const UNIT: f64 = 20.0;

params! {
    /// Parameters of [`Templates`].
    pub struct TemplatesParams {
        /// Patterns and pictures are drawn from it.
        seed: u64 = 0;
        /// Pictures to train on.
        train: usize = 11_000, in 10..=1_000_000;
        /// Pictures to judge by.
        test: usize = 4000, in 10..=1_000_000;
        /// Standard deviation of the noise; the patterns' is 1.
        noise: f64 = 0.8, in 0.0..=4.0;
    }
}

/// `data.templates`: generates a task of pictures that is learnt smoothly and better by wider nets.
pub struct Templates;

impl Stage for Templates {
    type Params = TemplatesParams;

    fn spec(&self) -> Spec {
        Spec::new(
            "data.templates",
            code::DATA,
            DATASET,
            "Generates pictures of 16×16 in ten classes: a soft pattern of the class, another that misleads, noise.",
        )
        .part("train", KIND, "pictures to train on")
        .part("test", KIND, "pictures to judge by")
    }

    fn run(&self, p: &TemplatesParams, _: &Inputs<'_>, _: &mut Ctx<'_>) -> Result<Output, StageError> {
        let patterns = patterns(p.seed);
        let draw = |split: &str, count| pictures(&patterns, count, p.noise, Stream::new(p.seed, split));
        Ok(dataset(&draw("train", p.train), &draw("test", p.test)))
    }
}

/// Patterns of mean 0 and variance 1: those of the classes, then as many distractors.
fn patterns(seed: u64) -> Vec<Vec<f64>> {
    let stream = Stream::new(seed, "patterns");
    let pattern = |index: usize| {
        let mut stream = stream.child(index as u64);
        let mut pattern: Vec<f64> = (0..CHANNELS * PATTERN * PATTERN).map(|_| stream.normal()).collect();
        for _ in 0..2 {
            pattern = pattern.chunks_exact(PATTERN * PATTERN).flat_map(blurred).collect();
        }
        let count = pattern.len() as f64;
        let mean = pattern.iter().sum::<f64>() / count;
        let variance = pattern.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / count;
        pattern.iter().map(|x| (x - mean) / variance.sqrt()).collect()
    };
    (0..2 * CLASSES).map(pattern).collect()
}

/// The mean of every number's neighbours, down, across and itself.
fn blurred(plane: &[f64]) -> Vec<f64> {
    let near = |at: usize| at.saturating_sub(1)..(at + 2).min(PATTERN);
    let mean = |y: usize, x: usize| {
        let numbers: Vec<f64> = near(y).flat_map(|y| near(x).map(move |x| plane[y * PATTERN + x])).collect();
        numbers.iter().sum::<f64>() / numbers.len() as f64
    };
    (0..PATTERN * PATTERN).map(|i| mean(i / PATTERN, i % PATTERN)).collect()
}

fn pictures(patterns: &[Vec<f64>], count: usize, noise: f64, stream: Stream) -> Pictures {
    let area = CHANNELS * SIDE * SIDE;
    let (mut bytes, mut labels) = (vec![0; count * area], vec![0; count]);
    bytes.par_chunks_exact_mut(area).zip(&mut labels).enumerate().for_each(|(i, (pixels, label))| {
        let mut stream = stream.child(i as u64);
        let class = stream.below(CLASSES);
        let mut numbers: Vec<f64> = (0..area).map(|_| noise * stream.normal()).collect();
        let distractor = CLASSES + stream.below(CLASSES);
        for (which, least) in [(class, 0.6), (distractor, 0.4)] {
            let strength = least + 0.6 * stream.uniform();
            add(&mut numbers, &patterns[which], strength, &mut stream);
        }
        *label = class as u32;
        for (pixel, number) in pixels.iter_mut().zip(numbers) {
            *pixel = (128.0 + UNIT * number).round().clamp(0.0, 255.0) as u8;
        }
    });
    let classes = (0..CLASSES).map(|class| class.to_string()).collect();
    Pictures { pixels: Pixels::Held(bytes), size: [CHANNELS, SIDE, SIDE], labels, classes }
}

/// Adds a pattern at a random place, mirrored half of the time.
fn add(numbers: &mut [f64], pattern: &[f64], strength: f64, stream: &mut Stream) {
    let (down, right) = (stream.below(SIDE - PATTERN + 1), stream.below(SIDE - PATTERN + 1));
    let mirrored = stream.chance(0.5);
    for (i, x) in pattern.iter().enumerate() {
        let (channel, row, column) = (i / (PATTERN * PATTERN), i / PATTERN % PATTERN, i % PATTERN);
        let column = if mirrored { PATTERN - 1 - column } else { column };
        numbers[(channel * SIDE + down + row) * SIDE + right + column] += strength * x;
    }
}

#[cfg(test)]
mod tests;
