//! Sums that are put where they belong: runs of them, which are often short, among the numbers of a plane.
#![expect(clippy::inline_always, reason = "everything must be compiled with the vector width of its caller")]

/// Calls f for each sum and the number it belongs to, the first of y and every `step`th after it; the loops of usual
/// lengths are unrolled.
#[inline(always)]
pub(super) fn put(y: &mut [f32], step: usize, sums: &[f32], f: impl Fn(&mut f32, f32)) {
    match (sums.len(), step) {
        (1, _) => fixed::<1>(y, 1, sums, f),
        (2, 1) => fixed::<2>(y, 1, sums, f),
        (4, 1) => fixed::<4>(y, 1, sums, f),
        (8, 1) => fixed::<8>(y, 1, sums, f),
        (16, 1) => fixed::<16>(y, 1, sums, f),
        (32, 1) => fixed::<32>(y, 1, sums, f),
        (2, 2) => fixed::<2>(y, 2, sums, f),
        (4, 2) => fixed::<4>(y, 2, sums, f),
        (8, 2) => fixed::<8>(y, 2, sums, f),
        (16, 2) => fixed::<16>(y, 2, sums, f),
        (_, 1) => y.iter_mut().zip(sums).for_each(|(y, sum)| f(y, *sum)),
        _ => y.iter_mut().step_by(step).zip(sums).for_each(|(y, sum)| f(y, *sum)),
    }
}

#[inline(always)]
fn fixed<const N: usize>(y: &mut [f32], step: usize, sums: &[f32], f: impl Fn(&mut f32, f32)) {
    let (y, sums) = (&mut y[..=(N - 1) * step], &sums[..N]);
    for i in 0..N {
        f(&mut y[i * step], sums[i]);
    }
}
