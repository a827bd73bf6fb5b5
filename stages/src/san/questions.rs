//! Questions about pictures as they lie in an artifact of kind `questions`.

use runpipe_base::{Kind, Output, StageError, View};
use serde::{Deserialize, Serialize};

use crate::data::npy;
use crate::kit::params::{load, save};

/// The kind of a set of questions about pictures.
pub const KIND: &str = "questions";
/// The kind of questions to learn from and questions to judge by.
pub const DATASET: &str = "dataset/questions";

const QUESTIONS: &str = "questions.jsonl";
const REGIONS: &str = "regions.safetensors";
const PIXELS: &str = "images.npy";
const GRID: &str = "grid.json";
/// What parts an answer of several things.
const COMMA: &str = ", ";

/// A question about a picture.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Question {
    /// Place of its picture.
    pub picture: usize,
    /// What is asked for, where questions are of types.
    #[serde(rename = "type", default, skip_serializing_if = "String::is_empty")]
    pub class: String,
    /// Its words, a blank between them.
    pub text: String,
    /// The answer; several things are joined by `, `.
    pub answer: String,
    /// What several people answered, if they were asked.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub people: Vec<String>,
    /// Cells of the grid that lead to the answer, its own last; none where nobody knows.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub path: Vec<usize>,
}

impl Question {
    /// Its words.
    pub fn words(&self) -> impl Iterator<Item = &str> {
        self.text.split_ascii_whitespace()
    }

    /// Whether the answer is one thing and not several.
    pub fn single(&self) -> bool {
        !self.answer.contains(COMMA)
    }

    /// The things of the answer.
    pub fn things(&self) -> impl Iterator<Item = &str> {
        self.answer.split(COMMA)
    }
}

/// What a net is shown of a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Look {
    /// A vector for each region of a grid.
    Regions {
        /// Rows and columns.
        grid: [usize; 2],
        /// Numbers of a vector.
        width: usize,
    },
    /// Pixels.
    Pixels {
        /// Channels, height and width.
        size: [usize; 3],
    },
}

impl Look {
    /// Numbers of one picture.
    pub fn count(&self) -> usize {
        match self {
            Self::Regions { grid, width } => grid[0] * grid[1] * width,
            Self::Pixels { size } => size.iter().product(),
        }
    }
}

impl std::fmt::Display for Look {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Regions { grid: [rows, columns], width } => {
                write!(f, "{rows}×{columns} regions of {width} numbers")
            }
            Self::Pixels { size: [channels, height, width] } => {
                write!(f, "pictures of {channels} channels, {height}×{width}")
            }
        }
    }
}

/// Pictures, as regions or as pixels.
#[derive(Debug, Clone, PartialEq)]
pub enum Scenes {
    /// Region vectors, picture after picture, row after row of the grid.
    Regions {
        /// Rows and columns of the grid.
        grid: [usize; 2],
        /// Numbers of a vector.
        width: usize,
        /// The numbers.
        numbers: Vec<f32>,
    },
    /// Bytes, picture after picture, channel after channel.
    Pixels {
        /// Channels, height and width.
        size: [usize; 3],
        /// The bytes.
        bytes: Vec<u8>,
    },
}

impl Scenes {
    /// What a net is shown of one of them.
    pub fn look(&self) -> Look {
        match self {
            Self::Regions { grid, width, .. } => Look::Regions { grid: *grid, width: *width },
            Self::Pixels { size, .. } => Look::Pixels { size: *size },
        }
    }

    /// Pictures.
    pub fn len(&self) -> usize {
        let numbers = match self {
            Self::Regions { numbers, .. } => numbers.len(),
            Self::Pixels { bytes, .. } => bytes.len(),
        };
        numbers / self.look().count().max(1)
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The pictures at these places, in their order.
    #[must_use]
    pub fn chosen(&self, places: &[usize]) -> Self {
        fn some<T: Copy>(all: &[T], count: usize, places: &[usize]) -> Vec<T> {
            places.iter().flat_map(|place| &all[place * count..(place + 1) * count]).copied().collect()
        }
        let count = self.look().count();
        match self {
            Self::Regions { grid, width, numbers } => {
                Self::Regions { grid: *grid, width: *width, numbers: some(numbers, count, places) }
            }
            Self::Pixels { size, bytes } => Self::Pixels { size: *size, bytes: some(bytes, count, places) },
        }
    }

    /// The numbers of a picture, added to others: of pixels those from −1 to 1.
    pub fn add(&self, picture: usize, numbers: &mut Vec<f32>) {
        let count = self.look().count();
        let at = picture * count..(picture + 1) * count;
        match self {
            Self::Regions { numbers: all, .. } => numbers.extend_from_slice(&all[at]),
            Self::Pixels { bytes, .. } => {
                numbers.extend(bytes[at].iter().map(|b| f32::from(*b) / 127.5 - 1.0));
            }
        }
    }
}

/// Questions and their pictures.
#[derive(Debug, Clone, PartialEq)]
pub struct Set {
    /// The pictures.
    pub scenes: Scenes,
    /// The questions.
    pub questions: Vec<Question>,
    /// Rows and columns that the paths of questions are told in.
    pub grid: Option<[usize; 2]>,
}

impl Set {
    /// Reads an artifact of kind `questions` that holds its questions.
    ///
    /// # Errors
    /// [`StageError::Input`] when a file is missing or does not fit the others.
    pub fn read(view: &View<'_>) -> Result<Self, StageError> {
        let (scenes, grid) = scenes(view)?;
        let text = view.text(QUESTIONS)?;
        let mut questions = Vec::new();
        let wrong = |line: usize, message: String| {
            StageError::Input(format!("`{QUESTIONS}`, line {}: {message}", line + 1))
        };
        for (line, row) in text.lines().enumerate() {
            let question: Question = serde_json::from_str(row).map_err(|e| wrong(line, e.to_string()))?;
            if question.picture >= scenes.len() {
                let found = question.picture;
                return Err(wrong(line, format!("expected one of {} pictures, found {found}", scenes.len())));
            }
            let cells = grid.map_or(0, |[rows, columns]| rows * columns);
            if let Some(cell) = question.path.iter().find(|cell| **cell >= cells) {
                return Err(wrong(line, format!("expected a path in a grid of {cells} cells, found {cell}")));
            }
            questions.push(question);
        }
        if questions.is_empty() {
            return Err(StageError::Input(format!("`{QUESTIONS}`: expected questions, found none")));
        }
        Ok(Self { scenes, questions, grid })
    }

    /// The artifact.
    ///
    /// # Errors
    /// [`StageError::Other`] when a number is none that the formats take.
    pub fn write(&self) -> Result<Output, StageError> {
        let mut text = String::new();
        for question in &self.questions {
            text.push_str(&json(question)?);
            text.push('\n');
        }
        let output = Output::new(Kind::of(KIND)).file(QUESTIONS, text);
        match &self.scenes {
            Scenes::Regions { grid: [rows, columns], width, numbers } => {
                let sizes = vec![self.scenes.len(), *rows, *columns, *width];
                Ok(output.file(REGIONS, save([("regions", sizes, numbers.clone())])?))
            }
            Scenes::Pixels { size: [channels, height, width], bytes } => {
                let sizes = [self.scenes.len(), *channels, *height, *width];
                let output = output.file(PIXELS, npy::of_bytes(&sizes, bytes));
                self.grid.map_or(Ok(output.clone()), |grid| Ok(output.file(GRID, json(&grid)? + "\n")))
            }
        }
    }

    /// The pictures for which `wanted` holds, with their questions.
    #[must_use]
    pub fn chosen(&self, wanted: impl Fn(usize) -> bool) -> Self {
        let mut places = vec![None; self.scenes.len()];
        let kept: Vec<usize> = (0..places.len()).filter(|picture| wanted(*picture)).collect();
        kept.iter().enumerate().for_each(|(place, picture)| places[*picture] = Some(place));
        let questions = self.questions.iter();
        let questions = questions
            .filter_map(|q| places[q.picture].map(|picture| Question { picture, ..q.clone() }))
            .collect();
        Self { scenes: self.scenes.chosen(&kept), questions, grid: self.grid }
    }

    /// The questions of one type, which there must be.
    ///
    /// # Errors
    /// [`StageError::Input`] when there are none.
    pub fn only(&mut self, class: &str) -> Result<(), StageError> {
        let types: std::collections::BTreeSet<&str> = self.questions.iter().map(|q| &*q.class).collect();
        if !types.contains(class) {
            let types: Vec<&str> = types.into_iter().collect();
            let types = types.join("`, `");
            return Err(StageError::Input(format!("expected questions of type `{class}`, found `{types}`")));
        }
        self.questions.retain(|q| q.class == class);
        Ok(())
    }
}

fn scenes(view: &View<'_>) -> Result<(Scenes, Option<[usize; 2]>), StageError> {
    let wrong = |file: &str, message: String| StageError::Input(format!("`{file}`: {message}"));
    if view.has(REGIONS) {
        let found = load(&view.bytes(REGIONS)?)?.remove("regions");
        let (sizes, numbers) = found.ok_or_else(|| wrong(REGIONS, "expected an array `regions`".into()))?;
        let [_, rows, columns, width] = sizes[..] else {
            return Err(wrong(REGIONS, format!("expected four axes, found {}", sizes.len())));
        };
        if numbers.is_empty() {
            return Err(wrong(REGIONS, format!("expected pictures, found shape {sizes:?}")));
        }
        if numbers.iter().any(|x| !x.is_finite()) {
            return Err(wrong(REGIONS, "expected finite numbers".into()));
        }
        let grid = [rows, columns];
        return Ok((Scenes::Regions { grid, width, numbers }, Some(grid)));
    }
    let bytes = view.bytes(PIXELS)?;
    let (sizes, bytes) = npy::bytes(&bytes).map_err(|e| wrong(PIXELS, e))?;
    let [_, channels, height, width] = sizes[..] else {
        return Err(wrong(PIXELS, format!("expected four axes, found {}", sizes.len())));
    };
    if bytes.is_empty() {
        return Err(wrong(PIXELS, format!("expected pictures, found shape {sizes:?}")));
    }
    let grid = if view.has(GRID) {
        Some(serde_json::from_str(&view.text(GRID)?).map_err(|e| wrong(GRID, e.to_string()))?)
    } else {
        None
    };
    Ok((Scenes::Pixels { size: [channels, height, width], bytes: bytes.to_vec() }, grid))
}

/// A value as one line of JSON.
///
/// # Errors
/// [`StageError::Other`] when it has none.
pub fn json(value: &impl Serialize) -> Result<String, StageError> {
    serde_json::to_string(value).map_err(|e| StageError::Other(e.to_string()))
}

/// A data set of kind `dataset/questions`.
pub fn dataset(train: Output, test: Output) -> Output {
    Output::new(Kind::of(DATASET)).part("train", train).part("test", test)
}

/// The parts of an artifact of kind `dataset/questions`.
///
/// # Errors
/// [`StageError::Input`] when one is missing or of another kind.
pub fn parts<'a>(view: &View<'a>) -> Result<[View<'a>; 2], StageError> {
    let part = |name: &str| {
        view.part(name)
            .filter(|part| *part.kind() == Kind::of(KIND))
            .ok_or_else(|| StageError::Input(format!("expected a part `{name}` of kind `{KIND}`")))
    };
    Ok([part("train")?, part("test")?])
}

#[cfg(test)]
mod tests;
