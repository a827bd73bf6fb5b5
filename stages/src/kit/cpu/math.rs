//! Elementary functions that vectorise: the standard library's are calls, one a number.
#![expect(clippy::inline_always, reason = "they must be compiled with their caller's vector width")]

use std::f32::consts::{FRAC_1_SQRT_2, LOG2_E};

/// eˣ to within 2 units in the last place; 0 below −87.3, where the result would be subnormal, and e⁸⁸·⁷ above.
///
/// With n = round(x / ln 2) and r = x − n·ln 2, |r| ≤ ln 2 / 2: eˣ = 2ⁿ·eʳ, and eʳ is its series up to r⁷/7!, whose
/// error is below 6·10⁻⁹.
#[inline(always)]
pub fn exp(x: f32) -> f32 {
    /// 1.5·2²³: added and taken away, it leaves the nearest whole number.
    const ROUND: f32 = 12_582_912.0;
    // ln 2 in two parts: n times the first is exact.
    const LN_2_HIGH: f32 = 0.693_359_4;
    const LN_2_LOW: f32 = (std::f64::consts::LN_2 - LN_2_HIGH as f64) as f32;
    let low = x < -87.3;
    // A NaN passes through both comparisons.
    let x = if x > 88.7 { 88.7 } else { x };
    let x = if low { -87.3 } else { x };
    let shifted = x * LOG2_E + ROUND;
    let n = shifted - ROUND;
    let r = (x - n * LN_2_HIGH) - n * LN_2_LOW;
    let mut p = 1.0 / 5040.0;
    p = p * r + 1.0 / 720.0;
    p = p * r + 1.0 / 120.0;
    p = p * r + 1.0 / 24.0;
    p = p * r + 1.0 / 6.0;
    p = p * r + 0.5;
    p = p * r + 1.0;
    p = p * r + 1.0;
    // The low bits of `shifted` hold n; shifted into the exponent they multiply by 2ⁿ.
    let y = f32::from_bits(p.to_bits().wrapping_add(shifted.to_bits() << 23));
    let y = if low { 0.0 } else { y };
    if x.is_nan() { x } else { y }
}

/// 1 / (1 + e⁻ˣ).
#[inline(always)]
pub fn sigmoid(x: f32) -> f32 {
    1.0 / (1.0 + exp(-x))
}

/// tanh x = 1 − 2 / (e²ˣ + 1), and near zero its series, where the difference would cancel.
#[inline(always)]
pub fn tanh(x: f32) -> f32 {
    let far = 1.0 - 2.0 / (exp(2.0 * x) + 1.0);
    let x2 = x * x;
    let near =
        x * (1.0 + x2 * (-1.0 / 3.0 + x2 * (2.0 / 15.0 + x2 * (-17.0 / 315.0 + x2 * (62.0 / 2835.0)))));
    if x2 < 0.04 { near } else { far }
}

/// Φ(x) and φ(x), the normal distribution and its density, to within 1.5·10⁻⁷.
///
/// # Source
/// Abramowitz and Stegun, 7.1.26: erf z = 1 − (a₁t + … + a₅t⁵)·e^(−z²) with t = 1 / (1 + pz), here at z = |x| / √2, so
/// that the one exponential serves both.
#[inline(always)]
pub fn normal(x: f32) -> (f32, f32) {
    const FRAC_1_SQRT_2_PI: f32 = 0.398_942_3;
    let e = exp(-0.5 * x * x);
    let t = 1.0 / (1.0 + 0.327_591_1 * FRAC_1_SQRT_2 * x.abs());
    let mut p = 1.061_405_4;
    p = p * t - 1.453_152;
    p = p * t + 1.421_413_7;
    p = p * t - 0.284_496_74;
    p = p * t + 0.254_829_6;
    let tail = 0.5 * p * t * e;
    (if x < 0.0 { tail } else { 1.0 - tail }, FRAC_1_SQRT_2_PI * e)
}

#[cfg(test)]
mod tests;
