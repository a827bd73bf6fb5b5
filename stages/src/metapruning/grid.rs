//! The grid of widths: 31 scales from 0.10 to 1.00.

/// Scales of the grid.
pub const SCALES: u8 = 31;
/// The place of the full width.
pub const FULL: u8 = SCALES - 1;

/// The scale at a place of the grid: (10 + 3·id) / 100.
pub fn scale(id: u8) -> f32 {
    (10 + 3 * u32::from(id)) as f32 / 100.0
}

/// The width at a place of the grid: ⌊base · scale⌋ in whole numbers, at least 1.
pub fn width(base: usize, id: u8) -> usize {
    (base * (10 + 3 * usize::from(id)) / 100).max(1)
}

#[cfg(test)]
mod tests;
