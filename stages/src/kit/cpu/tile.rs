//! Products of a matrix with a few columns, whose rows may lie anywhere: what convolutions and recurrences are made of.
//!
//! In C = A·B, row s of B is whatever slice starts at `starts[s]`. So the patches of a convolution, which are shifted
//! views of one padded image, need never be built, and weights that are used at every step of a sequence are put in
//! order once. Each number of C is one chain of fused multiply-adds in the order of s: its bytes depend neither on
//! the width of the vectors nor on how rows and columns are grouped.
#![expect(clippy::inline_always, reason = "everything must be compiled with the vector width of `product`")]

use pulp::{Arch, Simd, WithSimd, bytemuck};
use rayon::prelude::*;

use super::gemm::Old;

/// Vectors of columns that are made at once.
const VECTORS: usize = 3;

/// Numbers in a vector of this machine.
pub fn lanes() -> usize {
    struct Lanes;
    impl WithSimd for Lanes {
        type Output = usize;
        fn with_simd<S: Simd>(self, _: S) -> usize {
            S::F32_LANES
        }
    }
    Arch::new().dispatch(Lanes)
}

/// The most columns that [`product`] makes at once.
pub fn span() -> usize {
    VECTORS * lanes()
}

/// The width, a multiple of the lanes and at most [`span`], of equal pieces that cover `columns`.
pub fn even_span(columns: usize) -> usize {
    let vectors = columns.div_ceil(lanes()).max(1);
    vectors.div_ceil(vectors.div_ceil(VECTORS)) * lanes()
}

/// Rows of A that are multiplied at once: with [`VECTORS`] they fill the machine's registers.
fn tile_rows() -> usize {
    if lanes() >= 16 { 8 } else { 4 }
}

/// A matrix in the order in which [`product`] reads it: tiles of a few rows, column by column.
#[derive(Debug)]
pub struct Packed {
    data: Vec<f32>,
    rows: usize,
    depth: usize,
}

impl Packed {
    /// Packs `rows` × `depth` numbers; `fill(row, numbers)` writes a row.
    pub fn new(rows: usize, depth: usize, fill: impl Fn(usize, &mut [f32]) + Sync) -> Self {
        let height = tile_rows();
        let mut data = vec![0.0; rows.next_multiple_of(height) * depth];
        if !data.is_empty() {
            data.par_chunks_exact_mut(height * depth).enumerate().for_each(|(i, tile)| {
                let mut row = vec![0.0; depth];
                for r in 0..height.min(rows - i * height) {
                    fill(i * height + r, &mut row);
                    tile[r..].iter_mut().step_by(height).zip(&row).for_each(|(to, from)| *to = *from);
                }
            });
        }
        Self { data, rows, depth }
    }

    /// How many rows it has.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// The rows from `from` on, at most `count`; `from` must be a multiple of 8.
    pub fn part(&self, from: usize, count: usize) -> Left<'_> {
        debug_assert_eq!(from % 8, 0, "rows are packed in tiles");
        Left::Packed { data: &self.data[from * self.depth..], rows: count.min(self.rows - from) }
    }
}

/// A right side of any width, in the order in which [`product`] reads it: panels of some columns, row by row.
#[derive(Debug)]
pub struct Panels {
    data: Vec<f32>,
    starts: Vec<usize>,
    columns: usize,
    width: usize,
}

impl Panels {
    /// Packs `depth` × `columns` numbers, of which `at(row, column)` is one.
    pub fn new(depth: usize, columns: usize, at: impl Fn(usize, usize) -> f32 + Sync) -> Self {
        let width = even_span(columns);
        let mut data = vec![0.0; columns.div_ceil(width) * width * depth];
        data.par_chunks_exact_mut((width * depth).max(1)).enumerate().for_each(|(i, panel)| {
            for (row, numbers) in panel.chunks_exact_mut(width).enumerate() {
                let columns = i * width..columns.min((i + 1) * width);
                numbers.iter_mut().zip(columns).for_each(|(number, column)| *number = at(row, column));
            }
        });
        Self { data, starts: (0..depth).map(|row| row * width).collect(), columns, width }
    }

    /// C (+)= A·B on this thread. A row of C has room for the columns, rounded up to whole vectors.
    pub fn after(&self, a: Left<'_>, c: &mut [f32], pitch: usize, old: Old) {
        if self.starts.is_empty() {
            return;
        }
        for (i, panel) in self.data.chunks_exact(self.width * self.starts.len()).enumerate() {
            let first = i * self.width;
            product(
                a,
                panel,
                &self.starts,
                self.width.min(self.columns - first),
                &mut c[first..],
                pitch,
                old,
            );
        }
    }
}

/// The left side of a product.
#[derive(Debug, Clone, Copy)]
pub enum Left<'a> {
    /// Part of a [`Packed`].
    Packed {
        /// Its tiles.
        data: &'a [f32],
        /// Rows.
        rows: usize,
    },
    /// Each row is a slice that starts at one of `starts`.
    Rows {
        /// What the rows are slices of.
        data: &'a [f32],
        /// Where they start.
        starts: &'a [usize],
    },
}

impl Left<'_> {
    fn rows(&self) -> usize {
        match self {
            Self::Packed { rows, .. } => *rows,
            Self::Rows { starts, .. } => starts.len(),
        }
    }
}

/// C (+)= A·B on this thread, for a C of at most [`span`] columns; column counts round up to whole vectors.
///
/// `b[starts[s]..]` is row s of B; rows of C start every `pitch` numbers.
///
/// # Panics
/// When a slice is too short.
pub fn product(
    a: Left<'_>,
    b: &[f32],
    starts: &[usize],
    columns: usize,
    c: &mut [f32],
    pitch: usize,
    old: Old,
) {
    Arch::new().dispatch(Product { a, b, starts, columns, c, pitch, old });
}

struct Product<'a> {
    a: Left<'a>,
    b: &'a [f32],
    starts: &'a [usize],
    columns: usize,
    c: &'a mut [f32],
    pitch: usize,
    old: Old,
}

impl WithSimd for Product<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        match self.columns.div_ceil(S::F32_LANES) {
            0 => (),
            1 => self.run::<S, 1>(simd),
            2 => self.run::<S, 2>(simd),
            3 => self.run::<S, 3>(simd),
            _ => panic!("{} columns at once", self.columns),
        }
    }
}

impl Product<'_> {
    #[inline(always)]
    fn run<S: Simd, const V: usize>(mut self, simd: S) {
        if S::F32_LANES >= 16 { self.tiles::<S, 8, V>(simd) } else { self.tiles::<S, 4, V>(simd) }
    }

    #[inline(always)]
    fn tiles<S: Simd, const R: usize, const V: usize>(&mut self, simd: S) {
        let depth = self.starts.len();
        let total = self.a.rows();
        for first in (0..total).step_by(R) {
            let rows = R.min(total - first);
            let c = &mut self.c[first * self.pitch..];
            let c = Corner { numbers: c, pitch: self.pitch, rows, old: self.old };
            match self.a {
                Left::Packed { data, .. } => {
                    let tile = &data[first * depth..][..R * depth];
                    if rows <= R / 2 && R == 8 {
                        multiply::<S, 4, V>(simd, InOrder::<8>(tile), self.b, self.starts, c);
                    } else {
                        multiply::<S, R, V>(simd, InOrder::<R>(tile), self.b, self.starts, c);
                    }
                }
                Left::Rows { data, starts } => {
                    let row = |i: usize| &data[starts[(first + i).min(total - 1)]..][..depth];
                    multiply::<S, R, V>(
                        simd,
                        Apart(std::array::from_fn::<_, R, _>(row)),
                        self.b,
                        self.starts,
                        c,
                    );
                }
            }
        }
    }
}

/// A few rows of A, read column by column.
trait Columns<const R: usize>: Copy {
    fn column(&self, s: usize) -> [f32; R];
}

/// Rows of a tile of `H` rows that is stored column by column.
#[derive(Clone, Copy)]
struct InOrder<'a, const H: usize>(&'a [f32]);

impl<const H: usize, const R: usize> Columns<R> for InOrder<'_, H> {
    #[inline(always)]
    fn column(&self, s: usize) -> [f32; R] {
        let column = &self.0[s * H..][..H];
        std::array::from_fn(|i| column[i])
    }
}

/// Rows that are slices of their own.
#[derive(Clone, Copy)]
struct Apart<'a, const R: usize>([&'a [f32]; R]);

impl<const R: usize> Columns<R> for Apart<'_, R> {
    #[inline(always)]
    fn column(&self, s: usize) -> [f32; R] {
        std::array::from_fn(|i| self.0[i][s])
    }
}

/// The part of C that one tile makes.
struct Corner<'a> {
    numbers: &'a mut [f32],
    pitch: usize,
    rows: usize,
    old: Old,
}

#[inline(always)]
fn multiply<S: Simd, const R: usize, const V: usize>(
    simd: S,
    a: impl Columns<R>,
    b: &[f32],
    starts: &[usize],
    c: Corner<'_>,
) {
    let width = V * S::F32_LANES;
    let mut sums = [[simd.splat_f32s(0.0); V]; R];
    if c.old == Old::Add {
        for (i, sums) in sums.iter_mut().enumerate() {
            if i < c.rows {
                sums.copy_from_slice(bytemuck::cast_slice(&c.numbers[i * c.pitch..][..width]));
            }
        }
    }
    for (s, start) in starts.iter().enumerate() {
        let row: &[S::f32s] = bytemuck::cast_slice(&b[*start..][..width]);
        let row: [S::f32s; V] = std::array::from_fn(|j| row[j]);
        let column = a.column(s);
        for i in 0..R {
            let x = simd.splat_f32s(column[i]);
            for j in 0..V {
                sums[i][j] = simd.mul_add_f32s(x, row[j], sums[i][j]);
            }
        }
    }
    for (i, sums) in sums.iter().enumerate() {
        if i < c.rows {
            c.numbers[i * c.pitch..][..width].copy_from_slice(bytemuck::cast_slice(sums));
        }
    }
}

#[cfg(test)]
mod tests;
