//! The two inner loops of a depthwise convolution: taps that slide over a plane, and planes that meet.
#![expect(clippy::inline_always, reason = "everything must be compiled with the vector width of its caller")]

use pulp::{Arch, Simd, WithSimd, bytemuck};

use crate::kit::cpu::tile;

/// Neighbouring sums that are made at once: four vectors.
pub(super) fn wide() -> usize {
    4 * tile::lanes()
}

/// Lanes of a sum of products.
pub(super) const LANES: usize = 32;

/// Taps whose sums are taken together.
const TAPS: usize = 3;

/// sums[q] = Σₖ w[k]·numbers[starts[k] + q].
///
/// # Panics
/// When `sums` is no multiple of [`wide`], or `numbers` ends before the last of them.
pub(super) fn slide(numbers: &[f32], starts: &[usize], w: &[f32], sums: &mut [f32]) {
    assert_eq!(sums.len() % wide(), 0, "sums in whole blocks");
    Arch::new().dispatch(Sliding { numbers, starts, w, sums });
}

struct Sliding<'a> {
    numbers: &'a [f32],
    starts: &'a [usize],
    w: &'a [f32],
    sums: &'a mut [f32],
}

impl WithSimd for Sliding<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let wide = 4 * S::F32_LANES;
        for (i, sums) in self.sums.chunks_exact_mut(wide).enumerate() {
            let mut totals = [simd.splat_f32s(0.0); 4];
            for (start, w) in self.starts.iter().zip(self.w) {
                let row: &[S::f32s] = bytemuck::cast_slice(&self.numbers[start + i * wide..][..wide]);
                let w = simd.splat_f32s(*w);
                for j in 0..4 {
                    totals[j] = simd.mul_add_f32s(w, row[j], totals[j]);
                }
            }
            sums.copy_from_slice(bytemuck::cast_slice(&totals));
        }
    }
}

/// sums[k] = Σ over q of dy[q]·numbers[starts[k] + q], in [`LANES`] lanes and then as a tree.
///
/// # Panics
/// When `dy` is no multiple of [`LANES`], or `numbers` ends before the last of it.
pub(super) fn meet(numbers: &[f32], starts: &[usize], dy: &[f32], sums: &mut [f32]) {
    assert_eq!(dy.len() % LANES, 0, "products in whole blocks");
    Arch::new().dispatch(Meeting { numbers, starts, dy, sums });
}

struct Meeting<'a> {
    numbers: &'a [f32],
    starts: &'a [usize],
    dy: &'a [f32],
    sums: &'a mut [f32],
}

impl WithSimd for Meeting<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        match LANES / S::F32_LANES {
            2 => self.run::<S, 2>(simd),
            4 => self.run::<S, 4>(simd),
            8 => self.run::<S, 8>(simd),
            _ => self.run::<S, LANES>(simd),
        }
    }
}

impl Meeting<'_> {
    #[inline(always)]
    fn run<S: Simd, const V: usize>(self, simd: S) {
        for (starts, sums) in self.starts.chunks(TAPS).zip(self.sums.chunks_mut(TAPS)) {
            // A last group of fewer taps repeats its last one.
            let rows: [&[f32]; TAPS] =
                std::array::from_fn(|k| &self.numbers[starts[k.min(starts.len() - 1)]..][..self.dy.len()]);
            let mut totals = [[simd.splat_f32s(0.0); V]; TAPS];
            for (i, dy) in self.dy.chunks_exact(V * S::F32_LANES).enumerate() {
                let dy: &[S::f32s] = bytemuck::cast_slice(dy);
                for k in 0..TAPS {
                    let row = &rows[k][i * V * S::F32_LANES..][..V * S::F32_LANES];
                    let row: &[S::f32s] = bytemuck::cast_slice(row);
                    for j in 0..V {
                        totals[k][j] = simd.mul_add_f32s(dy[j], row[j], totals[k][j]);
                    }
                }
            }
            for (sum, totals) in sums.iter_mut().zip(&totals) {
                let mut lanes = [0.0; LANES];
                lanes.copy_from_slice(bytemuck::cast_slice(totals));
                *sum = tree(lanes);
            }
        }
    }
}

#[inline(always)]
fn tree(mut lanes: [f32; LANES]) -> f32 {
    let mut half = LANES / 2;
    while half > 0 {
        for i in 0..half {
            lanes[i] += lanes[i + half];
        }
        half /= 2;
    }
    lanes[0]
}
