//! Transposing: rows of numbers become columns of a panel.
#![cfg_attr(
    target_arch = "x86_64",
    expect(clippy::inline_always, reason = "squares are turned with wide vectors")
)]

use std::ops::Range;

/// Side of the squares that are turned in registers.
const SIDE: usize = 8;

/// Side of the blocks in which they are turned, so that both sides of a block stay in a core's first cache.
const BLOCK: usize = 64;

/// to[q·pitch + j] = from[j·step + q] for every row j < `rows` and every q < `count`.
///
/// # Panics
/// When a slice is too short, or rows of `to` overlap.
pub fn turn(from: &[f32], step: usize, rows: usize, count: usize, to: &mut [f32], pitch: usize) {
    assert!(rows <= pitch, "{rows} numbers every {pitch}");
    #[cfg(target_arch = "x86_64")]
    if let Some(simd) = pulp::x86::V3::try_new() {
        struct Squares<'a>(pulp::x86::V3, &'a [f32], usize, usize, usize, &'a mut [f32], usize);
        impl pulp::NullaryFnOnce for Squares<'_> {
            type Output = ();
            #[inline(always)]
            fn call(self) {
                let Self(simd, from, step, rows, count, to, pitch) = self;
                squares(simd, from, step, rows, count, to, pitch);
            }
        }
        let (whole_rows, whole) = (rows / SIDE * SIDE, count / SIDE * SIDE);
        simd.vectorize(Squares(simd, from, step, whole_rows, whole, to, pitch));
        one_by_one(from, step, 0..whole_rows, whole..count, to, pitch);
        one_by_one(from, step, whole_rows..rows, 0..count, to, pitch);
        return;
    }
    one_by_one(from, step, 0..rows, 0..count, to, pitch);
}

fn one_by_one(
    from: &[f32],
    step: usize,
    rows: Range<usize>,
    columns: Range<usize>,
    to: &mut [f32],
    pitch: usize,
) {
    for q in columns {
        let (from, to) = (&from[q.min(from.len())..], &mut to[q * pitch..]);
        for j in rows.clone() {
            to[j] = from[j * step];
        }
    }
}

/// Turns whole squares: pairs of numbers change places, then pairs of pairs, then halves.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
fn squares(
    simd: pulp::x86::V3,
    from: &[f32],
    step: usize,
    rows: usize,
    count: usize,
    to: &mut [f32],
    pitch: usize,
) {
    for top in (0..rows).step_by(BLOCK) {
        for left in (0..count).step_by(BLOCK) {
            let (rows, columns) = (top..rows.min(top + BLOCK), left..count.min(left + BLOCK));
            // Along the lines that are further apart: they compete for places in a cache.
            if step > pitch {
                for j in rows.step_by(SIDE) {
                    for q in columns.clone().step_by(SIDE) {
                        square(simd, &from[j * step + q..], step, &mut to[q * pitch + j..], pitch);
                    }
                }
            } else {
                for q in columns.step_by(SIDE) {
                    for j in rows.clone().step_by(SIDE) {
                        square(simd, &from[j * step + q..], step, &mut to[q * pitch + j..], pitch);
                    }
                }
            }
        }
    }
}

/// Turns the square at the starts of both.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
fn square(simd: pulp::x86::V3, from: &[f32], step: usize, to: &mut [f32], pitch: usize) {
    use pulp::bytemuck::cast;
    let avx = simd.avx;
    let a: [_; SIDE] = std::array::from_fn(|i| {
        let row: [f32; SIDE] = std::array::from_fn(|k| from[i * step..][..SIDE][k]);
        cast::<_, std::arch::x86_64::__m256>(row)
    });
    let b: [_; SIDE] = std::array::from_fn(|i| {
        let (x, y) = (a[i / 2 * 2], a[i / 2 * 2 + 1]);
        if i % 2 == 0 { avx._mm256_unpacklo_ps(x, y) } else { avx._mm256_unpackhi_ps(x, y) }
    });
    // b[0] holds numbers 0, 1 of rows 0, 1; b[2] those of rows 2, 3.
    let c: [_; SIDE] = std::array::from_fn(|i| {
        let (x, y) = (b[i / 4 * 4 + i % 4 / 2], b[i / 4 * 4 + i % 4 / 2 + 2]);
        if i % 2 == 0 { avx._mm256_shuffle_ps::<0x44>(x, y) } else { avx._mm256_shuffle_ps::<0xee>(x, y) }
    });
    for i in 0..SIDE {
        let (x, y) = (c[i % 4], c[i % 4 + 4]);
        let row = if i < 4 {
            avx._mm256_permute2f128_ps::<0x20>(x, y)
        } else {
            avx._mm256_permute2f128_ps::<0x31>(x, y)
        };
        to[i * pitch..][..SIDE].copy_from_slice(&cast::<_, [f32; SIDE]>(row));
    }
}

#[cfg(test)]
mod tests;
