//! Rows through a linear layer and an activation: y = f(x·Wᵀ + b).

use dfdx::prelude::{HasShape, PutTape, SplitTape, Tape};

use super::act::{Act, Function, with_function};
use crate::kit::backend::{Backend, Matrix, Result, Vector};
use crate::kit::cpu::gemm::{Mat, Old, matmul};
use crate::kit::cpu::par;

/// y = f(x·Wᵀ + b), as `torch.nn.functional.linear` and an activation.
///
/// With z = x·Wᵀ + b and dz = dy ∘ f′(z):  dx = dz·W,  dW = dzᵀ·x,  db = Σ rows of dz. A decoder that is tied to an
/// embedding table is this op with the table as W.
///
/// # Shapes
/// `x: [N, I]`, `w: [O, I]`, `b: [O]` → `[N, O]`.
///
/// # Errors
/// `StageError::Tensor` when the device refuses.
///
/// # Panics
/// When the shapes do not fit.
pub fn linear<D: Backend, T: Tape<f32, D>>(
    x: Matrix<D, T>,
    w: &Matrix<D>,
    b: Option<&Vector<D>>,
    act: Act,
) -> Result<Matrix<D, T>> {
    let (x, tape) = x.split_tape();
    apply(x, tape, true, w, b, act)
}

/// As [`linear`], of rows that are given and not learned, such as stored features: a tape starts here, and no gradient
/// of x is made.
///
/// # Shapes
/// `x: [N, I]`, `w: [O, I]`, `b: [O]` → `[N, O]`.
///
/// # Errors
/// `StageError::Tensor` when the device refuses.
///
/// # Panics
/// When the shapes do not fit.
pub fn linear_of<D: Backend, T: Tape<f32, D>>(
    x: &Matrix<D>,
    w: &Matrix<D>,
    b: Option<&Vector<D>>,
    act: Act,
) -> Result<Matrix<D, T>> {
    apply(x.clone(), T::default(), false, w, b, act)
}

/// The op on rows whose gradient is asked for or not.
fn apply<D: Backend, T: Tape<f32, D>>(
    x: Matrix<D>,
    mut tape: T,
    learned: bool,
    w: &Matrix<D>,
    b: Option<&Vector<D>>,
    act: Act,
) -> Result<Matrix<D, T>> {
    let (n, i) = *x.shape();
    let (o, wi) = *w.shape();
    assert_eq!(i, wi, "width of the rows");
    let mut y = vec![0.0; n * o];
    matmul(&mut y, Mat::new(&D::view(&x), n, i), Mat::new(&D::view(w), o, i).t(), Old::Replace);
    let slopes = with_function!(act, f => activate(&mut y, o, b, f, T::OWNS_TAPE), identity => {
        if let Some(b) = b {
            let b = D::view(b);
            par::for_rows!(&mut y, o, |_, rows| rows.chunks_exact_mut(o).for_each(|row| par::add(row, &b)));
        }
        Vec::new()
    });
    let y = x.device().tensor_of(y, (n, o))?;
    let (y_ref, w, b) = (y.clone(), w.clone(), b.cloned());
    tape.add_backward_op(move |grads| {
        let mut dz = D::take_grad(grads, &y_ref)?;
        let mut db = vec![0.0; if b.is_some() { o } else { 0 }];
        if act != Act::Identity || b.is_some() {
            par::sum_rows!(&mut dz, o, &mut db, |first, rows, db| {
                if act != Act::Identity {
                    let slopes = &slopes[first * o..][..rows.len()];
                    rows.iter_mut().zip(slopes).for_each(|(dz, slope)| *dz *= slope);
                }
                if !db.is_empty() {
                    rows.chunks_exact(o).for_each(|row| par::add(db, row));
                }
            });
        }
        if let Some(b) = b {
            D::add_grad(grads, &b, |sum| par::add(sum, &db))?;
        }
        let dz = Mat::new(&dz, n, o);
        D::add_grad(grads, &w, |dw| matmul(dw, dz.t(), Mat::new(&D::view(&x), n, i), Old::Add))?;
        if !learned {
            return Ok(());
        }
        D::add_grad(grads, &x, |dx| matmul(dx, dz, Mat::new(&D::view(&w), o, i), Old::Add))
    });
    Ok(y.put_tape(tape))
}

/// z ← f(z + b); returns f′ at each place if a tape will ask for it.
fn activate<D: Backend>(
    z: &mut [f32],
    width: usize,
    b: Option<&Vector<D>>,
    f: impl Function,
    slopes: bool,
) -> Vec<f32> {
    let zeros = vec![0.0; width];
    let b = b.map(D::view);
    let b = b.as_deref().unwrap_or(&zeros);
    let mut kept = vec![0.0; if slopes { z.len() } else { 0 }];
    if slopes {
        par::for_rows_with!(z, width, &mut kept, |_, z, kept| {
            for (z, kept) in z.chunks_exact_mut(width).zip(kept.chunks_exact_mut(width)) {
                for ((z, kept), b) in z.iter_mut().zip(kept).zip(b) {
                    (*z, *kept) = f.both(*z + b);
                }
            }
        });
    } else {
        par::for_rows!(z, width, |_, z| {
            for z in z.chunks_exact_mut(width) {
                for (z, b) in z.iter_mut().zip(b) {
                    *z = f.both(*z + b).0;
                }
            }
        });
    }
    kept
}

#[cfg(test)]
mod tests;
