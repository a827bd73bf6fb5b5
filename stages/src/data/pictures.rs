//! Labelled pictures: what readers make, what training reads, and the files between.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::path::Path;

use runpipe_base::{Kind, Output, StageError, View};

use super::decode::{self, Cut, of_planes};
use super::listing::Listing;
use super::npy;

/// The kind of labelled pictures.
pub const KIND: &str = "images/labelled";
/// The kind of a data set: labelled pictures to train on and to judge by.
pub const DATASET: &str = "dataset/images";
const PIXELS: &str = "images.npy";
const LISTING: &str = "files.csv";
const SHAPE: &str = "shape.json";
const LABELS: &str = "labels.npy";
const CLASSES: &str = "classes.txt";

/// Pictures of one size with a class each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pictures {
    /// Their pixels.
    pub pixels: Pixels,
    /// Channels, height and width.
    pub size: [usize; 3],
    /// A class for each picture, as its place in `classes`.
    pub labels: Vec<u32>,
    /// Names of the classes.
    pub classes: Vec<String>,
}

/// Where the pixels of pictures are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pixels {
    /// Here: bytes, `[N, C, H, W]`.
    Held(Vec<u8>),
    /// In files, which are decoded whenever a picture is wanted.
    Listed(Listing),
}

impl Pictures {
    /// How many pictures there are.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// Bytes of a picture.
    pub fn area(&self) -> usize {
        self.size.iter().product()
    }

    /// The bytes of the picture at `index`, `[C, H, W]`: of it all, or of a random part.
    ///
    /// # Errors
    /// As [`Listing::picture`]; none for pictures in memory.
    pub fn picture(&self, index: usize, cut: Cut) -> Result<Cow<'_, [u8]>, StageError> {
        let side = || u32::try_from(self.size[1]).expect("pictures are not as large");
        match (&self.pixels, cut) {
            (Pixels::Held(pixels), Cut::Middle) => {
                Ok(Cow::Borrowed(&pixels[index * self.area()..][..self.area()]))
            }
            (Pixels::Held(pixels), cut) => {
                let picture = &pixels[index * self.area()..][..self.area()];
                let square = matches!(self.size[0], 1 | 3) && self.size[1] == self.size[2];
                if !square {
                    let message =
                        format!("expected square pictures of 1 or 3 channels to crop, found {:?}", self.size);
                    return Err(StageError::Input(message));
                }
                Ok(Cow::Owned(decode::pixels(&of_planes(picture, self.size), cut, self.size[0], side()).0))
            }
            (Pixels::Listed(listing), cut) => {
                listing.picture(index, cut, self.size[0], side()).map(Cow::Owned)
            }
        }
    }

    /// The pictures at these places, in their order.
    #[must_use]
    pub fn chosen(&self, places: &[usize]) -> Self {
        let area = self.area();
        let pixels = match &self.pixels {
            Pixels::Held(pixels) => {
                Pixels::Held(places.iter().flat_map(|i| &pixels[i * area..][..area]).copied().collect())
            }
            Pixels::Listed(listing) => Pixels::Listed(listing.chosen(places)),
        };
        let labels = places.iter().map(|i| self.labels[*i]).collect();
        Self { pixels, size: self.size, labels, classes: self.classes.clone() }
    }

    /// At most so many pictures, evenly spread over all: sets often stand in order of their classes.
    #[must_use]
    pub fn spread(&self, count: usize) -> Self {
        let count = count.min(self.len());
        self.chosen(&(0..count).map(|i| i * self.len() / count).collect::<Vec<_>>())
    }

    /// Whether the pictures are of this size and have these classes.
    ///
    /// # Errors
    /// [`StageError::Input`] when they do not; `what` names them.
    pub fn fits(&self, size: [usize; 3], classes: &[String], what: &str) -> Result<(), StageError> {
        let differ = |name: &str, expected: &dyn std::fmt::Debug, found: &dyn std::fmt::Debug| {
            Err(StageError::Input(format!("expected {name} {expected:?} at `{what}`, found {found:?}")))
        };
        if self.size != size {
            return differ("pictures of", &size, &self.size);
        }
        if self.classes != classes {
            return differ("the classes", &classes, &self.classes);
        }
        Ok(())
    }

    /// Reads an artifact of kind `images/labelled` whose pixels are wanted: of pictures that stayed in their files, `files` is
    /// the folder or archive of them.
    ///
    /// # Errors
    /// As [`read`](Self::read) and [`Listing::opened`].
    pub fn open(view: &View<'_>, files: Option<&Path>) -> Result<Self, StageError> {
        let mut pictures = Self::read(view)?;
        if let (Pixels::Listed(listing), Some(path)) = (&mut pictures.pixels, files) {
            *listing = std::mem::take(listing).opened(path)?;
        }
        Ok(pictures)
    }

    /// Reads an artifact of kind `images/labelled`.
    ///
    /// # Errors
    /// [`StageError::Input`] when a file is missing or does not fit the others.
    pub fn read(view: &View<'_>) -> Result<Self, StageError> {
        let wrong = |file: &str, message: String| StageError::Input(format!("`{file}`: {message}"));
        let (shape, pixels) = if view.has(LISTING) {
            let [channels, side]: [usize; 2] =
                serde_json::from_str(&view.text(SHAPE)?).map_err(|e| wrong(SHAPE, e.to_string()))?;
            let listing = Listing::parse(&view.text(LISTING)?, channels).map_err(|e| wrong(LISTING, e))?;
            (vec![listing.entries.len(), channels, side, side], Pixels::Listed(listing))
        } else {
            let bytes = view.bytes(PIXELS)?;
            let (shape, pixels) = npy::bytes(&bytes).map_err(|e| wrong(PIXELS, e))?;
            (shape, Pixels::Held(pixels.to_vec()))
        };
        let [count, channels, height, width] = shape[..] else {
            return Err(wrong(PIXELS, format!("expected four axes, found {}", shape.len())));
        };
        let (axes, labels) = npy::numbers(&view.bytes(LABELS)?).map_err(|e| wrong(LABELS, e))?;
        if axes != [count] {
            return Err(wrong(LABELS, format!("expected {count} labels, found shape {axes:?}")));
        }
        let classes: Vec<String> = view.text(CLASSES)?.lines().map(str::to_owned).collect();
        if classes.iter().collect::<BTreeSet<_>>().len() != classes.len() {
            return Err(wrong(CLASSES, "expected every class once".into()));
        }
        if let Some(label) = labels.iter().find(|label| **label as usize >= classes.len()) {
            return Err(wrong(LABELS, format!("expected classes below {}, found {label}", classes.len())));
        }
        if count == 0 || channels * height * width == 0 {
            return Err(wrong(PIXELS, format!("expected pictures, found shape {shape:?}")));
        }
        Ok(Self { pixels, size: [channels, height, width], labels, classes })
    }

    /// The files of an artifact of kind `images/labelled`.
    pub fn write(&self) -> Output {
        let [channels, height, width] = self.size;
        let output = Output::new(Kind::of(KIND));
        let output = match &self.pixels {
            Pixels::Held(pixels) => {
                output.file(PIXELS, npy::of_bytes(&[self.len(), channels, height, width], pixels))
            }
            Pixels::Listed(listing) => {
                output.file(LISTING, listing.text()).file(SHAPE, format!("[{channels}, {height}]\n"))
            }
        };
        output
            .file(LABELS, npy::of_numbers(&[self.len()], &self.labels))
            .file(CLASSES, self.classes.join("\n") + "\n")
    }
}

/// A data set of kind `dataset/images`.
pub fn dataset(train: &Pictures, test: &Pictures) -> Output {
    Output::new(Kind::of(DATASET)).part("train", train.write()).part("test", test.write())
}

#[cfg(test)]
mod tests;
