//! Words and subwords: a tokenizer in the hub's `tokenizer.json`, and how one word is encoded.

use std::collections::BTreeMap;

use runpipe_base::StageError;
use serde_json::json;
use tokenizers::Tokenizer;
use tokenizers::pre_tokenizers::PreTokenizerWrapper;
use tokenizers::pre_tokenizers::sequence::Sequence;

use super::bpe;

/// Special tokens in order of their ids, as RoBERTa has them.
pub const SPECIAL: [&str; 5] = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"];

/// The same tokens as BERT calls them.
const BERT: [&str; 5] = ["[CLS]", "[PAD]", "[SEP]", "[UNK]", "[MASK]"];

/// What stands before a word in the subwords' own alphabet.
const SPACE: char = '▁';

/// Ids of the special tokens of a vocabulary.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Special {
    /// Begins a sequence.
    pub start: u32,
    /// Fills a batch.
    pub pad: u32,
    /// Ends a sequence.
    pub end: u32,
    /// Stands for what has no subword.
    pub unknown: u32,
    /// The mask.
    pub mask: u32,
}

impl Special {
    /// Whether `id` is one of them.
    pub fn contains(self, id: u32) -> bool {
        [self.start, self.pad, self.end, self.unknown, self.mask].contains(&id)
    }
}

/// A tokenizer that encodes word by word.
pub struct Subwords {
    inner: Tokenizer,
    /// Ids of the special tokens.
    pub special: Special,
    /// Number of ids.
    pub size: usize,
}

impl Subwords {
    /// Learns a byte-pair vocabulary of at most `size` tokens, special ones included, from lines of words.
    ///
    /// # Errors
    /// [`StageError::Input`] when there are no words.
    pub fn learn<'a>(lines: impl IntoIterator<Item = &'a str>, size: usize) -> Result<Self, StageError> {
        let mut counts: BTreeMap<String, u64> = BTreeMap::new();
        for word in lines.into_iter().flat_map(|line| line.split(' ')).filter(|word| !word.is_empty()) {
            *counts.entry(format!("{SPACE}{word}")).or_default() += 1;
        }
        if counts.is_empty() {
            return Err(StageError::Input("expected a text with words, found none".into()));
        }
        let merges = bpe::learn(&counts, size.saturating_sub(SPECIAL.len()));
        Self::load(&serde_json::to_vec(&describe(&merges)).map_err(|e| StageError::Other(e.to_string()))?)
    }

    /// Reads a `tokenizer.json`. One of bytes is made to encode every word as if a blank stood before it, the first
    /// of a sentence like the others.
    ///
    /// # Errors
    /// [`StageError::Input`] when it is none, or lacks a special token.
    pub fn load(json: &[u8]) -> Result<Self, StageError> {
        let wrong = |e: tokenizers::Error| StageError::Input(format!("`tokenizer.json`: {e}"));
        let mut inner = Tokenizer::from_bytes(json).map_err(wrong)?;
        if let Some(pieces) = inner.get_pre_tokenizer().cloned() {
            inner.with_pre_tokenizer(Some(with_blank(pieces)));
        }
        // Saved tokenizers may cut and pad; words are never cut here.
        inner.with_truncation(None).map_err(wrong)?;
        inner.with_padding(None);
        // A word spelled like a special token is a word.
        inner.set_encode_special_tokens(true);
        let id = |token: &str| {
            let missing = || StageError::Input(format!("`tokenizer.json` has no token `{token}`"));
            inner.token_to_id(token).ok_or_else(missing)
        };
        let is_bert = inner.token_to_id(BERT[4]).is_some() && inner.token_to_id(SPECIAL[4]).is_none();
        let [start, pad, end, unknown, mask] = if is_bert { BERT } else { SPECIAL };
        let special = Special {
            start: id(start)?,
            pad: id(pad)?,
            end: id(end)?,
            unknown: id(unknown)?,
            mask: id(mask)?,
        };
        let size = inner.get_vocab_size(true);
        Ok(Self { inner, special, size })
    }

    /// The same once more.
    ///
    /// # Errors
    /// As [`save`](Self::save).
    pub fn copy(&self) -> Result<Self, StageError> {
        Self::load(self.save()?.as_bytes())
    }

    /// The `tokenizer.json`.
    ///
    /// # Errors
    /// [`StageError::Other`] when the library cannot write it.
    pub fn save(&self) -> Result<String, StageError> {
        self.inner.to_string(false).map_err(|e| StageError::Other(e.to_string()))
    }

    /// The subwords of one word, at least one.
    ///
    /// # Errors
    /// [`StageError::Other`] when the library refuses.
    pub fn word(&self, word: &str) -> Result<Vec<u32>, StageError> {
        let encoding = self.inner.encode_fast(word, false).map_err(|e| StageError::Other(e.to_string()))?;
        let mut ids = encoding.get_ids().to_vec();
        // Whatever the vocabulary does, a word is never taken for a special token.
        for id in &mut ids {
            if self.special.contains(*id) {
                *id = self.special.unknown;
            }
        }
        Ok(if ids.is_empty() { vec![self.special.unknown] } else { ids })
    }

    /// The subwords of each word.
    ///
    /// # Errors
    /// As [`word`](Self::word).
    pub fn words<'a>(&self, words: impl IntoIterator<Item = &'a str>) -> Result<Vec<Vec<u32>>, StageError> {
        words.into_iter().map(|word| self.word(word)).collect()
    }
}

/// The same way to cut words, where one of bytes puts a blank before each.
fn with_blank(pieces: PreTokenizerWrapper) -> PreTokenizerWrapper {
    match pieces {
        PreTokenizerWrapper::ByteLevel(bytes) => bytes.add_prefix_space(true).into(),
        PreTokenizerWrapper::Sequence(several) => {
            Sequence::new(several.as_ref().iter().cloned().map(with_blank).collect()).into()
        }
        other => other,
    }
}

/// The `tokenizer.json` of learned merges.
fn describe(merges: &bpe::Merges) -> serde_json::Value {
    let tokens = SPECIAL.iter().map(|s| (*s).to_owned()).chain(merges.pieces.iter().cloned());
    let vocabulary: BTreeMap<String, usize> = tokens.zip(0..).collect();
    let pairs: Vec<[&str; 2]> =
        merges.pairs.iter().map(|(a, b)| [merges.pieces[*a].as_str(), merges.pieces[*b].as_str()]).collect();
    let added: Vec<_> = SPECIAL
        .iter()
        .enumerate()
        .map(|(id, content)| {
            json!({
                "id": id, "content": content, "single_word": false, "lstrip": *content == "<mask>",
                "rstrip": false, "normalized": false, "special": true,
            })
        })
        .collect();
    let special = |id: usize| json!({ "id": SPECIAL[id], "ids": [id], "tokens": [SPECIAL[id]] });
    let token = |id: &str| json!({ "SpecialToken": { "id": id, "type_id": 0 } });
    let sequence = |id: &str| json!({ "Sequence": { "id": id, "type_id": 0 } });
    let space =
        json!({ "type": "Metaspace", "replacement": SPACE, "prepend_scheme": "always", "split": true });
    json!({
        "version": "1.0",
        "truncation": null,
        "padding": null,
        "added_tokens": added,
        "normalizer": null,
        "pre_tokenizer": space,
        "post_processor": {
            "type": "TemplateProcessing",
            "single": [token("<s>"), sequence("A"), token("</s>")],
            "pair": [token("<s>"), sequence("A"), token("</s>"), token("</s>"), sequence("B"), token("</s>")],
            "special_tokens": { "<s>": special(0), "</s>": special(2) },
        },
        "decoder": space,
        "model": {
            "type": "BPE", "dropout": null, "unk_token": "<unk>", "continuing_subword_prefix": null,
            "end_of_word_suffix": null, "fuse_unk": true, "byte_fallback": false, "ignore_merges": false,
            "vocab": vocabulary, "merges": pairs,
        },
    })
}

#[cfg(test)]
mod tests;
