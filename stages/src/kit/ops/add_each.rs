//! A vector a sequence added to each of its rows, with an activation.

use dfdx::prelude::{HasShape, PutTape, SplitTape, Tape};
use rayon::prelude::*;

use super::act::{Act, Function, with_function};
use super::attention::Packed;
use crate::kit::backend::{Backend, Matrix, Result};
use crate::kit::cpu::par;

/// y = f(x + a), where a is the vector of the row's sequence: what a query adds to every region it asks.
///
/// With dz = dy ∘ f′:  dx = dz, and da sums dz over the rows of each sequence.
///
/// # Shapes
/// `x: [N, W]`, S sequences of N rows together, `a: [S, W]` → `[N, W]`.
///
/// # Errors
/// `StageError::Tensor` when the device refuses.
///
/// # Panics
/// When the shapes do not fit.
pub fn add_each<D: Backend, T: Tape<f32, D>>(
    x: Matrix<D, T>,
    packed: &Packed,
    a: Matrix<D, T>,
    act: Act,
) -> Result<Matrix<D, T>> {
    let (n, width) = *x.shape();
    assert_eq!(packed.rows(), n, "rows of the sequences");
    assert_eq!(*a.shape(), (packed.count(), width), "a vector a sequence");
    let ((x, tape), (a, other)) = (x.split_tape(), a.split_tape());
    let mut tape = tape.merge(other);
    let owners = packed.owners();
    let mut y = D::view(&x).into_owned();
    let mut slopes = vec![0.0; if T::OWNS_TAPE && act != Act::Identity { y.len() } else { 0 }];
    {
        let a = D::view(&a);
        let add = |first: usize, y: &mut [f32]| {
            for (y, owner) in y.chunks_exact_mut(width.max(1)).zip(&owners[first..]) {
                par::add(y, &a[*owner as usize * width..][..width]);
            }
        };
        with_function!(act, f => apply(f, &mut y, &mut slopes, width, add), identity => {
            par::for_rows!(&mut y, width, |first, y| add(first, y));
        });
    }
    let y = x.device().tensor_of(y, (n, width))?;
    let (y_ref, packed) = (y.clone(), packed.clone());
    tape.add_backward_op(move |grads| {
        let mut dz = D::take_grad(grads, &y_ref)?;
        if !slopes.is_empty() {
            par::for_rows!(&mut dz, 1, |first, dz| par::mul(dz, &slopes[first..][..dz.len()]));
        }
        D::add_grad(grads, &a, |da| {
            da.par_chunks_exact_mut(width.max(1)).enumerate().for_each(|(s, da)| {
                let span = packed.span(s);
                let rows = dz[span.start * width..span.end * width].chunks_exact(width.max(1));
                par::simd!(|| rows.for_each(|row| par::add(da, row)));
            });
        })?;
        D::add_grad(grads, &x, |dx| {
            par::for_rows!(dx, 1, |first, dx| par::add(dx, &dz[first..][..dx.len()]));
        })
    });
    Ok(y.put_tape(tape))
}

/// y ← f(y + what `add` adds), slopes ← f′ there, if they are kept.
fn apply(
    f: impl Function,
    y: &mut [f32],
    slopes: &mut [f32],
    width: usize,
    add: impl Fn(usize, &mut [f32]) + Sync,
) {
    if slopes.is_empty() {
        return par::for_rows!(y, width, |first, y| {
            add(first, y);
            for y in y {
                *y = f.both(*y).0;
            }
        });
    }
    par::for_rows_with!(y, width, slopes, |first, y, slopes| {
        add(first, y);
        for (y, slope) in y.iter_mut().zip(slopes) {
            (*y, *slope) = f.both(*y);
        }
    });
}

#[cfg(test)]
mod tests;
