//! `data.digits`: reads the optical digits of the UCI repository.

use std::path::{Path, PathBuf};

use runpipe_base::{Ctx, Inputs, Output, Spec, Stage, StageError, params};

use super::files;
use super::pictures::{DATASET, KIND, Pictures, Pixels, dataset};
use crate::code;

const SIDE: usize = 8;
/// The largest count of a pixel.
const MOST: u32 = 16;

params! {
    /// Parameters of [`Digits`].
    pub struct DigitsParams {
        /// Folder with `optdigits.tra` and `optdigits.tes`, packed by gzip or not.
        dir: PathBuf;
    }
}

/// `data.digits`: reads labelled pictures of 8×8 from the optical digits' CSV files.
pub struct Digits;

impl Stage for Digits {
    type Params = DigitsParams;

    fn spec(&self) -> Spec {
        Spec::new(
            "data.digits",
            code::DATA,
            DATASET,
            "Reads UCI's optical digits, 8×8, from their CSV files.",
        )
        .part("train", KIND, "pictures to train on")
        .part("test", KIND, "pictures to judge by")
        .metric("train_images", "pictures to train on")
        .metric("test_images", "pictures to judge by")
    }

    fn run(&self, p: &DigitsParams, _: &Inputs<'_>, cx: &mut Ctx<'_>) -> Result<Output, StageError> {
        let [train, test] = ["optdigits.tra", "optdigits.tes"].map(|name| {
            let packed = p.dir.join(format!("{name}.gz"));
            read(&if packed.is_file() { packed } else { p.dir.join(name) })
        });
        let (train, test) = (train?, test?);
        cx.metric("train_images", train.len() as f64);
        cx.metric("test_images", test.len() as f64);
        Ok(dataset(&train, &test))
    }
}

/// Lines of 64 counts and a digit; the first may be a line of names.
fn read(path: &Path) -> Result<Pictures, StageError> {
    let text = files::text(path)?;
    let wrong =
        |line: usize, message: String| StageError::Data { path: path.display().to_string(), line, message };
    let (mut pixels, mut labels) = (Vec::new(), Vec::new());
    for (i, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let fields: Vec<&str> = line.split(',').map(str::trim).collect();
        if fields.len() != SIDE * SIDE + 1 {
            return Err(wrong(i + 1, format!("expected 65 numbers, found {}", fields.len())));
        }
        let numbers: Vec<Option<u32>> = fields.iter().map(|field| field.parse().ok()).collect();
        if i == 0 && numbers.iter().all(Option::is_none) {
            continue;
        }
        for (field, number) in fields.iter().zip(&numbers).take(SIDE * SIDE) {
            let count = number
                .filter(|count| *count <= MOST)
                .ok_or_else(|| wrong(i + 1, format!("expected a count of 0 to {MOST}, found `{field}`")))?;
            pixels.push(((count * 255 + MOST / 2) / MOST) as u8);
        }
        let digit = numbers[SIDE * SIDE].filter(|digit| *digit < 10).ok_or_else(|| {
            wrong(i + 1, format!("expected a digit of 0 to 9 at the end, found `{}`", fields[SIDE * SIDE]))
        })?;
        labels.push(digit);
    }
    if labels.is_empty() {
        return Err(wrong(0, "expected digits, found none".into()));
    }
    let classes = (0..10).map(|digit| digit.to_string()).collect();
    Ok(Pictures { pixels: Pixels::Held(pixels), size: [1, SIDE, SIDE], labels, classes })
}

#[cfg(test)]
mod tests;
