//! The part of an LSTM that goes step by step.
#![expect(clippy::inline_always, reason = "loops must be compiled with their caller's vector width")]

use std::cmp::Reverse;
use std::ops::Range;

use rayon::prelude::*;

use super::{Direction, Shown};
use crate::kit::cpu::gemm::Old;
use crate::kit::cpu::tile::{Left, Panels, lanes};
use crate::kit::cpu::{math, par};
use crate::kit::ops::attention::Packed;

/// One sequence's share of buffers that hold a row a step, and of buffers that hold one row a sequence.
pub(super) struct Lane<'a, const R: usize, const S: usize> {
    sequence: usize,
    span: Range<usize>,
    direction: Direction,
    rows: [&'a mut [f32]; R],
    states: [&'a mut [f32]; S],
}

impl<const R: usize, const S: usize> Lane<'_, R, S> {
    /// The row of step `t`, from the sequence's first row.
    fn place(&self, t: usize) -> usize {
        match self.direction {
            Direction::Forward => t,
            Direction::Backward => self.span.len() - 1 - t,
        }
    }
}

/// Sequences in groups that go through their steps together.
pub(super) struct Blocks<'a> {
    packed: &'a Packed,
    direction: Direction,
}

impl<'a> Blocks<'a> {
    pub(super) fn new(packed: &'a Packed, direction: Direction) -> Self {
        Self { packed, direction }
    }

    /// Calls `f` for every block, the longest sequence of each first. Buffers come with the width of their rows.
    pub(super) fn run<const R: usize, const S: usize>(
        &self,
        rows: [(&mut [f32], usize); R],
        states: [(&mut [f32], usize); S],
        f: impl Fn(&mut [Lane<'_, R, S>]) + Send + Sync,
    ) {
        let packed = self.packed;
        let count = packed.count();
        let mut rows = rows.map(|(x, w)| par::split(x, packed.lengths().map(|t| t * w)).into_iter());
        let mut states = states.map(|(x, w)| par::split(x, (0..count).map(|_| w)).into_iter());
        let mut all: Vec<_> = (0..count)
            .map(|sequence| Lane {
                sequence,
                span: packed.span(sequence),
                direction: self.direction,
                rows: rows.each_mut().map(|x| x.next().expect("a piece a sequence")),
                states: states.each_mut().map(|x| x.next().expect("a row a sequence")),
            })
            .collect();
        // Of like length, a block's sequences end together and none waits for the others.
        all.sort_by_key(|lane| Reverse(lane.span.len()));
        // Enough blocks for a few threads; more than 32 rows gain nothing from reading the weights together.
        let block = count.div_ceil(4).clamp(4, 32).next_multiple_of(4);
        all.par_chunks_mut(block).for_each(f);
    }
}

/// What the backward pass is given.
pub(super) struct Gradient<'a> {
    pub(super) dy: &'a [f32],
    /// Cells after each step.
    pub(super) cells: &'a [f32],
    /// Cells before the first.
    pub(super) start: Option<&'a [f32]>,
}

/// The recurrent weights, in the order in which one pass reads them.
pub(super) struct Recurrence {
    width: usize,
    weights: Panels,
    shown: Shown,
}

impl Recurrence {
    /// For z = U·h, of `width` cells.
    pub(super) fn forward(width: usize, u: &[f32], longest: usize, shown: Shown) -> Self {
        let depth = if longest > 1 { width } else { 0 };
        Self { width, weights: Panels::new(depth, 4 * width, |from, to| u[to * width + from]), shown }
    }

    /// For dh = Uᵀ·dz.
    pub(super) fn backward(width: usize, u: &[f32], longest: usize, shown: Shown) -> Self {
        let depth = if longest > 1 { 4 * width } else { 0 };
        Self { width, weights: Panels::new(depth, width, |from, to| u[from * width + to]), shown }
    }

    /// Reads a block. Rows are the gates, which hold W·x and become activations, the hidden states and the cells; states
    /// are the hidden state and the cell, before and after.
    pub(super) fn read(&self, block: &mut [Lane<'_, 3, 2>], bias: &[f32]) {
        let width = self.width;
        let pitch = (4 * width).next_multiple_of(lanes());
        let starts: Vec<usize> = (0..block.len()).map(|i| i * width).collect();
        let mut hidden: Vec<f32> = block.iter().flat_map(|lane| lane.states[0].iter().copied()).collect();
        let mut z = vec![0.0; block.len() * pitch];
        for t in 0..block[0].span.len() {
            let active = block.partition_point(|lane| lane.span.len() > t);
            if t > 0 {
                let rows = Left::Rows { data: &hidden, starts: &starts[..active] };
                self.weights.after(rows, &mut z, pitch, Old::Replace);
            }
            par::simd!(|| {
                for (i, lane) in block[..active].iter_mut().enumerate() {
                    let at = lane.place(t);
                    let [gates, y, cells] = &mut lane.rows;
                    let gates = &mut gates[at * 4 * width..][..4 * width];
                    activate(gates, &z[i * pitch..][..4 * width], bias, width);
                    let (cell, h) = (&mut *lane.states[1], &mut hidden[i * width..][..width]);
                    advance(gates, cell, h, self.shown);
                    cells[at * width..][..width].copy_from_slice(cell);
                    y[at * width..][..width].copy_from_slice(h);
                }
            });
        }
        for (lane, h) in block.iter_mut().zip(hidden.chunks_exact(width.max(1))) {
            lane.states[0].copy_from_slice(h);
        }
    }

    /// Goes back through a block. Its rows hold the gates, which become dz; states are the gradients of the last hidden
    /// state and of the last cell, which becomes that of the first.
    pub(super) fn trace(&self, block: &mut [Lane<'_, 1, 2>], given: &Gradient<'_>) {
        let width = self.width;
        let pitch = width.next_multiple_of(lanes());
        let starts: Vec<usize> = (0..block.len()).map(|i| i * 4 * width).collect();
        let none = vec![0.0; width];
        let mut dz = vec![0.0; block.len() * 4 * width];
        let mut dh = vec![0.0; block.len() * pitch];
        for (lane, dh) in block.iter().zip(dh.chunks_exact_mut(pitch.max(1))) {
            dh[..width].copy_from_slice(lane.states[0]);
        }
        for t in (0..block[0].span.len()).rev() {
            let later = block.partition_point(|lane| lane.span.len() > t + 1);
            if later > 0 {
                let rows = Left::Rows { data: &dz, starts: &starts[..later] };
                self.weights.after(rows, &mut dh, pitch, Old::Replace);
            }
            let active = block.partition_point(|lane| lane.span.len() > t);
            par::simd!(|| {
                for (i, lane) in block[..active].iter_mut().enumerate() {
                    let at = lane.place(t);
                    let dh = &mut dh[i * pitch..][..width];
                    par::add(dh, &given.dy[(lane.span.start + at) * width..][..width]);
                    let cell = &given.cells[(lane.span.start + at) * width..][..width];
                    let before = if t > 0 {
                        &given.cells[(lane.span.start + lane.place(t - 1)) * width..][..width]
                    } else {
                        given.start.map_or(&*none, |c| &c[lane.sequence * width..][..width])
                    };
                    let gates = &mut lane.rows[0][at * 4 * width..][..4 * width];
                    retreat(gates, dh, &mut *lane.states[1], cell, before, self.shown);
                    dz[i * 4 * width..][..4 * width].copy_from_slice(gates);
                }
            });
        }
    }
}

/// Gates ← (σ, σ, tanh, σ)(gates + z + b).
#[inline(always)]
fn activate(gates: &mut [f32], z: &[f32], bias: &[f32], width: usize) {
    for ((gate, z), b) in gates.iter_mut().zip(z).zip(bias) {
        *gate += z + b;
    }
    let (ifs, rest) = gates.split_at_mut(2 * width);
    let (candidate, output) = rest.split_at_mut(width);
    for x in ifs.iter_mut() {
        *x = math::sigmoid(*x);
    }
    for x in candidate.iter_mut() {
        *x = math::tanh(*x);
    }
    for x in output.iter_mut() {
        *x = math::sigmoid(*x);
    }
}

/// c ← f∘c + i∘g,  h ← o∘tanh c, or o∘c.
#[inline(always)]
fn advance(gates: &[f32], cell: &mut [f32], hidden: &mut [f32], shown: Shown) {
    let width = cell.len();
    let (input, rest) = gates.split_at(width);
    let (forget, rest) = rest.split_at(width);
    let (candidate, output) = rest.split_at(width);
    for (((c, f), i), g) in cell.iter_mut().zip(forget).zip(input).zip(candidate) {
        *c = f * *c + i * g;
    }
    let hidden = hidden.iter_mut().zip(&*cell).zip(output);
    match shown {
        Shown::Squashed => hidden.for_each(|((h, c), o)| *h = o * math::tanh(*c)),
        Shown::Bare => hidden.for_each(|((h, c), o)| *h = o * c),
    }
}

/// Gates ← dz, dc ← the gradient of the cell before; loops of few slices each, or they would not vectorise.
#[inline(always)]
fn retreat(gates: &mut [f32], dh: &[f32], dc: &mut [f32], cell: &[f32], before: &[f32], shown: Shown) {
    let width = dc.len();
    let (input, rest) = gates.split_at_mut(width);
    let (forget, rest) = rest.split_at_mut(width);
    let (candidate, output) = rest.split_at_mut(width);
    let outputs = output.iter_mut().zip(&mut *dc).zip(dh).zip(cell);
    match shown {
        Shown::Squashed => outputs.for_each(|(((o, dc), dh), c)| {
            let t = math::tanh(*c);
            *dc += dh * *o * (1.0 - t * t);
            *o = dh * t * *o * (1.0 - *o);
        }),
        Shown::Bare => outputs.for_each(|(((o, dc), dh), c)| {
            *dc += dh * *o;
            *o = dh * c * *o * (1.0 - *o);
        }),
    }
    for ((i, g), dc) in input.iter_mut().zip(candidate).zip(&*dc) {
        let (di, dg) = (dc * *g * *i * (1.0 - *i), dc * *i * (1.0 - *g * *g));
        (*i, *g) = (di, dg);
    }
    for ((f, dc), c) in forget.iter_mut().zip(dc).zip(before) {
        let df = *dc * c * *f * (1.0 - *f);
        *dc *= *f;
        *f = df;
    }
}
