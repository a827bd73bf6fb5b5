//! What forward and input gradient share: windows of planes times weights, written to places of other planes.

use rayon::prelude::*;

use super::patches::{Patches, Planes, Windows};
use crate::kit::cpu::gemm::Old;
use crate::kit::cpu::tile::{self, Packed, product};

/// Rows of the product that are made before they are written out.
const ROWS: usize = 64;

/// A convolution of some planes into others.
#[derive(Debug)]
pub(crate) struct Correlation<'a> {
    /// The windows of the planes that are read.
    pub(crate) windows: Windows,
    /// Planes of an image that are read by each group.
    pub(crate) inputs: usize,
    /// A group's weights: a row for each plane that it makes, a column for each tap of each plane that it reads.
    pub(crate) weights: Vec<Packed>,
    /// A number for each plane that is made.
    pub(crate) bias: Option<&'a [f32]>,
    /// Sizes of the planes that are made.
    pub(crate) plane: [usize; 2],
    /// Where the first window's sum is written.
    pub(crate) first: [usize; 2],
    /// Numbers from one window's sum to the next, down and across.
    pub(crate) step: usize,
    /// What becomes of the numbers there.
    pub(crate) old: Old,
}

/// Neighbouring columns of the product that are neighbours in a plane, too, or every `step`th number.
struct Run {
    column: usize,
    len: usize,
    place: usize,
}

impl Correlation<'_> {
    /// Reads the planes of `x` and writes to those of `y`, in parallel over images.
    pub(crate) fn run(&self, x: &[f32], y: &mut [f32]) {
        let outputs = self.weights[0].rows();
        let groups = self.weights.len();
        let from = groups * self.inputs * self.windows.plane[0] * self.windows.plane[1];
        let to = groups * outputs * self.plane[0] * self.plane[1];
        if y.is_empty() {
            return;
        }
        let at_once = Patches::images_at_once(&self.windows, self.inputs).min(y.len() / to);
        y.par_chunks_mut(at_once * to).zip(x.par_chunks(at_once * from)).for_each(|(y, x)| {
            let images = y.len() / to;
            let mut patches = Patches::new(&self.windows, self.inputs, images, outputs);
            let mut block = vec![0.0; ROWS.min(outputs) * tile::span()];
            for (group, weights) in self.weights.iter().enumerate() {
                let (channels, first) = (groups * self.inputs, group * self.inputs);
                self.group(
                    weights,
                    group,
                    &mut patches,
                    Planes { numbers: x, images, channels, first },
                    &mut block,
                    y,
                );
            }
        });
    }

    fn group(
        &self,
        weights: &Packed,
        group: usize,
        patches: &mut Patches,
        planes: Planes<'_>,
        block: &mut [f32],
        y: &mut [f32],
    ) {
        let starts = patches.starts().to_vec();
        let columns = patches.columns(planes.images);
        let width = tile::even_span(columns);
        let tiles: Vec<(usize, Vec<Run>)> = (0..columns)
            .step_by(width)
            .map(|at| (at, self.runs(patches, at, width.min(columns - at))))
            .collect();
        let numbers = patches.read(planes);
        let plane = self.plane[0] * self.plane[1];
        for (at, runs) in tiles {
            let count = width.min(columns - at);
            for first in (0..weights.rows()).step_by(ROWS) {
                let rows = ROWS.min(weights.rows() - first);
                let pitch = tile::span();
                product(
                    weights.part(first, ROWS),
                    &numbers[at..],
                    &starts,
                    count,
                    block,
                    pitch,
                    Old::Replace,
                );
                for (row, sums) in block.chunks_exact(pitch).take(rows).enumerate() {
                    let made = group * weights.rows() + first + row;
                    self.write(&runs, sums, self.bias.map_or(0.0, |b| b[made]), &mut y[made * plane..]);
                }
            }
        }
    }

    fn runs(&self, patches: &Patches, first: usize, count: usize) -> Vec<Run> {
        let mut runs: Vec<Run> = Vec::new();
        let image = self.weights.len() * self.weights[0].rows() * self.plane[0] * self.plane[1];
        for column in 0..count {
            let Some((n, row, x)) = patches.window(first + column) else { continue };
            let line = n * image + (self.first[0] + row * self.step) * self.plane[1];
            let place = line + self.first[1] + x * self.step;
            match runs.last_mut() {
                Some(run) if run.column + run.len == column && run.place + run.len * self.step == place => {
                    run.len += 1
                }
                _ => runs.push(Run { column, len: 1, place }),
            }
        }
        runs
    }

    fn write(&self, runs: &[Run], sums: &[f32], bias: f32, y: &mut [f32]) {
        for run in runs {
            let sums = &sums[run.column..][..run.len];
            let y = &mut y[run.place..];
            match (self.old, self.step) {
                (Old::Replace, 1) => y.iter_mut().zip(sums).for_each(|(y, sum)| *y = sum + bias),
                (Old::Add, 1) => y.iter_mut().zip(sums).for_each(|(y, sum)| *y += sum + bias),
                (Old::Replace, step) => {
                    y.iter_mut().step_by(step).zip(sums).for_each(|(y, sum)| *y = sum + bias);
                }
                (Old::Add, step) => {
                    y.iter_mut().step_by(step).zip(sums).for_each(|(y, sum)| *y += sum + bias)
                }
            }
        }
    }
}
