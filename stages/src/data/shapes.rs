//! `data.shapes`: pictures of plain shapes with stripes or checks.

use rayon::prelude::*;
use runpipe_base::{Ctx, Inputs, Output, Spec, Stage, StageError, params};

use super::pictures::{DATASET, KIND, Pictures, Pixels, dataset};
use crate::code;
use crate::kit::rng::Stream;

const CLASSES: [&str; 10] = [
    "striped disk",
    "checked disk",
    "striped square",
    "checked square",
    "striped triangle",
    "checked triangle",
    "striped cross",
    "checked cross",
    "striped ring",
    "checked ring",
];

params! {
    /// Parameters of [`ShapeImages`].
    pub struct ShapesParams {
        /// Pictures are drawn from it.
        seed: u64 = 0;
        /// Pictures to train on.
        train: usize = 2000, in 10..=1_000_000;
        /// Pictures to judge by.
        test: usize = 1000, in 10..=1_000_000;
        /// Height and width of a picture.
        side: usize = 16, in 8..=256, unit "pixels";
    }
}

/// `data.shapes`: generates pictures of shapes in random poses and colours.
pub struct ShapeImages;

impl Stage for ShapeImages {
    type Params = ShapesParams;

    fn spec(&self) -> Spec {
        Spec::new(
            "data.shapes",
            code::DATA,
            DATASET,
            "Generates pictures of disks, squares, triangles, crosses and rings, striped or checked: ten classes.",
        )
        .part("train", KIND, "pictures to train on")
        .part("test", KIND, "pictures to judge by")
    }

    fn run(&self, p: &ShapesParams, _: &Inputs<'_>, _: &mut Ctx<'_>) -> Result<Output, StageError> {
        let draw = |split: &str, count| pictures(count, p.side, Stream::new(p.seed, split));
        Ok(dataset(&draw("train", p.train), &draw("test", p.test)))
    }
}

fn pictures(count: usize, side: usize, stream: Stream) -> Pictures {
    let area = 3 * side * side;
    let (mut bytes, mut labels) = (vec![0; count * area], vec![0; count]);
    bytes.par_chunks_exact_mut(area).zip(&mut labels).enumerate().for_each(|(i, (pixels, label))| {
        let mut stream = stream.child(i as u64);
        let class = stream.below(CLASSES.len());
        *label = class as u32;
        draw(pixels, side, class, &mut stream);
    });
    let classes = CLASSES.map(str::to_owned).to_vec();
    Pictures { pixels: Pixels::Held(bytes), size: [3, side, side], labels, classes }
}

/// Draws a picture of a class: background, shape in two colours, noise.
fn draw(pixels: &mut [u8], side: usize, class: usize, stream: &mut Stream) {
    let mut between = |least: f64, most: f64| least + (most - least) * stream.uniform();
    let half = side as f64 / 2.0;
    let (middle_y, middle_x) = (half * between(0.8, 1.2), half * between(0.8, 1.2));
    let (radius, angle) = (half * between(0.55, 0.85), between(0.0, std::f64::consts::TAU));
    let (period, phase) = (side as f64 * between(0.2, 0.3), between(0.0, 1.0));
    let colours: Vec<f64> = (0..9).map(|_| between(0.0, 1.0)).collect();
    let sigma = between(0.12, 0.25);
    let (sine, cosine) = (libm::sin(angle), libm::cos(angle));
    for i in 0..side * side {
        let (y, x) = ((i / side) as f64 + 0.5 - middle_y, (i % side) as f64 + 0.5 - middle_x);
        let (u, v) = (x * cosine + y * sine, y * cosine - x * sine);
        let odd = |along: f64| libm::floor(along / period + phase).rem_euclid(2.0) >= 1.0;
        let marked = if class.is_multiple_of(2) { odd(u) } else { odd(u) != odd(v) };
        let colour = if covers(class / 2, u / radius, v / radius) { 1 + usize::from(marked) } else { 0 };
        for channel in 0..3 {
            let number = colours[3 * colour + channel] + sigma * stream.normal();
            pixels[channel * side * side + i] = (255.0 * number).round().clamp(0.0, 255.0) as u8;
        }
    }
}

/// Whether a shape of radius 1 around the origin covers a place.
fn covers(shape: usize, u: f64, v: f64) -> bool {
    let distance = libm::hypot(u, v);
    match shape {
        0 => distance <= 0.9,
        1 => u.abs().max(v.abs()) <= 0.75,
        // Three half-planes, a third of a turn apart.
        2 => v >= -0.5 && v <= 1.0 - 1.732 * u.abs(),
        3 => u.abs().min(v.abs()) <= 0.3 && u.abs().max(v.abs()) <= 0.9,
        _ => (0.5..=0.95).contains(&distance),
    }
}

#[cfg(test)]
mod tests;
