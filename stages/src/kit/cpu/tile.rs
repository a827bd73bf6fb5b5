//! Products of a matrix with a few columns, whose rows may lie anywhere: what convolutions and recurrences are made of.
//!
//! In C = A·B, row s of B is whatever slice starts at `starts[s]`. So the patches of a convolution, which are shifted
//! views of one padded image, need never be built, and weights that are used at every step of a sequence are put in
//! order once. Each number of C is one chain of fused multiply-adds in the order of s: its bytes depend neither on
//! the width of the vectors nor on how rows and columns are grouped.
#![expect(clippy::inline_always, reason = "everything must be compiled with the vector width of `product`")]

use std::ops::Range;

use pulp::{Arch, Simd, WithSimd, bytemuck};
use rayon::prelude::*;

use super::gemm::Old;

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

/// Vectors of columns that are made at once. With [`tile_rows`] they fill the machine's registers, but for those that
/// hold a row of B and one number of A: 12 of 16, or 24 of 32 where vectors are of the widest.
fn vectors() -> usize {
    if lanes() >= 16 { 3 } else { 2 }
}

/// Rows of A that are multiplied at once.
pub fn tile_rows() -> usize {
    if lanes() >= 16 { 8 } else { 6 }
}

/// The most columns that [`product`] makes at once.
pub fn span() -> usize {
    vectors() * lanes()
}

/// The width, a multiple of the lanes and at most [`span`], of equal pieces that cover `columns`.
pub fn even_span(columns: usize) -> usize {
    let needed = columns.div_ceil(lanes()).max(1);
    needed.div_ceil(needed.div_ceil(vectors())) * lanes()
}

/// A matrix in the order in which [`product`] reads it: tiles of a few rows, column by column.
#[derive(Debug)]
pub struct Packed {
    data: Vec<f32>,
    rows: usize,
    depth: usize,
}

impl Packed {
    /// Packs `rows` × `depth` numbers. `fill(rows, tile)` writes some rows, at most [`tile_rows`] of them: number s of
    /// the r-th to `tile[s * tile_rows() + r]`.
    pub fn new(rows: usize, depth: usize, fill: impl Fn(Range<usize>, &mut [f32]) + Sync) -> Self {
        let height = tile_rows();
        let mut data = vec![0.0; rows.next_multiple_of(height) * depth];
        if !data.is_empty() {
            data.par_chunks_exact_mut(height * depth).enumerate().for_each(|(i, tile)| {
                fill(i * height..rows.min((i + 1) * height), tile);
            });
        }
        Self { data, rows, depth }
    }

    /// How many rows it has.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// How many columns it has.
    pub fn depth(&self) -> usize {
        self.depth
    }

    /// All rows of these columns.
    pub fn columns(&self, columns: Range<usize>) -> Left<'_> {
        let height = tile_rows();
        let data = &self.data[(columns.start * height).min(self.data.len())..];
        Left::Packed { data, rows: self.rows, pitch: self.depth * height }
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
        /// Its first tile, from the first column on.
        data: &'a [f32],
        /// Rows.
        rows: usize,
        /// Numbers from one tile to the next.
        pitch: usize,
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
            3 if S::F32_LANES >= 16 => self.run::<S, 3>(simd),
            _ => panic!("{} columns at once", self.columns),
        }
    }
}

impl Product<'_> {
    #[inline(always)]
    fn run<S: Simd, const V: usize>(mut self, simd: S) {
        if S::F32_LANES >= 16 { self.tiles::<S, 8, V>(simd) } else { self.tiles::<S, 6, V>(simd) }
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
                Left::Packed { data, pitch, .. } => {
                    let tile = InOrder::<R>(&data[first / R * pitch..][..R * depth]);
                    match rows {
                        1 | 2 => multiply::<S, 2, V>(simd, tile, self.b, self.starts, c),
                        3 | 4 => multiply::<S, 4, V>(simd, tile, self.b, self.starts, c),
                        _ => multiply::<S, R, V>(simd, tile, self.b, self.starts, c),
                    }
                }
                Left::Rows { data, starts } => {
                    let row = |i: usize| &data[starts[(first + i).min(total - 1)]..][..depth];
                    match rows {
                        1 | 2 => {
                            multiply::<S, 2, V>(
                                simd,
                                Apart(std::array::from_fn(row)),
                                self.b,
                                self.starts,
                                c,
                            );
                        }
                        3 | 4 => {
                            multiply::<S, 4, V>(
                                simd,
                                Apart(std::array::from_fn(row)),
                                self.b,
                                self.starts,
                                c,
                            );
                        }
                        _ => {
                            multiply::<S, R, V>(
                                simd,
                                Apart(std::array::from_fn(row)),
                                self.b,
                                self.starts,
                                c,
                            );
                        }
                    }
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
    let Corner { numbers, pitch, rows, old } = c;
    let width = V * S::F32_LANES;
    let mut sums = [[simd.splat_f32s(0.0); V]; R];
    if old == Old::Add {
        for (i, sums) in sums.iter_mut().enumerate() {
            if i < rows {
                sums.copy_from_slice(bytemuck::cast_slice(&numbers[i * pitch..][..width]));
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
        if i < rows {
            numbers[i * pitch..][..width].copy_from_slice(bytemuck::cast_slice(sums));
        }
    }
}

#[cfg(test)]
mod tests;
