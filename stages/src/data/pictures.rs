//! Labelled pictures: what readers make, what training reads, and the files between.

use std::collections::BTreeSet;

use runpipe_base::{Kind, Output, StageError, View};

use super::npy;

/// The kind of labelled pictures.
pub const KIND: &str = "images/labelled";
/// The kind of a data set: labelled pictures to train on and to judge by.
pub const DATASET: &str = "dataset/images";
const PIXELS: &str = "images.npy";
const LABELS: &str = "labels.npy";
const CLASSES: &str = "classes.txt";

/// Pictures of one size with a class each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pictures {
    /// Bytes, `[N, C, H, W]`.
    pub pixels: Vec<u8>,
    /// Channels, height and width.
    pub size: [usize; 3],
    /// A class for each picture, as its place in `classes`.
    pub labels: Vec<u32>,
    /// Names of the classes.
    pub classes: Vec<String>,
}

impl Pictures {
    /// No pictures yet.
    pub fn new(size: [usize; 3], classes: Vec<String>) -> Self {
        Self { pixels: Vec::new(), size, labels: Vec::new(), classes }
    }

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

    /// The bytes of the picture at `index`.
    pub fn picture(&self, index: usize) -> &[u8] {
        &self.pixels[index * self.area()..][..self.area()]
    }

    /// The pictures at these places, in their order.
    #[must_use]
    pub fn chosen(&self, places: &[usize]) -> Self {
        let pixels = places.iter().flat_map(|i| self.picture(*i)).copied().collect();
        let labels = places.iter().map(|i| self.labels[*i]).collect();
        Self { pixels, size: self.size, labels, classes: self.classes.clone() }
    }

    /// Zeros around every picture, `margin` on each side.
    #[must_use]
    pub fn padded(&self, margin: usize) -> Self {
        if margin == 0 {
            return self.clone();
        }
        let [channels, height, width] = self.size;
        let size = [channels, height + 2 * margin, width + 2 * margin];
        let mut pixels = vec![0; self.len() * size.iter().product::<usize>()];
        let planes = pixels.chunks_exact_mut(size[1] * size[2]).zip(self.pixels.chunks_exact(height * width));
        for (to, from) in planes {
            let rows = to.chunks_exact_mut(size[2]).skip(margin).zip(from.chunks_exact(width));
            rows.for_each(|(to, from)| to[margin..margin + width].copy_from_slice(from));
        }
        Self { pixels, size, labels: self.labels.clone(), classes: self.classes.clone() }
    }

    /// Whether two sets have the same size of pictures and the same classes.
    ///
    /// # Errors
    /// [`StageError::Input`] when they do not; `what` names the other set.
    pub fn like(&self, other: &Self, what: &str) -> Result<(), StageError> {
        let differ = |name: &str, expected: &dyn std::fmt::Debug, found: &dyn std::fmt::Debug| {
            Err(StageError::Input(format!("expected {name} {expected:?} at `{what}`, found {found:?}")))
        };
        if self.size != other.size {
            return differ("pictures of", &self.size, &other.size);
        }
        if self.classes != other.classes {
            return differ("the classes", &self.classes, &other.classes);
        }
        Ok(())
    }

    /// Reads an artifact of kind `images/labelled`.
    ///
    /// # Errors
    /// [`StageError::Input`] when a file is missing or does not fit the others.
    pub fn read(view: &View<'_>) -> Result<Self, StageError> {
        let wrong = |file: &str, message: String| StageError::Input(format!("`{file}`: {message}"));
        let bytes = view.bytes(PIXELS)?;
        let (shape, pixels) = npy::bytes(&bytes).map_err(|e| wrong(PIXELS, e))?;
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
        Ok(Self { pixels: pixels.to_vec(), size: [channels, height, width], labels, classes })
    }

    /// The files of an artifact of kind `images/labelled`.
    pub fn write(&self) -> Output {
        let [channels, height, width] = self.size;
        let classes = self.classes.join("\n") + "\n";
        Output::new(Kind::of(KIND))
            .file(PIXELS, npy::of_bytes(&[self.len(), channels, height, width], &self.pixels))
            .file(LABELS, npy::of_numbers(&[self.len()], &self.labels))
            .file(CLASSES, classes)
    }
}

/// A data set of kind `dataset/images`.
pub fn dataset(train: &Pictures, test: &Pictures) -> Output {
    Output::new(Kind::of(DATASET)).part("train", train.write()).part("test", test.write())
}

#[cfg(test)]
mod tests;
