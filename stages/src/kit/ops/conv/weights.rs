//! The gradient of a convolution's weights: what the windows saw times the gradient at each window.

use rayon::prelude::*;

use super::patches::{Patches, Planes, Windows};
use crate::kit::cpu::gemm::Old;
use crate::kit::cpu::par;
use crate::kit::cpu::tile::{self, Left, product};
use crate::kit::cpu::turn::turn;

/// Numbers that all partial sums of a gradient may hold together.
const PARTIAL: usize = 1 << 20;

/// The most parts that the images are cut into.
const PARTS: usize = 8;

/// Channels that one task looks at, where a part of the images is shared by several tasks.
const CHANNELS: usize = 32;

/// Side of the squares in which the sums are turned.
const SQUARE: usize = 16;

/// Shapes of a convolution, for the gradient of its weights.
#[derive(Debug, Clone)]
pub(super) struct WeightGradient {
    /// The windows of the planes that the convolution reads.
    pub(super) windows: Windows,
    /// Groups.
    pub(super) groups: usize,
    /// Planes that a group reads.
    pub(super) inputs: usize,
    /// Planes that a group makes.
    pub(super) outputs: usize,
}

impl WeightGradient {
    /// Adds Σ over images and windows of dy·patch to `dw`, whose rows of `[inputs, taps]` start every `pitch` numbers.
    ///
    /// The images are cut into parts that depend on the shapes only; each part's sum is taken in order, and then the
    /// sums of the parts, in order.
    pub(super) fn run(&self, x: &[f32], dy: &[f32], dw: &mut [f32], pitch: usize) {
        let from = self.groups * self.inputs * self.windows.plane[0] * self.windows.plane[1];
        let windows = self.windows.grid[0] * self.windows.grid[1];
        let to = self.groups * self.outputs * windows;
        if dy.is_empty() {
            return;
        }
        let images = dy.len() / to;
        let taps = self.windows.taps.len();
        let width = self.outputs.next_multiple_of(tile::lanes());
        let len = self.groups * self.inputs * taps * width;
        let parts = (PARTIAL / len).clamp(1, PARTS).min(images);
        let channels = if parts == PARTS { self.inputs } else { CHANNELS.min(self.inputs) };
        let part_images = images.div_ceil(parts);
        let mut sums = vec![0.0; images.div_ceil(part_images) * len];
        // A group's sums end before the next group's begin, so blocks of channels do not cross groups.
        let group = self.inputs * taps * width;
        let blocks = sums.par_chunks_exact_mut(group).enumerate().flat_map(|(i, sums)| {
            let blocks = sums.par_chunks_mut(channels * taps * width).enumerate();
            blocks.map(move |(j, sums)| (i / self.groups, i % self.groups, j * channels, sums))
        });
        blocks.for_each(|(part, group, first, sums)| {
            let start = part * part_images;
            let count = part_images.min(images - start);
            let x = &x[start * from..][..count * from];
            self.part(group, first, x, &dy[start * to..][..count * to], sums, width);
        });
        self.gather(&sums, len, width, dw, pitch);
    }

    /// Sums over some images for the input channels of a group that `sums` has room for.
    fn part(&self, group: usize, first: usize, x: &[f32], dy: &[f32], sums: &mut [f32], width: usize) {
        let taps = self.windows.taps.len();
        let channels = sums.len() / (taps * width);
        let from = self.groups * self.inputs * self.windows.plane[0] * self.windows.plane[1];
        let windows = self.windows.grid[0] * self.windows.grid[1];
        let to = self.groups * self.outputs * windows;
        let at_once = Patches::images_at_once(&self.windows, channels).min(dy.len() / to);
        let mut patches = Patches::in_line(&self.windows, channels, at_once, self.outputs);
        let span = tile::even_span(self.outputs);
        let starts = patches.starts().to_vec();
        let depth = patches.columns(at_once);
        let mut turned = vec![0.0; width.div_ceil(span) * span * depth];
        for (x, dy) in x.chunks(at_once * from).zip(dy.chunks(at_once * to)) {
            let images = dy.len() / to;
            let depth = patches.columns(images);
            let panels = turned.chunks_exact_mut(span * depth);
            for (panel, output) in panels.zip((0..self.outputs).step_by(span)) {
                for n in 0..images {
                    let first = (n * self.groups + group) * self.outputs + output;
                    let planes = &dy[first * windows..][..span.min(self.outputs - output) * windows];
                    self.turn(&patches, n, planes, panel, span);
                }
            }
            let planes = Planes {
                numbers: x,
                images,
                channels: self.groups * self.inputs,
                first: group * self.inputs + first,
            };
            let numbers = patches.read(planes);
            let rows: Vec<usize> = (0..depth).map(|s| s * span).collect();
            for (panel, output) in turned.chunks_exact(span * depth).zip((0..width).step_by(span)) {
                let a = Left::Rows { data: numbers, starts: &starts };
                product(a, panel, &rows, span.min(width - output), &mut sums[output..], width, Old::Add);
            }
        }
    }

    /// Turns planes of gradients into a panel: a row for each column of the patch matrix, a column for each plane.
    fn turn(&self, patches: &Patches, image: usize, planes: &[f32], panel: &mut [f32], span: usize) {
        let [height, width] = self.windows.grid;
        let plane = height * width;
        let rows = planes.len() / plane;
        if patches.column(image, 1) == patches.column(image, 0) + width {
            turn(planes, plane, rows, plane, &mut panel[patches.column(image, 0) * span..], span);
        } else {
            for y in 0..height {
                let to = &mut panel[patches.column(image, y) * span..];
                turn(&planes[y * width..], plane, rows, width, to, span);
            }
        }
    }

    /// Adds up the parts and turns them: `[inputs·taps, outputs]` of each group becomes `[outputs, inputs·taps]`.
    fn gather(&self, sums: &[f32], len: usize, width: usize, dw: &mut [f32], pitch: usize) {
        let depth = self.inputs * self.windows.taps.len();
        let dw = &mut dw[..self.groups * self.outputs * pitch];
        let blocks = dw.par_chunks_mut(self.outputs * pitch).enumerate().flat_map(|(group, dw)| {
            dw.par_chunks_mut(SQUARE * pitch).enumerate().map(move |(i, dw)| (group, i * SQUARE, dw))
        });
        blocks.for_each(|(group, output, dw)| {
            let count = (width - output).min(SQUARE);
            par::simd!(|| {
                for first in (0..depth).step_by(SQUARE) {
                    let mut square = [[0.0; SQUARE]; SQUARE];
                    for part in sums.chunks_exact(len) {
                        let part = part[(group * depth + first) * width..].chunks_exact(width);
                        for (to, row) in square.iter_mut().zip(part).take(depth - first) {
                            par::add(to, &row[output..][..count]);
                        }
                    }
                    for (o, dw) in dw.chunks_exact_mut(pitch).enumerate() {
                        let dw = &mut dw[first..depth.min(first + SQUARE)];
                        dw.iter_mut().zip(&square).for_each(|(dw, row)| *dw += row[o]);
                    }
                }
            });
        });
    }
}
