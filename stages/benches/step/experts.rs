//! A language model whose second and fourth layer have eight experts, of which each token asks the one that scores
//! highest.

use dfdx::prelude::{Cpu, WithEmptyTape};
use runpipe_stages::kit::backend::{Backend, Matrix, Result, Scalar, Taped};
use runpipe_stages::kit::nn::experts::Experts;
use runpipe_stages::kit::nn::linear::{Embedding, Linear};
use runpipe_stages::kit::nn::norm::LayerNorm;
use runpipe_stages::kit::ops::act::Act;
use runpipe_stages::kit::ops::add::add;
use runpipe_stages::kit::ops::attention::{Packed, causal_attention};
use runpipe_stages::kit::ops::cross_entropy::cross_entropy;
use runpipe_stages::kit::ops::dropout::{Mask, dropout};
use runpipe_stages::kit::ops::linear::linear;
use runpipe_stages::kit::ops::softmax::softmax;
use runpipe_stages::kit::optim::OptimizerConfig;
use runpipe_stages::kit::params::{Init, Pass, Scope};

use crate::{Step, train};

const LAYERS: usize = 4;
const EXPERTS: usize = 8;
const WIDTH: usize = 128;
const HEADS: usize = 4;
const INNER: usize = 512;
const VOCABULARY: usize = 1000;
const SEQUENCES: usize = 16;
const TOKENS: usize = 64;
const DROPOUT: f32 = 0.1;

type Rows = Matrix<Cpu, Taped<Cpu>>;

enum Feed {
    Dense(Linear, Linear),
    Sparse(Linear, Experts),
}

struct Layer {
    before: LayerNorm,
    qkv: Linear,
    out: Linear,
    between: LayerNorm,
    feed: Feed,
}

struct Model {
    word: Embedding,
    position: Embedding,
    layers: Vec<Layer>,
    norm: LayerNorm,
}

const INIT: Init = Init::Normal { std: 0.02 };

impl Layer {
    fn new(mut at: Scope<'_, Cpu>, sparse: bool) -> Result<Self> {
        let feed = if sparse {
            let gate = Linear::new(at.at("gate"), WIDTH, EXPERTS, Init::fan_in(WIDTH))?;
            Feed::Sparse(gate, Experts::new(at.at("expert"), EXPERTS, WIDTH, INNER, INIT, Act::Gelu)?)
        } else {
            let up = Linear::new(at.at("up"), WIDTH, INNER, INIT)?;
            Feed::Dense(up, Linear::new(at.at("down"), INNER, WIDTH, INIT)?)
        };
        Ok(Self {
            before: LayerNorm::new(at.at("before"), WIDTH, 1e-5)?,
            qkv: Linear::new(at.at("qkv"), WIDTH, 3 * WIDTH, INIT)?,
            out: Linear::new(at.at("out"), WIDTH, WIDTH, INIT)?,
            between: LayerNorm::new(at.at("between"), WIDTH, 1e-5)?,
            feed,
        })
    }

    fn forward(&self, pass: &Pass<'_, Cpu>, x: Rows, packed: &Packed) -> Result<Rows> {
        let residual = x.with_empty_tape();
        let qkv = self.qkv.forward(pass, self.before.forward(pass, x)?, Act::Identity)?;
        let mixed = causal_attention(qkv, packed, HEADS, Mask::new(DROPOUT, pass.stream()))?;
        let mixed =
            dropout(self.out.forward(pass, mixed, Act::Identity)?, Mask::new(DROPOUT, pass.stream()))?;
        let x = add(mixed, residual, Act::Identity)?;
        let residual = x.with_empty_tape();
        let x = self.between.forward(pass, x)?;
        let y = match &self.feed {
            Feed::Dense(up, down) => {
                let inner = up.forward(pass, x, Act::Gelu)?;
                down.forward(pass, inner, Act::Identity)?
            }
            Feed::Sparse(gate, experts) => {
                let gates = softmax(gate.forward(pass, x.with_empty_tape(), Act::Identity)?)?;
                let sent = best(&Cpu::view(&gates));
                experts.forward(pass, x, &sent, gates)?
            }
        };
        add(dropout(y, Mask::new(DROPOUT, pass.stream()))?, residual, Act::Identity)
    }
}

/// The rows whose largest weight is that of each expert.
fn best(gates: &[f32]) -> Vec<Vec<u32>> {
    let mut sent = vec![Vec::new(); EXPERTS];
    for (row, gates) in gates.chunks_exact(EXPERTS).enumerate() {
        let best = (1..EXPERTS).fold(0, |best, e| if gates[e] > gates[best] { e } else { best });
        sent[best].push(row as u32);
    }
    sent
}

impl Model {
    fn new(mut at: Scope<'_, Cpu>) -> Result<Self> {
        let layers = (0..LAYERS).map(|i| Layer::new(at.at(i), i % 2 == 1)).collect::<Result<_>>()?;
        Ok(Self {
            word: Embedding::new(at.at("word"), VOCABULARY, WIDTH, INIT)?,
            position: Embedding::new(at.at("position"), TOKENS, WIDTH, INIT)?,
            layers,
            norm: LayerNorm::new(at.at("norm"), WIDTH, 1e-5)?,
        })
    }

    fn loss(
        &self,
        pass: &Pass<'_, Cpu>,
        packed: &Packed,
        ids: &[u32],
        next: &[u32],
    ) -> Result<Scalar<Cpu, Taped<Cpu>>> {
        let position = self.position.forward(pass, &packed.positions())?;
        let x = add(self.word.forward(pass, ids)?, position, Act::Identity)?;
        let x = dropout(x, Mask::new(DROPOUT, pass.stream()))?;
        let x = self.layers.iter().try_fold(x, |x, layer| layer.forward(pass, x, packed))?;
        let x = self.norm.forward(pass, x)?;
        cross_entropy(linear(x, pass.get(self.word.weight), None, Act::Identity)?, next, 0.0)
    }
}

pub(crate) fn language_model() -> (Step, f64) {
    let packed = Packed::new([TOKENS; SEQUENCES]);
    let n = packed.rows();
    let ids: Vec<u32> = (0..n).map(|i| (i * 7919 % VOCABULARY) as u32).collect();
    let next: Vec<u32> = (0..n).map(|i| ((i + 1) * 7919 % VOCABULARY) as u32).collect();
    let layer = 8 * WIDTH * WIDTH + 4 * WIDTH * INNER + 4 * TOKENS * WIDTH;
    let work = 3 * n * (LAYERS * layer + 2 * WIDTH * VOCABULARY);
    let step = train(OptimizerConfig::adam_w(0.01).clip(1.0), Model::new, move |model, pass| {
        model.loss(pass, &packed, &ids, &next)
    });
    (step, work as f64 / 1e6)
}
