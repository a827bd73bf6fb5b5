//! Masked language modelling with MANER's encoder: 15 % of the tokens are predicted.

use runpipe_stages::kit::nn::encoder::{Encoder, EncoderSizes, MaskedHead};
use runpipe_stages::kit::ops::attention::Packed;
use runpipe_stages::kit::optim::OptimizerConfig;
use runpipe_stages::kit::rng::Stream;

use crate::{Step, train};

/// Layers, width, heads and inner width; entries of the vocabulary; sequences of so many tokens.
pub(crate) fn masked(
    (layers, width, heads, inner): (usize, usize, usize, usize),
    vocabulary: usize,
    sequences: usize,
    tokens: usize,
) -> (Step, f64) {
    let sizes = EncoderSizes {
        vocabulary,
        positions: tokens,
        width,
        layers,
        heads,
        inner,
        dropout: 0.1,
        epsilon: 1e-12,
    };
    let mut stream = Stream::new(0, "bench");
    let ids: Vec<u32> = (0..sequences * tokens).map(|_| stream.below(vocabulary) as u32).collect();
    let sites: Vec<u32> = (0..ids.len() as u32).filter(|_| stream.chance(0.15)).collect();
    let words: Vec<u32> = sites.iter().map(|s| ids[*s as usize]).collect();
    let packed = Packed::new(vec![tokens; sequences]);
    let layer = ids.len() * (8 * width * width + 4 * width * inner + 4 * tokens * width);
    let head = sites.len() * 2 * width * (width + vocabulary);
    let step = train(
        OptimizerConfig::adam_w(0.01).clip(1.0),
        |mut at| {
            let encoder = Encoder::new(at.at("encoder"), sizes)?;
            let head = MaskedHead::new(at.at("head"), &encoder)?;
            Ok((encoder, head))
        },
        move |(encoder, head), pass| {
            let hidden = encoder.forward(pass, &ids, &packed)?;
            head.loss(pass, hidden, &sites, &words)
        },
    );
    (step, 3.0 * (layers * layer + head) as f64 / 1e6)
}
