//! Matrix products: `C = A·B` or `C += A·B`, in fixed blocks of the rows of C.
//!
//! The `gemm` crate is called with one thread a block, since how it shares work among threads is its own affair; a
//! block is a function of the shapes alone, so the bytes of C do not depend on the number of threads.

use rayon::prelude::*;

/// Multiplications and additions that one task should do.
const GRAIN: usize = 1 << 22;

/// A matrix in somebody's buffer.
#[derive(Clone, Copy)]
pub struct Mat<'a> {
    data: &'a [f32],
    rows: usize,
    cols: usize,
    row_step: usize,
    col_step: usize,
}

impl<'a> Mat<'a> {
    /// `rows` × `cols` numbers in row-major order.
    ///
    /// # Panics
    /// When `data` holds fewer.
    pub fn new(data: &'a [f32], rows: usize, cols: usize) -> Self {
        Self::strided(data, rows, cols, cols)
    }

    /// Rows of `cols` numbers that start every `step` numbers.
    ///
    /// # Panics
    /// When `data` holds fewer, or rows overlap.
    pub fn strided(data: &'a [f32], rows: usize, cols: usize, step: usize) -> Self {
        assert!(cols <= step || rows <= 1, "rows of {cols} every {step}");
        Self::windows(data, rows, cols, step)
    }

    /// Rows of `cols` numbers that start every `step` numbers and may overlap: windows over a sequence.
    ///
    /// # Panics
    /// When `data` holds fewer.
    pub fn windows(data: &'a [f32], rows: usize, cols: usize, step: usize) -> Self {
        assert!(
            rows == 0 || data.len() >= (rows - 1) * step + cols,
            "{rows} windows of {cols} in {} numbers",
            data.len()
        );
        Self { data, rows, cols, row_step: step, col_step: 1 }
    }

    /// The transpose, in place.
    #[must_use]
    pub fn t(self) -> Self {
        Self {
            data: self.data,
            rows: self.cols,
            cols: self.rows,
            row_step: self.col_step,
            col_step: self.row_step,
        }
    }

    fn rows(self, from: usize, count: usize) -> Self {
        let start = if count == 0 { 0 } else { from * self.row_step };
        Self { data: &self.data[start..], rows: count, ..self }
    }
}

/// What becomes of the numbers that C held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Old {
    /// They are overwritten.
    Replace,
    /// The product is added to them.
    Add,
}

/// C (+)= A·B for a row-major C, in parallel.
///
/// # Panics
/// When the shapes do not fit.
pub fn matmul(c: &mut [f32], a: Mat<'_>, b: Mat<'_>, old: Old) {
    assert_eq!(c.len(), a.rows * b.cols, "C of {} × {}", a.rows, b.cols);
    if c.is_empty() {
        return;
    }
    let rows = block_rows(a.rows, 2 * a.cols * b.cols);
    c.par_chunks_mut(rows * b.cols).enumerate().for_each(|(i, c)| {
        matmul_one(c, b.cols, a.rows(i * rows, c.len() / b.cols), b, old);
    });
}

/// Rows of one block: at least so many that putting B in order, which every block does for itself, costs little beside
/// the product, near [`GRAIN`] operations if that is more, a multiple of 16, and rows shared out evenly.
fn block_rows(rows: usize, row_cost: usize) -> usize {
    let worth = rows.div_ceil(4).clamp(32, 256);
    let blocks = (rows * row_cost).div_ceil(GRAIN).clamp(1, rows.div_ceil(worth).max(1));
    rows.div_ceil(blocks).next_multiple_of(16)
}

/// C (+)= A·B on this thread; rows of C start every `step` numbers.
///
/// # Panics
/// When the shapes do not fit.
#[expect(unsafe_code, reason = "the gemm crate takes pointers and strides")]
pub fn matmul_one(c: &mut [f32], step: usize, a: Mat<'_>, b: Mat<'_>, old: Old) {
    assert_eq!(a.cols, b.rows, "A·B");
    assert!(b.cols <= step || a.rows <= 1, "rows of {} every {step}", b.cols);
    if a.rows == 0 || b.cols == 0 {
        return;
    }
    assert!(c.len() >= (a.rows - 1) * step + b.cols, "C of {} × {}", a.rows, b.cols);
    // SAFETY: the largest offset into C is (rows − 1)·step + cols − 1, which is checked above; those into A and B were
    // checked when they were made, and `t` and `rows` keep them inside. C is borrowed mutably, so it overlaps neither.
    unsafe {
        gemm::gemm(
            a.rows,
            b.cols,
            a.cols,
            c.as_mut_ptr(),
            1,
            step as isize,
            old == Old::Add,
            a.data.as_ptr(),
            a.col_step as isize,
            a.row_step as isize,
            b.data.as_ptr(),
            b.col_step as isize,
            b.row_step as isize,
            1.0,
            1.0,
            false,
            false,
            false,
            gemm::Parallelism::None,
        );
    }
}

#[cfg(test)]
mod tests;
