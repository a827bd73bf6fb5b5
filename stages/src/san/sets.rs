//! Sets of questions about pictures as their publishers lay them out: partitions in one folder, read into questions to learn
//! from and questions to judge by.

pub mod daquar;
pub mod easy_vqa;
mod features;
pub mod nlvr;
pub mod shapes;
pub mod vqa;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use image::imageops::FilterType;
use runpipe_base::{Ctx, Output, Spec, StageError, params};

use self::features::Features;
use super::PAPER;
use super::questions::{DATASET, KIND, Question, Scenes, Set, dataset};
use crate::code;
use crate::data::archive::{Archive, Place};
use crate::data::decode::decode;
use crate::kit::rng::Stream;

params! {
    /// Parameters of the readers of data sets.
    pub struct Reading {
        /// Folder with the set's files; gzip files are unpacked.
        dir: PathBuf;
        /// The partition to judge by; all others are learnt from. None: the first there is of `test`, `val` and `dev`.
        test: Option<String> = None;
        /// All partitions are one, a share of whose pictures is judged by.
        pool: bool = false;
        /// Where there is one partition only, this share of its pictures is judged by.
        held: f64 = 0.2, in 0.01..=0.99;
        /// Height that pictures are brought to; none: their own, which must be the same of all.
        height: Option<usize> = None, in 4..=1024, unit "pixels";
        /// Width that pictures are brought to.
        width: Option<usize> = None, in 4..=1024, unit "pixels";
        /// Regions in place of pictures, made by another program: a safetensors file with `regions`, `[N, rows, columns, width]`
        /// of 32 or 16 bits, and beside it a text file of the same name, a picture's name a line.
        features: Option<PathBuf> = None;
        /// Which pictures are held out.
        seed: u64 = 0;
    }
}

/// A partition of a set.
#[derive(Debug, Clone, PartialEq)]
pub struct Part {
    /// Its name, such as `train`.
    pub name: String,
    /// Its questions and pictures.
    pub set: Set,
    /// For each picture its group: those of one group are never parted.
    pub groups: Vec<u64>,
}

/// Declares a reader.
fn declare(name: &str, summary: &str) -> Spec {
    Spec::new(name, code::SAN, DATASET, summary)
        .part("train", KIND, "questions to learn from")
        .part("test", KIND, "questions to judge by")
        .metric("train_questions", "questions to learn from")
        .metric("test_questions", "questions to judge by")
        .metric("train_single", "of these to learn from, those with one answer")
        .metric("test_single", "of those to judge by, those with one answer")
        .metric("train_pictures", "pictures of the questions to learn from")
        .metric("test_pictures", "pictures of the questions to judge by")
        .paper(&PAPER)
}

/// The data set that partitions make.
fn output(parts: Vec<Part>, p: &Reading, cx: &mut Ctx<'_>) -> Result<Output, StageError> {
    let [train, test] = divide(parts, p)?;
    for (name, set) in [("train", &train), ("test", &test)] {
        cx.metric(&format!("{name}_questions"), set.questions.len() as f64);
        cx.metric(&format!("{name}_single"), set.questions.iter().filter(|q| q.single()).count() as f64);
        cx.metric(&format!("{name}_pictures"), set.scenes.len() as f64);
    }
    Ok(dataset(train.write()?, test.write()?))
}

/// Partitions to judge by where none is named, the best first.
const JUDGES: [&str; 3] = ["test", "val", "dev"];

/// What is learnt from and what is judged by.
fn divide(mut parts: Vec<Part>, p: &Reading) -> Result<[Set; 2], StageError> {
    let wrong = |message: String| StageError::Data { path: p.dir.display().to_string(), line: 0, message };
    let names: Vec<String> = parts.iter().map(|part| part.name.clone()).collect();
    if parts.is_empty() || parts.iter().any(|part| part.set.questions.is_empty()) {
        return Err(wrong("expected questions, found none".into()));
    }
    let judge =
        match &p.test {
            Some(test) => names.iter().position(|name| name == test).map(Some).ok_or_else(|| {
                wrong(format!("expected a partition `{test}`, found `{}`", names.join("`, `")))
            })?,
            None => JUDGES.iter().find_map(|test| names.iter().position(|name| name == test)),
        };
    if p.pool {
        parts = vec![pooled(parts)?];
    }
    match (judge, parts.len()) {
        (_, 1) => {
            let part = parts.remove(0);
            let held = held_out(&part.groups, p.held, p.seed);
            Ok([false, true].map(|judged| part.set.chosen(|picture| held[picture] == judged)))
        }
        (Some(judge), _) => {
            let test = parts.remove(judge).set;
            Ok([joined(parts.into_iter().map(|part| part.set).collect())?, test])
        }
        (None, _) => Err(wrong(format!(
            "expected one partition, or one of `test`, `val` and `dev` among several, found `{}`; `test` names one",
            names.join("`, `")
        ))),
    }
}

/// Partitions as one; groups of different ones stay different.
fn pooled(parts: Vec<Part>) -> Result<Part, StageError> {
    let name = parts.iter().map(|part| part.name.as_str()).collect::<Vec<_>>().join("+");
    let ids: BTreeSet<(usize, u64)> = parts
        .iter()
        .enumerate()
        .flat_map(|(i, part)| part.groups.iter().map(move |group| (i, *group)))
        .collect();
    let ids: BTreeMap<(usize, u64), u64> = ids.into_iter().zip(0..).collect();
    let groups =
        parts.iter().enumerate().flat_map(|(i, part)| part.groups.iter().map(move |group| (i, *group)));
    let groups = groups.map(|group| ids[&group]).collect();
    Ok(Part { name, set: joined(parts.into_iter().map(|part| part.set).collect())?, groups })
}

/// Which pictures are held out: whole groups in random order until there are enough pictures, one group at least on each
/// side where there are two.
pub(super) fn held_out(groups: &[u64], share: f64, seed: u64) -> Vec<bool> {
    let all: Vec<u64> = groups.iter().copied().collect::<BTreeSet<_>>().into_iter().collect();
    let order = Stream::new(seed, "held").permutation(all.len());
    let wanted = share * groups.len() as f64;
    let (mut held, mut count) = (BTreeSet::new(), 0);
    for place in order.into_iter().take(all.len().saturating_sub(1)) {
        if count as f64 >= wanted && !held.is_empty() {
            break;
        }
        held.insert(all[place]);
        count += groups.iter().filter(|group| **group == all[place]).count();
    }
    groups.iter().map(|group| held.contains(group)).collect()
}

/// Sets one after the other.
fn joined(sets: Vec<Set>) -> Result<Set, StageError> {
    let mut sets = sets.into_iter();
    let mut all = sets.next().ok_or_else(|| StageError::Input("expected a set, found none".into()))?;
    for set in sets {
        let first = all.scenes.len();
        super::model::fits(all.scenes.look(), set.scenes.look())?;
        match (&mut all.scenes, set.scenes) {
            (Scenes::Regions { numbers, .. }, Scenes::Regions { numbers: more, .. }) => numbers.extend(more),
            (Scenes::Pixels { bytes, .. }, Scenes::Pixels { bytes: more, .. }) => bytes.extend(more),
            _ => {}
        }
        all.questions.extend(set.questions.into_iter().map(|q| Question { picture: first + q.picture, ..q }));
    }
    Ok(all)
}

/// The words of a text, a blank between them: in lower case, marks left out but those inside of words.
pub fn tokens(text: &str) -> String {
    let inside = |c: char| c.is_alphanumeric() || c == '_';
    let lower = text.to_lowercase();
    let words = lower.split(|c: char| !inside(c) && !matches!(c, '\'' | '-' | '.'));
    let words = words.map(|word| word.trim_matches(|c| !inside(c))).filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join(" ")
}

/// What is asked for, by how a question about a photograph begins.
fn type_of(text: &str) -> &'static str {
    if text.starts_with("how many") {
        "number"
    } else if text.split(' ').any(|word| matches!(word, "color" | "colour" | "colors" | "colours")) {
        "color"
    } else {
        "object"
    }
}

/// The files and folders in a folder, sorted.
fn entries(dir: &Path) -> Result<Vec<String>, StageError> {
    let refuse =
        |e: std::io::Error| StageError::Io { path: dir.display().to_string(), message: e.to_string() };
    let mut names = Vec::new();
    for entry in std::fs::read_dir(dir).map_err(refuse)? {
        names.push(entry.map_err(refuse)?.file_name().to_string_lossy().into_owned());
    }
    names.sort();
    Ok(names)
}

/// The partitions of a folder whose files end in one of these: their names and files.
fn partitions(dir: &Path, endings: &[&str]) -> Result<Vec<(String, PathBuf)>, StageError> {
    let mut found: BTreeMap<String, PathBuf> = BTreeMap::new();
    for name in entries(dir)? {
        let bare = name.strip_suffix(".gz").unwrap_or(&name);
        let Some(part) = endings.iter().find_map(|ending| bare.strip_suffix(ending)) else { continue };
        if part.is_empty() {
            continue;
        }
        if let Some(other) = found.insert(part.to_owned(), dir.join(&name)) {
            let message = format!("expected one file for `{part}`, found `{}` and `{name}`", other.display());
            return Err(StageError::Data { path: dir.display().to_string(), line: 0, message });
        }
    }
    if found.is_empty() {
        let message = format!("expected files that end in `{}`, found none", endings.join("` or `"));
        return Err(StageError::Data { path: dir.display().to_string(), line: 0, message });
    }
    Ok(found.into_iter().collect())
}

/// Pictures of a folder or an archive, found by their names without folders and endings.
#[derive(Debug)]
struct Album {
    archive: Archive,
    places: BTreeMap<String, (String, Place)>,
}

impl Album {
    /// The pictures of a partition: in what begins with its name and `_images`, or else with `images`.
    fn of(dir: &Path, part: &str) -> Result<Self, StageError> {
        let names = entries(dir)?;
        let begins = |start: &str| names.iter().find(|name| name.starts_with(start));
        let own = [part.to_owned(), format!("{part}.tar"), format!("{part}.tar.gz")];
        let own = || names.iter().find(|name| own.contains(name));
        let name =
            begins(&format!("{part}_images")).or_else(own).or_else(|| begins("images")).ok_or_else(|| {
                let message =
                    format!("expected pictures in `{part}_images`, a folder or a tar archive, found none");
                StageError::Data { path: dir.display().to_string(), line: 0, message }
            })?;
        let archive = Archive::open(&dir.join(name))?;
        let mut places = BTreeMap::new();
        for (name, place) in archive.list()? {
            let file = name.rsplit('/').next().unwrap_or(&name);
            if let Some((stem, "png" | "jpg" | "jpeg")) = file.rsplit_once('.') {
                places.insert(stem.to_owned(), (name, place));
            }
        }
        Ok(Self { archive, places })
    }

    /// The size and the bytes, `[3, H, W]`, of the picture `stem`.
    fn picture(&self, stem: &str, p: &Reading) -> Result<([usize; 3], Vec<u8>), StageError> {
        let missing = || self.archive.wrong("", format!("expected a picture `{stem}`, found none"));
        let (name, place) = self.places.get(stem).ok_or_else(missing)?;
        let image = decode(&self.archive.read(name, *place)?).map_err(|e| self.archive.wrong(name, e))?;
        let [width, height] = [(p.width, image.width()), (p.height, image.height())]
            .map(|(wanted, own)| wanted.map_or(own, |wanted| u32::try_from(wanted).unwrap_or(own)));
        let image = if [width, height] == [image.width(), image.height()] {
            image
        } else {
            image.resize_exact(width, height, FilterType::Triangle)
        };
        let packed = image.into_rgb8().into_raw();
        let planes = (0..3).flat_map(|c| packed.iter().skip(c).step_by(3)).copied().collect();
        Ok(([3, height as usize, width as usize], planes))
    }
}

/// Where what is shown of pictures comes from.
enum Shelf {
    Album(Album),
    Features(Features),
}

impl Shelf {
    /// Features if there are some, or the pictures of a partition.
    fn of(p: &Reading, part: &str) -> Result<Self, StageError> {
        match &p.features {
            Some(path) => Features::read(path).map(Self::Features),
            None => Album::of(&p.dir, part).map(Self::Album),
        }
    }
}

/// A question as it is read: the name of its picture and of the picture's group, and the rest.
struct Read {
    picture: String,
    group: u64,
    question: Question,
}

/// The partition that questions and a shelf make; every picture is read once.
fn with_pictures(
    name: &str,
    read: Vec<Read>,
    shelf: &Shelf,
    p: &Reading,
    cx: &Ctx<'_>,
) -> Result<Part, StageError> {
    let (mut found, mut groups) = (BTreeMap::new(), Vec::new());
    let (mut scenes, mut questions) = (None, Vec::new());
    let count = read.len() as u64;
    for (i, Read { picture, group, question }) in read.into_iter().enumerate() {
        if !found.contains_key(&picture) {
            cx.stop_point()?;
            cx.progress(i as u64, count, "questions", name);
            add(&mut scenes, shelf, &picture, p)?;
            found.insert(picture.clone(), groups.len());
            groups.push(group);
        }
        questions.push(Question { picture: found[&picture], ..question });
    }
    let scenes = scenes.unwrap_or(Scenes::Pixels { size: [3, 1, 1], bytes: Vec::new() });
    Ok(Part { name: name.to_owned(), set: Set { scenes, questions, grid: None }, groups })
}

/// Adds a picture to those before, if there are any.
fn add(scenes: &mut Option<Scenes>, shelf: &Shelf, picture: &str, p: &Reading) -> Result<(), StageError> {
    match shelf {
        Shelf::Features(features) => {
            let (grid, width) = (features.grid, features.width);
            let found = features.of(picture).ok_or_else(|| {
                StageError::Input(format!("`features`: expected a picture `{picture}`, found none"))
            })?;
            let all = scenes.get_or_insert(Scenes::Regions { grid, width, numbers: Vec::new() });
            if let Scenes::Regions { numbers, .. } = all {
                numbers.extend(found);
            }
        }
        Shelf::Album(album) => {
            let (own, planes) = album.picture(picture, p)?;
            let all = scenes.get_or_insert(Scenes::Pixels { size: own, bytes: Vec::new() });
            if let Scenes::Pixels { size, bytes } = all {
                if *size != own {
                    let message = "expected pictures of one size, found another; `height` and `width` bring them to one";
                    return Err(album.archive.wrong(picture, message.into()));
                }
                bytes.extend(planes);
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
