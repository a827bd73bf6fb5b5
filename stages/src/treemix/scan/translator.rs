//! Commands to actions: an LSTM that reads in both directions, and one that writes, attends, and may copy.

use dfdx::prelude::{HasShape as _, NoneTape, Tape, WithEmptyTape as _};
use runpipe_base::StageError;

use crate::kit::backend::{Backend, Matrix, Scalar, Taped};
use crate::kit::nn::linear::{Embedding, Linear};
use crate::kit::nn::recurrent::{BiLstm, Lstm};
use crate::kit::ops::act::Act;
use crate::kit::ops::add::add;
use crate::kit::ops::attention::Packed;
use crate::kit::ops::columns::concat_columns;
use crate::kit::ops::combine::combine;
use crate::kit::ops::cross_attention::{attention_weights, mix};
use crate::kit::ops::cross_entropy::negative_log;
use crate::kit::ops::dropout::{Mask, dropout};
use crate::kit::ops::lstm::{Direction, State};
use crate::kit::ops::softmax::softmax;
use crate::kit::params::{Init, Params, Pass};

/// Begins and ends every output.
pub const END: u32 = 0;

/// Sizes of a translator.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sizes {
    /// Entries of the vocabulary, which commands and actions share.
    pub vocabulary: usize,
    /// Numbers that stand for a word.
    pub embedding: usize,
    /// Cells of each LSTM.
    pub hidden: usize,
    /// Chance that dropout drops a number.
    pub dropout: f32,
    /// Whether words of the command may be copied.
    pub copy: bool,
}

/// A translator.
///
/// # Source
/// The model of GECA (Andreas 2020): states of both directions are added up to start the writer, what was read is
/// projected to its width, and a gate chooses between writing and copying.
#[derive(Debug, Clone, Copy)]
pub struct Translator {
    words: Embedding,
    reader: BiLstm,
    memory: Linear,
    writer: Lstm,
    query: Linear,
    mixed: Linear,
    out: Linear,
    gate: Option<Linear>,
    sizes: Sizes,
}

/// What a writer reads from: rows of the command, and where sequences end.
struct Memory<D: Backend, T> {
    /// `[M, H]`.
    rows: Matrix<D, T>,
    packed: Packed,
    /// Which word each row stands for, `[M, V]`; for copying.
    ids: Vec<u32>,
}

/// What the writer attends to, and the state that it starts from.
type Read<D, T> = (Memory<D, T>, State<D, T>);

impl Translator {
    /// A translator.
    ///
    /// # Errors
    /// [`StageError::Tensor`] when the device refuses.
    pub fn new<D: Backend>(params: &mut Params<D>, sizes: Sizes) -> Result<Self, StageError> {
        let Sizes { vocabulary, embedding, hidden, .. } = sizes;
        let mut root = params.root();
        let mut linear = |name: &str, inputs: usize, outputs: usize| {
            Linear::new(root.at(name), inputs, outputs, Init::fan_in(inputs))
        };
        let memory = linear("memory", 2 * hidden, hidden)?;
        let query = linear("query", hidden, hidden)?;
        let mixed = linear("mixed", 2 * hidden, hidden)?;
        let out = linear("out", hidden, vocabulary)?;
        let gate = if sizes.copy { Some(linear("gate", hidden, 2)?) } else { None };
        let words = Embedding::new(root.at("words"), vocabulary, embedding, Init::Normal { std: 0.1 })?;
        let reader = BiLstm::new(root.at("reader"), embedding, hidden)?;
        let writer = Lstm::new(root.at("writer"), embedding, hidden)?;
        Ok(Self { words, reader, memory, writer, query, mixed, out, gate, sizes })
    }

    /// Reads commands: what the writer attends to, and the state that it starts from.
    fn read<D: Backend, T: Tape<f32, D>>(
        &self,
        pass: &Pass<'_, D>,
        commands: &[&[u32]],
    ) -> Result<Read<D, T>, StageError> {
        let ids = commands.concat();
        let packed = Packed::new(commands.iter().map(|command| command.len()));
        let x = self.words.forward::<D, T>(pass, &ids)?; // [M, E]
        let x = dropout(x, Mask::new(self.sizes.dropout, pass.stream()))?;
        let read = self.reader.forward(pass, x, &packed)?;
        let rows = self.memory.forward(pass, read.rows, Act::Identity)?; // [M, H]
        let hidden = add(read.forward.hidden, read.backward.hidden, Act::Identity)?; // [S, H]
        let cell = add(read.forward.cell, read.backward.cell, Act::Identity)?;
        Ok((Memory { rows, packed, ids }, State { hidden, cell }))
    }

    /// How likely each word is to be written next, at every row of the writer.
    ///
    /// # Shapes
    /// `rows: [N, H]` → `[N, V]`.
    fn next<D: Backend, T: Tape<f32, D>>(
        &self,
        pass: &Pass<'_, D>,
        rows: Matrix<D, T>,
        packed: &Packed,
        memory: Memory<D, T>,
    ) -> Result<Matrix<D, T>, StageError> {
        let n = rows.shape().0;
        let again = rows.with_empty_tape();
        let values = memory.rows.with_empty_tape();
        let query = self.query.forward(pass, rows, Act::Identity)?; // [N, H]
        let weights = attention_weights(query, packed, memory.rows, &memory.packed, 1.0)?; // [N, T]
        let copied = weights.with_empty_tape();
        let context = mix(weights, packed, values, &memory.packed)?; // [N, H]
        let both = concat_columns(vec![context, again])?; // [N, 2·H]
        let features = self.mixed.forward(pass, both, Act::Tanh)?;
        let features = dropout(features, Mask::new(self.sizes.dropout, pass.stream()))?;
        let Some(gate) = &self.gate else {
            return softmax(self.out.forward(pass, features, Act::Identity)?);
        };
        let gates = softmax(gate.forward(pass, features.with_empty_tape(), Act::Identity)?)?; // [N, 2]
        let written = softmax(self.out.forward(pass, features, Act::Identity)?)?; // [N, V]
        let vocabulary = self.sizes.vocabulary;
        let mut one_hot = vec![0.0; memory.ids.len() * vocabulary];
        for (row, id) in one_hot.chunks_exact_mut(vocabulary).zip(&memory.ids) {
            row[*id as usize] = 1.0;
        }
        let words = pass.device().tensor_of(one_hot, (memory.ids.len(), vocabulary))?;
        let copied = mix(copied, packed, words.retaped::<T>(), &memory.packed)?; // [N, V]
        let all: Vec<u32> = (0..n as u32).collect();
        combine(vec![written, copied], &[all.clone(), all], gates)
    }

    /// Mean loss of the actions and of the end after them, each word read as it should have been written.
    ///
    /// # Errors
    /// [`StageError::Tensor`] when the device refuses.
    pub fn loss<D: Backend>(
        &self,
        pass: &Pass<'_, D>,
        commands: &[&[u32]],
        actions: &[&[u32]],
    ) -> Result<Scalar<D, Taped<D>>, StageError> {
        let (memory, start) = self.read::<D, Taped<D>>(pass, commands)?;
        let before: Vec<u32> =
            actions.iter().flat_map(|a| std::iter::once(&END).chain(*a)).copied().collect();
        let after: Vec<u32> = actions.iter().flat_map(|a| a.iter().chain([&END])).copied().collect();
        let packed = Packed::new(actions.iter().map(|a| a.len() + 1));
        let x = self.words.forward::<D, Taped<D>>(pass, &before)?; // [N, E]
        let x = dropout(x, Mask::new(self.sizes.dropout, pass.stream()))?;
        let rows = self.writer.forward(pass, x, &packed, Some(start), Direction::Forward)?.into_rows();
        negative_log(self.next(pass, rows, &packed, memory)?, &after)
    }

    /// The words written for each command, always the likeliest next one, the first of equals; at most `most`.
    ///
    /// # Errors
    /// [`StageError::Tensor`] when the device refuses.
    pub fn write<D: Backend>(
        &self,
        params: &Params<D>,
        commands: &[&[u32]],
        most: usize,
    ) -> Result<Vec<Vec<u32>>, StageError> {
        let pass = Pass::eval(params);
        let (memory, mut state) = self.read::<D, NoneTape>(&pass, commands)?;
        let count = commands.len();
        let one = Packed::new(vec![1; count]);
        let mut written: Vec<Vec<u32>> = vec![Vec::new(); count];
        let mut last = vec![END; count];
        let mut open = vec![true; count];
        for _ in 0..most {
            let x = self.words.forward::<D, NoneTape>(&pass, &last)?;
            let (rows, next) =
                self.writer.forward(&pass, x, &one, Some(state), Direction::Forward)?.into_parts();
            state = next;
            let memory =
                Memory { rows: memory.rows.clone(), packed: memory.packed.clone(), ids: memory.ids.clone() };
            let p = self.next(&pass, rows, &one, memory)?;
            for (s, row) in D::view(&p).chunks_exact(self.sizes.vocabulary).enumerate() {
                let best = (1..row.len()).fold(0, |best, k| if row[k] > row[best] { k } else { best });
                last[s] = best as u32;
                open[s] &= last[s] != END;
                if open[s] {
                    written[s].push(last[s]);
                }
            }
            if !open.iter().any(|open| *open) {
                break;
            }
        }
        Ok(written)
    }
}

#[cfg(test)]
mod tests;
