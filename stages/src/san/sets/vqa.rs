//! `san.vqa`: questions about photographs that ten people answered.

use std::collections::BTreeMap;
use std::path::Path;

use runpipe_base::{Ctx, Inputs, Output, Spec, Stage, StageError};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::{Read, Reading, Shelf, declare, entries, output, with_pictures};
use crate::data::files;
use crate::san::people;
use crate::san::questions::Question;

/// `san.vqa`: reads VQA.
pub struct Vqa;

impl Stage for Vqa {
    type Params = Reading;

    fn spec(&self) -> Spec {
        declare(
            "san.vqa",
            "Reads VQA: `…_train2014_questions.json` and the like with `…_train2014_annotations.json`, pictures in `train2014`, \
             a folder or a tar archive.",
        )
    }

    fn run(&self, p: &Reading, _: &Inputs<'_>, cx: &mut Ctx<'_>) -> Result<Output, StageError> {
        let names = entries(&p.dir)?;
        let mut parts = Vec::new();
        for name in &names {
            let Some(stem) = name.trim_end_matches(".gz").strip_suffix("_questions.json") else { continue };
            let split = stem.rsplit('_').next().unwrap_or(stem);
            let told = names.iter().find(|other| {
                other.trim_end_matches(".gz").ends_with("annotations.json") && other.contains(split)
            });
            let wrong =
                |message: String| StageError::Data { path: p.dir.display().to_string(), line: 0, message };
            let told = told.ok_or_else(|| wrong(format!("expected annotations of `{name}`, found none")))?;
            let read = questions(&p.dir.join(name), &p.dir.join(told), split)?;
            let part = split.trim_end_matches(|c: char| c.is_ascii_digit());
            parts.push(with_pictures(part, read, &Shelf::of(p, split)?, p, cx)?);
        }
        if parts.is_empty() {
            let message = "expected files that end in `_questions.json`, found none".to_owned();
            return Err(StageError::Data { path: p.dir.display().to_string(), line: 0, message });
        }
        output(parts, p, cx)
    }
}

#[derive(Deserialize)]
struct Asked {
    questions: Vec<AskedOne>,
}

#[derive(Deserialize)]
struct AskedOne {
    image_id: u64,
    question: String,
    question_id: u64,
}

#[derive(Deserialize)]
struct Answered {
    annotations: Vec<AnsweredOne>,
}

#[derive(Deserialize)]
struct AnsweredOne {
    question_id: u64,
    answer_type: String,
    multiple_choice_answer: String,
    answers: Vec<Given>,
}

#[derive(Deserialize)]
struct Given {
    answer: String,
}

fn json<T: DeserializeOwned>(path: &Path) -> Result<T, StageError> {
    serde_json::from_slice(&files::bytes(path)?).map_err(|e| StageError::Data {
        path: path.display().to_string(),
        line: e.line(),
        message: format!("expected a file of VQA: {e}"),
    })
}

/// Questions with their answers; one that nobody answered is a mistake.
fn questions(asked: &Path, answered: &Path, split: &str) -> Result<Vec<Read>, StageError> {
    let Asked { questions } = json(asked)?;
    let Answered { annotations } = json(answered)?;
    let mut told: BTreeMap<u64, AnsweredOne> = annotations.into_iter().map(|a| (a.question_id, a)).collect();
    let read = questions.into_iter().map(|AskedOne { image_id, question, question_id }| {
        let answered = told.remove(&question_id).ok_or_else(|| StageError::Data {
            path: answered.display().to_string(),
            line: 0,
            message: format!("expected an annotation of question {question_id}, found none"),
        })?;
        let question = Question {
            class: answered.answer_type.replace('/', "_"),
            text: people::plain(&question),
            // Commas part the things of an answer elsewhere; a plain answer has none.
            answer: people::answer(&answered.multiple_choice_answer),
            people: answered.answers.into_iter().map(|given| given.answer).collect(),
            ..Question::default()
        };
        Ok(Read { picture: format!("COCO_{split}_{image_id:012}"), group: image_id, question })
    });
    read.collect()
}

#[cfg(test)]
mod tests;
