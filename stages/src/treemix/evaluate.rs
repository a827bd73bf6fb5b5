//! `treemix.evaluate`: classifies sentences and scores the classes.

use std::fmt::Write as _;

use runpipe_base::{Ctx, Inputs, Kind, Output, Port, Spec, Stage, StageError};

use super::PAPER;
use super::model::{Classifier, Model};
use super::train::read;
use crate::code;
use crate::data::labelled::Labelled;
use crate::kit::backend::on_device;
use crate::kit::params::Params;

/// `treemix.evaluate`: classifies sentences with a classifier and scores the classes.
pub struct Evaluate;

impl Stage for Evaluate {
    type Params = ();

    fn spec(&self) -> Spec {
        Spec::new(
            "treemix.evaluate",
            code::TREEMIX,
            "scores/classes",
            "Classifies sentences with a classifier and scores the classes found.",
        )
        .input(Port::one("classifier", "weights/classifier", "the classifier"))
        .input(Port::one("examples", "labelled", "examples with their true classes"))
        .tensors()
        .metric("accuracy", "examples classified rightly, in percent")
        .metric("f1_macro", "F1, mean over the classes that occur, in percent")
        .metric("majority", "what naming the commonest class every time would reach, in percent")
        .paper(&PAPER)
    }

    fn run(&self, (): &(), inputs: &Inputs<'_>, cx: &mut Ctx<'_>) -> Result<Output, StageError> {
        let model = Model::read(&inputs.one("classifier")?)?;
        let labelled = Labelled::read(&inputs.one("examples")?)?;
        if labelled.classes != model.shape.classes {
            return Err(StageError::Input(format!(
                "expected examples of the classes `{}`, found `{}`",
                model.shape.classes.join("`, `"),
                labelled.classes.join("`, `")
            )));
        }
        let (sentences, gold): (Vec<_>, Vec<_>) =
            read(&labelled, &model.reader, model.shape.max_len)?.into_iter().unzip();
        let found = on_device!(cx, |device| {
            let mut params = Params::new(&device, 0);
            let classifier = Classifier::new(&mut params, &model.shape)?;
            params.load(&model.weights)?;
            classifier.classes(&params, &sentences)
        })?;
        let confusion = Confusion::of(&gold, &found, labelled.classes.len());
        cx.metric("accuracy", confusion.accuracy());
        cx.metric("f1_macro", confusion.f1_macro());
        cx.metric("majority", confusion.majority());
        let mut rows = String::from("true\tfound\tsentence\n");
        for (example, found) in labelled.examples.iter().zip(&found) {
            let sentences: Vec<String> =
                example.sentences().map(super::super::data::labelled::Sentence::text).collect();
            let [gold, found] = [example.class, *found].map(|class| &labelled.classes[class]);
            writeln!(rows, "{gold}\t{found}\t{}", sentences.join(" ‖ ")).expect("a String takes all");
        }
        Ok(Output::new(Kind::of("scores/classes"))
            .file("predictions.tsv", rows)
            .file("confusion.csv", confusion.csv(&labelled.classes)?))
    }
}

/// How often each class was found for each.
pub struct Confusion(Vec<Vec<usize>>);

impl Confusion {
    /// Counts of true classes by found ones.
    pub fn of(gold: &[usize], found: &[usize], classes: usize) -> Self {
        let mut counts = vec![vec![0; classes]; classes];
        gold.iter().zip(found).for_each(|(gold, found)| counts[*gold][*found] += 1);
        Self(counts)
    }

    fn total(&self) -> f64 {
        self.0.iter().flatten().sum::<usize>().max(1) as f64
    }

    /// Right ones, in percent.
    pub fn accuracy(&self) -> f64 {
        100.0 * (0..self.0.len()).map(|k| self.0[k][k]).sum::<usize>() as f64 / self.total()
    }

    /// The share of the commonest class, in percent.
    pub fn majority(&self) -> f64 {
        100.0 * self.0.iter().map(|row| row.iter().sum::<usize>()).max().unwrap_or(0) as f64 / self.total()
    }

    /// 2·right / (true + found) of each class that occurs, on average, in percent.
    pub fn f1_macro(&self) -> f64 {
        let f1 = (0..self.0.len()).filter_map(|k| {
            let gold: usize = self.0[k].iter().sum();
            let found: usize = self.0.iter().map(|row| row[k]).sum();
            (gold > 0).then(|| 2.0 * self.0[k][k] as f64 / (gold + found) as f64)
        });
        let f1: Vec<f64> = f1.collect();
        100.0 * f1.iter().sum::<f64>() / f1.len().max(1) as f64
    }

    /// One row a true class.
    fn csv(&self, classes: &[String]) -> Result<Vec<u8>, StageError> {
        let mut csv = csv::Writer::from_writer(Vec::new());
        let broken = |e: csv::Error| StageError::Other(e.to_string());
        csv.write_record(std::iter::once("true").chain(classes.iter().map(String::as_str)))
            .map_err(broken)?;
        for (class, row) in classes.iter().zip(&self.0) {
            let counts = row.iter().map(ToString::to_string);
            csv.write_record(std::iter::once(class.clone()).chain(counts)).map_err(broken)?;
        }
        csv.into_inner().map_err(|e| StageError::Other(e.to_string()))
    }
}

#[cfg(test)]
mod tests;
