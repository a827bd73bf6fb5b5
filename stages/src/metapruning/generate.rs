//! The paper's idea: layers that generate a convolution's weights from how wide it and its neighbours are.

use dfdx::prelude::{PutTape, Tape};
use rayon::prelude::*;

use super::net::Conv;
use crate::kit::backend::{Backend, Images, Result};
use crate::kit::cpu::par;
use crate::kit::params::{Init, Param, Pass, Role, Scope};

/// Two layers that make the weights of one convolution: h = ReLU(A·e + a), w = B·h + β.
#[derive(Debug, Clone, Copy)]
pub struct Generator {
    /// A: `[M, E]`.
    hidden: Param<(usize, usize)>,
    /// a: `[M]`.
    hidden_bias: Param<(usize,)>,
    /// B: `[O·I·K·K, M]`.
    output: Param<(usize, usize)>,
    /// β: `[O·I·K·K]`.
    output_bias: Param<(usize,)>,
    /// E and M.
    sizes: [usize; 2],
    /// O, I, K and K.
    shape: [usize; 4],
}

impl Generator {
    /// The layers of a convolution whose wires are at most so wide.
    ///
    /// # Errors
    /// `StageError::Tensor` when the device refuses.
    pub fn new<D: Backend>(mut at: Scope<'_, D>, conv: &Conv, widths: &[usize]) -> Result<Self> {
        let (seen, width) = (conv.seen.len(), conv.hidden);
        let shape = conv.shape(widths);
        let count = shape.iter().product();
        let mut hidden = at.at("hidden");
        let a = hidden.param("weight", (width, seen), Init::fan_in(seen), Role::Weight)?;
        let hidden_bias = hidden.param("bias", (width,), Init::fan_in(seen), Role::Weight)?;
        let mut output = at.at("output");
        let b = output.param("weight", (count, width), Init::fan_in(width), Role::Weight)?;
        let output_bias = output.param("bias", (count,), Init::fan_in(width), Role::Weight)?;
        Ok(Self { hidden: a, hidden_bias, output: b, output_bias, sizes: [seen, width], shape })
    }

    /// The weights for widths of these scales: the first `outputs` filters, and of each the first `inputs` channels.
    ///
    /// Only what is used is made. With u = A·e + a and Wᵣ the weight from row r of B:
    /// dBᵣ = dWᵣ·h,  dβᵣ = dWᵣ,  dh = Σᵣ dWᵣ·Bᵣ,  du = dh ∘ 1(u > 0),  dA = du·eᵀ,  da = du; rows outside get nothing.
    ///
    /// # Shapes
    /// E scales → `[outputs, inputs, K, K]`.
    ///
    /// # Errors
    /// `StageError::Tensor` when the device refuses.
    ///
    /// # Panics
    /// When there are not E scales, or the weights are not as large.
    pub fn weights<D: Backend, T: Tape<f32, D>>(
        &self,
        pass: &Pass<'_, D>,
        scales: &[f32],
        outputs: usize,
        inputs: usize,
    ) -> Result<Images<D, T>> {
        let Self { sizes: [seen, width], shape: [filters, depth, kernel, _], .. } = *self;
        assert_eq!(scales.len(), seen, "scales that the weights depend on");
        assert!(outputs <= filters && inputs <= depth, "{outputs} × {inputs} of {filters} × {depth} filters");
        let taps = kernel * kernel;
        let crop = Crop { row: depth * taps, used: inputs * taps, outputs, width };
        let (a, a_bias) = (pass.get(self.hidden).clone(), pass.get(self.hidden_bias).clone());
        let (b, b_bias) = (pass.get(self.output).clone(), pass.get(self.output_bias).clone());
        let hidden: Vec<f32> = {
            let (a, bias) = (D::view(&a), D::view(&a_bias));
            let row = |(a, bias): (&[f32], &f32)| (par::dot(a, scales) + bias).max(0.0);
            a.chunks_exact(seen).zip(bias.iter()).map(row).collect()
        };
        let w = crop.forward(&D::view(&b), &D::view(&b_bias), &hidden);
        let w = pass.device().tensor_of(w, (outputs, inputs, kernel, kernel))?;
        let mut tape = T::default();
        let (w_ref, scales) = (w.clone(), scales.to_vec());
        tape.add_backward_op(move |grads| {
            let dw = D::take_grad(grads, &w_ref)?;
            let mut slope = crop.hidden_gradient(&D::view(&b), &dw);
            slope.iter_mut().zip(&hidden).for_each(|(du, h)| *du = if *h > 0.0 { *du } else { 0.0 });
            D::add_grad(grads, &b, |db| crop.weight_gradient(&dw, &hidden, db))?;
            D::add_grad(grads, &b_bias, |db| {
                for (db, dw) in crop.rows(db).zip(crop.pieces(&dw)) {
                    par::add(db, dw);
                }
            })?;
            D::add_grad(grads, &a, |da| {
                for (da, du) in da.chunks_exact_mut(seen).zip(&slope) {
                    da.iter_mut().zip(&scales).for_each(|(da, e)| *da += du * e);
                }
            })?;
            D::add_grad(grads, &a_bias, |da| par::add(da, &slope))
        });
        Ok(w.put_tape(tape))
    }
}

/// The part of a weight that is used: of the first rows the first numbers.
#[derive(Debug, Clone, Copy)]
struct Crop {
    /// Numbers of a filter.
    row: usize,
    /// Of these, numbers that are used.
    used: usize,
    /// Filters that are used.
    outputs: usize,
    /// Hidden numbers.
    width: usize,
}

impl Crop {
    /// The used part of each used row, in a buffer that holds all rows.
    fn rows<'a>(&self, all: &'a mut [f32]) -> impl Iterator<Item = &'a mut [f32]> {
        let used = self.used;
        all.chunks_exact_mut(self.row).take(self.outputs).map(move |row| &mut row[..used])
    }

    /// The rows of a buffer that holds the used part only.
    fn pieces<'a>(&self, used: &'a [f32]) -> impl Iterator<Item = &'a [f32]> {
        used.chunks_exact(self.used)
    }

    fn forward(&self, b: &[f32], bias: &[f32], hidden: &[f32]) -> Vec<f32> {
        let mut w = vec![0.0; self.outputs * self.used];
        w.par_chunks_exact_mut(self.used).enumerate().for_each(|(o, w)| {
            let (b, bias) = (&b[o * self.row * self.width..], &bias[o * self.row..]);
            par::simd!(|| {
                for ((w, b), bias) in w.iter_mut().zip(b.chunks_exact(self.width)).zip(bias) {
                    *w = par::dot(b, hidden) + bias;
                }
            });
        });
        w
    }

    /// Σᵣ dWᵣ·Bᵣ, filter by filter and then over the filters.
    fn hidden_gradient(&self, b: &[f32], dw: &[f32]) -> Vec<f32> {
        let part = |(o, dw): (usize, &[f32])| {
            let mut sum = vec![0.0; self.width];
            par::simd!(|| {
                for (b, dw) in b[o * self.row * self.width..].chunks_exact(self.width).zip(dw) {
                    sum.iter_mut().zip(b).for_each(|(sum, b)| *sum += dw * b);
                }
            });
            sum
        };
        let parts: Vec<Vec<f32>> = dw.par_chunks_exact(self.used).enumerate().map(part).collect();
        let mut sum = vec![0.0; self.width];
        for part in &parts {
            par::add(&mut sum, part);
        }
        sum
    }

    fn weight_gradient(&self, dw: &[f32], hidden: &[f32], db: &mut [f32]) {
        let rows = db.par_chunks_exact_mut(self.row * self.width).zip(dw.par_chunks_exact(self.used));
        rows.for_each(|(db, dw)| {
            par::simd!(|| {
                for (db, dw) in db.chunks_exact_mut(self.width).zip(dw) {
                    db.iter_mut().zip(hidden).for_each(|(db, h)| *db += dw * h);
                }
            });
        });
    }
}

#[cfg(test)]
mod tests;
