//! The language model: a causal transformer with norms before its blocks, experts in place of some feed-forward blocks.

use dfdx::prelude::{Tape, WithEmptyTape};
use runpipe_base::StageError;
use serde::{Deserialize, Serialize};

use super::cooling::Moment;
use super::route::{Look, Route, Routing, Weights};
use crate::kit::backend::{Backend, Matrix, Result, Scalar};
use crate::kit::nn::experts::Experts;
use crate::kit::nn::linear::{Embedding, Linear};
use crate::kit::nn::norm::LayerNorm;
use crate::kit::ops::act::Act;
use crate::kit::ops::add::add;
use crate::kit::ops::attention::{Packed, causal_attention};
use crate::kit::ops::dropout::{Mask, dropout};
use crate::kit::ops::inner::inner;
use crate::kit::ops::linear::linear;
use crate::kit::ops::softmax::softmax;
use crate::kit::ops::temper::temper;
use crate::kit::params::{Init, Param, Pass, Role, Scope};

/// Sizes of a language model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Sizes {
    /// Entries of the vocabulary.
    pub vocabulary: usize,
    /// Tokens of the longest sequence.
    pub positions: usize,
    /// Layers.
    pub layers: usize,
    /// Numbers that stand for a token.
    pub width: usize,
    /// Attention heads a layer.
    pub heads: usize,
    /// Width inside a feed-forward block, or inside an expert.
    pub inner: usize,
    /// Experts of a layer that has any; 0: no layer has.
    pub experts: usize,
    /// One layer in so many has experts, the last of each run.
    pub every: usize,
    /// Chance that dropout drops a number, in training only.
    pub dropout: f32,
}

impl Sizes {
    /// Whether layer `i`, from 0, has experts.
    pub fn is_sparse(&self, i: usize) -> bool {
        self.experts > 0 && (i + 1).is_multiple_of(self.every)
    }

    /// How many layers have experts.
    pub fn sparse(&self) -> usize {
        (0..self.layers).filter(|i| self.is_sparse(*i)).count()
    }

    /// Checks the numbers against each other.
    ///
    /// # Errors
    /// [`StageError::Input`] when they do not fit.
    pub fn check(&self) -> Result<()> {
        let Self { width, heads, experts, every, layers, .. } = self;
        if !width.is_multiple_of(*heads) {
            return Err(StageError::Input(format!("`width` {width} is no multiple of `heads` {heads}")));
        }
        if *experts > 0 && self.sparse() == 0 {
            let message = format!("every {every}th layer is to have experts, but there are {layers} layers");
            return Err(StageError::Input(message));
        }
        Ok(())
    }
}

/// Standard deviation from which tables of vectors start, as GPT's.
const TABLE: Init = Init::Normal { std: 0.02 };
const EPSILON: f32 = 1e-5;

/// The language model.
#[derive(Debug, Clone)]
pub struct Decoder {
    word: Embedding,
    position: Embedding,
    layers: Vec<Layer>,
    norm: LayerNorm,
    sizes: Sizes,
}

#[derive(Debug, Clone)]
struct Layer {
    before: LayerNorm,
    qkv: Linear,
    out: Linear,
    between: LayerNorm,
    feed: Feed,
}

#[derive(Debug, Clone)]
enum Feed {
    One(Linear, Linear),
    Many(Param<(usize, usize)>, Experts),
}

/// How tokens are routed in a pass.
#[derive(Debug, Clone, Copy)]
pub struct Router<'a> {
    /// The way.
    pub routing: &'a Routing,
    /// The update that it is at.
    pub moment: Moment,
    /// What the pass is for.
    pub look: Look,
}

/// What the gate of a layer did.
#[derive(Debug, Clone, PartialEq)]
pub struct Load {
    /// The rows of each expert.
    pub sent: Vec<Vec<u32>>,
    /// softmax(z), outside training.
    pub p: Vec<f32>,
}

impl Load {
    /// Pairs of a token and an expert that it asks.
    pub fn pairs(&self) -> usize {
        self.sent.iter().map(Vec::len).sum()
    }
}

/// What a pass makes.
pub struct Passed<D: Backend, T: Tape<f32, D>> {
    /// Logits of the next token, `[N, V]`.
    pub logits: Matrix<D, T>,
    /// The balance losses of all layers, with their factor.
    pub balance: Option<Scalar<D, T>>,
    /// Each layer with experts.
    pub loads: Vec<Load>,
}

/// What is gathered on the way through the layers.
struct Gathered<D: Backend, T: Tape<f32, D>> {
    balance: Option<Scalar<D, T>>,
    loads: Vec<Load>,
}

impl Decoder {
    /// A model whose parameters are `word.weight`, `layer.0.attention.qkv.weight`, `layer.1.gate.weight`,
    /// `layer.1.expert.0.up.weight` and so on below the scope.
    ///
    /// # Errors
    /// [`StageError::Input`] when sizes do not fit, `StageError::Tensor` when the device refuses.
    pub fn new<D: Backend>(mut at: Scope<'_, D>, sizes: &Sizes) -> Result<Self> {
        sizes.check()?;
        let word = Embedding::new(at.at("word"), sizes.vocabulary, sizes.width, TABLE)?;
        let position = Embedding::new(at.at("position"), sizes.positions, sizes.width, TABLE)?;
        let mut all = at.at("layer");
        let layers = (0..sizes.layers).map(|i| Layer::new(all.at(i), sizes, sizes.is_sparse(i)));
        let layers = layers.collect::<Result<_>>()?;
        let norm = LayerNorm::new(at.at("norm"), sizes.width, EPSILON)?;
        Ok(Self { word, position, layers, norm, sizes: sizes.clone() })
    }

    /// The sizes.
    pub fn sizes(&self) -> &Sizes {
        &self.sizes
    }

    /// Logits of the token after each.
    ///
    /// # Shapes
    /// N ids, sequences of N rows together → `[N, V]`.
    ///
    /// # Errors
    /// `StageError::Tensor` when the device refuses.
    ///
    /// # Panics
    /// When an id is outside the vocabulary or a sequence longer than there are positions.
    pub fn forward<D: Backend, T: Tape<f32, D>>(
        &self,
        pass: &Pass<'_, D>,
        ids: &[u32],
        packed: &Packed,
        router: Router<'_>,
    ) -> Result<Passed<D, T>> {
        let position = self.position.forward::<D, T>(pass, &packed.positions())?;
        let x = add(self.word.forward(pass, ids)?, position, Act::Identity)?;
        let mut x = dropout(x, Mask::new(self.sizes.dropout, pass.stream()))?;
        let mut gathered = Gathered { balance: None, loads: Vec::new() };
        for layer in &self.layers {
            x = layer.mix(pass, x, packed, &self.sizes)?;
            x = layer.feed(pass, x, ids, router, &self.sizes, &mut gathered)?;
        }
        let x = self.norm.forward(pass, x)?;
        let logits = linear(x, pass.get(self.word.weight), None, Act::Identity)?;
        Ok(Passed { logits, balance: gathered.balance, loads: gathered.loads })
    }
}

impl Layer {
    fn new<D: Backend>(mut at: Scope<'_, D>, sizes: &Sizes, sparse: bool) -> Result<Self> {
        let Sizes { width, inner, experts, .. } = *sizes;
        let before = LayerNorm::new(at.at("attention.norm"), width, EPSILON)?;
        let qkv = Linear::new(at.at("attention.qkv"), width, 3 * width, Init::fan_in(width))?;
        let out = Linear::new(at.at("attention.out"), width, width, Init::fan_in(width))?;
        let between = LayerNorm::new(at.at("norm"), width, EPSILON)?;
        let feed = if sparse {
            let gate = at.at("gate").param("weight", (experts, width), Init::fan_in(width), Role::Weight)?;
            Feed::Many(
                gate,
                Experts::new(at.at("expert"), experts, width, inner, Init::fan_in(width), Act::Gelu)?,
            )
        } else {
            let up = Linear::new(at.at("up"), width, inner, Init::fan_in(width))?;
            Feed::One(up, Linear::new(at.at("down"), inner, width, Init::fan_in(width))?)
        };
        Ok(Self { before, qkv, out, between, feed })
    }

    /// x + attention(norm(x)).
    fn mix<D: Backend, T: Tape<f32, D>>(
        &self,
        pass: &Pass<'_, D>,
        x: Matrix<D, T>,
        packed: &Packed,
        sizes: &Sizes,
    ) -> Result<Matrix<D, T>> {
        let residual = x.with_empty_tape();
        let qkv = self.qkv.forward(pass, self.before.forward(pass, x)?, Act::Identity)?; // [N, 3·W]
        let mask = || Mask::new(sizes.dropout, pass.stream());
        let mixed = causal_attention(qkv, packed, sizes.heads, mask())?; // [N, W]
        let mixed = self.out.forward(pass, mixed, Act::Identity)?;
        add(dropout(mixed, mask())?, residual, Act::Identity)
    }

    /// x + feed-forward(norm(x)), or x + Σ g·expert(norm(x)).
    fn feed<D: Backend, T: Tape<f32, D>>(
        &self,
        pass: &Pass<'_, D>,
        x: Matrix<D, T>,
        ids: &[u32],
        router: Router<'_>,
        sizes: &Sizes,
        gathered: &mut Gathered<D, T>,
    ) -> Result<Matrix<D, T>> {
        let residual = x.with_empty_tape();
        let x = self.between.forward(pass, x)?;
        let y = match &self.feed {
            Feed::One(up, down) => {
                let inner = up.forward(pass, x, Act::Gelu)?;
                down.forward(pass, inner, Act::Identity)?
            }
            Feed::Many(gate, experts) => {
                let z = linear(x.with_empty_tape(), pass.get(*gate), None, Act::Identity)?; // [N, E]
                let (gates, load) = gates(pass, z, ids, router, sizes.experts, &mut gathered.balance)?;
                let y = experts.forward(pass, x, &load.sent, gates)?;
                gathered.loads.push(load);
                y
            }
        };
        add(dropout(y, Mask::new(sizes.dropout, pass.stream()))?, residual, Act::Identity)
    }
}

/// What experts' outputs are weighted by, `[N, E]`, and where rows go.
fn gates<D: Backend, T: Tape<f32, D>>(
    pass: &Pass<'_, D>,
    z: Matrix<D, T>,
    ids: &[u32],
    router: Router<'_>,
    experts: usize,
    losses: &mut Option<Scalar<D, T>>,
) -> Result<(Matrix<D, T>, Load)> {
    let Router { routing, moment, look } = router;
    let stream = pass.stream();
    let Route { sent, weights, balance } = routing.route(&D::view(&z), ids, experts, moment, look, stream);
    let rows = ids.len();
    let p =
        if look == Look::Train { Vec::new() } else { super::gate::tempered(&D::view(&z), &[], 1.0, experts) };
    let plain = z.with_empty_tape();
    let gates = match weights {
        Weights::Clean => softmax(z)?,
        Weights::Tempered(shift, factor) => softmax(temper(z, &shift, factor)?)?,
        Weights::One => pass.device().tensor_of(vec![1.0; rows * experts], (rows, experts))?.retaped(),
    };
    if let Some(balance) = balance {
        let of = if balance.clean { softmax(plain)? } else { gates.with_empty_tape() };
        let loss = inner(of, &balance.slopes)?;
        *losses = Some(match losses.take() {
            None => loss,
            Some(before) => add(before, loss, Act::Identity)?,
        });
    }
    Ok((gates, Load { sent, p }))
}

#[cfg(test)]
mod tests;
