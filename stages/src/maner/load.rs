//! `maner.load`: a pre-trained encoder from a folder.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use runpipe_base::{Ctx, Inputs, Output, Spec, Stage, StageError, params};
use serde::Deserialize;
use serde_json::{Value, json};

use super::PAPER;
use super::config::Config;
use super::model::Model;
use crate::code;
use crate::data::files;

params! {
    /// Parameters of [`Load`].
    pub struct LoadParams {
        /// Folder with `config.json`, `tokenizer.json` and `model.safetensors`, or several files of weights and their
        /// `model.safetensors.index.json`, of a BERT, RoBERTa or XLM-RoBERTa, as model hubs have them.
        dir: PathBuf;
    }
}

/// `maner.load`: reads a pre-trained encoder.
pub struct Load;

impl Stage for Load {
    type Params = LoadParams;

    fn spec(&self) -> Spec {
        Spec::new(
            "maner.load",
            code::MANER,
            "weights/encoder",
            "Reads a pre-trained BERT, RoBERTa or XLM-RoBERTa from a folder as model hubs have it.",
        )
        .metric("vocabulary", "tokens of the vocabulary")
        .metric("unused", "arrays of the folder that mean nothing here")
        .paper(&PAPER)
    }

    fn run(&self, p: &LoadParams, _: &Inputs<'_>, cx: &mut Ctx<'_>) -> Result<Output, StageError> {
        let config = Config::parse(&files::text(&p.dir.join("config.json"))?).map_err(|e| told(&p.dir, e))?;
        let mut tokenizer = files::bytes(&p.dir.join("tokenizer.json"))?;
        let told_apart = p.dir.join(TOKENIZER_CONFIG);
        if config.is_bert() && told_apart.exists() {
            tokenizer = normalized(tokenizer, &files::text(&told_apart)?).map_err(|e| told(&p.dir, e))?;
        }
        let weights = weights(&p.dir)?;
        let weights: Vec<&[u8]> = weights.iter().map(Vec::as_slice).collect();
        let (model, unused) = Model::of(config, &tokenizer, &weights).map_err(|e| told(&p.dir, e))?;
        cx.metric("vocabulary", model.subwords.size as f64);
        cx.metric("unused", unused.len() as f64);
        let output = model.write("weights/encoder")?;
        // What was left out can be looked up.
        Ok(if unused.is_empty() { output } else { output.file(UNUSED, unused.join("\n") + "\n") })
    }
}

/// The file that names arrays of the folder that mean nothing here.
const UNUSED: &str = "unused.txt";

/// The file in which old folders alone tell whether words are lowered.
const TOKENIZER_CONFIG: &str = "tokenizer_config.json";

/// What of it says how a BERT changes words before it cuts them.
#[derive(Deserialize)]
struct TokenizerConfig {
    do_lower_case: Option<bool>,
    strip_accents: Option<bool>,
    tokenize_chinese_chars: Option<bool>,
}

/// The `tokenizer.json` of a BERT with what its `tokenizer_config.json` says of the normalizer in place of its own, as the
/// library of these folders has it.
fn normalized(tokenizer: Vec<u8>, config: &str) -> Result<Vec<u8>, StageError> {
    let wrong = |file: &str, e: serde_json::Error| StageError::Input(format!("`{file}`: {e}"));
    let config: TokenizerConfig = serde_json::from_str(config).map_err(|e| wrong(TOKENIZER_CONFIG, e))?;
    let mut json: Value = serde_json::from_slice(&tokenizer).map_err(|e| wrong("tokenizer.json", e))?;
    let rules = [
        ("lowercase", config.do_lower_case),
        ("strip_accents", config.strip_accents),
        ("handle_chinese_chars", config.tokenize_chinese_chars),
    ];
    let rules: Vec<(&str, bool)> = rules.into_iter().filter_map(|(name, rule)| Some((name, rule?))).collect();
    if rules.is_empty() || !json.is_object() {
        return Ok(tokenizer);
    }
    let normalizer = &mut json["normalizer"];
    if normalizer.is_null() {
        *normalizer = json!({
            "type": "BertNormalizer", "clean_text": true, "handle_chinese_chars": true, "strip_accents": null,
            "lowercase": false,
        });
    }
    // Others say themselves what they do.
    if normalizer["type"] != "BertNormalizer" {
        return Ok(tokenizer);
    }
    for (name, rule) in rules {
        normalizer[name] = Value::Bool(rule);
    }
    serde_json::to_vec(&json).map_err(|e| StageError::Other(e.to_string()))
}

/// What is wrong inside a file is told with the folder it is in.
fn told(dir: &Path, e: StageError) -> StageError {
    match e {
        StageError::Input(message) => StageError::Data { path: dir.display().to_string(), line: 0, message },
        other => other,
    }
}

/// The files of weights: one, or those that an index names.
fn weights(dir: &Path) -> Result<Vec<Vec<u8>>, StageError> {
    const INDEX: &str = "model.safetensors.index.json";
    let path = dir.join(INDEX);
    if !path.exists() {
        return Ok(vec![files::bytes(&dir.join("model.safetensors"))?]);
    }
    let wrong = |message: String| StageError::Data { path: path.display().to_string(), line: 0, message };
    let index: Index = serde_json::from_str(&files::text(&path)?).map_err(|e| wrong(e.to_string()))?;
    let names: BTreeSet<&String> = index.weight_map.values().collect();
    if let Some(name) = names.iter().find(|name| Path::new(name).components().count() != 1) {
        return Err(wrong(format!("expected names of files in the same folder, found `{name}`")));
    }
    names.into_iter().map(|name| files::bytes(&dir.join(name))).collect()
}

/// Which file holds which array.
#[derive(Deserialize)]
struct Index {
    weight_map: BTreeMap<String, String>,
}

#[cfg(test)]
mod tests;
