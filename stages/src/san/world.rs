//! Painted things on a grid, and questions about them that take one step or two by construction.
//!
//! A thing has a body in a colour that no other has, a shape, and a dot in the body colour of another thing. "What shape is
//! the red thing" takes one step; "what shape is the thing coloured as the dot of the red thing" takes two: no mixture of
//! regions that the question alone chooses holds the answer.

pub mod paint;
pub mod stage;

use std::ops::Range;

use runpipe_base::{StageError, View, choice, params};
use serde::{Deserialize, Serialize};

use super::questions::{Look, Question, Scenes, Set};
use crate::kit::rng::Stream;

/// The file of a world whose questions are drawn when they are wanted.
pub const FILE: &str = "world.json";

/// Colours of bodies and dots.
pub const COLOURS: [&str; 8] = ["red", "green", "blue", "yellow", "purple", "cyan", "orange", "white"];
/// Shapes of bodies.
pub const SHAPES: [&str; 8] =
    ["circle", "square", "triangle", "cross", "diamond", "bar", "pillar", "saltire"];
/// The types of questions: a shape, a dot, the shape of the thing that a dot names.
pub const TYPES: [&str; 3] = ["shape", "dot", "two_hop"];

choice! {
    /// What the dots of things say.
    #[derive(Serialize, Deserialize)]
    #[serde(rename_all = "lowercase")]
    pub enum Dots {
        /// A dot has the body colour of another thing.
        Linked = "linked",
        /// A dot has any colour; the thing that questions mean by it is another one, which nothing shows.
        Unrelated = "unrelated",
    }
}

choice! {
    /// Which shapes the things of a picture have.
    #[derive(Serialize, Deserialize)]
    #[serde(rename_all = "lowercase")]
    pub enum Forms {
        /// Any.
        Free = "free",
        /// No two the same.
        Distinct = "distinct",
    }
}

choice! {
    /// How a picture is shown.
    #[derive(Serialize, Deserialize)]
    #[serde(rename_all = "lowercase")]
    pub enum Shown {
        /// As a vector a region.
        Regions = "regions",
        /// As pixels.
        Pixels = "pixels",
    }
}

params! {
    /// The laws of a world.
    #[derive(Serialize, Deserialize)]
    pub struct Laws {
        /// Rows and columns of the grid.
        grid: usize = 3, in 2..=14;
        /// Things in a picture, each in a cell of its own, and colours of bodies.
        objects: usize = 4, in 2..=8;
        /// Shapes that a thing may have.
        shapes: usize = 4, in 2..=8;
        /// What the dots of things say.
        dots: Dots = Dots::Linked;
        /// Which shapes the things of a picture have. With distinct ones no shape is likelier than another, so that a net's
        /// first steps tell it nothing.
        forms: Forms = Forms::Free;
        /// How a picture is shown.
        shown: Shown = Shown::Regions;
        /// Numbers of a region's vector.
        width: usize = 32, in 1..=4096;
        /// Standard deviation of the noise of these numbers; of pixels it is this share of their range.
        noise: f64 = 0.05, in 0.0..=10.0;
        /// The world and its questions are drawn from it.
        seed: u64 = 0;
    }
}

/// A thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Thing {
    /// Colour of its body.
    pub body: usize,
    /// Colour of its dot.
    pub dot: usize,
    /// Shape of its body.
    pub shape: usize,
    /// The thing that questions mean by its dot.
    pub next: usize,
    /// Its cell.
    pub cell: usize,
}

/// A world whose questions are drawn when they are wanted, the same ones always.
#[derive(Debug, Clone, PartialEq)]
pub struct World {
    /// Its laws.
    pub laws: Laws,
    /// Which of its questions: `train` or `test`.
    pub split: String,
    /// What a region's vector is made of: a row for each colour of a body, colour of a dot, shape, and for an empty cell.
    parts: Vec<Vec<f32>>,
}

#[derive(Serialize, Deserialize)]
struct Stored {
    laws: Laws,
    split: String,
}

impl World {
    /// A world.
    ///
    /// # Errors
    /// [`StageError::Input`] when its laws cannot all hold.
    pub fn new(laws: Laws, split: &str) -> Result<Self, StageError> {
        let cells = laws.grid * laws.grid;
        if laws.objects > cells {
            let message = format!("expected at most {cells} things in as many cells, found {}", laws.objects);
            return Err(StageError::Input(message));
        }
        if laws.forms == Forms::Distinct && laws.shapes < laws.objects {
            let (shapes, objects) = (laws.shapes, laws.objects);
            return Err(StageError::Input(format!(
                "expected {objects} shapes for as many things, found {shapes}"
            )));
        }
        if [laws.objects, laws.shapes].iter().any(|n| *n > COLOURS.len()) {
            return Err(StageError::Input(format!("expected at most {} colours and shapes", COLOURS.len())));
        }
        let stream = Stream::new(laws.seed, "parts");
        let part = |index: usize| {
            let mut stream = stream.child(index as u64);
            (0..laws.width).map(|_| stream.normal() as f32).collect()
        };
        let parts = (0..=2 * laws.objects + laws.shapes).map(part).collect();
        Ok(Self { laws, split: split.to_owned(), parts })
    }

    /// Reads the world of an artifact that holds one.
    ///
    /// # Errors
    /// [`StageError::Input`] when it is damaged.
    pub fn read(view: &View<'_>) -> Result<Option<Self>, StageError> {
        if !view.has(FILE) {
            return Ok(None);
        }
        let stored: Stored = serde_json::from_str(&view.text(FILE)?)
            .map_err(|e| StageError::Input(format!("`{FILE}`: {e}")))?;
        Self::new(stored.laws, &stored.split).map(Some)
    }

    /// The file that [`read`](Self::read) reads.
    ///
    /// # Errors
    /// [`StageError::Other`] when a number is none that JSON has.
    pub fn text(&self) -> Result<String, StageError> {
        let stored = Stored { laws: self.laws.clone(), split: self.split.clone() };
        Ok(super::questions::json(&stored)? + "\n")
    }

    /// What a net is shown of a picture.
    pub fn look(&self) -> Look {
        let Laws { grid, width, .. } = self.laws;
        match self.laws.shown {
            Shown::Regions => Look::Regions { grid: [grid, grid], width },
            Shown::Pixels => Look::Pixels { size: [3, grid * paint::CELL, grid * paint::CELL] },
        }
    }

    /// The questions at these places of the endless row of them, one a picture.
    pub fn draw(&self, places: Range<u64>) -> Set {
        let grid = self.laws.grid;
        let (mut numbers, mut bytes, mut questions) = (Vec::new(), Vec::new(), Vec::new());
        for (picture, place) in places.enumerate() {
            let mut stream = Stream::new(self.laws.seed, &self.split).child(place);
            let things = self.things(&mut stream);
            questions.push(Self::question(picture, &things, &mut stream));
            match self.laws.shown {
                Shown::Regions => self.regions(&things, &mut stream, &mut numbers),
                Shown::Pixels => paint::picture(&self.laws, &things, &mut stream, &mut bytes),
            }
        }
        let scenes = match self.look() {
            Look::Regions { grid, width } => Scenes::Regions { grid, width, numbers },
            Look::Pixels { size } => Scenes::Pixels { size, bytes },
        };
        Set { scenes, questions, grid: Some([grid, grid]) }
    }

    fn things(&self, stream: &mut Stream) -> Vec<Thing> {
        let Laws { grid, objects, shapes, dots, forms, .. } = self.laws;
        let (cells, bodies) = (stream.permutation(grid * grid), stream.permutation(objects));
        let distinct = stream.permutation(shapes);
        let thing = |i: usize, stream: &mut Stream| {
            let next = (i + 1 + stream.below(objects - 1)) % objects;
            let dot = if dots == Dots::Linked { bodies[next] } else { stream.below(objects) };
            let shape = if forms == Forms::Free { stream.below(shapes) } else { distinct[i] };
            Thing { body: bodies[i], dot, shape, next, cell: cells[i] }
        };
        (0..objects).map(|i| thing(i, stream)).collect()
    }

    /// A quarter asks for a shape, a quarter for a dot, half take two steps.
    fn question(picture: usize, things: &[Thing], stream: &mut Stream) -> Question {
        let asked = things[stream.below(things.len())];
        let colour = COLOURS[asked.body];
        let (class, text, answer, path) = match stream.below(4) {
            0 => {
                (TYPES[0], format!("what shape is the {colour} thing"), SHAPES[asked.shape], vec![asked.cell])
            }
            1 => (TYPES[1], format!("what dot has the {colour} thing"), COLOURS[asked.dot], vec![asked.cell]),
            _ => {
                let meant = things[asked.next];
                let text = format!("what shape is the thing coloured as the dot of the {colour} thing");
                (TYPES[2], text, SHAPES[meant.shape], vec![asked.cell, meant.cell])
            }
        };
        let (class, answer) = (class.to_owned(), answer.to_owned());
        Question { picture, class, text, answer, people: Vec::new(), path }
    }

    /// max(0, what is in the cell) and noise.
    fn regions(&self, things: &[Thing], stream: &mut Stream, numbers: &mut Vec<f32>) {
        let Laws { grid, objects, shapes, noise, width, .. } = self.laws;
        for cell in 0..grid * grid {
            let parts = match things.iter().find(|thing| thing.cell == cell) {
                Some(thing) => vec![thing.body, objects + thing.dot, 2 * objects + thing.shape],
                None => vec![2 * objects + shapes],
            };
            numbers.extend((0..width).map(|i| {
                let sum: f32 = parts.iter().map(|part| self.parts[*part][i]).sum();
                sum.max(0.0) + (noise * stream.normal()) as f32
            }));
        }
    }
}

#[cfg(test)]
mod tests;
