//! Each row beside its neighbours: what a convolution over time multiplies with its weights.

use dfdx::prelude::{HasShape, PutTape, SplitTape, Tape};

use super::attention::Packed;
use crate::kit::backend::{Backend, Matrix, Result};
use crate::kit::cpu::par;

/// yₙ = (xₙ₋ₚ; …; xₙ; …; xₙ₊ₚ) within each sequence, with zeros outside it, for windows of `length` = 2p + 1 rows.
///
/// With a linear layer behind it, this is `torch.nn.Conv1d` with padding p.
///
/// # Shapes
/// `x: [N, I]`, sequences of N rows together → `[N, length·I]`.
///
/// # Errors
/// `StageError::Tensor` when the device refuses.
///
/// # Panics
/// When the length is even, or the sequences do not have N rows.
pub fn windows<D: Backend, T: Tape<f32, D>>(
    x: Matrix<D, T>,
    packed: &Packed,
    length: usize,
) -> Result<Matrix<D, T>> {
    let (n, inputs) = *x.shape();
    assert_eq!(packed.rows(), n, "rows of the sequences");
    assert!(length % 2 == 1, "a window of {length} rows has no middle");
    let width = length * inputs;
    // The rows of x that the sequence of each row has.
    let spans: Vec<(usize, usize)> = (0..packed.count())
        .flat_map(|s| {
            let span = packed.span(s);
            std::iter::repeat_n((span.start, span.end), span.len())
        })
        .collect();
    // The parts of a window that lie inside the sequence: place in the window, row.
    let inside = move |row: usize, (start, end): (usize, usize)| {
        (0..length).filter_map(move |place| {
            let from = (row + place).checked_sub(length / 2)?;
            (from >= start && from < end).then_some((place, from))
        })
    };
    let (x, mut tape) = x.split_tape();
    let mut y = vec![0.0; n * width];
    {
        let x = D::view(&x);
        par::for_rows!(&mut y, width, |first, y| {
            for (i, y) in y.chunks_exact_mut(width).enumerate() {
                for (place, from) in inside(first + i, spans[first + i]) {
                    y[place * inputs..][..inputs].copy_from_slice(&x[from * inputs..][..inputs]);
                }
            }
        });
    }
    let y = x.device().tensor_of(y, (n, width))?;
    let y_ref = y.clone();
    tape.add_backward_op(move |grads| {
        let dy = D::take_grad(grads, &y_ref)?;
        D::add_grad(grads, &x, |dx| {
            par::for_rows!(dx, inputs, |first, dx| {
                for (i, dx) in dx.chunks_exact_mut(inputs).enumerate() {
                    // Row n stands at the mirrored place in the window of each neighbour.
                    for (place, from) in inside(first + i, spans[first + i]) {
                        par::add(dx, &dy[from * width + (length - 1 - place) * inputs..][..inputs]);
                    }
                }
            });
        })
    });
    Ok(y.put_tape(tape))
}

#[cfg(test)]
mod tests;
