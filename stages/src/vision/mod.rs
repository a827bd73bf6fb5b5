//! What the papers about pictures share: how a net learns to name their classes.

pub mod recipe;

/// The place of the largest number, of equals the first.
pub fn best(row: &[f32]) -> usize {
    (1..row.len()).fold(0, |best, i| if row[i] > row[best] { i } else { best })
}
