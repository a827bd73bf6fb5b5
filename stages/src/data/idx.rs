//! `data.idx`: reads IDX files, the format of MNIST and Fashion-MNIST.

use std::path::{Path, PathBuf};

use runpipe_base::{Ctx, Inputs, Output, Spec, Stage, StageError, params};

use super::files;
use super::pictures::{DATASET, KIND, Pictures, dataset};
use crate::code;

params! {
    /// Parameters of [`Idx`].
    pub struct IdxParams {
        /// Folder with `train-images…`, `train-labels…`, `t10k-images…` and `t10k-labels…`, packed by gzip or not.
        dir: PathBuf;
        /// Zeros around every picture: 2 makes 32×32 of 28×28.
        margin: usize = 2, in 0..=64, unit "pixels";
        /// Names of the classes; none: their numbers.
        classes: Vec<String> = Vec::new();
    }
}

/// `data.idx`: reads labelled pictures from a folder of IDX files.
pub struct Idx;

impl Stage for Idx {
    type Params = IdxParams;

    fn spec(&self) -> Spec {
        Spec::new(
            "data.idx",
            code::DATA,
            DATASET,
            "Reads MNIST, Fashion-MNIST or others of their format from a folder of IDX files.",
        )
        .part("train", KIND, "pictures to train on")
        .part("test", KIND, "pictures to judge by")
        .metric("train_images", "pictures to train on")
        .metric("test_images", "pictures to judge by")
    }

    fn run(&self, p: &IdxParams, _: &Inputs<'_>, cx: &mut Ctx<'_>) -> Result<Output, StageError> {
        let (mut train, mut test) = (read(&p.dir, "train")?, read(&p.dir, "t10k")?);
        let count = train.labels.iter().chain(&test.labels).max().map_or(0, |label| *label as usize + 1);
        if !p.classes.is_empty() && p.classes.len() < count {
            let found = p.classes.len();
            return Err(StageError::Input(format!("expected names for {count} classes, found {found}")));
        }
        let numbers = || (0..count).map(|class| class.to_string()).collect();
        train.classes = if p.classes.is_empty() { numbers() } else { p.classes.clone() };
        test.classes.clone_from(&train.classes);
        train.like(&test, "t10k-images")?;
        cx.metric("train_images", train.len() as f64);
        cx.metric("test_images", test.len() as f64);
        Ok(dataset(&train.padded(p.margin), &test.padded(p.margin)))
    }
}

/// The pictures of one split, without names of classes.
fn read(dir: &Path, split: &str) -> Result<Pictures, StageError> {
    let path = find(dir, &format!("{split}-images"))?;
    let bytes = files::bytes(&path)?;
    let (sizes, pixels) = parse(&bytes, 3).map_err(|message| wrong(&path, message))?;
    let labels_path = find(dir, &format!("{split}-labels"))?;
    let bytes = files::bytes(&labels_path)?;
    let (count, labels) = parse(&bytes, 1).map_err(|message| wrong(&labels_path, message))?;
    if count[0] != sizes[0] {
        let message = format!("expected a label for each of {} pictures, found {}", sizes[0], count[0]);
        return Err(wrong(&labels_path, message));
    }
    if pixels.is_empty() {
        return Err(wrong(&path, format!("expected pictures, found the sizes {sizes:?}")));
    }
    let labels = labels.iter().map(|label| u32::from(*label)).collect();
    Ok(Pictures { pixels: pixels.to_vec(), size: [1, sizes[1], sizes[2]], labels, classes: Vec::new() })
}

/// The one file whose name starts so.
fn find(dir: &Path, start: &str) -> Result<PathBuf, StageError> {
    let found: Vec<String> = files::names(dir)?.into_iter().filter(|name| name.starts_with(start)).collect();
    match found.as_slice() {
        [name] => Ok(dir.join(name)),
        [] => Err(wrong(dir, format!("expected a file whose name starts with `{start}`"))),
        [first, second, ..] => {
            Err(wrong(dir, format!("expected one file `{start}…`, found `{first}` and `{second}`")))
        }
    }
}

fn wrong(path: &Path, message: String) -> StageError {
    StageError::Data { path: path.display().to_string(), line: 0, message }
}

/// Sizes and content of an IDX file of bytes: two zeros, the type 8, the number of axes, and big-endian sizes.
fn parse(bytes: &[u8], axes: usize) -> Result<(Vec<usize>, &[u8]), String> {
    let (magic, mut rest) = bytes.split_first_chunk::<4>().ok_or("expected a magic number, found the end")?;
    let (magic, expected) = (u32::from_be_bytes(*magic), 0x0800 + axes as u32);
    if magic != expected {
        return Err(format!("expected the magic number {expected}, found {magic}"));
    }
    let mut sizes = Vec::new();
    for axis in 0..axes {
        let (size, tail) =
            rest.split_first_chunk::<4>().ok_or_else(|| format!("expected {axes} sizes, found {axis}"))?;
        sizes.push(u32::from_be_bytes(*size) as usize);
        rest = tail;
    }
    let count = sizes.iter().try_fold(1usize, |product, n| product.checked_mul(*n));
    if count == Some(rest.len()) {
        Ok((sizes, rest))
    } else {
        Err(format!("expected the bytes of sizes {sizes:?}, found {} bytes", rest.len()))
    }
}

#[cfg(test)]
mod tests;
