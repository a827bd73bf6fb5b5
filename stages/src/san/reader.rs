//! How a question becomes a vector.

use dfdx::prelude::{HasShape, PutTape, Tape};
use runpipe_base::{StageError, choice};
use serde::{Deserialize, Serialize};

use super::attention::Variant;
use crate::kit::backend::{Backend, Matrix, Result};
use crate::kit::nn::linear::Embedding;
use crate::kit::nn::recurrent::Lstm;
use crate::kit::nn::text_conv::TextConv;
use crate::kit::ops::act::Act;
use crate::kit::ops::attention::Packed;

use crate::kit::ops::lstm::Direction;
use crate::kit::ops::rows::{concat_rows, rows};
use crate::kit::params::{Init, Pass, Scope};

choice! {
    /// Which net reads questions.
    #[derive(Serialize, Deserialize)]
    #[serde(rename_all = "lowercase")]
    pub enum Encoder {
        /// Filters over one, two and three words, the largest value of each over time.
        Cnn = "cnn",
        /// A long short-term memory.
        Lstm = "lstm",
    }
}

/// Words of several questions, one question after the other.
#[derive(Debug, Clone)]
pub struct Questions {
    /// Ids of the words; 0 is any that is not known.
    pub words: Vec<u32>,
    /// Their lengths.
    pub packed: Packed,
}

/// A reader of questions: `word.weight` below the scope, and `window.…` or `lstm.…`.
#[derive(Debug, Clone)]
pub struct Reader {
    word: Embedding,
    net: Net,
    variant: Variant,
}

#[derive(Debug, Clone)]
enum Net {
    Cnn(TextConv),
    Lstm(Lstm),
}

/// The longest window of a CNN.
const WINDOW: usize = 3;

/// How many filters see one, two and three words: a fifth, and the rest halved, as the paper's 128, 256 and 256 of 640.
///
/// # Errors
/// [`StageError::Input`] when there are too few for all.
pub fn filters(width: usize) -> Result<[usize; WINDOW]> {
    let one = (width + 2) / 5;
    let two = (width - one) / 2;
    if one == 0 || two == 0 {
        return Err(StageError::Input(format!(
            "expected 3 numbers or more for a CNN's vector, found {width}"
        )));
    }
    Ok([one, two, width - one - two])
}

impl Reader {
    /// A reader of `words` words, the unknown one counted, each of `embedding` numbers, into vectors of `width`.
    ///
    /// # Errors
    /// [`StageError::Input`] when a vector is too short; `StageError::Tensor` when the device refuses.
    pub fn new<D: Backend>(
        mut at: Scope<'_, D>,
        (encoder, variant): (Encoder, Variant),
        words: usize,
        embedding: usize,
        width: usize,
    ) -> Result<Self> {
        let word = Embedding::new(at.at("word"), words, embedding, Init::Normal { std: 1.0 })?;
        let net = match encoder {
            Encoder::Cnn => {
                let [one, two, three] = filters(width)?;
                Net::Cnn(TextConv::new(at, embedding, &[(1, one), (2, two), (3, three)], Act::Tanh)?)
            }
            Encoder::Lstm => Net::Lstm(Lstm::new(at.at("lstm"), embedding, width)?),
        };
        Ok(Self { word, net, variant })
    }

    /// v_Q of each question.
    ///
    /// # Shapes
    /// N words of B questions → `[B, d]`.
    ///
    /// # Errors
    /// `StageError::Tensor` when the device refuses.
    pub fn forward<D: Backend, T: Tape<f32, D>>(
        &self,
        pass: &Pass<'_, D>,
        questions: &Questions,
    ) -> Result<Matrix<D, T>> {
        let Questions { words, packed } = questions;
        match &self.net {
            Net::Cnn(conv) if self.variant == Variant::Released => {
                let (x, padded) = self.padded(pass, questions)?;
                conv.forward(pass, x, &padded)
            }
            Net::Cnn(conv) => conv.forward(pass, self.word.forward(pass, words)?, packed),
            Net::Lstm(lstm) => {
                // The released code feeds words from the last to the first, and shows cells without a tanh.
                let x = self.word.forward(pass, words)?;
                let read = if self.variant == Variant::Paper {
                    lstm.forward(pass, x, packed, None, Direction::Forward)?
                } else {
                    lstm.forward_bare(pass, x, packed, Direction::Backward)?
                };
                Ok(read.into_last().hidden)
            }
        }
    }

    /// Words with zeros behind them up to the longest question, as the released code has them: windows there take part in the
    /// maximum, so that a question's vector depends on its neighbours.
    fn padded<D: Backend, T: Tape<f32, D>>(
        &self,
        pass: &Pass<'_, D>,
        Questions { words, packed }: &Questions,
    ) -> Result<(Matrix<D, T>, Packed)> {
        let table = pass.get(self.word.weight).retaped::<T>();
        let width = table.shape().1;
        let zeros: Matrix<D> = pass.device().tensor_of(vec![0.0; width], (1, width))?;
        let longest = packed.longest().max(WINDOW);
        let ids = (0..packed.count()).flat_map(|s| {
            let own = words[packed.span(s)].iter().map(|word| word + 1);
            own.chain(std::iter::repeat(0)).take(longest)
        });
        let table = concat_rows(vec![zeros.put_tape(T::default()), table])?;
        Ok((rows(table, &ids.collect::<Vec<_>>())?, Packed::new((0..packed.count()).map(|_| longest))))
    }
}

#[cfg(test)]
mod tests;
