//! `san.easy_vqa`: generated questions about one coloured shape a picture.

use runpipe_base::{Ctx, Inputs, Output, Spec, Stage, StageError};

use super::{Read, Reading, Shelf, declare, output, partitions, tokens, with_pictures};
use crate::data::files;
use crate::san::questions::Question;

/// `san.easy_vqa`: reads easy-VQA.
pub struct EasyVqa;

impl Stage for EasyVqa {
    type Params = Reading;

    fn spec(&self) -> Spec {
        declare(
            "san.easy_vqa",
            "Reads easy-VQA: `train_questions.json` and the like, lists of question, answer and picture's number, with pictures \
             in `train_images…`.",
        )
    }

    fn run(&self, p: &Reading, _: &Inputs<'_>, cx: &mut Ctx<'_>) -> Result<Output, StageError> {
        let mut parts = Vec::new();
        for (name, path) in partitions(&p.dir, &["_questions.json"])? {
            let rows: Vec<(String, String, u64)> =
                serde_json::from_slice(&files::bytes(&path)?).map_err(|e| StageError::Data {
                    path: path.display().to_string(),
                    line: e.line(),
                    message: format!("expected a list of question, answer and picture's number: {e}"),
                })?;
            let read = rows.into_iter().map(|(question, answer, picture)| {
                let text = tokens(&question);
                let class = kind(&text, &answer).to_owned();
                let question = Question { class, text, answer, ..Question::default() };
                Read { picture: picture.to_string(), group: picture, question }
            });
            parts.push(with_pictures(&name, read.collect(), &Shelf::of(p, &name)?, p, cx)?);
        }
        output(parts, p, cx)
    }
}

/// What is asked for.
fn kind(text: &str, answer: &str) -> &'static str {
    match answer {
        "yes" | "no" => "yes_no",
        _ if text.contains("color") => "color",
        _ => "shape",
    }
}

#[cfg(test)]
mod tests;
