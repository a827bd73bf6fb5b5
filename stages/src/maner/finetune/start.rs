//! What the weights of a tagger are before tuning.

use runpipe_base::StageError;

use super::{EncoderInit, Filler, FinetuneParams, Freeze, HeadKind, MaskInit};
use crate::kit::backend::Backend;
use crate::kit::params::{Params, Role};
use crate::kit::rng::Stream;
use crate::maner::model::Model;

/// Makes the vectors of the mask and of the filler as told; returns the filler's id.
pub(super) fn prepare_tokens(model: &mut Model, p: &FinetuneParams) -> Result<u32, StageError> {
    const TABLE: &str = "encoder.embed.word.weight";
    let special = model.subwords.special;
    let width = model.config.hidden_size;
    let (sizes, numbers) = model
        .arrays
        .get_mut(TABLE)
        .ok_or_else(|| StageError::Input("the encoder has no vectors of tokens".into()))?;
    let random = |purpose: &str| -> Vec<f32> {
        let mut stream = Stream::new(p.seed, purpose);
        (0..width).map(|_| (0.02 * stream.normal()) as f32).collect()
    };
    let mask = special.mask as usize * width..(special.mask as usize + 1) * width;
    match p.mask_init {
        MaskInit::Pretrained => {}
        MaskInit::Random => numbers[mask].copy_from_slice(&random("mask")),
        MaskInit::Mean => {
            let mut mean = vec![0.0_f64; width];
            for row in numbers.chunks_exact(width) {
                mean.iter_mut().zip(row).for_each(|(m, x)| *m += f64::from(*x));
            }
            let rows = (numbers.len() / width) as f64;
            numbers[mask].iter_mut().zip(mean).for_each(|(x, m)| *x = (m / rows) as f32);
        }
    }
    Ok(match p.filler {
        Filler::Mask => special.mask,
        Filler::Unk => special.unknown,
        Filler::New => {
            numbers.extend(random("filler"));
            sizes[0] += 1;
            model.config.vocab_size += 1;
            model.config.vocab_size as u32 - 1
        }
    })
}

/// Gives a new tagger what the encoder knows, and says what tuning leaves alone.
pub(super) fn fill<D: Backend>(
    params: &mut Params<D>,
    model: &Model,
    p: &FinetuneParams,
) -> Result<(), StageError> {
    if p.encoder_init == EncoderInit::Pretrained {
        model.fill(params, |name| name.starts_with("encoder."))?;
    }
    if p.head == HeadKind::MlmMlp {
        model.fill_head(params)?;
    }
    match p.freeze {
        Freeze::None => {}
        Freeze::Embeddings => params.set_role("encoder.embed.", Role::Buffer),
        Freeze::Encoder => params.set_role("encoder.", Role::Buffer),
    }
    Ok(())
}
