//! `san.shapes`: yes or no about a grid of coloured shapes.

use std::path::Path;

use runpipe_base::{Ctx, Inputs, Output, Spec, Stage, StageError};

use super::{Part, Reading, declare, output, partitions, tokens};
use crate::data::{files, npy};
use crate::san::questions::{Question, Scenes, Set};

/// `san.shapes`: reads SHAPES.
pub struct Shapes;

impl Stage for Shapes {
    type Params = Reading;

    fn spec(&self) -> Spec {
        declare(
            "san.shapes",
            "Reads SHAPES: `train.small.input.npy` and the like, pictures `[N, H, W, 3]`, with a question a line in \
             `train.small.query_str.txt` and an answer a line in `train.small.output`.",
        )
    }

    fn run(&self, p: &Reading, _: &Inputs<'_>, cx: &mut Ctx<'_>) -> Result<Output, StageError> {
        if p.height.is_some() || p.width.is_some() || p.features.is_some() {
            let message =
                "expected no `height`, `width` and `features`: these pictures are taken as they are";
            return Err(StageError::Input(message.into()));
        }
        let parts = partitions(&p.dir, &[".input.npy"])?;
        let parts = parts.into_iter().map(|(name, path)| part(&p.dir, name, &path));
        output(parts.collect::<Result<_, _>>()?, p, cx)
    }
}

fn part(dir: &Path, name: String, path: &Path) -> Result<Part, StageError> {
    let wrong = |path: &Path, message: String| StageError::Data {
        path: path.display().to_string(),
        line: 0,
        message,
    };
    let file = files::bytes(path)?;
    let (sizes, bytes) = npy::bytes(&file).map_err(|e| wrong(path, e))?;
    let [count, height, width, 3] = sizes[..] else {
        return Err(wrong(path, format!("expected pictures of shape [N, H, W, 3], found {sizes:?}")));
    };
    let lines = |ending: &str| -> Result<Vec<String>, StageError> {
        let path = files::one(dir, &[&format!("{name}{ending}")], &["", ".gz"])?;
        let lines: Vec<String> = files::lines(&path)?.collect::<Result<_, _>>()?;
        if lines.len() == count {
            return Ok(lines);
        }
        Err(wrong(&path, format!("expected a line for each of {count} pictures, found {}", lines.len())))
    };
    let (texts, answers) = (lines(".query_str.txt")?, lines(".output")?);
    let question = |(picture, (text, answer)): (usize, (&String, &String))| Question {
        picture,
        class: relations(text),
        text: tokens(text),
        answer: answer.trim().to_owned(),
        ..Question::default()
    };
    let questions = texts.iter().zip(&answers).enumerate().map(question).collect();
    // Channels come first here.
    let area = height * width * 3;
    let bytes = bytes
        .chunks_exact(area.max(1))
        .flat_map(|picture| (0..3).flat_map(move |channel| picture.iter().skip(channel).step_by(3).copied()));
    let scenes = Scenes::Pixels { size: [3, height, width], bytes: bytes.collect() };
    Ok(Part { name, set: Set { scenes, questions, grid: None }, groups: (0..count as u64).collect() })
}

/// How many steps from shape to shape a question takes: `no_relation`, `one_relation` or `two_relations`.
fn relations(text: &str) -> String {
    let words = text.split_ascii_whitespace();
    let count = words.filter(|word| matches!(*word, "above" | "below" | "left" | "right")).count();
    ["no_relation", "one_relation", "two_relations"][count.min(2)].to_owned()
}

#[cfg(test)]
mod tests;
