//! What several experts made of the rows that each was sent, weighted and put back in place.

use dfdx::prelude::{HasShape, PutTape, SplitTape, Tape};
use rayon::prelude::*;

use crate::kit::backend::{Backend, Matrix, Result};
use crate::kit::cpu::par;

/// yₙ = Σₑ gₙₑ·fₑ over the experts e that were sent row n, in their order; 0 for a row sent to none.
///
/// `rows[e]` says which rows expert e was sent, in ascending order, as [`rows`](super::rows::rows) was asked for them.
/// A weight of an expert that a row was not sent to is not read.  dfₑ = gₙₑ·dyₙ,  dgₙₑ = dyₙ·fₑ.
///
/// # Shapes
/// E parts `[Nₑ, W]`, E lists of Nₑ rows, `gates: [N, E]` → `[N, W]`.
///
/// # Errors
/// `StageError::Tensor` when the device refuses.
///
/// # Panics
/// When the shapes do not fit, or rows are not ascending and below N.
pub fn combine<D: Backend, T: Tape<f32, D>>(
    parts: Vec<Matrix<D, T>>,
    rows: &[Vec<u32>],
    gates: Matrix<D, T>,
) -> Result<Matrix<D, T>> {
    let (n, experts) = *gates.shape();
    let width = parts.first().expect("an expert").shape().1;
    assert!(parts.len() == experts && rows.len() == experts, "parts of {experts} experts");
    for (part, rows) in parts.iter().zip(rows) {
        assert_eq!(*part.shape(), (rows.len(), width), "rows of an expert");
        let ascending = rows.windows(2).all(|pair| pair[0] < pair[1]);
        assert!(ascending && rows.last().is_none_or(|r| (*r as usize) < n), "rows ascend below {n}");
    }
    let (gates, mut tape) = gates.split_tape();
    let mut untaped = Vec::new();
    for part in parts {
        let (part, other) = part.split_tape();
        tape = tape.merge(other);
        untaped.push(part);
    }
    let parts = untaped;
    let mut y = vec![0.0; n * width];
    {
        let (views, gates) = (parts.iter().map(|p| D::view(p)).collect::<Vec<_>>(), D::view(&gates));
        par::for_rows!(&mut y, width, |first, y| {
            let count = y.len() / width.max(1);
            for (e, (part, rows)) in views.iter().zip(rows).enumerate() {
                let from = rows.partition_point(|r| (*r as usize) < first);
                let sent =
                    rows[from..].iter().enumerate().take_while(|(_, r)| (**r as usize) < first + count);
                for (i, row) in sent {
                    let row = *row as usize;
                    let f = &part[(from + i) * width..][..width];
                    par::add_times(&mut y[(row - first) * width..][..width], gates[row * experts + e], f);
                }
            }
        });
    }
    let y = gates.device().tensor_of(y, (n, width))?;
    let (y_ref, rows) = (y.clone(), rows.to_vec());
    tape.add_backward_op(move |grads| {
        let dy = D::take_grad(grads, &y_ref)?;
        let dy = |row: u32| &dy[row as usize * width..][..width];
        {
            let views: Vec<_> = parts.iter().map(|p| D::view(p)).collect();
            let slopes: Vec<Vec<f32>> = views
                .par_iter()
                .zip(&rows)
                .map(|(part, rows)| {
                    par::simd!(|| {
                        let pairs = rows.iter().zip(part.chunks_exact(width.max(1)));
                        pairs.map(|(row, f)| par::dot(f, dy(*row))).collect()
                    })
                })
                .collect();
            D::add_grad(grads, &gates, |dg| {
                for (e, (rows, slopes)) in rows.iter().zip(&slopes).enumerate() {
                    rows.iter().zip(slopes).for_each(|(row, slope)| dg[*row as usize * experts + e] += slope);
                }
            })?;
        }
        let gates = D::view(&gates);
        for (e, (part, rows)) in parts.iter().zip(&rows).enumerate() {
            D::add_grad(grads, part, |df| {
                par::for_rows!(df, width, |first, df| {
                    for (df, row) in df.chunks_exact_mut(width.max(1)).zip(&rows[first..]) {
                        par::add_times(df, gates[*row as usize * experts + e], dy(*row));
                    }
                });
            })?;
        }
        Ok(())
    });
    Ok(y.put_tape(tape))
}

#[cfg(test)]
mod tests;
