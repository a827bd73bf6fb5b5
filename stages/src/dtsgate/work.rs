//! What a model costs: floating-point operations, a product and its sum being two.

use super::model::Sizes;

/// Operations of a forward pass in layers with experts: `pairs` of a token and an expert that it asks, over all such
/// layers, and of `gated` tokens that a gate scores, over all such layers.
///
/// # Source
/// The paper's layer: k·4·d·d_ff + 2·d·E for a token that asks k experts.
pub fn of_experts(sizes: &Sizes, pairs: u64, gated: u64) -> u64 {
    let expert = 4 * sizes.width as u64 * sizes.inner as u64;
    pairs * expert + gated * 2 * sizes.width as u64 * sizes.experts as u64
}

/// Operations of a forward pass for a token, in all but layers' experts: projections and scores of attention over
/// `length` tokens, feed-forward blocks, and the decoder.
pub fn of_token(sizes: &Sizes, length: usize) -> u64 {
    let (width, inner, layers) = (sizes.width as u64, sizes.inner as u64, sizes.layers as u64);
    let attention = 8 * width * width + 4 * length as u64 * width;
    let blocks = (sizes.layers - sizes.sparse()) as u64 * 4 * width * inner;
    layers * attention + blocks + 2 * width * sizes.vocabulary as u64
}

/// What training costs for each operation of a forward pass: gradients take twice as many.
pub const TRAINING: u64 = 3;

#[cfg(test)]
mod tests;
