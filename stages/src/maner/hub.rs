//! Weights under the names that model hubs use, to and from the names of the kit's encoder.
//!
//! The kit fuses query, key and value into one matrix, counts positions from 0 and has no token types; a hub's file
//! has three matrices, of a RoBERTa counts from `pad + 1`, and adds the first row of a type table to every token.

use std::collections::BTreeMap;

use runpipe_base::StageError;
use safetensors::tensor::{Dtype, SafeTensors};

use super::config::Config;
use crate::kit::params;

/// An array: its sizes and its numbers in row-major order.
pub type Array = (Vec<usize>, Vec<f32>);

/// Arrays by name.
pub type Arrays = BTreeMap<String, Array>;

/// Where an encoder's arrays are in the kit.
const ENCODER: &str = "encoder.";

/// What the hub calls parts of the kit's encoder.
const EMBEDDINGS: [(&str, &str); 3] = [
    ("embed.word.weight", "embeddings.word_embeddings.weight"),
    ("embed.norm.weight", "embeddings.LayerNorm.weight"),
    ("embed.norm.bias", "embeddings.LayerNorm.bias"),
];

/// What the hub calls parts of a layer; each has a weight and a bias.
const LAYER: [(&str, &str); 5] = [
    ("attention.out", "attention.output.dense"),
    ("attention.norm", "attention.output.LayerNorm"),
    ("ffn.up", "intermediate.dense"),
    ("ffn.down", "output.dense"),
    ("ffn.norm", "output.LayerNorm"),
];

/// What the hub calls the masked head, of a RoBERTa and of a BERT.
const MASKED: [(&str, [&str; 2]); 6] = [
    ("masked.dense.weight", ["lm_head.dense.weight", "cls.predictions.transform.dense.weight"]),
    ("masked.dense.bias", ["lm_head.dense.bias", "cls.predictions.transform.dense.bias"]),
    ("masked.norm.weight", ["lm_head.layer_norm.weight", "cls.predictions.transform.LayerNorm.weight"]),
    ("masked.norm.bias", ["lm_head.layer_norm.bias", "cls.predictions.transform.LayerNorm.bias"]),
    ("masked.bias", ["lm_head.bias", "cls.predictions.bias"]),
    // Left out where it is the table of word vectors.
    ("masked.decoder.weight", ["lm_head.decoder.weight", "cls.predictions.decoder.weight"]),
];

/// What the hub calls the bias of the decoder, where it is stored as its part.
const DECODER_BIAS: [&str; 2] = ["lm_head.decoder.bias", "cls.predictions.decoder.bias"];

/// What the hub calls the head over words.
const HEAD: [(&str, &str); 7] = [
    ("tagger.out.weight", "classifier.weight"),
    ("tagger.out.bias", "classifier.bias"),
    ("tagger.transitions", "crf.transitions"),
    ("tagger.dense.weight", "classifier.dense.weight"),
    ("tagger.dense.bias", "classifier.dense.bias"),
    ("tagger.norm.weight", "classifier.LayerNorm.weight"),
    ("tagger.norm.bias", "classifier.LayerNorm.bias"),
];

const POSITION: &str = "embeddings.position_embeddings.weight";
const KINDS: &str = "embeddings.token_type_embeddings.weight";
const PARTS: [&str; 3] = ["query", "key", "value"];

/// No array of a model holds more numbers than this.
const MOST_NUMBERS: usize = 1 << 30;

/// Reads a hub's files of weights, one or several: the kit's arrays, and the names in the files that mean nothing
/// here.
///
/// # Errors
/// [`StageError::Input`] when they are no such files, lack arrays of the encoder, all of which are told, or have one of
/// another size.
pub fn load(files: &[&[u8]], config: &Config) -> Result<(Arrays, Vec<String>), StageError> {
    let mut file = File::read(files, config)?;
    let mut arrays = Arrays::new();
    let mut keep = |name: &str, array: Array| arrays.insert(format!("{ENCODER}{name}"), array);
    let width = config.hidden_size;
    for (ours, theirs) in EMBEDDINGS {
        let sizes = if ours == "embed.word.weight" { vec![config.vocab_size, width] } else { vec![width] };
        keep(ours, file.take(theirs, &sizes)?);
    }
    let (_, positions) = file.take(POSITION, &[config.max_position_embeddings, width])?;
    let kinds = match file.take_any(KINDS) {
        None => vec![0.0; width],
        Some((sizes, numbers)) if matches!(sizes[..], [rows, w] if rows > 0 && w == width) => numbers,
        Some((sizes, _)) => {
            let message = format!(
                "`model.safetensors`: `{}{KINDS}` must be [1 or more, {width}], found {sizes:?}",
                file.prefix
            );
            return Err(StageError::Input(message));
        }
    };
    let first = config.first_position();
    let rows = positions[first * width..].chunks_exact(width);
    let folded = rows.flat_map(|row| row.iter().zip(&kinds).map(|(p, k)| p + k)).collect();
    keep("embed.position.weight", (vec![config.max_position_embeddings - first, width], folded));
    for layer in 0..config.num_hidden_layers {
        load_layer(layer, &mut file, config, &mut keep)?;
    }
    let family = usize::from(config.is_bert());
    for (ours, theirs) in MASKED {
        arrays.extend(file.take_any(theirs[family]).map(|array| (ours.to_owned(), array)));
    }
    for (ours, theirs) in HEAD {
        arrays.extend(file.take_any(theirs).map(|array| (ours.to_owned(), array)));
    }
    file.end().map(|unused| (arrays, unused))
}

/// The arrays of one layer.
fn load_layer(
    layer: usize,
    file: &mut File,
    config: &Config,
    keep: &mut impl FnMut(&str, Array) -> Option<Array>,
) -> Result<(), StageError> {
    let (width, inner) = (config.hidden_size, config.intermediate_size);
    for (suffix, sizes) in [("weight", vec![width, width]), ("bias", vec![width])] {
        let mut fused = Vec::new();
        for part in PARTS {
            let name = format!("encoder.layer.{layer}.attention.self.{part}.{suffix}");
            fused.extend(file.take(&name, &sizes)?.1);
        }
        let sizes = std::iter::once(3 * width).chain(sizes.into_iter().skip(1)).collect();
        keep(&format!("layer.{layer}.attention.qkv.{suffix}"), (sizes, fused));
    }
    for (ours, theirs) in LAYER {
        let weight = match ours {
            "attention.out" => vec![width, width],
            "ffn.up" => vec![inner, width],
            "ffn.down" => vec![width, inner],
            _ => vec![width],
        };
        let bias = vec![if ours == "ffn.up" { inner } else { width }];
        for (suffix, sizes) in [("weight", weight), ("bias", bias)] {
            let array = file.take(&format!("encoder.layer.{layer}.{theirs}.{suffix}"), &sizes)?;
            keep(&format!("layer.{layer}.{ours}.{suffix}"), array);
        }
    }
    Ok(())
}

/// Writes the kit's arrays as a hub's `model.safetensors`.
///
/// # Errors
/// [`StageError::Other`] when an array has no name there.
pub fn save(arrays: &Arrays, config: &Config) -> Result<Vec<u8>, StageError> {
    let width = config.hidden_size;
    let (prefix, family) = (prefix(config), usize::from(config.is_bert()));
    let mut file = Arrays::new();
    for (name, (sizes, numbers)) in arrays {
        let Some(inside) = name.strip_prefix(ENCODER) else {
            let masked = MASKED.iter().find(|(ours, _)| ours == name).map(|(_, theirs)| theirs[family]);
            let head =
                masked.or_else(|| HEAD.iter().find(|(ours, _)| ours == name).map(|(_, theirs)| *theirs));
            let head =
                head.ok_or_else(|| StageError::Other(format!("`{name}` has no name in a hub's file")))?;
            file.insert(head.to_owned(), (sizes.clone(), numbers.clone()));
            continue;
        };
        let mut keep = |name: &str, array: Array| file.insert(format!("{prefix}{name}"), array);
        if inside == "embed.position.weight" {
            let mut rows = vec![0.0; config.first_position() * width];
            rows.extend(numbers);
            keep(POSITION, (vec![config.max_position_embeddings, width], rows));
            keep(KINDS, (vec![config.type_vocab_size, width], vec![0.0; config.type_vocab_size * width]));
        } else if let Some((_, theirs)) = EMBEDDINGS.iter().find(|(ours, _)| *ours == inside) {
            keep(theirs, (sizes.clone(), numbers.clone()));
        } else {
            let unknown = || StageError::Other(format!("`{name}` has no name in a hub's file"));
            let (layer, part) =
                inside.strip_prefix("layer.").and_then(|r| r.split_once('.')).ok_or_else(unknown)?;
            let (part, suffix) = part.rsplit_once('.').ok_or_else(unknown)?;
            if part == "attention.qkv" {
                let sizes: Vec<usize> = std::iter::once(width).chain(sizes.iter().skip(1).copied()).collect();
                for (third, part) in numbers.chunks_exact(numbers.len() / 3).zip(PARTS) {
                    let name = format!("encoder.layer.{layer}.attention.self.{part}.{suffix}");
                    keep(&name, (sizes.clone(), third.to_vec()));
                }
            } else {
                let (_, theirs) = LAYER.iter().find(|(ours, _)| *ours == part).ok_or_else(unknown)?;
                keep(&format!("encoder.layer.{layer}.{theirs}.{suffix}"), (sizes.clone(), numbers.clone()));
            }
        }
    }
    params::save(file.iter().map(|(name, (sizes, numbers))| (name.as_str(), sizes.clone(), numbers.clone())))
}

/// What stands before the names of the encoder's arrays.
fn prefix(config: &Config) -> &'static str {
    if config.is_bert() { "bert." } else { "roberta." }
}

/// The arrays of files under their newest names and without the prefix of the encoder.
struct File {
    arrays: Arrays,
    prefix: &'static str,
    missing: Vec<String>,
}

impl File {
    fn read(files: &[&[u8]], config: &Config) -> Result<Self, StageError> {
        let prefix = prefix(config);
        let wrong = |message: String| StageError::Input(format!("`model.safetensors`: {message}"));
        let mut arrays = Arrays::new();
        for bytes in files {
            let file = SafeTensors::deserialize(bytes).map_err(|e| {
                StageError::Input(format!("`model.safetensors` is no whole safetensors file: {e}"))
            })?;
            for (name, view) in file.tensors() {
                // Buffers and heads that no stage uses.
                if ["position_ids", "pooler.", "cls.seq_relationship"].iter().any(|part| name.contains(part))
                {
                    continue;
                }
                let numbers = numbers(view.dtype(), view.data()).ok_or_else(|| {
                    wrong(format!("`{name}` holds {:?}, expected F32, F16 or BF16", view.dtype()))
                })?;
                arrays.insert(renamed(&name, prefix), (view.shape().to_vec(), numbers));
            }
        }
        let family = usize::from(config.is_bert());
        // Arrays that are one are stored once, under either name.
        let same = [(DECODER_BIAS[family], MASKED[4].1[family]), (MASKED[5].1[family], EMBEDDINGS[0].1)];
        for (name, kept) in same.into_iter().take(1 + usize::from(config.tie_word_embeddings)) {
            if let Some(array) = arrays.remove(name) {
                arrays.entry(kept.to_owned()).or_insert(array);
            }
        }
        Ok(Self { arrays, prefix, missing: Vec::new() })
    }

    /// An array of the encoder; zeros when it is missing, which [`end`](Self::end) tells.
    fn take(&mut self, name: &str, sizes: &[usize]) -> Result<Array, StageError> {
        let prefix = self.prefix;
        let Some(array) = self.take_any(name) else {
            let count = sizes.iter().product::<usize>();
            if count > MOST_NUMBERS {
                // Sizes that no model has are wrong themselves: there is no use in telling what else is missing.
                return Err(StageError::Input(format!(
                    "`model.safetensors` has no `{prefix}{name}` of {sizes:?}"
                )));
            }
            self.missing.push(format!("`{prefix}{name}`"));
            return Ok((sizes.to_vec(), vec![0.0; count]));
        };
        if array.0 == sizes {
            return Ok(array);
        }
        let message = format!("`model.safetensors`: `{prefix}{name}` must be {sizes:?}, found {:?}", array.0);
        Err(StageError::Input(message))
    }

    fn take_any(&mut self, name: &str) -> Option<Array> {
        self.arrays.remove(name)
    }

    /// The names that are left over.
    fn end(self) -> Result<Vec<String>, StageError> {
        if self.missing.is_empty() {
            return Ok(self.arrays.into_keys().collect());
        }
        let mut message = format!("`model.safetensors` has no {}", self.missing.join(", "));
        if !self.arrays.is_empty() {
            let unused: Vec<String> = self.arrays.keys().take(10).map(|name| format!("`{name}`")).collect();
            message = format!("{message}; what it has besides is {}", unused.join(", "));
        }
        Err(StageError::Input(message))
    }
}

/// The name that newer files give an array, without the prefix of the encoder.
fn renamed(name: &str, prefix: &str) -> String {
    let name = name.strip_prefix(prefix).unwrap_or(name);
    let ends = [(".gamma", ".weight"), (".beta", ".bias")];
    ends.iter()
        .find_map(|(old, new)| name.strip_suffix(old).map(|stem| format!("{stem}{new}")))
        .unwrap_or_else(|| name.to_owned())
}

fn numbers(dtype: Dtype, data: &[u8]) -> Option<Vec<f32>> {
    let halves = || data.as_chunks::<2>().0.iter().map(|b| u16::from_le_bytes(*b));
    match dtype {
        Dtype::F32 => Some(data.as_chunks::<4>().0.iter().map(|b| f32::from_le_bytes(*b)).collect()),
        Dtype::BF16 => Some(halves().map(|h| f32::from_bits(u32::from(h) << 16)).collect()),
        Dtype::F16 => Some(halves().map(from_half).collect()),
        _ => None,
    }
}

/// A number of IEEE 754 binary16.
fn from_half(bits: u16) -> f32 {
    let sign = u32::from(bits >> 15) << 31;
    let (exponent, fraction) = (u32::from(bits >> 10 & 31), u32::from(bits & 0x3ff));
    match exponent {
        0 => f32::from_bits(sign | (fraction as f32 * 2_f32.powi(-24)).to_bits()),
        31 => f32::from_bits(sign | 0x7f80_0000 | fraction << 13),
        _ => f32::from_bits(sign | (exponent + 112) << 23 | fraction << 13),
    }
}

#[cfg(test)]
mod tests;
