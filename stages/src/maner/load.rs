//! `maner.load`: a pre-trained encoder from a folder.

use std::path::PathBuf;

use runpipe_base::{Ctx, Inputs, Output, Spec, Stage, StageError, params};

use super::PAPER;
use super::config::Config;
use super::model::Model;
use crate::code;
use crate::data::files;

params! {
    /// Parameters of [`Load`].
    pub struct LoadParams {
        /// Folder with `config.json`, `tokenizer.json` and `model.safetensors` of a RoBERTa or XLM-RoBERTa, as model
        /// hubs have them.
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
            "Reads a pre-trained RoBERTa or XLM-RoBERTa with its masked head from a folder as model hubs have it.",
        )
        .metric("vocabulary", "tokens of the vocabulary")
        .metric("unused", "arrays of the folder that mean nothing here")
        .paper(&PAPER)
    }

    fn run(&self, p: &LoadParams, _: &Inputs<'_>, cx: &mut Ctx<'_>) -> Result<Output, StageError> {
        if p.dir.join("model.safetensors.index.json").exists() {
            let message = "expected one `model.safetensors`, found an index of several".to_owned();
            return Err(StageError::Data { path: p.dir.display().to_string(), line: 0, message });
        }
        // What is wrong inside a file is told with the folder it is in.
        let told = |e: StageError| match e {
            StageError::Input(message) => {
                StageError::Data { path: p.dir.display().to_string(), line: 0, message }
            }
            other => other,
        };
        let config = Config::parse(&files::text(&p.dir.join("config.json"))?).map_err(told)?;
        let tokenizer = files::bytes(&p.dir.join("tokenizer.json"))?;
        let weights = files::bytes(&p.dir.join("model.safetensors"))?;
        let (model, unused) = Model::of(config, &tokenizer, &weights).map_err(told)?;
        cx.metric("vocabulary", model.subwords.size as f64);
        cx.metric("unused", unused.len() as f64);
        model.write("weights/encoder")
    }
}

#[cfg(test)]
mod tests;
