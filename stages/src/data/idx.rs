//! `data.idx`: reads IDX files, the format of MNIST and Fashion-MNIST.

use std::path::{Path, PathBuf};

use runpipe_base::{Ctx, Inputs, Output, Spec, Stage, StageError, params};

use super::files;
use super::pictures::{DATASET, KIND, Pictures, Pixels, dataset};
use crate::code;

params! {
    /// Parameters of [`Idx`].
    pub struct IdxParams {
        /// Folder with four files whose names hold `train-images`, `train-labels`, `t10k-images` or `test-images`, and
        /// `t10k-labels` or `test-labels`, packed by gzip or not.
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
        let train = read(&p.dir, &["train"], p.margin)?;
        let test = read(&p.dir, &["t10k", "test"], p.margin)?;
        let labels = || train.labels.iter().chain(&test.labels);
        let count = labels().max().map_or(0, |label| *label as usize + 1);
        if !p.classes.is_empty() && p.classes.len() < count {
            let found = p.classes.len();
            return Err(StageError::Input(format!("expected names for {count} classes, found {found}")));
        }
        let numbers = || (0..count).map(|class| class.to_string()).collect();
        let classes: Vec<String> = if p.classes.is_empty() { numbers() } else { p.classes.clone() };
        let named = |pictures: Pictures| Pictures { classes: classes.clone(), ..pictures };
        let (train, test) = (named(train), named(test));
        test.fits(train.size, &classes, "t10k-images")?;
        cx.metric("train_images", train.len() as f64);
        cx.metric("test_images", test.len() as f64);
        Ok(dataset(&train, &test))
    }
}

/// The pictures of one split, which may have several names, without names of classes.
fn read(dir: &Path, splits: &[&str], margin: usize) -> Result<Pictures, StageError> {
    let path = find(dir, splits, "images")?;
    let bytes = files::bytes(&path)?;
    let (sizes, pixels) = parse(&bytes, 3).map_err(|message| wrong(&path, message))?;
    let labels_path = find(dir, splits, "labels")?;
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
    let (pixels, size) = padded(pixels, [sizes[1], sizes[2]], margin);
    Ok(Pictures { pixels: Pixels::Held(pixels), size: [1, size[0], size[1]], labels, classes: Vec::new() })
}

/// The one file whose name holds one of the splits and what is in it.
fn find(dir: &Path, splits: &[&str], what: &str) -> Result<PathBuf, StageError> {
    let wanted: Vec<String> = splits.iter().map(|split| format!("{split}-{what}")).collect();
    let is_wanted = |name: &String| {
        !name.starts_with('.') && wanted.iter().any(|part| name.to_lowercase().contains(part.as_str()))
    };
    let found: Vec<String> = files::names(dir)?.into_iter().filter(is_wanted).collect();
    match found.as_slice() {
        [name] => Ok(dir.join(name)),
        [] => Err(wrong(dir, format!("expected a file whose name holds `{}`", wanted.join("` or `")))),
        [first, second, ..] => Err(wrong(
            dir,
            format!("expected one file with `{}` in its name, found `{first}` and `{second}`", wanted[0]),
        )),
    }
}

/// Zeros around every picture, `margin` on each side, and their new size.
fn padded(pixels: &[u8], [height, width]: [usize; 2], margin: usize) -> (Vec<u8>, [usize; 2]) {
    let size = [height, width].map(|side| side + 2 * margin);
    let mut padded = vec![0; pixels.len() / (height * width) * size[0] * size[1]];
    let planes = padded.chunks_exact_mut(size[0] * size[1]).zip(pixels.chunks_exact(height * width));
    for (to, from) in planes {
        let rows = to.chunks_exact_mut(size[1]).skip(margin).zip(from.chunks_exact(width));
        rows.for_each(|(to, from)| to[margin..margin + width].copy_from_slice(from));
    }
    (padded, size)
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
