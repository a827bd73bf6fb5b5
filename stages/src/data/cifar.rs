//! `data.cifar`: reads the binary version of CIFAR-10.

use std::path::PathBuf;

use runpipe_base::{Ctx, Inputs, Output, Spec, Stage, StageError, params};

use super::files;
use super::pictures::{DATASET, KIND, Pictures, Pixels, dataset};
use crate::code;

/// Bytes of a record: a label, and 32×32 numbers for red, green and blue.
const RECORD: usize = 1 + 3 * 32 * 32;
const CLASSES: [&str; 10] =
    ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"];

params! {
    /// Parameters of [`Cifar`].
    pub struct CifarParams {
        /// Folder with `data_batch_1.bin` and so on, and `test_batch.bin`, packed by gzip or not.
        dir: PathBuf;
    }
}

/// `data.cifar`: reads labelled pictures from a folder of CIFAR-10's binary files.
pub struct Cifar;

impl Stage for Cifar {
    type Params = CifarParams;

    fn spec(&self) -> Spec {
        Spec::new("data.cifar", code::DATA, DATASET, "Reads CIFAR-10 from a folder of its binary files.")
            .part("train", KIND, "pictures to train on")
            .part("test", KIND, "pictures to judge by")
            .metric("train_images", "pictures to train on")
            .metric("test_images", "pictures to judge by")
    }

    fn run(&self, p: &CifarParams, _: &Inputs<'_>, cx: &mut Ctx<'_>) -> Result<Output, StageError> {
        let [train, test] = ["data_batch_", "test_batch"].map(|start| read(p, start));
        let (train, test) = (train?, test?);
        cx.metric("train_images", train.len() as f64);
        cx.metric("test_images", test.len() as f64);
        Ok(dataset(&train, &test))
    }
}

/// All records of the files whose names start so, in order of the names.
fn read(p: &CifarParams, start: &str) -> Result<Pictures, StageError> {
    let (mut pixels, mut labels) = (Vec::new(), Vec::new());
    let wrong = |path: String, message: String| StageError::Data { path, line: 0, message };
    for name in files::names(&p.dir)?.into_iter().filter(|name| name.starts_with(start)) {
        let path = p.dir.join(&name);
        let bytes = files::bytes(&path)?;
        if bytes.is_empty() || !bytes.len().is_multiple_of(RECORD) {
            let message = format!("expected records of {RECORD} bytes, found {} bytes", bytes.len());
            return Err(wrong(path.display().to_string(), message));
        }
        for (i, record) in bytes.chunks_exact(RECORD).enumerate() {
            if record[0] as usize >= CLASSES.len() {
                let message = format!("expected a label below 10 in record {i}, found {}", record[0]);
                return Err(wrong(path.display().to_string(), message));
            }
            labels.push(u32::from(record[0]));
            pixels.extend(&record[1..]);
        }
    }
    if labels.is_empty() {
        let message = format!("expected files whose names start with `{start}`");
        return Err(wrong(p.dir.display().to_string(), message));
    }
    let classes = CLASSES.map(str::to_owned).to_vec();
    Ok(Pictures { pixels: Pixels::Held(pixels), size: [3, 32, 32], labels, classes })
}

#[cfg(test)]
mod tests;
