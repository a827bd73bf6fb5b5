//! Work in blocks that depend on shapes only, so that no result depends on the number of threads.
#![expect(clippy::inline_always, reason = "they must be compiled with their caller's vector width")]

use rayon::prelude::*;

/// Numbers that one task should touch: small enough to stay in a core's cache, large enough to be worth a task.
const GRAIN: usize = 1 << 14;

/// Runs a closure compiled for the widest vectors of this machine.
///
/// Loops over slices inside it vectorise; functions that it calls must be `#[inline(always)]`, as the macro makes the
/// closure itself: as a function of its own it would be compiled for the least machine. No element's result depends on
/// the width: sums over many elements use [`sum`] and its kind, whose order is fixed.
macro_rules! simd {
    ($f:expr) => {
        $crate::kit::cpu::par::dispatch(
            #[inline(always)]
            $f,
        )
    };
}

/// `for_rows!(x, width, |first row, rows| …)` for each block of the rows of `x`, in parallel and vectorised.
macro_rules! for_rows {
    ($x:expr, $width:expr, $f:expr $(,)?) => {
        $crate::kit::cpu::par::each_block(
            $x,
            $width,
            #[inline(always)]
            $f,
        )
    };
}

/// As [`for_rows`], `for_rows_with!(x, width, y, |first row, rows, their parts of y| …)`: each row has a part in a second
/// buffer too, a like row or one number.
macro_rules! for_rows_with {
    ($x:expr, $width:expr, $y:expr, $f:expr $(,)?) => {
        $crate::kit::cpu::par::each_pair(
            $x,
            $width,
            $y,
            #[inline(always)]
            $f,
        )
    };
}

/// As [`for_rows`], `sum_rows!(x, width, sums, |first row, rows, sums| …)`, and adds up what the blocks put into their
/// sums, in their order.
macro_rules! sum_rows {
    ($x:expr, $width:expr, $sums:expr, $f:expr $(,)?) => {
        $crate::kit::cpu::par::sum_blocks(
            $x,
            $width,
            $sums,
            #[inline(always)]
            $f,
        )
    };
}
pub(crate) use {for_rows, for_rows_with, simd, sum_rows};

/// What [`simd`] calls.
#[inline]
pub(crate) fn dispatch<R>(f: impl FnOnce() -> R) -> R {
    pulp::Arch::new().dispatch(f)
}

/// Rows of `width` numbers that make one block.
pub fn block_rows(width: usize) -> usize {
    (GRAIN / width.max(1)).max(1)
}

/// What [`for_rows`] calls.
pub(crate) fn each_block(x: &mut [f32], width: usize, f: impl Fn(usize, &mut [f32]) + Sync) {
    let rows = block_rows(width);
    x.par_chunks_mut(rows * width.max(1)).enumerate().for_each(|(i, chunk)| simd!(|| f(i * rows, chunk)));
}

/// What [`for_rows_with`] calls.
///
/// # Panics
/// When `y` cannot be shared out evenly among the rows.
pub(crate) fn each_pair(
    x: &mut [f32],
    width: usize,
    y: &mut [f32],
    f: impl Fn(usize, &mut [f32], &mut [f32]) + Sync,
) {
    let count = x.len() / width.max(1);
    if count == 0 {
        return;
    }
    let other = y.len() / count;
    assert_eq!(other * count, y.len(), "one part a row");
    let rows = block_rows(width);
    let pairs = x.par_chunks_mut(rows * width).zip(y.par_chunks_mut(rows * other)).enumerate();
    pairs.for_each(|(i, (x, y))| simd!(|| f(i * rows, x, y)));
}

/// What [`sum_rows`] calls.
pub(crate) fn sum_blocks(
    x: &mut [f32],
    width: usize,
    sums: &mut [f32],
    f: impl Fn(usize, &mut [f32], &mut [f32]) + Sync,
) {
    let rows = block_rows(width);
    let parts: Vec<Vec<f32>> = x
        .par_chunks_mut(rows * width.max(1))
        .enumerate()
        .map(|(i, chunk)| {
            let mut part = vec![0.0; sums.len()];
            simd!(|| f(i * rows, chunk, &mut part));
            part
        })
        .collect();
    simd!(|| {
        for part in &parts {
            add(sums, part);
        }
    });
}

/// `x += y`.
#[inline(always)]
pub fn add(x: &mut [f32], y: &[f32]) {
    for (x, y) in x.iter_mut().zip(y) {
        *x += y;
    }
}

/// `x += a·y`.
#[inline(always)]
pub fn add_times(x: &mut [f32], a: f32, y: &[f32]) {
    for (x, y) in x.iter_mut().zip(y) {
        *x += a * y;
    }
}

/// `x ∘= y`.
#[inline(always)]
pub fn mul(x: &mut [f32], y: &[f32]) {
    for (x, y) in x.iter_mut().zip(y) {
        *x *= y;
    }
}

/// Lanes of a sum: wide enough for two of the widest vectors.
const LANES: usize = 32;

/// Σ x, lane by lane and then as a tree: the same for every vector width.
#[inline(always)]
pub fn sum(x: &[f32]) -> f32 {
    reduce(x, x, |x, _| x)
}

/// Σ x·y, in the order of [`sum`].
#[inline(always)]
pub fn dot(x: &[f32], y: &[f32]) -> f32 {
    reduce(x, y, |x, y| x * y)
}

/// Σ f(x, y), in the order of [`sum`].
#[inline(always)]
pub fn reduce(x: &[f32], y: &[f32], f: impl Fn(f32, f32) -> f32) -> f32 {
    let mut lanes = [0.0; LANES];
    let (xs, ys) = (x.chunks_exact(LANES), y.chunks_exact(LANES));
    for (i, (x, y)) in xs.remainder().iter().zip(ys.remainder()).enumerate() {
        lanes[i] = f(*x, *y);
    }
    for (x, y) in xs.zip(ys) {
        for i in 0..LANES {
            lanes[i] += f(x[i], y[i]);
        }
    }
    fold(lanes, |a, b| a + b)
}

/// The largest of x, −∞ for none.
#[inline(always)]
pub fn max(x: &[f32]) -> f32 {
    let mut lanes = [f32::NEG_INFINITY; LANES];
    let chunks = x.chunks_exact(LANES);
    for (lane, x) in lanes.iter_mut().zip(chunks.remainder()) {
        *lane = *x;
    }
    for x in chunks {
        for i in 0..LANES {
            lanes[i] = if x[i] > lanes[i] { x[i] } else { lanes[i] };
        }
    }
    fold(lanes, |a, b| if a > b { a } else { b })
}

#[inline(always)]
fn fold(mut lanes: [f32; LANES], f: impl Fn(f32, f32) -> f32) -> f32 {
    let mut half = LANES / 2;
    while half > 0 {
        for i in 0..half {
            lanes[i] = f(lanes[i], lanes[i + half]);
        }
        half /= 2;
    }
    lanes[0]
}

/// Cuts `x` into consecutive pieces of these lengths.
///
/// # Panics
/// When they are more than `x` holds.
pub fn split(mut x: &mut [f32], lengths: impl IntoIterator<Item = usize>) -> Vec<&mut [f32]> {
    let mut pieces = Vec::new();
    for length in lengths {
        let (piece, rest) = x.split_at_mut(length);
        pieces.push(piece);
        x = rest;
    }
    pieces
}

#[cfg(test)]
mod tests;
