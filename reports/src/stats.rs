//! The statistics of reports: means with intervals, paired tests, corrections.
//!
//! Student's t is our own sixty lines on `libm`, not a library's: the standard library's logarithm differs in its last
//! bit between systems, and a report must have the same bytes on all of them.

use libm::{exp, lgamma, log, log1p, sqrt};

/// A range of numbers.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Interval {
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

impl Interval {
    /// Half of the width.
    pub fn half(&self) -> f64 {
        (self.high - self.low) / 2.0
    }
}

/// What some numbers say of the quantity they sample.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Summary {
    /// How many numbers; at least one.
    pub n: usize,
    /// Their mean.
    pub mean: f64,
    /// Sample standard deviation (n − 1 below the line); from two numbers on.
    pub sd: Option<f64>,
    /// 95 % interval of the mean by Student's t; from two numbers on, and wide with two.
    pub interval: Option<Interval>,
}

impl Summary {
    /// Summarises `values`; nothing when there are none.
    pub fn of(values: &[f64]) -> Option<Self> {
        let n = values.len();
        let first = *values.first()?;
        if n == 1 {
            return Some(Self { n, mean: first, sd: None, interval: None });
        }
        // Equal numbers have no spread; rounding in the mean must not invent one.
        if values.iter().all(|v| v.total_cmp(&first).is_eq()) {
            return Some(Self {
                n,
                mean: first,
                sd: Some(0.0),
                interval: Some(Interval { low: first, high: first }),
            });
        }
        let mean = values.iter().sum::<f64>() / n as f64;
        let sd = sqrt(values.iter().map(|v| (v - mean) * (v - mean)).sum::<f64>() / (n - 1) as f64);
        let half = student_quantile(0.975, (n - 1) as f64) * sd / sqrt(n as f64);
        let interval = Interval { low: mean - half, high: mean + half };
        Some(Self { n, mean, sd: Some(sd), interval: Some(interval) })
    }
}

/// What paired differences a − b say.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Paired {
    /// The differences: their mean, its interval.
    pub summary: Summary,
    /// Two-sided p of the paired t-test; from two pairs on. Differences that do not vary are no sample: the test says
    /// nothing of them, unless all are zero.
    pub p: Option<f64>,
    /// Two-sided p of the sign-flip permutation test: exact up to 16 pairs, else from fixed random flips.
    pub p_flip: f64,
    /// Pairs with a > b.
    pub wins: usize,
    /// Pairs with a = b.
    pub ties: usize,
    /// Pairs with a < b.
    pub losses: usize,
}

impl Paired {
    /// Tests whether the mean of `differences` is zero; nothing when there are none.
    pub fn of(differences: &[f64]) -> Option<Self> {
        let summary = Summary::of(differences)?;
        Some(Self {
            summary,
            p: summary.sd.and_then(|sd| t_test(&summary, sd)),
            p_flip: sign_flip_test(differences),
            wins: differences.iter().filter(|d| **d > 0.0).count(),
            ties: differences.iter().filter(|d| **d == 0.0).count(),
            losses: differences.iter().filter(|d| **d < 0.0).count(),
        })
    }
}

fn t_test(summary: &Summary, sd: f64) -> Option<f64> {
    /// Less spread than this, relative to the mean, is rounding.
    const NO_SPREAD: f64 = 1e-9;
    if summary.mean == 0.0 {
        Some(1.0)
    } else if sd <= summary.mean.abs() * NO_SPREAD {
        None
    } else {
        Some(student_two_sided(summary.mean / (sd / sqrt(summary.n as f64)), (summary.n - 1) as f64))
    }
}

/// How many pairs the sign-flip test still enumerates: 2¹⁵ sums, a few milliseconds.
const EXACT_PAIRS: usize = 16;
/// Random flips beyond that; the error of p is then below 0.004.
const RANDOM_FLIPS: u32 = 20_000;

/// Two-sided p of the sign-flip permutation test of `differences` against a mean of zero.
///
/// Under the null hypothesis each difference is as likely with the other sign: p is the part of all sign patterns whose
/// sum is at least as far from zero. With n pairs p is never below 2 / 2ⁿ: five pairs cannot reach 0.05.
pub fn sign_flip_test(differences: &[f64]) -> f64 {
    let n = differences.len();
    let magnitude: f64 = differences.iter().map(|d| d.abs()).sum();
    // Sums of the same numbers in another order differ in their last bits.
    let bar = differences.iter().sum::<f64>().abs() - magnitude * 1e-12;
    let reaches = |flips: u64| {
        let signed = |(i, d): (usize, &f64)| if flips >> (i % 64) & 1 == 1 { -d } else { *d };
        differences.iter().enumerate().map(signed).sum::<f64>().abs() >= bar
    };
    if n <= 1 {
        return 1.0;
    }
    if n <= EXACT_PAIRS {
        // A pattern and its negative have the same distance from zero: the last sign stays.
        let patterns = 1_u64 << (n - 1);
        return (0..patterns).filter(|flips| reaches(*flips)).count() as f64 / patterns as f64;
    }
    let mut stream = SplitMix(0x5EED);
    let mut hits = 0;
    for _ in 0..RANDOM_FLIPS {
        let mut sum = 0.0;
        for chunk in differences.chunks(64) {
            let flips = stream.next();
            sum +=
                chunk.iter().enumerate().map(|(i, d)| if flips >> i & 1 == 1 { -d } else { *d }).sum::<f64>();
        }
        hits += u32::from(sum.abs() >= bar);
    }
    // The observed pattern is one of them.
    f64::from(hits + 1) / f64::from(RANDOM_FLIPS + 1)
}

/// Sebastiano Vigna's SplitMix64: a fixed stream, the same everywhere.
struct SplitMix(u64);

impl SplitMix {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }
}

/// Holm's correction of several p-values: the chance of any false alarm among them stays at the level of one test.
///
/// What has no p stays without and does not count.
pub fn holm(p_values: &[Option<f64>]) -> Vec<Option<f64>> {
    let mut order: Vec<(usize, f64)> =
        p_values.iter().enumerate().filter_map(|(i, p)| p.map(|p| (i, p))).collect();
    order.sort_by(|a, b| a.1.total_cmp(&b.1));
    let tests = order.len();
    let mut adjusted = vec![None; p_values.len()];
    let mut floor = 0.0_f64;
    for (rank, (i, p)) in order.into_iter().enumerate() {
        floor = floor.max((p * (tests - rank) as f64).min(1.0));
        adjusted[i] = Some(floor);
    }
    adjusted
}

/// The middle of `values`; the mean of the two in the middle when their count is even.
pub fn median(values: &[f64]) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    match sorted.len() {
        0 => None,
        n if n % 2 == 1 => Some(sorted[middle]),
        _ => Some(f64::midpoint(sorted[middle - 1], sorted[middle])),
    }
}

/// The chance that Student's t with `df` degrees of freedom is at least as far from zero as `t`.
pub fn student_two_sided(t: f64, df: f64) -> f64 {
    let square = t * t;
    if square.is_infinite() {
        return 0.0;
    }
    incomplete_beta(df / 2.0, 0.5, df / (df + square), square / (df + square))
}

/// The t below which Student's distribution with `df` degrees of freedom has the part `p`, for `p` from 0.5 on.
pub fn student_quantile(p: f64, df: f64) -> f64 {
    let tail = 2.0 * (1.0 - p);
    let (mut low, mut high) = (0.0, 1.0);
    while student_two_sided(high, df) > tail && high < 1e12 {
        (low, high) = (high, 2.0 * high);
    }
    // Halving needs no derivative and ends at neighbouring floats.
    for _ in 0..64 {
        let middle = f64::midpoint(low, high);
        if student_two_sided(middle, df) > tail {
            low = middle;
        } else {
            high = middle;
        }
    }
    f64::midpoint(low, high)
}

/// The regularised incomplete beta function at `x`; `rest` is 1 − x, given apart so that small ones keep their digits.
fn incomplete_beta(a: f64, b: f64, x: f64, rest: f64) -> f64 {
    if x <= 0.0 {
        return 0.0;
    }
    if rest <= 0.0 {
        return 1.0;
    }
    let log_x = if x > 0.5 { log1p(-rest) } else { log(x) };
    let log_rest = if rest > 0.5 { log1p(-x) } else { log(rest) };
    let front = exp(a * log_x + b * log_rest + lgamma(a + b) - lgamma(a) - lgamma(b));
    // The fraction converges fast on this side of the peak only.
    if x < (a + 1.0) / (a + b + 2.0) {
        front * beta_fraction(a, b, x) / a
    } else {
        1.0 - front * beta_fraction(b, a, rest) / b
    }
}

/// The continued fraction of the incomplete beta function, by Lentz's method.
fn beta_fraction(a: f64, b: f64, x: f64) -> f64 {
    const TINY: f64 = 1e-300;
    let guard = |v: f64| if v.abs() < TINY { TINY } else { v };
    let mut c = 1.0;
    let mut d = 1.0 / guard(1.0 - (a + b) * x / (a + 1.0));
    let mut fraction = d;
    for m in 1..=500 {
        let m = f64::from(m);
        let even = m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m));
        d = 1.0 / guard(1.0 + even * d);
        c = guard(1.0 + even / c);
        fraction *= d * c;
        let odd = -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0));
        d = 1.0 / guard(1.0 + odd * d);
        c = guard(1.0 + odd / c);
        fraction *= d * c;
        if (d * c - 1.0).abs() < 1e-15 {
            break;
        }
    }
    fraction
}
