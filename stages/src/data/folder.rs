//! `data.pictures`: reads JPEG and PNG files, from a folder or from a tar archive, a folder a class.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use rayon::prelude::*;
use runpipe_base::{Ctx, Inputs, Output, Spec, Stage, StageError, params};

use super::archive::{Archive, Place};
use super::decode::{Cut, decode, pixels};
use super::listing::{Entry, Listing};
use super::pictures::{KIND, Pictures, Pixels};
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
        /// Pictures stay in their files: for sets that memory does not hold. Every file is decoded once here, to find broken
        /// ones and the mean of the channels; stages that use the pictures decode them again, as they need them, and are given
        /// the same folder or archive as `files`. An archive should not be packed by gzip: it would be unpacked into memory.
        stream: bool = false;
    }
}

/// `data.pictures`: reads labelled pictures from JPEG and PNG files.
pub struct Folder;

/// Files that are decoded before the next ones are read.
const BLOCK: usize = 512;

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
        let archive = Archive::open(&p.path)?;
        let files = chosen(&archive, p)?;
        let classes: BTreeSet<&str> = files.iter().map(|file| file.class.as_str()).collect();
        let classes: Vec<String> = classes.into_iter().map(str::to_owned).collect();
        if let [only] = classes.as_slice() {
            let message = format!("expected folders of at least two classes, found `{only}` alone");
            return Err(archive.wrong("", message));
        }
        let (mut held, mut entries, mut resized) = (Vec::new(), Vec::new(), 0);
        for (i, block) in files.chunks(BLOCK).enumerate() {
            cx.stop_point()?;
            cx.progress((i * BLOCK) as u64, files.len() as u64, "pictures", "");
            let decoded: Vec<_> = block.par_iter().map(|file| file.decoded(&archive, p)).collect();
            for decoded in decoded {
                let Decoded { pixels, entry, scaled } = decoded?;
                held.extend(pixels);
                entries.extend(entry);
                resized += usize::from(scaled);
            }
        }
        let place = |class: &String| classes.binary_search(class).expect("it is the class of a file");
        let labels: Vec<u32> = files.iter().map(|file| place(&file.class) as u32).collect();
        cx.metric("images", labels.len() as f64);
        cx.metric("classes", classes.len() as f64);
        cx.metric("resized", resized as f64);
        let pixels = if p.stream { Pixels::Listed(Listing::new(entries)) } else { Pixels::Held(held) };
        let size = [channels(p), p.size as usize, p.size as usize];
        Ok(Pictures { pixels, size, labels, classes }.write())
    }
}

fn channels(p: &FolderParams) -> usize {
    if p.grey { 1 } else { 3 }
}

/// A file with a picture.
struct Source {
    class: String,
    name: String,
    place: Place,
}

/// What was made of it.
struct Decoded {
    /// Its pixels, if they are kept.
    pixels: Vec<u8>,
    /// What is known of the file, if it is decoded again later.
    entry: Option<Entry>,
    /// Whether it had another size.
    scaled: bool,
}

impl Source {
    fn decoded(&self, archive: &Archive, p: &FolderParams) -> Result<Decoded, StageError> {
        let bytes = archive.read(&self.name, self.place)?;
        let image = decode(&bytes).map_err(|message| archive.wrong(&self.name, message))?;
        let (pixels, scaled) = pixels(&image, Cut::Middle, channels(p), p.size);
        if !p.stream {
            return Ok(Decoded { pixels, entry: None, scaled });
        }
        let entry = Entry::of(self.name.clone(), self.place, &bytes, &pixels, channels(p));
        Ok(Decoded { pixels: Vec::new(), entry: Some(entry), scaled })
    }
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

/// The files to read, in order of their classes and names: the first `most` of each class.
fn chosen(archive: &Archive, p: &FolderParams) -> Result<Vec<Source>, StageError> {
    let mut found = BTreeMap::new();
    for (name, place) in archive.list()? {
        if let Some(class) = class(&name, &p.under) {
            found.insert((class, name), place);
        }
    }
    if found.is_empty() {
        let below = if p.under.is_empty() { String::new() } else { format!(" below `{}`", p.under) };
        let message = format!("expected JPEG or PNG files in a folder a class{below}, found none");
        return Err(archive.wrong("", message));
    }
    if let Some(((class, _), _)) = found.iter().find(|((class, _), _)| class.contains(['\n', '\r'])) {
        return Err(archive.wrong("", format!("expected a class's name on one line, found {class:?}")));
    }
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    let files = found.into_iter().map(|((class, name), place)| Source { class, name, place });
    let few = files.filter(|file| {
        let count = counts.entry(file.class.clone()).or_default();
        *count += 1;
        p.most.is_none_or(|most| *count <= most)
    });
    Ok(few.collect())
}

#[cfg(test)]
pub(crate) mod tests;
