//! `san.nlvr`: sentences of people about three boxes of shapes, true or false.

use std::path::Path;

use runpipe_base::{Ctx, Inputs, Output, ParamSpec, Params, Record, Spec, Stage, StageError, choice, params};
use serde::Deserialize;

use super::{Part, Read, Reading, Shelf, declare, output, partitions, tokens, with_pictures};
use crate::data::files;
use crate::san::questions::{Question, Scenes, Set};

choice! {
    /// What a net is shown of the boxes.
    pub enum Shown {
        /// Pixels.
        Pixels = "pixels",
        /// A region a thing, as the annotations list them, and empty ones.
        Things = "things",
    }
}

params! {
    /// Parameters of [`Nlvr`] alone.
    pub struct NlvrOwn {
        /// What a net is shown of the boxes.
        shown: Shown = Shown::Pixels;
    }
}

/// Parameters of [`Nlvr`].
#[derive(Debug, Clone, PartialEq)]
pub struct NlvrParams {
    reading: Reading,
    own: NlvrOwn,
}

impl Params for NlvrParams {
    fn schema() -> Vec<ParamSpec> {
        [Reading::schema(), NlvrOwn::schema()].concat()
    }

    fn from_filled(record: &Record) -> Option<Self> {
        Some(Self { reading: Reading::from_filled(record)?, own: NlvrOwn::from_filled(record)? })
    }
}

/// `san.nlvr`: reads NLVR.
pub struct Nlvr;

impl Stage for Nlvr {
    type Params = NlvrParams;

    fn spec(&self) -> Spec {
        declare(
            "san.nlvr",
            "Reads NLVR: `dev.json` and the like, an example a line, with the pictures of order 0 in `dev_images…`.",
        )
    }

    fn run(&self, p: &NlvrParams, _: &Inputs<'_>, cx: &mut Ctx<'_>) -> Result<Output, StageError> {
        let mut parts = Vec::new();
        for (name, path) in partitions(&p.reading.dir, &[".json"])? {
            let examples = examples(&path)?;
            let part = match p.own.shown {
                Shown::Things => things(&name, &examples),
                Shown::Pixels => {
                    let read = examples.iter().map(|example| Read {
                        picture: format!("{name}-{}-0", example.identifier),
                        group: example.group(),
                        question: example.question(0),
                    });
                    with_pictures(&name, read.collect(), &Shelf::of(&p.reading, &name)?, &p.reading, cx)?
                }
            };
            parts.push(part);
        }
        output(parts, &p.reading, cx)
    }
}

/// An example.
#[derive(Debug, Clone, Deserialize)]
struct Example {
    sentence: String,
    label: String,
    identifier: String,
    #[serde(default)]
    structured_rep: Vec<Vec<Thing>>,
}

/// A thing in a box, in hundredths of its side.
#[derive(Debug, Clone, Deserialize)]
struct Thing {
    x_loc: f32,
    y_loc: f32,
    size: f32,
    #[serde(rename = "type")]
    shape: String,
    color: String,
}

impl Example {
    fn question(&self, picture: usize) -> Question {
        Question {
            picture,
            class: "statement".into(),
            text: tokens(&self.sentence),
            answer: self.label.to_lowercase(),
            ..Question::default()
        }
    }

    /// What stands before the `-` of an identifier: several sentences about one picture.
    fn group(&self) -> u64 {
        self.identifier.split('-').next().and_then(|group| group.parse().ok()).unwrap_or(0)
    }
}

fn examples(path: &Path) -> Result<Vec<Example>, StageError> {
    let mut found = Vec::new();
    for (i, line) in files::lines(path)?.enumerate() {
        let line = line?;
        if line.trim().is_empty() {
            continue;
        }
        let wrong =
            |message: String| StageError::Data { path: path.display().to_string(), line: i + 1, message };
        let example: Example = serde_json::from_str(&line)
            .map_err(|e| wrong(format!("expected an example with sentence, label and identifier: {e}")))?;
        if example.structured_rep.len() > BOXES {
            let count = example.structured_rep.len();
            return Err(wrong(format!("expected at most {BOXES} boxes, found {count}")));
        }
        if example.structured_rep.iter().any(|things| things.len() > SLOTS) {
            return Err(wrong(format!("expected at most {SLOTS} things in a box")));
        }
        found.push(example);
    }
    Ok(found)
}

const BOXES: usize = 3;
/// The most things in a box.
const SLOTS: usize = 8;
const SHAPES: [&str; 3] = ["circle", "square", "triangle"];
const COLOURS: [&str; 3] = ["black", "#0099ff", "yellow"];
/// Numbers of a region: its box, whether it is empty, shape, colour, place and size.
const WIDTH: usize = BOXES + 1 + SHAPES.len() + COLOURS.len() + 3;

/// A partition whose pictures are its annotations: a row a box, a region a thing.
fn things(name: &str, examples: &[Example]) -> Part {
    let mut numbers = Vec::new();
    for example in examples {
        for at in 0..BOXES {
            let things = example.structured_rep.get(at).map_or(&[][..], Vec::as_slice);
            (0..SLOTS).for_each(|slot| numbers.extend(region(at, things.get(slot))));
        }
    }
    let scenes = Scenes::Regions { grid: [BOXES, SLOTS], width: WIDTH, numbers };
    let questions = examples.iter().enumerate().map(|(i, example)| example.question(i)).collect();
    let groups = examples.iter().map(Example::group).collect();
    Part { name: name.to_owned(), set: Set { scenes, questions, grid: None }, groups }
}

fn region(at: usize, thing: Option<&Thing>) -> [f32; WIDTH] {
    let mut region = [0.0; WIDTH];
    region[at] = 1.0;
    let Some(thing) = thing else {
        region[BOXES] = 1.0;
        return region;
    };
    let rest = &mut region[BOXES + 1..];
    let same = |names: &[&str], name: &str| names.iter().position(|n| n.eq_ignore_ascii_case(name));
    if let Some(shape) = same(&SHAPES, &thing.shape) {
        rest[shape] = 1.0;
    }
    if let Some(colour) = same(&COLOURS, &thing.color) {
        rest[SHAPES.len() + colour] = 1.0;
    }
    let places = &mut rest[SHAPES.len() + COLOURS.len()..];
    for (place, number) in places.iter_mut().zip([thing.x_loc, thing.y_loc, thing.size]) {
        *place = number / 100.0;
    }
    region
}

#[cfg(test)]
mod tests;
