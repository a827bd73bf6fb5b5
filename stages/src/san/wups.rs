//! WUPS: answers that are nearly right count nearly.

use super::taxonomy::Taxonomy;

/// How much of a likeness below the threshold counts. Source: Malinowski and Fritz 2014.
const BELOW: f64 = 0.1;

/// μ of two things: 1 where they are the same, 0 where one is no noun, otherwise their likeness w if w ≥ `threshold`, and w/10
/// below it.
pub fn likeness(taxonomy: &Taxonomy, one: &str, other: &str, threshold: f64) -> f64 {
    if one == other {
        return 1.0;
    }
    match taxonomy.likeness(one, other) {
        None => 0.0,
        Some(w) if w >= threshold => w,
        Some(w) => BELOW * w,
    }
}

/// WUPS at a threshold of an answer given and a true one, each of several things: the smaller of the products
/// Π over given max over true μ and Π over true max over given μ.
///
/// # Units
/// A share from 0 to 1.
pub fn wups(taxonomy: &Taxonomy, given: &[&str], truth: &[&str], threshold: f64) -> f64 {
    let product = |of: &[&str], beside: &[&str]| -> f64 {
        let best = |one: &&str| {
            beside.iter().map(|other| likeness(taxonomy, one, other, threshold)).fold(0.0, f64::max)
        };
        of.iter().map(best).product()
    };
    product(given, truth).min(product(truth, given))
}

#[cfg(test)]
mod tests;
