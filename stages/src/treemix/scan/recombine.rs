//! `treemix.recombine`: TreeMix on commands. `treemix.coverage`: how many test commands that makes.

use std::collections::BTreeSet;

use runpipe_base::{Ctx, Inputs, Output, Port, Spec, Stage, StageError, choice, params};

use super::gold::{self, PHRASE, VERB};
use super::grammar::{Sentence, write};
use super::oracle::{Reading, repair};
use crate::code;
use crate::data::commands::{self, Command};
use crate::kit::rng::Stream;
use crate::treemix::PAPER;
use crate::treemix::augment::collect;
use crate::treemix::candidates::{Labels, Pool};
use crate::treemix::draw::{Match, Splice, pick};

choice! {
    /// What is cut and pasted.
    pub enum Pieces {
        /// Nodes `VB` and `VP`, both of the same label. Source: a rule in the released code, the only one that gives
        /// the paper's pattern.
        Constituents = "constituents",
        /// Any two nodes, down to single words, and whole commands too.
        Nodes = "nodes",
        /// Any words in a row: the control that knows no syntax.
        Spans = "spans",
    }
}

params! {
    /// Parameters of [`Recombine`].
    pub struct RecombineParams {
        /// What is cut and pasted.
        pieces: Pieces = Pieces::Constituents;
        /// Which new commands are accepted, and how they are read.
        reading: Reading = Reading::Lenient;
        /// New commands for each line of training.
        beta: usize = 2, in 1..=100;
        /// Longest output that is kept; none: any.
        max_actions: Option<usize> = None, in 1.., unit "actions";
        /// Draws lines and pieces.
        seed: u64 = 0;
    }
}

/// `treemix.recombine`: makes new commands of pieces of known ones, read by SCAN's own interpreter.
pub struct Recombine;

impl Stage for Recombine {
    type Params = RecombineParams;

    fn spec(&self) -> Spec {
        Spec::new(
            "treemix.recombine",
            code::TREEMIX,
            "commands",
            "Makes new commands of constituents of known ones, their actions given by SCAN's interpreter.",
        )
        .input(Port::one("commands", "commands", "commands to train on, repeats included"))
        .metric("mixed", "new commands")
        .metric("distinct", "new commands without repeats")
        .metric("fresh", "distinct new commands that are not in `commands`")
        .metric("accepted", "attempts that made a command, in percent")
        .metric("outside", "new commands that are none of SCAN's 20,910, in percent")
        .metric("shortfall", "commands asked for but not made, since attempts ran out")
        .paper(&PAPER)
    }

    fn run(&self, p: &RecombineParams, inputs: &Inputs<'_>, cx: &mut Ctx<'_>) -> Result<Output, StageError> {
        let known = commands::read(&inputs.one("commands")?)?;
        let made = Corpus::new(&known, p.pieces)?.mix(p);
        let distinct: BTreeSet<&str> = made.commands.iter().map(|c| c.command.as_str()).collect();
        let old: BTreeSet<&str> = known.iter().map(|c| c.command.as_str()).collect();
        let outside = made.commands.iter().filter(|c| Sentence::parse(&words(&c.command)).is_none()).count();
        let count = made.commands.len() as f64;
        cx.metric("mixed", count);
        cx.metric("distinct", distinct.len() as f64);
        cx.metric("fresh", distinct.difference(&old).count() as f64);
        cx.metric("accepted", 100.0 * count / made.attempts.max(1) as f64);
        cx.metric("outside", 100.0 * outside as f64 / count.max(1.0));
        cx.metric("shortfall", (p.beta * known.len()) as f64 - count);
        Ok(commands::output(&made.commands))
    }
}

/// New commands, and the attempts that they took.
pub struct Made {
    /// The commands.
    pub commands: Vec<Command>,
    /// Attempts.
    pub attempts: u64,
}

/// Known commands as words and the pieces of each.
pub struct Corpus<'a> {
    words: Vec<Vec<&'a str>>,
    pools: Vec<Pool>,
}

impl<'a> Corpus<'a> {
    /// Prepares commands.
    ///
    /// # Errors
    /// [`StageError::Input`] when one has no tree.
    pub fn new(known: &'a [Command], pieces: Pieces) -> Result<Self, StageError> {
        let mut labels = Labels::default();
        let words: Vec<Vec<&str>> = known.iter().map(|command| words(&command.command)).collect();
        let mut pool = |words: &Vec<&str>| {
            let tree = gold::tree(words).ok_or_else(|| {
                StageError::Input(format!("expected a command of SCAN's words, found `{}`", words.join(" ")))
            })?;
            Ok(match pieces {
                Pieces::Constituents => Pool::new(&tree, &mut labels, |tree, at| {
                    matches!(tree.nodes()[at].label.as_str(), VERB | PHRASE)
                }),
                Pieces::Nodes => Pool::new(&tree, &mut labels, |_, _| true),
                Pieces::Spans => Pool::any(words.len()),
            })
        };
        let pools = words.iter().map(&mut pool).collect::<Result<_, StageError>>()?;
        Ok(Self { words, pools })
    }

    /// Makes β new commands for each known one, or fewer when attempts run out.
    pub fn mix(&self, p: &RecombineParams) -> Made {
        let matching = Match { label: p.pieces == Pieces::Constituents, length: false };
        let draws = Stream::new(p.seed, "treemix.recombine");
        let count = self.words.len();
        let attempt = |k: u64| {
            let mut stream = draws.child(k);
            let (receiver, donor) = (stream.below(count), stream.below(count));
            let (a, b) = (self.pools[receiver].all(), self.pools[donor].all());
            let (cut, paste) = pick(a, b, matching, &mut stream)?;
            let spliced = Splice::of(cut, paste).apply(&self.words[receiver], &self.words[donor]);
            let words = repair(&spliced);
            let actions = p.reading.actions(&words)?;
            let fits = p.max_actions.is_none_or(|most| actions.len() <= most);
            fits.then(|| Command { command: words.join(" "), actions: write(&actions) })
        };
        let wanted = if count == 0 { 0 } else { p.beta * count };
        let (commands, attempts) = collect(wanted, 200 * wanted as u64, attempt);
        Made { commands, attempts }
    }
}

fn words(command: &str) -> Vec<&str> {
    command.split(' ').collect()
}

/// `treemix.coverage`: how many commands to be judged by are among new ones.
pub struct Coverage;

impl Stage for Coverage {
    type Params = ();

    fn spec(&self) -> Spec {
        Spec::new(
            "treemix.coverage",
            code::TREEMIX,
            "commands",
            "Counts commands to be judged by that are among new ones; makes those that are not.",
        )
        .input(Port::one("new", "commands", "new commands"))
        .input(Port::one("test", "commands", "commands to be judged by"))
        .metric("covered", "commands to be judged by that are among the new ones, in percent")
        .metric("wrong", "new commands that are to be judged by and have other actions there")
        .paper(&PAPER)
    }

    fn run(&self, (): &(), inputs: &Inputs<'_>, cx: &mut Ctx<'_>) -> Result<Output, StageError> {
        let new: BTreeSet<Command> = commands::read(&inputs.one("new")?)?.into_iter().collect();
        let test: BTreeSet<Command> = commands::read(&inputs.one("test")?)?.into_iter().collect();
        let names: BTreeSet<&str> = new.iter().map(|c| c.command.as_str()).collect();
        let covered = test.iter().filter(|c| names.contains(c.command.as_str())).count();
        cx.metric("covered", 100.0 * covered as f64 / test.len().max(1) as f64);
        cx.metric("wrong", (covered - test.intersection(&new).count()) as f64);
        let left: Vec<Command> =
            test.iter().filter(|c| !names.contains(c.command.as_str())).cloned().collect();
        Ok(commands::output(&left))
    }
}

#[cfg(test)]
mod tests;
