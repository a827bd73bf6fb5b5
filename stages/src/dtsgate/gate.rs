//! Which experts a token asks: noise, masks, capacity, balance. Plain functions of logits.

use crate::kit::cpu::par;
use crate::kit::ops::softmax::softmax_row;
use crate::kit::rng::Stream;
use crate::kit::tally::argmax;

/// As many numbers of Gumbel(0, 1) as asked for: −ln(−ln u), u in the open interval (0, 1).
pub fn gumbel(stream: Stream, count: usize) -> Vec<f32> {
    (0..count as u64)
        .map(|i| {
            // The middle of one of 2⁵² parts of the interval is neither 0 nor 1.
            let u = ((stream.at(i) >> 12) as f64 + 0.5) / (1_u64 << 52) as f64;
            -libm::log(-libm::log(u)) as f32
        })
        .collect()
}

/// softmax((z + ζ)/τ) of each row of `experts` logits; without noise, of z/τ.
pub fn tempered(z: &[f32], noise: &[f32], temperature: f64, experts: usize) -> Vec<f32> {
    let factor = (1.0 / temperature) as f32;
    let mut p = z.to_vec();
    par::simd!(|| {
        if !noise.is_empty() {
            par::add(&mut p, noise);
        }
        p.iter_mut().for_each(|p| *p *= factor);
        p.chunks_exact_mut(experts).for_each(softmax_row);
    });
    p
}

/// The place of the largest number but one place.
pub fn second(row: &[f32], first: usize) -> usize {
    let others = (0..row.len()).filter(|e| *e != first);
    others.reduce(|best, e| if row[e] > row[best] { e } else { best }).unwrap_or(first)
}

/// The rows of each expert, ascending, from whether each row asks each expert.
pub fn lists(mask: &[bool], experts: usize) -> Vec<Vec<u32>> {
    let mut sent = vec![Vec::new(); experts];
    for (row, mask) in mask.chunks_exact(experts).enumerate() {
        for (sent, asked) in sent.iter_mut().zip(mask) {
            if *asked {
                sent.push(row as u32);
            }
        }
    }
    sent
}

/// Which experts have a weight above `threshold`.
pub fn above(p: &[f32], threshold: f32) -> Vec<bool> {
    p.iter().map(|p| *p > threshold).collect()
}

/// The one expert that scores highest.
pub fn highest(scores: &[f32], experts: usize) -> Vec<bool> {
    let mut mask = vec![false; scores.len()];
    for (scores, mask) in scores.chunks_exact(experts).zip(mask.chunks_exact_mut(experts)) {
        mask[argmax(scores)] = true;
    }
    mask
}

/// How many rows an expert takes at most: ⌊c·k·⌈N/E⌉⌋ for k choices a row.
pub fn capacity(rows: usize, experts: usize, choices: usize, factor: f64) -> usize {
    (factor * (choices * rows.div_ceil(experts)) as f64).floor() as usize
}

/// Takes away what is beyond the capacity of an expert: the earliest rows are kept. `taken` counts what came before.
pub fn limit(mask: &mut [bool], taken: &mut [usize], most: usize) {
    for mask in mask.chunks_exact_mut(taken.len()) {
        for (asked, taken) in mask.iter_mut().zip(taken.iter_mut()) {
            if *asked {
                *asked = *taken < most;
                *taken += 1;
            }
        }
    }
}

/// Column means of a mask.
pub fn shares(mask: &[bool], experts: usize) -> Vec<f64> {
    let mut counts = vec![0_usize; experts];
    for mask in mask.chunks_exact(experts) {
        counts.iter_mut().zip(mask).for_each(|(count, asked)| *count += usize::from(*asked));
    }
    let rows = (mask.len() / experts).max(1) as f64;
    counts.into_iter().map(|count| count as f64 / rows).collect()
}

/// What each weight is multiplied with in a balance loss E·Σₑ shareₑ·mean(weightₑ), times `factor`; only weights of
/// `counted` pairs are part of the mean, or all.
pub fn balance(shares: &[f64], rows: usize, counted: Option<&[bool]>, factor: f64) -> Vec<f32> {
    let experts = shares.len();
    let slope = |share: &f64| (factor * experts as f64 * share / rows.max(1) as f64) as f32;
    let row: Vec<f32> = shares.iter().map(slope).collect();
    match counted {
        None => row.repeat(rows),
        Some(mask) => (0..rows * experts).map(|i| if mask[i] { row[i % experts] } else { 0.0 }).collect(),
    }
}

#[cfg(test)]
mod tests;
