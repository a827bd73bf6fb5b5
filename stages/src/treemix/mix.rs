//! `treemix.mix`: the augmented set of labelled sentences.

use std::collections::BTreeSet;

use runpipe_base::{Ctx, Inputs, Kind, Output, Port, Spec, Stage, StageError, choice, params};

use super::PAPER;
use super::augment::{Made, Pairing, Pools, augment, skipped};
use super::candidates::{Rule, Window};
use super::draw::{Match, Method};
use super::{mixed, sketch};
use crate::code;
use crate::data::labelled::Labelled;
use crate::kit::rng::Stream;

choice! {
    /// What is cut and pasted.
    pub enum Pieces {
        /// Constituents of trees.
        Trees = "trees",
        /// Any words in a row, as many out as in: the control that knows no syntax. Source: RandMix, made offline as the
        /// rest.
        Spans = "spans",
    }
}

params! {
    /// Parameters of [`Mix`].
    pub struct MixParams {
        /// What is cut and pasted.
        pieces: Pieces = Pieces::Trees;
        /// Which nodes may take part, and what their length is measured by.
        rule: Rule = Rule::AsRun;
        /// λL: least share of a sentence that a node makes up, in whole thousandths.
        lower: f64 = 0.1, in 0.0..=1.0;
        /// λU: greatest share, of nodes and of the control's spans, in whole thousandths.
        upper: f64 = 0.3, in 0.0..=1.0;
        /// β: mixtures for each example.
        beta: usize = 5, in 1..=1000;
        /// Which receivers and donors meet.
        pairing: Pairing = Pairing::Uniform;
        /// Whether both nodes must have the same label.
        same_label: bool = false;
        /// Whether both nodes must have as many words.
        same_length: bool = false;
        /// Whether receiver and donor must be of the same class; β then counts within each class.
        same_class: bool = false;
        /// Examples with a first sentence of as many words or fewer are left out beforehand.
        min_token: usize = 0, unit "words";
        /// Mixtures shown in the part `examples`.
        shown: usize = 8, in 0..=100;
        /// Draws sentences and nodes.
        seed: u64 = 0;
    }
}

/// `treemix.mix`: mixes labelled sentences.
pub struct Mix;

impl Stage for Mix {
    type Params = MixParams;

    fn spec(&self) -> Spec {
        Spec::new(
            "treemix.mix",
            code::TREEMIX,
            "mixed",
            "Cuts constituents out of labelled sentences and pastes those of others there, labels weighted by length.",
        )
        .input(Port::one("examples", "labelled", "sentences or pairs, with trees unless `pieces` is `spans`"))
        .part("examples", "mixed/examples", "a few mixtures to look at, with trees drawn")
        .metric("mixed", "mixtures")
        .metric("distinct", "mixtures without repeats")
        .metric("accepted", "attempts that made a mixture, in percent")
        .metric("skipped", "examples that have no node to cut out and are never receivers, in percent")
        .metric("cross_class", "mixtures of two classes, in percent")
        .metric("weight", "weight of the donor's class, on average")
        .metric("shortfall", "mixtures asked for but not made, since attempts ran out")
        .paper(&PAPER)
    }

    fn run(&self, p: &MixParams, inputs: &Inputs<'_>, cx: &mut Ctx<'_>) -> Result<Output, StageError> {
        let mut labelled = Labelled::read(&inputs.one("examples")?)?;
        labelled.examples.retain(|example| example.first.words.len() > p.min_token);
        let method = p.method(labelled.paired())?;
        let pools = Pools::of(&labelled, &method)?;
        let made = p.make(&labelled, &pools, &method);
        if made.mixtures.is_empty() {
            return Err(StageError::Input(format!(
                "none of {} examples could be mixed: no two have nodes that fit `lower` = {}, `upper` = {}",
                labelled.examples.len(),
                p.lower,
                p.upper
            )));
        }
        let output = mixed::write(&labelled, &made.mixtures);
        report(&labelled, &made, &output, cx);
        cx.metric("skipped", 100.0 * skipped(&pools, &method));
        Ok(output.part("examples", p.show(&labelled, &made)))
    }
}

impl MixParams {
    fn method(&self, pairs: bool) -> Result<Method, StageError> {
        Ok(match self.pieces {
            Pieces::Spans => Method::Random { upper: self.upper },
            Pieces::Trees => Method::Tree {
                rule: self.rule,
                window: Window::of(self.rule, self.lower, self.upper, pairs)?,
                matching: Match { label: self.same_label, length: self.same_length },
            },
        })
    }

    fn make(&self, labelled: &Labelled, pools: &[Pools], method: &Method) -> Made {
        let stream = Stream::new(self.seed, "treemix.mix");
        let rows: Vec<u32> = (0..pools.len() as u32).collect();
        let mut made = if self.same_class {
            let class = |row: &u32| labelled.examples[*row as usize].class;
            let parts = (0..labelled.classes.len()).map(|wanted| {
                let rows: Vec<u32> = rows.iter().copied().filter(|row| class(row) == wanted).collect();
                let stream = stream.named("class").child(wanted as u64);
                augment(pools, &rows, method, self.pairing, self.beta * rows.len(), stream)
            });
            parts.fold(Made::default(), |mut all, part| {
                all.mixtures.extend(part.mixtures);
                Made { attempts: all.attempts + part.attempts, wanted: all.wanted + part.wanted, ..all }
            })
        } else {
            augment(pools, &rows, method, self.pairing, self.beta * rows.len(), stream)
        };
        stream.named("order").shuffle(&mut made.mixtures);
        made
    }

    /// The first few mixtures of two classes where there are such, as a page, and the trees of the first two of them.
    fn show(&self, labelled: &Labelled, made: &Made) -> Output {
        let class = |row: u32| labelled.examples[row as usize].class;
        let (crossed, same): (Vec<_>, Vec<_>) =
            made.mixtures.iter().copied().partition(|m| class(m.receiver) != class(m.donor));
        let shown: Vec<_> = crossed.into_iter().chain(same).take(self.shown).collect();
        let output = Output::new(Kind::of("mixed/examples"));
        let mut output = output.file("mixed.md", sketch::page(labelled, &shown));
        for (i, mixture) in shown.iter().take(2).enumerate() {
            let spans =
                [("cut", mixture.receiver, mixture.first.cut), ("paste", mixture.donor, mixture.first.paste)];
            for (what, row, (start, end)) in spans {
                let example = &labelled.examples[row as usize];
                let caption = format!("{what}, of a sentence of class {}", labelled.classes[example.class]);
                if let Some(tree) = &example.first.tree {
                    let svg = sketch::svg(tree, (start as usize, end as usize), &caption);
                    output = output.file(format!("{}-{what}.svg", i + 1), svg);
                }
            }
        }
        output
    }
}

fn report(labelled: &Labelled, made: &Made, output: &Output, cx: &mut Ctx<'_>) {
    let mixtures = &made.mixtures;
    let count = mixtures.len() as f64;
    let class = |row: u32| labelled.examples[row as usize].class;
    let crossed = mixtures.iter().filter(|m| class(m.receiver) != class(m.donor)).count() as f64;
    let weight = |m: &super::augment::Mixture| {
        let example = &labelled.examples[m.receiver as usize];
        let splices = std::iter::once(&m.first).chain(&m.second);
        let (inserted, length) =
            example.sentences().zip(splices).fold((0, 0), |(inserted, length), (s, splice)| {
                (inserted + splice.pasted(), length + splice.length(s.words.len()))
            });
        inserted as f64 / length as f64
    };
    let text = &output.files[mixed::FILE];
    // The words alone: the same text may come of other sentences.
    let sentences =
        text.split(|b| *b == b'\n').skip(1).filter_map(|line| line.splitn(7, |b| *b == b'\t').nth(6));
    cx.metric("mixed", count);
    cx.metric("distinct", sentences.collect::<BTreeSet<_>>().len() as f64);
    cx.metric("accepted", 100.0 * count / made.attempts.max(1) as f64);
    cx.metric("cross_class", 100.0 * crossed / count);
    cx.metric("weight", mixtures.iter().map(weight).sum::<f64>() / count);
    cx.metric("shortfall", made.wanted as f64 - count);
}

#[cfg(test)]
mod tests;
