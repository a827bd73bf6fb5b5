//! `data.pictures`: reads JPEG and PNG files, from a folder or from a tar archive, a folder a class.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read as _;
use std::path::{Path, PathBuf};

use image::imageops::FilterType;
use image::{DynamicImage, ImageFormat};
use rayon::prelude::*;
use runpipe_base::{Ctx, Inputs, Output, Spec, Stage, StageError, params};

use super::files;
use super::pictures::{KIND, Pictures};
use crate::code;

params! {
    /// Parameters of [`Folder`].
    pub struct FolderParams {
        /// A folder, or a tar archive, packed by gzip or not. A file's class is the name of the folder it lies in.
        path: PathBuf;
        /// Only files below this folder of it, such as `train`; empty: all.
        under: String = String::new();
        /// Height and width that a picture is brought to: its shorter side is scaled, its middle is cut out.
        size: u32 = 32, in 1..=1024, unit "pixels";
        /// Colours become one channel of brightness.
        grey: bool = false;
        /// Only so many of each class, the first in order of their names; none: all.
        most: Option<usize> = None, in 1.., unit "pictures a class";
    }
}

/// `data.pictures`: reads labelled pictures from JPEG and PNG files.
pub struct Folder;

impl Stage for Folder {
    type Params = FolderParams;

    fn spec(&self) -> Spec {
        Spec::new(
            "data.pictures",
            code::DATA,
            KIND,
            "Reads JPEG and PNG files from a folder or a tar archive in which each class has a folder.",
        )
        .metric("images", "pictures")
        .metric("classes", "classes")
        .metric("resized", "pictures that were brought to another size")
    }

    fn run(&self, p: &FolderParams, _: &Inputs<'_>, cx: &mut Ctx<'_>) -> Result<Output, StageError> {
        let found = if p.path.is_dir() { below(p)? } else { packed(p)? };
        let names: BTreeSet<&str> = found.keys().map(|(class, _)| class.as_str()).collect();
        let classes: Vec<String> = names.into_iter().map(str::to_owned).collect();
        let channels = if p.grey { 1 } else { 3 };
        let mut pictures = Pictures::new([channels, p.size as usize, p.size as usize], classes);
        let files: Vec<_> = found.into_iter().collect();
        // A file is read, decoded and let go; only pixels stay.
        let decoded = files.into_par_iter().map(|((class, name), source)| {
            let bytes = source.bytes(&p.path, &name)?;
            decode(&bytes, p).map(|pixels| (class, pixels)).map_err(|message| wrong(&p.path, &name, message))
        });
        let mut resized = 0;
        for decoded in decoded.collect::<Vec<_>>() {
            let (class, (pixels, scaled)) = decoded?;
            resized += usize::from(scaled);
            let label = pictures.classes.binary_search(&class).expect("it is the class of a file");
            pictures.labels.push(label as u32);
            pictures.pixels.extend(pixels);
        }
        cx.metric("images", pictures.len() as f64);
        cx.metric("classes", pictures.classes.len() as f64);
        cx.metric("resized", resized as f64);
        Ok(pictures.write())
    }
}

/// Where a file's bytes are.
enum Source {
    /// In a file of its own.
    File(PathBuf),
    /// Here, taken out of an archive.
    Bytes(Vec<u8>),
}

impl Source {
    fn bytes(self, path: &Path, name: &str) -> Result<Vec<u8>, StageError> {
        match self {
            Self::Bytes(bytes) => Ok(bytes),
            Self::File(file) => std::fs::read(&file)
                .map_err(|e| StageError::Io { path: place(path, name), message: e.to_string() }),
        }
    }
}

/// Files by class and place, so that their order is that of classes and names.
type Found = BTreeMap<(String, String), Source>;

fn place(path: &Path, name: &str) -> String {
    format!("{}/{name}", path.display())
}

fn wrong(path: &Path, name: &str, message: String) -> StageError {
    StageError::Data { path: place(path, name), line: 0, message }
}

/// The class of a file at this place, if it is a picture of those asked for.
fn class(name: &str, under: &str) -> Option<String> {
    let inside = Path::new(name).strip_prefix(under.trim_matches('/')).ok()?;
    let ending = inside.extension()?.to_str()?.to_lowercase();
    let hidden = inside.file_name()?.to_str()?.starts_with('.');
    if hidden || !["jpg", "jpeg", "png"].contains(&ending.as_str()) {
        return None;
    }
    Some(inside.parent()?.file_name()?.to_str()?.to_owned())
}

/// Keeps the first `most` files of each class.
fn few(found: Found, p: &FolderParams) -> Result<Found, StageError> {
    if found.is_empty() {
        let below = if p.under.is_empty() { String::new() } else { format!(" below `{}`", p.under) };
        let message = format!("expected JPEG or PNG files in a folder a class{below}, found none");
        return Err(StageError::Data { path: p.path.display().to_string(), line: 0, message });
    }
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    let kept = found.into_iter().filter(|((class, _), _)| {
        let count = counts.entry(class.clone()).or_default();
        *count += 1;
        p.most.is_none_or(|most| *count <= most)
    });
    Ok(kept.collect())
}

fn below(p: &FolderParams) -> Result<Found, StageError> {
    let mut found = Found::new();
    let mut open = vec![String::new()];
    while let Some(folder) = open.pop() {
        let refuse =
            |e: std::io::Error| StageError::Io { path: place(&p.path, &folder), message: e.to_string() };
        for entry in std::fs::read_dir(p.path.join(&folder)).map_err(refuse)? {
            let entry = entry.map_err(refuse)?;
            let name = entry.file_name().to_string_lossy().into_owned();
            let name = if folder.is_empty() { name } else { format!("{folder}/{name}") };
            if entry.path().is_dir() {
                open.push(name);
            } else if let Some(class) = class(&name, &p.under) {
                found.insert((class, name), Source::File(entry.path()));
            }
        }
    }
    few(found, p)
}

fn packed(p: &FolderParams) -> Result<Found, StageError> {
    let bytes = files::bytes(&p.path)?;
    let broken = |e: std::io::Error| StageError::Data {
        path: p.path.display().to_string(),
        line: 0,
        message: format!("expected a folder or a whole tar archive: {e}"),
    };
    let mut found = Found::new();
    for entry in tar::Archive::new(bytes.as_slice()).entries().map_err(broken)? {
        let mut entry = entry.map_err(broken)?;
        let name = entry.path().map_err(broken)?.to_string_lossy().into_owned();
        let name = name.trim_start_matches("./").to_owned();
        let Some(class) = class(&name, &p.under).filter(|_| entry.header().entry_type().is_file()) else {
            continue;
        };
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes).map_err(broken)?;
        found.insert((class, name), Source::Bytes(bytes));
    }
    few(found, p)
}

/// The pixels of a file, channel by channel, and whether it had another size.
fn decode(bytes: &[u8], p: &FolderParams) -> Result<(Vec<u8>, bool), String> {
    let format = match bytes {
        [0xff, 0xd8, ..] => ImageFormat::Jpeg,
        [0x89, b'P', b'N', b'G', ..] => ImageFormat::Png,
        _ => return Err("expected a JPEG or PNG file".into()),
    };
    let image = image::load_from_memory_with_format(bytes, format)
        .map_err(|e| format!("expected a whole {format:?} file: {e}"))?;
    let scaled = (image.width(), image.height()) != (p.size, p.size);
    let image = if scaled { middle(&image, p.size) } else { image };
    let pixels = if p.grey {
        image.into_luma8().into_raw()
    } else {
        let packed = image.into_rgb8().into_raw();
        (0..3)
            .flat_map(|channel| packed.iter().skip(channel).step_by(3).copied().collect::<Vec<_>>())
            .collect()
    };
    Ok((pixels, scaled))
}

/// The middle square of a picture whose shorter side is scaled to `size`.
fn middle(image: &DynamicImage, size: u32) -> DynamicImage {
    let (width, height) = (image.width().max(1), image.height().max(1));
    let short = width.min(height);
    let scale = |side: u32| (u64::from(side) * u64::from(size) + u64::from(short) / 2) / u64::from(short);
    let (width, height) =
        (scale(width).max(u64::from(size)) as u32, scale(height).max(u64::from(size)) as u32);
    let image = image.resize_exact(width, height, FilterType::Triangle);
    image.crop_imm((width - size) / 2, (height - size) / 2, size, size)
}

#[cfg(test)]
mod tests;
