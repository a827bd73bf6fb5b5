//! What forward and input gradient share: windows of planes times weights, written to places of other planes.
#![expect(clippy::inline_always, reason = "everything must be compiled with the vector width of its caller")]

use rayon::prelude::*;

use super::patches::{Panel, Patches, Planes, Windows};
use super::runs::put;
use crate::kit::cpu::gemm::Old;
use crate::kit::cpu::par;
use crate::kit::cpu::tile::{self, Packed, product};

/// Weights that are multiplied with all panels before the next ones are read: so many stay in a core's cache.
const BLOCK: usize = 1 << 16;

/// Numbers that a block of sums may hold.
const SUMS: usize = 1 << 16;

/// A convolution of some planes into others.
#[derive(Debug)]
pub(super) struct Correlation<'a> {
    /// The windows of the planes that are read.
    pub(super) windows: Windows,
    /// Planes of an image that are read by each group.
    pub(super) inputs: usize,
    /// A group's weights: a row for each plane that it makes, a column for each tap of each plane that it reads.
    pub(super) weights: Vec<Packed>,
    /// A number for each plane that is made.
    pub(super) bias: Option<&'a [f32]>,
    /// Sizes of the planes that are made.
    pub(super) plane: [usize; 2],
    /// Where the first window's sum is written.
    pub(super) first: [usize; 2],
    /// Numbers from one window's sum to the next, down and across.
    pub(super) step: usize,
    /// What becomes of the numbers there.
    pub(super) old: Old,
}

/// Neighbouring columns of a panel that are neighbours in a plane, too, or every `step`th number.
struct Run {
    column: usize,
    len: usize,
    place: usize,
}

impl Correlation<'_> {
    /// Reads the planes of `x` and writes to those of `y`, in parallel over images.
    pub(super) fn run(&self, x: &[f32], y: &mut [f32]) {
        let (groups, outputs) = (self.weights.len(), self.weights[0].rows());
        let from = groups * self.inputs * self.windows.plane[0] * self.windows.plane[1];
        let to = groups * outputs * self.plane[0] * self.plane[1];
        if y.is_empty() {
            return;
        }
        let at_once = Patches::images_at_once(&self.windows, self.inputs).min(y.len() / to);
        let room = || {
            let channels = groups * self.inputs;
            let patches = Patches::in_panels(&self.windows, self.inputs, channels, at_once, outputs);
            (patches, Vec::new())
        };
        let chunks = y.par_chunks_mut(at_once * to).zip(x.par_chunks(at_once * from));
        chunks.for_each_init(room, |(patches, sums), (y, x)| {
            let panels: Vec<(Panel, Vec<Run>)> = patches
                .panels(y.len() / to)
                .into_iter()
                .map(|panel| (panel, self.runs(patches, panel)))
                .collect();
            let starts = patches.starts().to_vec();
            for group in 0..groups {
                let (channels, first) = (groups * self.inputs, group * self.inputs);
                let numbers = patches.read(Planes { numbers: x, images: y.len() / to, channels, first });
                self.group(group, numbers, &starts, &panels, sums, y);
            }
        });
    }

    /// The planes that one group makes. The sums of some panels are made together, block by block of the weights.
    fn group(
        &self,
        group: usize,
        numbers: &[f32],
        starts: &[usize],
        panels: &[(Panel, Vec<Run>)],
        sums: &mut Vec<f32>,
        y: &mut [f32],
    ) {
        let weights = &self.weights[group];
        let (outputs, depth, span) = (weights.rows(), weights.depth(), tile::span());
        let block = (BLOCK / outputs.max(1)).clamp(128, 384);
        // Blocks of even sizes, since each costs a pass over the sums.
        let block = depth.div_ceil(depth.div_ceil(block).max(1)).max(1);
        let at_once = if block >= depth { 1 } else { (SUMS / (outputs * span).max(1)).max(1) };
        sums.resize(at_once * outputs * span, 0.0);
        let plane = self.plane[0] * self.plane[1];
        let y = &mut y[group * outputs * plane..];
        for panels in panels.chunks(at_once) {
            for first in (0..depth).step_by(block) {
                let columns = first..depth.min(first + block);
                let (left, starts) = (weights.columns(columns.clone()), &starts[columns]);
                let old = if first == 0 { Old::Replace } else { Old::Add };
                for ((panel, _), sums) in panels.iter().zip(sums.chunks_exact_mut(outputs * span)) {
                    product(left, &numbers[panel.at..], starts, panel.count, sums, span, old);
                }
            }
            par::simd!(|| {
                for ((_, runs), sums) in panels.iter().zip(sums.chunks_exact(outputs * span)) {
                    for (made, sums) in sums.chunks_exact(span).enumerate() {
                        let bias = self.bias.map_or(0.0, |b| b[group * outputs + made]);
                        self.write(runs, sums, bias, &mut y[made * plane..]);
                    }
                }
            });
        }
    }

    fn runs(&self, patches: &Patches, panel: Panel) -> Vec<Run> {
        let mut runs: Vec<Run> = Vec::new();
        let image = self.weights.len() * self.weights[0].rows() * self.plane[0] * self.plane[1];
        for column in 0..panel.count {
            let Some((n, row, x)) = patches.window(panel.at + column) else { continue };
            let line = n * image + (self.first[0] + row * self.step) * self.plane[1];
            let place = line + self.first[1] + x * self.step;
            match runs.last_mut() {
                Some(run) if run.column + run.len == column && run.place + run.len * self.step == place => {
                    run.len += 1;
                }
                _ => runs.push(Run { column, len: 1, place }),
            }
        }
        runs
    }

    #[inline(always)]
    fn write(&self, runs: &[Run], sums: &[f32], bias: f32, y: &mut [f32]) {
        for run in runs {
            let sums = &sums[run.column..][..run.len];
            let y = &mut y[run.place..];
            match self.old {
                Old::Replace => put(y, self.step, sums, |y, sum| *y = sum + bias),
                Old::Add => put(y, self.step, sums, |y, sum| *y += sum + bias),
            }
        }
    }
}
