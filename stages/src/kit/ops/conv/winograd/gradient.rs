//! The gradient of filters: of those of the squares, dU = Σ (A·dy·Aᵀ) ∘ (Bᵀ·d·B) over squares, and then dg = Gᵀ·dU·G.

use std::ops::Range;

use pulp::Arch;
use rayon::prelude::*;

use super::super::Shapes;
use super::squares::{Enter, Lower, Return};
use super::{AT_ONCE, PLACES, SQUARES, TAPS, Winograd, area, pitch, wide};
use crate::kit::cpu::gemm::{Mat, Old, matmul_one};
use crate::kit::cpu::par;
use crate::kit::cpu::tile;
use crate::kit::cpu::turn::turn;

/// Numbers that all partial sums may hold together.
const PARTIAL: usize = 1 << 21;

/// The most parts that the images are cut into.
const PARTS: usize = 8;

/// Inputs that one task looks at, where there are fewer parts.
const INPUTS: usize = 128;

/// What one task sums up: some inputs of some images.
struct Part<'a> {
    x: &'a [f32],
    dy: &'a [f32],
    /// Planes of an image of x and of dy.
    planes: [usize; 2],
    inputs: Range<usize>,
}

impl Winograd {
    /// Adds Σ over images and windows of dy·patch to `dw`.
    ///
    /// The images are cut into parts that depend on the shapes only; each part's sum is taken in order, and then the
    /// sums of the parts, in order.
    pub(in super::super) fn weight_gradient(&self, shapes: &Shapes, x: &[f32], dy: &[f32], dw: &mut [f32]) {
        let Shapes { channels: inputs, outputs, depth, .. } = *shapes;
        let (from, to) = (inputs * area(self.plane), outputs * area(self.grid));
        if dy.is_empty() {
            return;
        }
        let (images, wide_out) = (dy.len() / to, wide(outputs));
        let len = PLACES * inputs * wide_out;
        let parts = (PARTIAL / len).clamp(1, PARTS).min(images);
        let at_once = if parts == PARTS { inputs } else { INPUTS.min(inputs) };
        let images_each = images.div_ceil(parts);
        let parts = images.div_ceil(images_each);
        let mut sums = vec![0.0; parts * len];
        let tasks = sums.par_chunks_exact_mut(len).enumerate().flat_map(|(part, sums)| {
            let blocks = sums.par_chunks_mut(at_once * PLACES * wide_out).enumerate();
            blocks.map(move |(block, sums)| (part * images_each, block * at_once, sums))
        });
        tasks.for_each(|(image, first, sums)| {
            let count = images_each.min(images - image);
            let part = Part {
                x: &x[image * from..][..count * from],
                dy: &dy[image * to..][..count * to],
                planes: [inputs, outputs],
                inputs: first..inputs.min(first + at_once),
            };
            self.sum(&part, sums);
        });
        let sums = Sums { numbers: &sums, len, at_once, wide: wide_out };
        sums.lower(inputs, outputs, depth * TAPS, dw);
    }

    /// Sums over some images for some inputs.
    fn sum(&self, part: &Part<'_>, sums: &mut [f32]) {
        let Part { x, dy, planes: [inputs, outputs], inputs: some } = part;
        let (from, to) = (inputs * area(self.plane), outputs * area(self.grid));
        let (count, wide_in, wide_out) = (some.len(), wide(some.len()), wide(*outputs));
        let at_once = SQUARES.div_ceil(self.squares()).min(dy.len() / to);
        let mut pixels = vec![0.0; (at_once * area(self.plane) + 1) * wide_in];
        let mut slopes = vec![0.0; (at_once * area(self.grid) + 1) * wide_out];
        let mut left = vec![0.0; PLACES * pitch(wide_in)];
        let mut right = vec![0.0; PLACES * pitch(wide_out)];
        for (x, dy) in x.chunks(at_once * from).zip(dy.chunks(at_once * to)) {
            for (x, pixels) in x.chunks_exact(from).zip(pixels.chunks_mut(area(self.plane) * wide_in)) {
                turn(
                    &x[some.start * area(self.plane)..],
                    area(self.plane),
                    count,
                    area(self.plane),
                    pixels,
                    wide_in,
                );
            }
            for (dy, slopes) in dy.chunks_exact(to).zip(slopes.chunks_mut(area(self.grid) * wide_out)) {
                turn(dy, area(self.grid), *outputs, area(self.grid), slopes, wide_out);
            }
            let total = dy.len() / to * self.squares();
            for first in (0..total).step_by(SQUARES) {
                let which = first..total.min(first + SQUARES);
                let squares = which.len();
                let seen: Vec<_> =
                    which.clone().map(|s| self.seen(s, at_once).map(|at| at * wide_in)).collect();
                let places: Vec<_> = which.map(|s| self.made(s, at_once).map(|at| at * wide_out)).collect();
                Arch::new().dispatch(Enter { pixels: &pixels, seen: &seen, to: &mut left, wide: wide_in });
                Arch::new().dispatch(Return {
                    pixels: &slopes,
                    places: &places,
                    to: &mut right,
                    wide: wide_out,
                });
                let pairs = left.chunks_exact(pitch(wide_in)).zip(right.chunks_exact(pitch(wide_out)));
                for ((left, right), sums) in pairs.zip(sums.chunks_exact_mut(count * wide_out)) {
                    let a = Mat::strided(left, squares, count, wide_in).t();
                    matmul_one(sums, wide_out, a, Mat::new(right, squares, wide_out), Old::Add);
                }
            }
        }
    }
}

/// Sums of all parts.
struct Sums<'a> {
    /// For each part, for each block of inputs, for each place of a square, for each input: the outputs side by side.
    numbers: &'a [f32],
    /// Numbers of a part.
    len: usize,
    /// Inputs of a block.
    at_once: usize,
    /// Outputs in whole vectors.
    wide: usize,
}

impl Sums<'_> {
    /// Adds what they make of the taps to `dw`, in which a filter's start every `row` numbers.
    fn lower(&self, inputs: usize, outputs: usize, row: usize, dw: &mut [f32]) {
        let Self { numbers, len, at_once, wide } = *self;
        let span = tile::even_span(outputs);
        dw[..outputs * row].par_chunks_mut(span * row).enumerate().for_each(|(i, dw)| {
            let mut taps = vec![0.0; AT_ONCE * TAPS * span];
            let mut turned = taps.clone();
            for first in (0..inputs).step_by(AT_ONCE) {
                let some = AT_ONCE.min(inputs - first);
                for (input, to) in (first..first + some).zip(taps.chunks_exact_mut(TAPS * span)) {
                    let block = input / at_once * at_once;
                    let start = (block * PLACES + input - block) * wide + i * span;
                    Arch::new().dispatch(Lower {
                        sums: &numbers[start..],
                        places: at_once.min(inputs - block) * wide,
                        parts: len,
                        count: numbers.len() / len,
                        to,
                        span,
                        wide: span.min(wide - i * span),
                    });
                }
                turn(&taps, span, some * TAPS, dw.len() / row, &mut turned, AT_ONCE * TAPS);
                par::simd!(|| {
                    for (dw, turned) in dw.chunks_exact_mut(row).zip(turned.chunks_exact(AT_ONCE * TAPS)) {
                        par::add(&mut dw[first * TAPS..][..some * TAPS], turned);
                    }
                });
            }
        });
    }
}
