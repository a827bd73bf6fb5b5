//! `san.daquar`: questions of people about photographs of rooms.

use std::path::Path;

use runpipe_base::{Ctx, Inputs, Output, ParamSpec, Params, Record, Spec, Stage, StageError, params};

use super::{Read, Reading, Shelf, declare, output, partitions, tokens, type_of, with_pictures};
use crate::data::files;
use crate::san::questions::Question;

params! {
    /// Parameters of [`Daquar`] alone.
    pub struct Subset {
        /// Of several files of a partition the one whose name holds this, such as `894` or `37`.
        subset: Option<String> = None;
    }
}

/// Parameters of [`Daquar`].
#[derive(Debug, Clone, PartialEq)]
pub struct DaquarParams {
    reading: Reading,
    subset: Subset,
}

impl Params for DaquarParams {
    fn schema() -> Vec<ParamSpec> {
        [Reading::schema(), Subset::schema()].concat()
    }

    fn from_filled(record: &Record) -> Option<Self> {
        Some(Self { reading: Reading::from_filled(record)?, subset: Subset::from_filled(record)? })
    }
}

/// `san.daquar`: reads DAQUAR.
pub struct Daquar;

impl Stage for Daquar {
    type Params = DaquarParams;

    fn spec(&self) -> Spec {
        declare(
            "san.daquar",
            "Reads DAQUAR: `train.tsv` and the like with picture, question and answer on a line, or the published files \
             `qa.894.raw.train.txt` of two or three lines a question; pictures in `train_images…`, or `images…` for all.",
        )
    }

    fn run(&self, p: &DaquarParams, _: &Inputs<'_>, cx: &mut Ctx<'_>) -> Result<Output, StageError> {
        let dir = &p.reading.dir;
        let mut parts = Vec::new();
        for (name, path) in found(dir, p.subset.subset.as_deref())? {
            let rows = rows(&path)?;
            let read = rows.into_iter().map(|row| {
                let class = type_of(&row.question).to_owned();
                let Row { picture, question: text, answer } = row;
                let group = picture
                    .bytes()
                    .filter(u8::is_ascii_digit)
                    .fold(0, |n: u64, digit| n.wrapping_mul(10).wrapping_add(u64::from(digit - b'0')));
                Read { picture, group, question: Question { class, text, answer, ..Question::default() } }
            });
            parts.push(with_pictures(&name, read.collect(), &Shelf::of(&p.reading, &name)?, &p.reading, cx)?);
        }
        output(parts, &p.reading, cx)
    }
}

/// Partitions and their files.
fn found(dir: &Path, subset: Option<&str>) -> Result<Vec<(String, std::path::PathBuf)>, StageError> {
    let all = partitions(dir, &[".tsv", ".txt"])?.into_iter();
    let all = all.filter(|(name, path)| {
        let table = path.to_string_lossy().contains(".tsv");
        (table || name.starts_with("qa.")) && subset.is_none_or(|subset| name.contains(subset))
    });
    // `qa.894.raw.train` is the partition `train`.
    let named: Vec<_> =
        all.map(|(name, path)| (name.rsplit('.').next().unwrap_or(&name).to_owned(), path)).collect();
    let wrong = |message: String| StageError::Data { path: dir.display().to_string(), line: 0, message };
    if named.is_empty() {
        return Err(wrong("expected `train.tsv` or `qa.894.raw.train.txt` or the like, found none".into()));
    }
    for (i, (name, path)) in named.iter().enumerate() {
        if let Some((_, other)) = named[..i].iter().find(|(other, _)| other == name) {
            let [one, two] = [other, path].map(|p| p.file_name().unwrap_or_default().display().to_string());
            let message =
                format!("expected one file for `{name}`, found `{one}` and `{two}`; `subset` chooses");
            return Err(wrong(message));
        }
    }
    Ok(named)
}

/// A question as a file has it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Row {
    picture: String,
    question: String,
    answer: String,
}

fn rows(path: &Path) -> Result<Vec<Row>, StageError> {
    let lines: Vec<String> = files::lines(path)?.collect::<Result<_, _>>()?;
    let lines: Vec<(usize, &str)> = lines
        .iter()
        .enumerate()
        .map(|(i, line)| (i + 1, line.trim()))
        .filter(|(_, line)| !line.is_empty())
        .collect();
    let wrong = |line: usize, message: &str| StageError::Data {
        path: path.display().to_string(),
        line,
        message: message.to_owned(),
    };
    let Some((_, first)) = lines.first() else { return Ok(Vec::new()) };
    if first.contains('\t') {
        let row = |(line, text): &(usize, &str)| match text.split('\t').collect::<Vec<_>>()[..] {
            [picture, question, answer] => Ok(Row::of(picture, question, answer)),
            _ => Err(wrong(*line, "expected a picture, a question and an answer, tabs between them")),
        };
        return lines.iter().map(row).collect();
    }
    let paired = suffixed(first).is_some();
    let mut rows = Vec::new();
    for chunk in lines.chunks(if paired { 2 } else { 3 }) {
        match chunk {
            [(line, question), (_, answer)] if paired => {
                let (question, picture) = suffixed(question)
                    .ok_or_else(|| wrong(*line, "expected a question that ends in `in the imageN ?`"))?;
                rows.push(Row::of(picture, question, answer));
            }
            [(_, question), (_, answer), (line, picture)] => {
                if !picture.starts_with("image") || picture.contains(' ') {
                    return Err(wrong(*line, "expected the name of a picture, such as `image3`"));
                }
                rows.push(Row::of(picture, question, answer));
            }
            _ => return Err(wrong(chunk[0].0, "expected a question and its answer, found the end")),
        }
    }
    Ok(rows)
}

/// A question without `in the imageN ?`, and the picture's name.
fn suffixed(line: &str) -> Option<(&str, &str)> {
    let line = line.trim_end_matches(['?', ' ']);
    let (question, picture) = line.rsplit_once(' ')?;
    let digits = picture.strip_prefix("image")?;
    let whole = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
    let question = question.trim_end();
    let question = ["in the", "in this", "in", "on the"]
        .iter()
        .find_map(|end| question.strip_suffix(end))
        .unwrap_or(question);
    whole.then_some((question.trim_end(), picture))
}

impl Row {
    /// An answer of several things has one comma and one blank between them, whatever the file has.
    fn of(picture: &str, question: &str, answer: &str) -> Self {
        let things: Vec<&str> = answer.split(',').map(str::trim).filter(|thing| !thing.is_empty()).collect();
        Self { picture: picture.to_owned(), question: tokens(question), answer: things.join(", ") }
    }
}

#[cfg(test)]
mod tests;
