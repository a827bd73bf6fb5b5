//! Recurrent models at the sizes of SCAN: commands of 4 to 9 words, actions of 1 to 33.

use dfdx::prelude::{Cpu, WithEmptyTape};
use runpipe_stages::kit::backend::{Result, Scalar, Taped};
use runpipe_stages::kit::nn::linear::{Embedding, Linear};
use runpipe_stages::kit::nn::recurrent::{BiLstm, Lstm};
use runpipe_stages::kit::ops::act::Act;
use runpipe_stages::kit::ops::add::add;
use runpipe_stages::kit::ops::attention::Packed;
use runpipe_stages::kit::ops::columns::concat_columns;
use runpipe_stages::kit::ops::cross_attention::{attention_weights, mix};
use runpipe_stages::kit::ops::cross_entropy::cross_entropy;
use runpipe_stages::kit::ops::dropout::{Mask, dropout};
use runpipe_stages::kit::ops::lstm::{Direction, State};
use runpipe_stages::kit::optim::OptimizerConfig;
use runpipe_stages::kit::params::{Init, Pass, Scope};

use crate::{Step, train};

const BATCH: usize = 64;
const WORDS: usize = 16;
const ACTIONS: usize = 9;
const CLASSES: usize = 6;

fn commands() -> Packed {
    Packed::new((0..BATCH).map(|i| 4 + i * 7 % 6))
}

fn outputs() -> Packed {
    Packed::new((0..BATCH).map(|i| 1 + i * 13 % 33))
}

fn words(packed: &Packed, vocabulary: usize) -> Vec<u32> {
    (0..packed.rows()).map(|i| (i * 31 % vocabulary) as u32).collect()
}

/// Products of an LSTM over n rows, in both directions of the pass.
fn lstm_work(n: usize, inputs: usize, width: usize) -> f64 {
    3.0 * (n * 2 * 4 * width * (inputs + width)) as f64 / 1e6
}

/// A class a command, from the last states of both directions.
pub(crate) fn classifier(embedding: usize, width: usize) -> (Step, f64) {
    let packed = commands();
    let ids = words(&packed, WORDS);
    let labels: Vec<u32> = (0..BATCH).map(|i| (i % CLASSES) as u32).collect();
    let work = 2.0 * lstm_work(packed.rows(), embedding, width);
    let step = train(
        OptimizerConfig::adam().clip(1.0),
        |mut at| {
            let word = Embedding::new(at.at("word"), WORDS, embedding, Init::Normal { std: 1.0 })?;
            let lstm = BiLstm::new(at.at("lstm"), embedding, width)?;
            Ok((word, lstm, Linear::new(at.at("head"), 2 * width, CLASSES, Init::fan_in(2 * width))?))
        },
        move |(word, lstm, head), pass| {
            let x = dropout(word.forward(pass, &ids)?, Mask::new(0.5, pass.stream()))?;
            let summary = lstm.summary(pass, x, &packed)?;
            cross_entropy(head.forward(pass, summary, Act::Identity)?, &labels, 0.0)
        },
    );
    (step, work)
}

/// Commands to actions: an encoder in both directions, a decoder that attends over it.
struct Seq2Seq {
    word: Embedding,
    encoder: BiLstm,
    project: Linear,
    action: Embedding,
    decoder: Lstm,
    query: Linear,
    head: Linear,
}

impl Seq2Seq {
    fn new(mut at: Scope<'_, Cpu>, embedding: usize, width: usize) -> Result<Self> {
        let std = Init::Normal { std: 1.0 };
        Ok(Self {
            word: Embedding::new(at.at("word"), WORDS, embedding, std)?,
            encoder: BiLstm::new(at.at("encoder"), embedding, width)?,
            project: Linear::new(at.at("project"), 2 * width, width, Init::fan_in(2 * width))?,
            action: Embedding::new(at.at("action"), ACTIONS, embedding, std)?,
            decoder: Lstm::new(at.at("decoder"), embedding, width)?,
            query: Linear::new(at.at("query"), width, width, Init::fan_in(width))?,
            head: Linear::new(at.at("head"), 2 * width, ACTIONS, Init::fan_in(2 * width))?,
        })
    }

    fn loss(
        &self,
        pass: &Pass<'_, Cpu>,
        (commands, words): (&Packed, &[u32]),
        (outputs, before, after): (&Packed, &[u32], &[u32]),
    ) -> Result<Scalar<Cpu, Taped<Cpu>>> {
        let x = dropout(self.word.forward(pass, words)?, Mask::new(0.5, pass.stream()))?;
        let read = self.encoder.forward(pass, x, commands)?;
        let keys = self.project.forward(pass, read.rows, Act::Identity)?;
        let start = State {
            hidden: add(read.forward.hidden, read.backward.hidden, Act::Identity)?,
            cell: add(read.forward.cell, read.backward.cell, Act::Identity)?,
        };
        let y = dropout(self.action.forward(pass, before)?, Mask::new(0.5, pass.stream()))?;
        let rows = self.decoder.forward(pass, y, outputs, Some(start), Direction::Forward)?.into_rows();
        let query = self.query.forward(pass, rows.with_empty_tape(), Act::Identity)?;
        let weights = attention_weights(query, outputs, keys.with_empty_tape(), commands, 1.0)?;
        let context = mix(weights, outputs, keys, commands)?;
        let both = dropout(concat_columns(vec![rows, context])?, Mask::new(0.5, pass.stream()))?;
        cross_entropy(self.head.forward(pass, both, Act::Identity)?, after, 0.0)
    }
}

pub(crate) fn seq2seq(embedding: usize, width: usize) -> (Step, f64) {
    let (commands, outputs) = (commands(), outputs());
    let (words, before) = (words(&commands, WORDS), words(&outputs, ACTIONS));
    let after: Vec<u32> = before.iter().map(|a| (a + 1) % ACTIONS as u32).collect();
    let (n, m) = (commands.rows(), outputs.rows());
    let linear = 3.0 * 2.0 * (n * 2 * width * width + m * width * width) as f64 / 1e6;
    let work = 2.0 * lstm_work(n, embedding, width) + lstm_work(m, embedding, width) + linear;
    let step = train(
        OptimizerConfig::adam().clip(1.0),
        |at| Seq2Seq::new(at, embedding, width),
        move |model, pass| model.loss(pass, (&commands, &words), (&outputs, &before, &after)),
    );
    (step, work)
}
