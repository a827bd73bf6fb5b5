//! `treemix.learn`: a translator of commands, trained on known and on new ones.

use std::collections::{BTreeMap, BTreeSet};

use runpipe_base::{Ctx, Inputs, Kind, Output, Port, Spec, Stage, StageError, View, params};
use serde::{Deserialize, Serialize};

use super::translator::{Sizes, Translator};
use crate::code;
use crate::data::commands::{self, Command};
use crate::kit::backend::{Backend, Scalar, Taped, on_device};
use crate::kit::fit::{Fit, Task, fit};
use crate::kit::optim::{Optimizer, OptimizerConfig};
use crate::kit::params::{Params, Pass};
use crate::kit::rng::Stream;
use crate::kit::schedule::Schedule;
use crate::treemix::PAPER;

params! {
    /// Parameters of [`Learn`].
    pub struct LearnParams {
        /// Numbers that stand for a word. Source: GECA has 64.
        embedding: usize = 32, in 1..=4096;
        /// Cells of each LSTM. Source: GECA has 512.
        hidden: usize = 128, in 1..=4096;
        /// Chance that dropout drops a number. Source: GECA has 0.5.
        dropout: f32 = 0.1, in 0.0..1.0;
        /// Whether words of the command may be copied. Source: GECA.
        copy: bool = true;
        /// Steps of training. Source: GECA takes 4800.
        steps: u64 = 2000, in 1.., unit "steps";
        /// Commands of a batch.
        batch: usize = 64, in 1..=4096, unit "commands";
        /// Chance that a command of a batch is a new one; none: known and new ones are drawn alike. Source: GECA has 0.3.
        share: Option<f64> = None, in 0.0..=1.0;
        /// Learning rate of Adam; after 60 and after 85 percent of the steps it falls to three tenths of what it was.
        lr: f64 = 1e-3, in 0.0..=1.0;
        /// Draws weights, batches and dropout.
        seed: u64 = 0;
    }
}

/// `treemix.learn`: trains a translator of commands.
pub struct Learn;

impl Stage for Learn {
    type Params = LearnParams;

    fn spec(&self) -> Spec {
        Spec::new(
            "treemix.learn",
            code::TREEMIX,
            "weights/translator",
            "Trains an LSTM with attention and copying to write the actions of commands.",
        )
        .input(Port::one("commands", "commands", "commands to train on"))
        .input(Port::optional("new", "commands", "new commands to train on too"))
        .tensors()
        .metric("loss", "loss of the last steps, in nats a word")
        .metric("parameters", "numbers that are trained")
        .series("train_loss", "loss, mean of 50 steps, in nats a word")
        .paper(&PAPER)
    }

    fn run(&self, p: &LearnParams, inputs: &Inputs<'_>, cx: &mut Ctx<'_>) -> Result<Output, StageError> {
        let known = commands::read(&inputs.one("commands")?)?;
        let new = inputs.optional("new").map(|view| commands::read(&view)).transpose()?.unwrap_or_default();
        if known.is_empty() {
            return Err(StageError::Input("expected commands to train on, found none".into()));
        }
        let words = Words::of(known.iter().chain(&new));
        let sizes = Sizes {
            vocabulary: words.0.len(),
            embedding: p.embedding,
            hidden: p.hidden,
            dropout: p.dropout,
            copy: p.copy,
        };
        let [known, new] =
            [&known, &new].map(|commands| commands.iter().map(|c| words.pair(c)).collect::<Vec<_>>());
        let weights = on_device!(cx, |device| teach(&device, p, sizes, &known, &new, cx))?;
        let config = Config { embedding: p.embedding, hidden: p.hidden, copy: p.copy };
        let config = serde_json::to_vec_pretty(&config).map_err(|e| StageError::Other(e.to_string()))?;
        Ok(Output::new(Kind::of("weights/translator"))
            .file("config.json", config)
            .file("vocabulary.txt", words.0.join("\n") + "\n")
            .file("model.safetensors", weights))
    }
}

type Pair = (Vec<u32>, Vec<u32>);

fn teach<D: Backend>(
    device: &D,
    p: &LearnParams,
    sizes: Sizes,
    known: &[Pair],
    new: &[Pair],
    cx: &mut Ctx<'_>,
) -> Result<Vec<u8>, StageError> {
    let mut params = Params::new(device, p.seed);
    let translator = Translator::new(&mut params, sizes)?;
    let mut task = Write { translator, p, known, new, draws: Stream::new(p.seed, "batches") };
    let mut optimizer = Optimizer::new(OptimizerConfig::adam().clip(1.0));
    let at = [60, 85].map(|percent| p.steps * percent / 100).to_vec();
    let plan = Fit {
        steps: p.steps,
        rate: p.lr,
        schedule: Schedule::Steps { at, factor: 0.3 },
        seed: p.seed,
        curve: "train_loss",
        report_every: 50,
        checkpoint_every: Some(200),
    };
    let fitted = fit(cx, &plan, &mut params, &mut optimizer, &mut task)?;
    cx.metric("loss", fitted.loss);
    cx.metric("parameters", params.count() as f64);
    params.save()
}

/// What is trained: write the actions of commands.
struct Write<'a> {
    translator: Translator,
    p: &'a LearnParams,
    known: &'a [Pair],
    new: &'a [Pair],
    draws: Stream,
}

impl<D: Backend> Task<D> for Write<'_> {
    fn loss(&mut self, pass: &Pass<'_, D>, step: u64) -> Result<Scalar<D, Taped<D>>, StageError> {
        let mut stream = self.draws.child(step);
        let all = self.known.len() + self.new.len();
        let share = self.p.share.unwrap_or(self.new.len() as f64 / all as f64);
        let batch: Vec<&Pair> = (0..self.p.batch)
            .map(|_| {
                let fresh = stream.chance(share) && !self.new.is_empty();
                let list = if fresh { self.new } else { self.known };
                &list[stream.below(list.len())]
            })
            .collect();
        let commands: Vec<&[u32]> = batch.iter().map(|(command, _)| command.as_slice()).collect();
        let actions: Vec<&[u32]> = batch.iter().map(|(_, actions)| actions.as_slice()).collect();
        self.translator.loss(pass, &commands, &actions)
    }
}

/// `config.json` of a translator.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Config {
    embedding: usize,
    hidden: usize,
    copy: bool,
}

/// Words by id: the end of outputs, unknown words, and then all others in order.
pub struct Words(Vec<String>);

/// What stands for a word that is in no command of training.
const UNKNOWN: u32 = 1;

impl Words {
    fn of<'a>(commands: impl Iterator<Item = &'a Command>) -> Self {
        let words: BTreeSet<&str> =
            commands.flat_map(|c| c.command.split(' ').chain(c.actions.split(' '))).collect();
        Self(["</s>", "<unk>"].into_iter().chain(words).map(str::to_owned).collect())
    }

    /// The ids of a text.
    pub fn ids(&self, text: &str) -> Vec<u32> {
        let ids: BTreeMap<&str, u32> = self.0.iter().map(String::as_str).zip(0..).collect();
        text.split(' ').map(|word| ids.get(word).copied().unwrap_or(UNKNOWN)).collect()
    }

    /// The text of ids.
    pub fn text(&self, ids: &[u32]) -> String {
        ids.iter().map(|id| self.0[*id as usize].as_str()).collect::<Vec<_>>().join(" ")
    }

    fn pair(&self, command: &Command) -> Pair {
        (self.ids(&command.command), self.ids(&command.actions))
    }
}

/// A translator as it lies in an artifact of kind `weights/translator`.
pub struct Model {
    /// Sizes.
    pub sizes: Sizes,
    /// The vocabulary.
    pub words: Words,
    /// Its weights as a safetensors file.
    pub weights: Vec<u8>,
}

impl Model {
    /// Reads an artifact.
    ///
    /// # Errors
    /// [`StageError::Input`] when a file is missing or broken.
    pub fn read(view: &View<'_>) -> Result<Self, StageError> {
        let config: Config = serde_json::from_str(&view.text("config.json")?)
            .map_err(|e| StageError::Input(format!("`config.json`: {e}")))?;
        let words: Vec<String> = view.text("vocabulary.txt")?.lines().map(str::to_owned).collect();
        let Config { embedding, hidden, copy } = config;
        let sizes = Sizes { vocabulary: words.len(), embedding, hidden, dropout: 0.0, copy };
        Ok(Self { sizes, words: Words(words), weights: view.bytes("model.safetensors")?.to_vec() })
    }
}

#[cfg(test)]
mod tests;
