//! What is done to squares before and after their products, channels side by side.
#![expect(clippy::inline_always, reason = "everything must be compiled with the vector width of its caller")]

use std::ops::Range;

use pulp::{Simd, WithSimd, bytemuck};

use super::{PLACES, TAPS, pitch};

/// The 16 parts of `to` that start every `pitch` numbers, of each the vectors from `at` on.
#[inline(always)]
fn parts<S: Simd>(to: &mut [f32], pitch: usize, at: usize, wide: usize) -> [&mut [S::f32s]; PLACES] {
    let mut parts: [&mut [S::f32s]; PLACES] = Default::default();
    for (part, to) in parts.iter_mut().zip(to.chunks_mut(pitch)) {
        *part = bytemuck::cast_slice_mut(&mut to[at..][..wide]);
    }
    parts
}

/// G times three numbers.
#[inline(always)]
fn lift<S: Simd>(simd: S, [a, b, c]: [S::f32s; 3]) -> [S::f32s; 4] {
    let half = simd.splat_f32s(0.5);
    let (ends, middle) = (simd.mul_f32s(simd.add_f32s(a, c), half), simd.mul_f32s(b, half));
    [a, simd.add_f32s(ends, middle), simd.sub_f32s(ends, middle), c]
}

/// Bᵀ times four numbers.
#[inline(always)]
fn enter<S: Simd>(simd: S, [a, b, c, d]: [S::f32s; 4]) -> [S::f32s; 4] {
    [simd.sub_f32s(a, c), simd.add_f32s(b, c), simd.sub_f32s(c, b), simd.sub_f32s(b, d)]
}

/// Aᵀ times four numbers.
#[inline(always)]
fn leave<S: Simd>(simd: S, [a, b, c, d]: [S::f32s; 4]) -> [S::f32s; 2] {
    let (sum, difference) = (simd.add_f32s(b, c), simd.sub_f32s(b, c));
    [simd.add_f32s(a, sum), simd.sub_f32s(difference, d)]
}

/// G·g·Gᵀ.
pub(super) struct Lift<'a> {
    pub(super) taps: &'a [f32],
    pub(super) to: &'a mut [f32],
    /// The inputs whose taps they are.
    pub(super) rows: Range<usize>,
    pub(super) span: usize,
    /// Numbers from one place to the next.
    pub(super) places: usize,
    pub(super) turned: bool,
}

impl WithSimd for Lift<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { taps, to, rows, span, places, turned } = self;
        for (row, taps) in rows.zip(taps.chunks_exact(TAPS * span)) {
            let taps: &[S::f32s] = bytemuck::cast_slice(taps);
            let to = parts::<S>(to, places, row * span, span);
            let wide = span / S::F32_LANES;
            for c in 0..wide {
                let mut columns = [[simd.splat_f32s(0.0); 4]; 3];
                for (x, column) in columns.iter_mut().enumerate() {
                    let places = if turned { [8 - x, 5 - x, 2 - x] } else { [x, 3 + x, 6 + x] };
                    *column = lift(
                        simd,
                        places.map(
                            #[inline(always)]
                            |k| taps[k * wide + c],
                        ),
                    );
                }
                for y in 0..4 {
                    let row = lift(simd, [columns[0][y], columns[1][y], columns[2][y]]);
                    for x in 0..4 {
                        to[4 * y + x][c] = row[x];
                    }
                }
            }
        }
    }
}

/// Bᵀ·d·B.
pub(super) struct Enter<'a> {
    pub(super) pixels: &'a [f32],
    /// The pixels of each square.
    pub(super) seen: &'a [[usize; PLACES]],
    pub(super) to: &'a mut [f32],
    pub(super) wide: usize,
}

impl WithSimd for Enter<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { pixels, seen, to, wide } = self;
        for (square, seen) in seen.iter().enumerate() {
            let pixels = seen.map(
                #[inline(always)]
                |at| bytemuck::cast_slice::<f32, S::f32s>(&pixels[at..][..wide]),
            );
            let to = parts::<S>(to, pitch(wide), square * wide, wide);
            for c in 0..wide / S::F32_LANES {
                let mut columns = [[simd.splat_f32s(0.0); 4]; 4];
                for x in 0..4 {
                    columns[x] =
                        enter(simd, [pixels[x][c], pixels[4 + x][c], pixels[8 + x][c], pixels[12 + x][c]]);
                }
                for y in 0..4 {
                    let row = enter(simd, [columns[0][y], columns[1][y], columns[2][y], columns[3][y]]);
                    for x in 0..4 {
                        to[4 * y + x][c] = row[x];
                    }
                }
            }
        }
    }
}

/// Aᵀ·m·A.
pub(super) struct Leave<'a> {
    pub(super) sums: &'a [f32],
    /// The pixels that each square makes.
    pub(super) places: &'a [[usize; 4]],
    pub(super) to: &'a mut [f32],
    pub(super) wide: usize,
}

impl WithSimd for Leave<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { sums, places, to, wide } = self;
        for (square, places) in places.iter().enumerate() {
            let mut parts = [&[][..]; PLACES];
            for (part, sums) in parts.iter_mut().zip(sums.chunks_exact(pitch(wide))) {
                *part = bytemuck::cast_slice::<f32, S::f32s>(&sums[square * wide..][..wide]);
            }
            let sums = parts;
            for c in 0..wide / S::F32_LANES {
                let mut columns = [[simd.splat_f32s(0.0); 2]; 4];
                for x in 0..4 {
                    columns[x] = leave(simd, [sums[x][c], sums[4 + x][c], sums[8 + x][c], sums[12 + x][c]]);
                }
                for y in 0..2 {
                    let row = leave(simd, [columns[0][y], columns[1][y], columns[2][y], columns[3][y]]);
                    for x in 0..2 {
                        let to = &mut to[places[2 * y + x] + c * S::F32_LANES..][..S::F32_LANES];
                        to.copy_from_slice(bytemuck::cast_slice(&row[x..=x]));
                    }
                }
            }
        }
    }
}

/// A times two numbers.
#[inline(always)]
fn return_to<S: Simd>(simd: S, [a, b]: [S::f32s; 2]) -> [S::f32s; 4] {
    [a, simd.add_f32s(a, b), simd.sub_f32s(a, b), simd.sub_f32s(simd.splat_f32s(0.0), b)]
}

/// Gᵀ times four numbers.
#[inline(always)]
fn lower<S: Simd>(simd: S, [a, b, c, d]: [S::f32s; 4]) -> [S::f32s; 3] {
    let half = simd.splat_f32s(0.5);
    let sum = simd.mul_f32s(simd.add_f32s(b, c), half);
    [simd.add_f32s(a, sum), simd.mul_f32s(simd.sub_f32s(b, c), half), simd.add_f32s(sum, d)]
}

/// A·dy·Aᵀ.
pub(super) struct Return<'a> {
    pub(super) pixels: &'a [f32],
    /// The pixels that each square makes.
    pub(super) places: &'a [[usize; 4]],
    pub(super) to: &'a mut [f32],
    pub(super) wide: usize,
}

impl WithSimd for Return<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { pixels, places, to, wide } = self;
        for (square, places) in places.iter().enumerate() {
            let pixels = places.map(
                #[inline(always)]
                |at| bytemuck::cast_slice::<f32, S::f32s>(&pixels[at..][..wide]),
            );
            let to = parts::<S>(to, pitch(wide), square * wide, wide);
            for c in 0..wide / S::F32_LANES {
                let left = return_to(simd, [pixels[0][c], pixels[2][c]]);
                let right = return_to(simd, [pixels[1][c], pixels[3][c]]);
                for y in 0..4 {
                    let row = return_to(simd, [left[y], right[y]]);
                    for x in 0..4 {
                        to[4 * y + x][c] = row[x];
                    }
                }
            }
        }
    }
}

/// Gᵀ·u·G, where u is the sum of several parts.
pub(super) struct Lower<'a> {
    /// The parts' numbers for one input: place k's start at `k * places`, part p's at `p * parts`.
    pub(super) sums: &'a [f32],
    pub(super) places: usize,
    pub(super) parts: usize,
    pub(super) count: usize,
    /// Tap k goes to `to[k * span..]`.
    pub(super) to: &'a mut [f32],
    pub(super) span: usize,
    /// Numbers that an input has at each place.
    pub(super) wide: usize,
}

impl WithSimd for Lower<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { sums, places, parts, count, to, span, wide } = self;
        let lanes = S::F32_LANES;
        for c in (0..wide).step_by(lanes) {
            let mut rows = [[simd.splat_f32s(0.0); 4]; 4];
            for part in 0..count {
                for (y, row) in rows.iter_mut().enumerate() {
                    for (x, number) in row.iter_mut().enumerate() {
                        let at = part * parts + (4 * y + x) * places + c;
                        let numbers: &[S::f32s] = bytemuck::cast_slice(&sums[at..][..lanes]);
                        *number = simd.add_f32s(*number, numbers[0]);
                    }
                }
            }
            let mut columns = [[simd.splat_f32s(0.0); 3]; 4];
            for x in 0..4 {
                columns[x] = lower(simd, [rows[0][x], rows[1][x], rows[2][x], rows[3][x]]);
            }
            for y in 0..3 {
                let row = lower(simd, [columns[0][y], columns[1][y], columns[2][y], columns[3][y]]);
                for x in 0..3 {
                    let to = &mut to[(3 * y + x) * span + c..][..lanes];
                    to.copy_from_slice(bytemuck::cast_slice(&row[x..=x]));
                }
            }
        }
    }
}
