//! `san.evaluate`: answers questions and tells how many answers are right and where attention was.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use dfdx::prelude::{HasShape, NoneTape};
use runpipe_base::{Ctx, Inputs, Kind, Output, Port, Spec, Stage, StageError, params};

use super::PAPER;
use super::attention::entropy;
use super::draw::{self, Shown};
use super::model::{Batch, Maps, San, fits};
use super::people::agreement;
use super::questions::{self, Question, Set};
use super::source::Asked;
use super::taxonomy::Taxonomy;
use super::train::{self, Trained};
use super::words::Names;
use super::wups::wups;
use crate::code;
use crate::data::picture;
use crate::kit::backend::{Backend, Result, on_device};
use crate::kit::params::{Params, Pass};
use crate::kit::tally::argmax;

/// The kind of answers to questions.
pub const KIND: &str = "scores/answers";
/// The file that they stand in.
pub const FILE: &str = "answers.csv";

/// Questions that go through a net at once.
const AT_ONCE: usize = 250;
/// Questions whose attention is drawn.
const DRAWN: usize = 6;

params! {
    /// Parameters of [`Evaluate`] and of `san.guess`.
    pub struct EvaluateParams {
        /// Only questions of this type are asked.
        only: Option<String> = None;
        /// WordNet's `data.noun`, or a folder that holds it: answers that are nearly right then count nearly, in `wups90` and
        /// `wups0`.
        wordnet: Option<PathBuf> = None;
    }
}

/// Declares what is told of answers, whoever gave them.
pub(super) fn declare(spec: Spec) -> Spec {
    spec.metric("accuracy", "questions with one answer answered rightly, in percent")
        .metric(
            "exact",
            "questions answered rightly among all, those that want several things too, in percent",
        )
        .metric("questions", "questions")
        .metric("single", "of these, questions with one answer")
        .metric("wups90", "WUPS at 0.9 of questions with one answer, in percent, if there is a `wordnet`")
        .metric("wups0", "WUPS at 0.0 of questions with one answer, in percent, if there is a `wordnet`")
        .metric("agreement", "VQA's accuracy of questions that several people answered, in percent")
        .metric("known", "questions with one answer whose answer the net may give, in percent")
        .paper(&PAPER)
}

/// `san.evaluate`: answers questions about pictures.
pub struct Evaluate;

impl Stage for Evaluate {
    type Params = EvaluateParams;

    fn spec(&self) -> Spec {
        declare(
            Spec::new(
                "san.evaluate",
                code::SAN,
                KIND,
                "Answers questions about pictures with a trained net.",
            )
            .input(Port::one("net", train::KIND, "the trained net"))
            .input(Port::one("questions", questions::KIND, "questions to judge by")),
        )
        .tensors()
        .metric(
            "mass",
            "what the last layer gives to the cell of the answer, mean over questions whose cell is known",
        )
        .metric(
            "pointing",
            "such questions of which the last layer's largest weight is in that cell, in percent",
        )
        .metric("first_mass", "what the first layer gives to the cell that the question names")
        .metric("first_entropy", "entropy of the first layer's weights, mean over questions, in nats")
        .metric("last_entropy", "entropy of the last layer's weights, mean over questions, in nats")
        .part("attention", picture::KIND, "where each layer looked, for some questions")
        .series("mass_by_layer", "what a layer gives to the cell of the answer")
        .series("named_by_layer", "what a layer gives to the cell that the question names")
        .series("entropy_by_layer", "entropy of a layer's weights, in nats")
    }

    fn run(&self, p: &EvaluateParams, inputs: &Inputs<'_>, cx: &mut Ctx<'_>) -> Result<Output> {
        let view = inputs.one("net")?;
        let mut set = Set::read(&inputs.one("questions")?)?;
        if let Some(class) = &p.only {
            set.only(class)?;
        }
        let (given, answers, looked) = on_device!(cx, |device| {
            let Trained { look, words, answers, params, san } = Trained::read(&view, &device)?;
            fits(look, set.scenes.look())?;
            let mut maps = Maps::new();
            let given = found(&params, &san, &words, &set, Some(&mut maps))?;
            Ok((given, answers, Looked::new(maps, san.grid(), &set)))
        })?;
        looked.tell(cx);
        let given: Vec<&str> = given.iter().map(|id| answers.name(*id)).collect();
        let output =
            write(&set, &given, |answer| answers.id(answer).is_some(), &looked, p.wordnet.as_deref(), cx)?;
        Ok(output.part("attention", picture::output(looked.drawn(&set, &given)?)))
    }
}

/// The answers that a net gives; where its layers looked is put into `maps`, if given.
pub(super) fn found<D: Backend>(
    params: &Params<D>,
    san: &San,
    words: &Names,
    set: &Set,
    mut maps: Option<&mut Maps>,
) -> Result<Vec<usize>> {
    let all: Vec<usize> = (0..set.questions.len()).collect();
    let mut given = Vec::new();
    for places in all.chunks(AT_ONCE) {
        let mut here = Maps::new();
        let batch = Batch::new(Asked::of(set, places), words);
        let logits = san.forward::<D, NoneTape>(&Pass::eval(params), &batch, Some(&mut here))?;
        let classes = logits.shape().1;
        given.extend(D::view(&logits).chunks_exact(classes).map(argmax));
        if let Some(maps) = maps.as_mut() {
            maps.resize(here.len(), Vec::new());
            maps.iter_mut().zip(here).for_each(|(all, here)| all.extend(here));
        }
    }
    Ok(given)
}

/// Where the layers looked.
pub(super) struct Looked {
    maps: Maps,
    /// Rows and columns of the regions.
    grid: [usize; 2],
    /// For each question the regions in the cell of the answer, and in that which the question names, if they are known.
    cells: Vec<Option<[Vec<usize>; 2]>>,
}

impl Looked {
    /// What attention over `grid` did for the questions of a set.
    pub(super) fn new(maps: Maps, grid: Option<[usize; 2]>, set: &Set) -> Self {
        let Some(grid) = grid else { return Self { maps, grid: [0, 0], cells: Vec::new() } };
        let cells = |question: &Question| {
            let [last, first] = [question.path.last()?, question.path.first()?];
            Some([*last, *first].map(|cell| inside(cell, set.grid?, grid)).map(Option::unwrap_or_default))
        };
        Self { maps, grid, cells: set.questions.iter().map(cells).collect() }
    }

    /// A picture of where layers looked, for a few questions of each type.
    fn drawn(&self, set: &Set, given: &[&str]) -> Result<String> {
        let mut types: Vec<(&str, Vec<usize>)> = Vec::new();
        for (i, question) in set.questions.iter().enumerate() {
            match types.iter_mut().find(|(class, _)| *class == question.class) {
                Some((_, places)) => places.push(i),
                None => types.push((&question.class, vec![i])),
            }
        }
        // The first of each type, the second of each, and so on.
        let most = types.iter().map(|(_, places)| places.len()).max().unwrap_or(0);
        let turns = (0..most).flat_map(|turn| types.iter().filter_map(move |(_, places)| places.get(turn)));
        let chosen: BTreeSet<usize> = turns.take(DRAWN).copied().collect();
        let shown = chosen.into_iter().map(|i| Shown {
            question: &set.questions[i],
            given: given[i],
            layers: (0..self.maps.len()).map(|layer| self.weights(layer, i)).collect(),
        });
        draw::picture(&shown.collect::<Vec<_>>(), &set.scenes, self.grid, set.grid)
    }

    /// The weights of a layer for a question.
    fn weights(&self, layer: usize, question: usize) -> &[f32] {
        let regions = self.grid[0] * self.grid[1];
        &self.maps[layer][question * regions..][..regions]
    }

    fn tell(&self, cx: &mut Ctx<'_>) {
        let known = || self.cells.iter().enumerate().filter_map(|(i, cells)| Some((i, cells.as_ref()?)));
        let mean = |numbers: &mut dyn Iterator<Item = f64>| {
            let numbers: Vec<f64> = numbers.collect();
            numbers.iter().sum::<f64>() / numbers.len().max(1) as f64
        };
        let last = self.maps.len().saturating_sub(1);
        for layer in 0..self.maps.len() {
            let step = layer as u64 + 1;
            let spread = mean(&mut (0..self.cells.len()).map(|i| entropy(self.weights(layer, i))));
            cx.point("entropy_by_layer", step, spread);
            let mass = |place: usize| {
                mean(&mut known().map(|(i, cells)| {
                    cells[place].iter().map(|region| f64::from(self.weights(layer, i)[*region])).sum()
                }))
            };
            if layer == 0 {
                cx.metric("first_entropy", spread);
            }
            if layer == last {
                cx.metric("last_entropy", spread);
            }
            if known().next().is_none() {
                continue;
            }
            let [answer, named] = [mass(0), mass(1)];
            cx.point("mass_by_layer", step, answer);
            cx.point("named_by_layer", step, named);
            if layer == 0 {
                cx.metric("first_mass", named);
            }
            if layer == last {
                let points = |(i, cells): (usize, &[Vec<usize>; 2])| {
                    cells[0].contains(&argmax(self.weights(layer, i)))
                };
                cx.metric("mass", answer);
                cx.metric(
                    "pointing",
                    100.0 * mean(&mut known().map(|known| f64::from(u8::from(points(known))))),
                );
            }
        }
    }
}

/// The regions whose middles lie in a cell of another grid over the same picture; none when there is no such cell.
fn inside(cell: usize, [rows, columns]: [usize; 2], [down, across]: [usize; 2]) -> Option<Vec<usize>> {
    let (row, column) = (cell / columns.max(1), cell % columns.max(1));
    // The middle of region i of n is (2i + 1) / 2n of the way.
    let within = |i: usize, n: usize, at: usize, of: usize| (2 * i + 1) * of / (2 * n) == at;
    let regions = (0..down * across)
        .filter(|i| within(i / across, down, row, rows) && within(i % across, across, column, columns));
    (row < rows).then(|| regions.collect())
}

/// The artifact of answers to a set, and the numbers that tell of them.
pub(super) fn write(
    set: &Set,
    given: &[&str],
    known: impl Fn(&str) -> bool,
    looked: &Looked,
    wordnet: Option<&Path>,
    cx: &mut Ctx<'_>,
) -> Result<Output> {
    let percent = |count: usize, of: usize| 100.0 * count as f64 / of.max(1) as f64;
    let pairs = || set.questions.iter().zip(given);
    let single = || pairs().filter(|(question, _)| question.single());
    let right = |(question, given): &(&Question, &&str)| question.answer == **given;
    let singles = single().count();
    cx.metric("accuracy", percent(single().filter(right).count(), singles));
    cx.metric("exact", percent(pairs().filter(right).count(), given.len()));
    cx.metric("known", percent(single().filter(|(q, _)| known(&q.answer)).count(), singles));
    cx.metric("questions", given.len() as f64);
    cx.metric("single", singles as f64);
    let mean = |shares: &[f64]| 100.0 * shares.iter().sum::<f64>() / shares.len().max(1) as f64;
    if let Some(path) = wordnet {
        let taxonomy = Taxonomy::read(path)?;
        for (name, threshold) in [("wups90", 0.9), ("wups0", 0.0)] {
            let shares = single().map(|(q, given)| {
                wups(
                    &taxonomy,
                    &given.split(", ").collect::<Vec<_>>(),
                    &q.things().collect::<Vec<_>>(),
                    threshold,
                )
            });
            cx.metric(name, mean(&shares.collect::<Vec<_>>()));
        }
    }
    let answered = pairs().filter(|(q, _)| !q.people.is_empty());
    let agreed: Vec<f64> = answered.map(|(q, given)| agreement(&q.people, given)).collect();
    if !agreed.is_empty() {
        cx.metric("agreement", mean(&agreed));
    }
    let failed = |e: csv::Error| StageError::Other(e.to_string());
    let mut table = csv::Writer::from_writer(Vec::new());
    let mut head =
        vec!["picture".to_owned(), "type".into(), "question".into(), "answer".into(), "given".into()];
    head.extend((1..=looked.maps.len()).flat_map(|k| [format!("entropy_{k}"), format!("largest_{k}")]));
    table.write_record(&head).map_err(failed)?;
    for (i, (question, given)) in pairs().enumerate() {
        let Question { picture, class, text, answer, .. } = question;
        let mut row =
            vec![picture.to_string(), class.clone(), text.clone(), answer.clone(), (*given).to_owned()];
        for layer in 0..looked.maps.len() {
            let weights = looked.weights(layer, i);
            row.extend([format!("{:.4}", entropy(weights)), argmax(weights).to_string()]);
        }
        table.write_record(&row).map_err(failed)?;
    }
    let table = table.into_inner().map_err(|e| StageError::Other(e.to_string()))?;
    Ok(Output::new(Kind::of(KIND)).file(FILE, table))
}

#[cfg(test)]
mod tests;
