//! `treemix.perform`: writes the actions of commands with a translator, and scores them.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use runpipe_base::{Ctx, Inputs, Kind, Output, Port, Spec, Stage, StageError, params};

use super::learn::Model;
use super::translator::Translator;
use crate::code;
use crate::data::commands::{self, Command};
use crate::kit::backend::on_device;
use crate::kit::params::Params;
use crate::kit::rng::Stream;
use crate::treemix::PAPER;

params! {
    /// Parameters of [`Perform`].
    pub struct PerformParams {
        /// How many commands are performed, drawn without replacement; none: all.
        n: Option<usize> = None, in 1.., unit "commands";
        /// Most words that are written. Source: GECA.
        most: usize = 150, in 1.., unit "words";
        /// Draws the commands.
        seed: u64 = 0;
    }
}

/// `treemix.perform`: performs commands.
pub struct Perform;

impl Stage for Perform {
    type Params = PerformParams;

    fn spec(&self) -> Spec {
        Spec::new(
            "treemix.perform",
            code::TREEMIX,
            "scores/commands",
            "Writes the actions of commands with a translator and scores whole outputs.",
        )
        .input(Port::one("translator", "weights/translator", "the translator"))
        .input(Port::one("commands", "commands", "commands with their true actions"))
        .input(Port::optional(
            "new",
            "commands",
            "new commands that were trained on: those among them are told apart",
        ))
        .tensors()
        .metric("accuracy", "commands whose whole output is right, end included, in percent")
        .metric("covered", "commands that were among the new ones, in percent")
        .metric("uncovered_accuracy", "the same accuracy over the other commands alone, in percent")
        .metric("commands", "commands performed")
        .paper(&PAPER)
    }

    fn run(&self, p: &PerformParams, inputs: &Inputs<'_>, cx: &mut Ctx<'_>) -> Result<Output, StageError> {
        let model = Model::read(&inputs.one("translator")?)?;
        let mut gold = commands::read(&inputs.one("commands")?)?;
        let new = inputs.optional("new").map(|view| commands::read(&view)).transpose()?.unwrap_or_default();
        let new: BTreeSet<&str> = new.iter().map(|c| c.command.as_str()).collect();
        if let Some(n) = p.n.filter(|n| *n < gold.len()) {
            let order = Stream::new(p.seed, "treemix.perform").permutation(gold.len());
            gold = order[..n].iter().map(|row| gold[*row].clone()).collect();
        }
        let ids: Vec<Vec<u32>> = gold.iter().map(|c| model.words.ids(&c.command)).collect();
        let written = on_device!(cx, |device| {
            let mut params = Params::new(&device, 0);
            let translator = Translator::new(&mut params, model.sizes)?;
            params.load(&model.weights)?;
            let mut written = Vec::with_capacity(ids.len());
            for batch in ids.chunks(256) {
                cx.stop_point()?;
                let batch: Vec<&[u32]> = batch.iter().map(Vec::as_slice).collect();
                written.extend(translator.write(&params, &batch, p.most)?);
                cx.progress(written.len() as u64, ids.len() as u64, "commands", "");
            }
            Ok::<_, StageError>(written)
        })?;
        let written: Vec<String> = written.iter().map(|ids| model.words.text(ids)).collect();
        score(&gold, &written, &new, cx);
        let mut rows = String::from("command\ttrue\twritten\n");
        for (command, written) in gold.iter().zip(&written) {
            writeln!(rows, "{}\t{}\t{written}", command.command, command.actions)
                .expect("a String takes all");
        }
        Ok(Output::new(Kind::of("scores/commands")).file("outputs.tsv", rows))
    }
}

fn score(gold: &[Command], written: &[String], new: &BTreeSet<&str>, cx: &mut Ctx<'_>) {
    let percent = |part: usize, of: usize| 100.0 * part as f64 / of.max(1) as f64;
    let right = |(command, written): &(&Command, &String)| command.actions == **written;
    let fresh = |(command, _): &(&Command, &String)| !new.contains(command.command.as_str());
    let all = || gold.iter().zip(written);
    let uncovered = all().filter(fresh).count();
    cx.metric("accuracy", percent(all().filter(right).count(), gold.len()));
    cx.metric("covered", percent(gold.len() - uncovered, gold.len()));
    cx.metric("uncovered_accuracy", percent(all().filter(fresh).filter(right).count(), uncovered));
    cx.metric("commands", gold.len() as f64);
}

#[cfg(test)]
mod tests;
