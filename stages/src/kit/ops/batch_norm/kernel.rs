//! Norm, residual and activation of blocks of channels, forward and backward.
#![expect(clippy::inline_always, reason = "everything must be compiled with the vector width of its caller")]

use rayon::prelude::*;

use super::channels::{Block, Channels};
use crate::kit::cpu::par;
use crate::kit::ops::act::{Act, Function, with_function};

/// No activation.
#[derive(Debug, Clone, Copy)]
struct Identity;

impl Function for Identity {
    #[inline(always)]
    fn both(self, x: f32) -> (f32, f32) {
        (x, 1.0)
    }
}

/// Constants of each channel.
#[derive(Debug)]
pub(in crate::kit::ops) struct Kernel {
    pub(super) layout: Channels,
    pub(super) mean: Vec<f32>,
    /// 1 / √(var + ε).
    pub(super) inverse: Vec<f32>,
    pub(super) gain: Vec<f32>,
    pub(super) shift: Vec<f32>,
    /// Numbers of a channel, where mean and variance move with them.
    pub(super) count: Option<usize>,
}

impl Kernel {
    /// y = f(x·scale + offset + r).
    pub(in crate::kit::ops) fn forward(&self, x: &[f32], residual: Option<&[f32]>, y: &mut [f32], act: Act) {
        with_function!(act, f => self.forward_by(x, residual, y, f), identity => {
            self.forward_by(x, residual, y, Identity);
        });
    }

    fn forward_by(&self, x: &[f32], residual: Option<&[f32]>, y: &mut [f32], f: impl Function) {
        self.layout.blocks(y).into_par_iter().for_each(|Block { first, rows }| {
            par::simd!(|| {
                let [scale, offset] = self.line(first);
                for (image, y) in rows.into_iter().enumerate() {
                    let numbers = y.iter_mut().zip(self.layout.part(x, first, image));
                    let numbers = numbers.zip(scale.iter().zip(&offset));
                    match residual {
                        None => numbers.for_each(|((y, x), (a, b))| *y = f.both(x * a + b).0),
                        Some(r) => {
                            let r = self.layout.part(r, first, image);
                            numbers.zip(r).for_each(|(((y, x), (a, b)), r)| *y = f.both(x * a + b + r).0);
                        }
                    }
                }
            });
        });
    }

    /// dy becomes dz = dy ∘ f′, and dx gets its part added. Returns dγ and dβ.
    pub(super) fn backward(
        &self,
        x: &[f32],
        residual: Option<&[f32]>,
        dy: &mut [f32],
        dx: &mut [f32],
        act: Act,
    ) -> (Vec<f32>, Vec<f32>) {
        let blocks = self.layout.blocks(dy).into_par_iter().zip(self.layout.blocks(dx));
        let sums = blocks.map(|(Block { first, rows: mut dz }, Block { rows: dx, .. })| {
            let sums = self.slopes(first, x, residual, &mut dz, act);
            par::simd!(|| {
                let [scale, along, offset] = self.tangent(first, &sums);
                for (image, (dz, dx)) in dz.iter().zip(dx).enumerate() {
                    let numbers = dx.iter_mut().zip(dz.iter().zip(self.layout.part(x, first, image)));
                    let numbers = numbers.zip(scale.iter().zip(&along).zip(&offset));
                    numbers.for_each(|((dx, (dz, x)), ((a, b), c))| *dx += a * dz + b * x + c);
                }
            });
            sums
        });
        joined(sums.collect())
    }

    /// dy becomes dx; what is given of the residual and its gradient gets dz added. Returns dγ and dβ.
    pub(in crate::kit::ops) fn backward_in_place(
        &self,
        x: &[f32],
        residual: Option<(&[f32], &mut [f32])>,
        dy: &mut [f32],
        act: Act,
    ) -> (Vec<f32>, Vec<f32>) {
        let (residual, dr) = residual.unzip();
        let blocks = self.layout.blocks(dy).into_par_iter().zip(self.layout.blocks(dr.unwrap_or_default()));
        let sums = blocks.map(|(Block { first, rows: mut dz }, Block { rows: dr, .. })| {
            let sums = self.slopes(first, x, residual, &mut dz, act);
            par::simd!(|| {
                dz.iter().zip(dr).for_each(|(dz, dr)| par::add(dr, dz));
                let [scale, along, offset] = self.tangent(first, &sums);
                for (image, dz) in dz.iter_mut().enumerate() {
                    let numbers = dz.iter_mut().zip(self.layout.part(x, first, image));
                    let numbers = numbers.zip(scale.iter().zip(&along).zip(&offset));
                    numbers.for_each(|((dz, x), ((a, b), c))| *dz = a * *dz + b * x + c);
                }
            });
            sums
        });
        joined(sums.collect())
    }

    /// dy becomes dz; returns Σ dz·x̂ and Σ dz of each channel.
    fn slopes(
        &self,
        first: usize,
        x: &[f32],
        residual: Option<&[f32]>,
        dz: &mut [&mut [f32]],
        act: Act,
    ) -> (Vec<f32>, Vec<f32>) {
        with_function!(act, f => par::simd!(|| self.slopes_by(first, x, residual, dz, f)), identity => {
            par::simd!(|| self.slopes_by(first, x, residual, dz, Identity))
        })
    }

    #[inline(always)]
    fn slopes_by(
        &self,
        first: usize,
        x: &[f32],
        residual: Option<&[f32]>,
        dz: &mut [&mut [f32]],
        f: impl Function,
    ) -> (Vec<f32>, Vec<f32>) {
        let [scale, offset] = self.line(first);
        let mean = self.layout.spread(&self.mean[self.layout.range(first)]);
        let (mut along, mut sums) = (vec![0.0; mean.len()], vec![0.0; mean.len()]);
        for (image, dz) in dz.iter_mut().enumerate() {
            let x = self.layout.part(x, first, image);
            let numbers = dz.iter_mut().zip(x).zip(scale.iter().zip(&offset));
            match residual {
                None => numbers.for_each(|((dz, x), (a, b))| *dz *= f.both(x * a + b).1),
                Some(r) => {
                    let r = self.layout.part(r, first, image);
                    numbers.zip(r).for_each(|(((dz, x), (a, b)), r)| *dz *= f.both(x * a + b + r).1);
                }
            }
            let sums = along.iter_mut().zip(&mut sums);
            for (((dz, x), mean), (along, sum)) in dz.iter().zip(x).zip(&mean).zip(sums) {
                *along += dz * (x - mean);
                *sum += dz;
            }
        }
        let mut along = self.layout.sums(&along);
        par::mul(&mut along, &self.inverse[self.layout.range(first)]);
        (along, self.layout.sums(&sums))
    }

    /// z = x·scale + offset, for each number of a row.
    #[inline(always)]
    fn line(&self, first: usize) -> [Vec<f32>; 2] {
        let (mut scale, mut offset) = (Vec::new(), Vec::new());
        for c in self.layout.range(first) {
            scale.push(self.gain[c] * self.inverse[c]);
            offset.push(self.shift[c] - self.mean[c] * self.gain[c] * self.inverse[c]);
        }
        [self.layout.spread(&scale), self.layout.spread(&offset)]
    }

    /// dx = dz·scale + x·along + offset, for each number of a row.
    #[inline(always)]
    fn tangent(&self, first: usize, (dgain, dshift): &(Vec<f32>, Vec<f32>)) -> [Vec<f32>; 3] {
        let (mut scale, mut along, mut offset) = (Vec::new(), Vec::new(), Vec::new());
        let share = self.count.map_or(0.0, |count| 1.0 / count as f32);
        for ((c, dgain), dshift) in self.layout.range(first).zip(dgain).zip(dshift) {
            let a = self.gain[c] * self.inverse[c];
            let b = -a * self.inverse[c] * dgain * share;
            scale.push(a);
            along.push(b);
            offset.push(-a * dshift * share - b * self.mean[c]);
        }
        [scale, along, offset].map(|numbers| self.layout.spread(&numbers))
    }
}

/// The sums of all channels from those of each block.
fn joined(sums: Vec<(Vec<f32>, Vec<f32>)>) -> (Vec<f32>, Vec<f32>) {
    let (dgain, dshift): (Vec<_>, Vec<_>) = sums.into_iter().unzip();
    (dgain.concat(), dshift.concat())
}
