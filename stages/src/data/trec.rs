//! `data.trec`: reads the TREC questions, labelled with the type of answer that they seek.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use runpipe_base::{Ctx, Inputs, Kind, Output, Spec, Stage, StageError, choice, params};

use super::labelled::{Example, Labelled, Sentence};
use super::{files, text};
use crate::code;

choice! {
    /// Which classes questions have.
    pub enum Types {
        /// The six of `ABBR`, `DESC`, `ENTY`, `HUM`, `LOC`, `NUM`.
        Coarse = "coarse",
        /// The fifty of `ABBR:abb` to `NUM:weight`.
        Fine = "fine",
    }
}

params! {
    /// Parameters of [`Trec`].
    pub struct TrecParams {
        /// Folder with `train.txt` or `train_5500.label`, and `test.txt` or `TREC_10.label`: one question a line,
        /// `COARSE:fine Words of the question ?`, in Latin-1.
        dir: PathBuf;
        /// Which classes questions have.
        classes: Types = Types::Coarse;
    }
}

/// `data.trec`: reads the TREC questions.
pub struct Trec;

impl Stage for Trec {
    type Params = TrecParams;

    fn spec(&self) -> Spec {
        Spec::new(
            "data.trec",
            code::DATA,
            "corpus/labelled",
            "Reads the TREC questions, labelled with the type of answer that they seek.",
        )
        .part("train", "labelled", "questions to train on, without trees")
        .part("test", "labelled", "questions to judge by, without trees")
        .part("text", "text", "the questions to train on without their classes")
        .metric("train_sentences", "questions to train on")
        .metric("test_sentences", "questions to judge by")
        .metric("classes", "classes")
    }

    fn run(&self, p: &TrecParams, _: &Inputs<'_>, cx: &mut Ctx<'_>) -> Result<Output, StageError> {
        let train = read(&p.dir, &["train", "train_5500"], p.classes)?;
        let test = read(&p.dir, &["test", "TREC_10"], p.classes)?;
        // Ids are dense whatever classes a split lacks.
        let names: BTreeSet<&String> = train.iter().chain(&test).map(|(class, _)| class).collect();
        let classes: Vec<String> = names.into_iter().cloned().collect();
        cx.metric("classes", classes.len() as f64);
        let lines: String = train.iter().map(|(_, question)| question.text() + "\n").collect();
        let mut output = Output::new(Kind::of("corpus/labelled")).part("text", text::output(lines));
        for (name, questions) in [("train", train), ("test", test)] {
            cx.metric(&format!("{name}_sentences"), questions.len() as f64);
            let examples = questions.into_iter().map(|(class, first)| Example {
                class: classes.binary_search(&class).expect("the classes of both splits"),
                first,
                second: None,
            });
            let labelled = Labelled { classes: classes.clone(), examples: examples.collect() };
            output = output.part(name, labelled.write());
        }
        Ok(output)
    }
}

fn read(dir: &Path, names: &[&str], types: Types) -> Result<Vec<(String, Sentence)>, StageError> {
    let path = files::one(dir, names, &[".txt", ".label", ".txt.gz"])?;
    // Every byte is a character of Latin-1.
    let text: String = files::bytes(&path)?.into_iter().map(char::from).collect();
    let mut questions = Vec::new();
    for (i, line) in text.lines().enumerate().filter(|(_, line)| !line.trim_ascii().is_empty()) {
        let wrong =
            |message: String| StageError::Data { path: path.display().to_string(), line: i + 1, message };
        let (class, question) = line.split_once(' ').unwrap_or((line, ""));
        let Some((coarse, fine)) = class.split_once(':').filter(|(a, b)| !a.is_empty() && !b.is_empty())
        else {
            return Err(wrong(format!(
                "expected a class such as `NUM:date` before the question, found `{class}`"
            )));
        };
        let sentence = Sentence::of(question);
        if sentence.words.is_empty() {
            return Err(wrong(format!("expected a question after `{class}`")));
        }
        let class = if types == Types::Coarse { coarse.to_owned() } else { format!("{coarse}:{fine}") };
        questions.push((class, sentence));
    }
    if questions.is_empty() {
        let message = "expected questions, found none".to_owned();
        return Err(StageError::Data { path: path.display().to_string(), line: 0, message });
    }
    Ok(questions)
}

#[cfg(test)]
mod tests;
