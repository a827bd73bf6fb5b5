//! SAN with two attention layers over 14×14 regions, questions read by a text convolution.

use dfdx::prelude::{Cpu, ReshapeTo, WithEmptyTape};
use runpipe_stages::kit::backend::{Backend, Matrix, Result, Scalar, Taped};
use runpipe_stages::kit::nn::linear::{Embedding, Linear};
use runpipe_stages::kit::nn::text_conv::TextConv;
use runpipe_stages::kit::ops::act::Act;
use runpipe_stages::kit::ops::add::add;
use runpipe_stages::kit::ops::add_each::add_each;
use runpipe_stages::kit::ops::attention::Packed;
use runpipe_stages::kit::ops::cross_attention::mix;
use runpipe_stages::kit::ops::cross_entropy::cross_entropy;
use runpipe_stages::kit::ops::dropout::{Mask, dropout};
use runpipe_stages::kit::ops::softmax::softmax;
use runpipe_stages::kit::optim::OptimizerConfig;
use runpipe_stages::kit::params::{Init, Pass, Scope};

use crate::{Step, train};

const BATCH: usize = 16;
const REGIONS: usize = 196;
const FEATURES: usize = 512;
const WORDS: usize = 1000;
const EMBEDDING: usize = 500;
const WIDTH: usize = 640;
const HIDDEN: usize = 512;
const ANSWERS: usize = 430;

struct Layer {
    image: Linear,
    query: Linear,
    score: Linear,
}

struct San {
    word: Embedding,
    question: TextConv,
    image: Linear,
    layers: [Layer; 2],
    head: Linear,
}

impl San {
    fn new(mut at: Scope<'_, Cpu>) -> Result<Self> {
        let mut linear =
            |name: &str, inputs, outputs| Linear::new(at.at(name), inputs, outputs, Init::fan_in(inputs));
        let mut layer = |i: usize| -> Result<Layer> {
            Ok(Layer {
                image: linear(&format!("{i}.image"), WIDTH, HIDDEN)?,
                query: linear(&format!("{i}.query"), WIDTH, HIDDEN)?,
                score: linear(&format!("{i}.score"), HIDDEN, 1)?,
            })
        };
        let layers = [layer(0)?, layer(1)?];
        let (image, head) = (linear("image", FEATURES, WIDTH)?, linear("head", WIDTH, ANSWERS)?);
        let windows = [(1, 128), (2, 256), (3, 256)];
        Ok(Self {
            word: Embedding::new(at.at("word"), WORDS, EMBEDDING, Init::Normal { std: 0.01 })?,
            question: TextConv::new(at.at("question"), EMBEDDING, &windows, Act::Tanh)?,
            image,
            layers,
            head,
        })
    }

    fn loss(
        &self,
        pass: &Pass<'_, Cpu>,
        features: &Matrix<Cpu>,
        (questions, words): (&Packed, &[u32]),
        labels: &[u32],
    ) -> Result<Scalar<Cpu, Taped<Cpu>>> {
        let regions = Packed::new([REGIONS; BATCH]);
        let each = Packed::new([1; BATCH]);
        let mut u = self.question.forward(pass, self.word.forward(pass, words)?, questions)?; // [B, d]
        let v = self.image.of(pass, features, Act::Tanh)?; // [B·m, d]
        let mut v = Some(v);
        for (i, layer) in self.layers.iter().enumerate() {
            // The tape goes on with the last layer's use.
            let again = v.as_ref().expect("it is taken by the last layer").with_empty_tape();
            let here = if i == 1 { v.take().expect("taken once") } else { again.with_empty_tape() };
            let query = layer.query.forward(pass, u.with_empty_tape(), Act::Identity)?;
            let hidden =
                add_each(layer.image.forward(pass, here, Act::Identity)?, &regions, query, Act::Tanh)?;
            let scores = layer.score.forward(pass, hidden, Act::Identity)?; // [B·m, 1]
            let p = softmax(scores.reshape_like(&(BATCH, REGIONS)))?;
            u = add(mix(p, &each, again, &regions)?, u, Act::Identity)?;
        }
        let u = dropout(u, Mask::new(0.5, pass.stream()))?;
        cross_entropy(self.head.forward(pass, u, Act::Identity)?, labels, 0.0)
    }
}

pub(crate) fn san() -> (Step, f64) {
    let questions = Packed::new((0..BATCH).map(|i| 6 + i * 5 % 7));
    let words: Vec<u32> = (0..questions.rows()).map(|i| (i * 37 % WORDS) as u32).collect();
    let labels: Vec<u32> = (0..BATCH).map(|i| (i * 29 % ANSWERS) as u32).collect();
    let n = BATCH * REGIONS;
    let features = (0..n * FEATURES).map(|i| (i * 7919 % 1000) as f32 / 1000.0).collect();
    let features = Cpu::default().tensor_of(features, (n, FEATURES)).expect("memory");
    // The features are given: no gradient goes back to them.
    let work = 2 * (2 * n * FEATURES * WIDTH + 3 * 2 * n * WIDTH * HIDDEN);
    let step = train(OptimizerConfig::sgd(0.9, false, 0.0).clip(1.0), San::new, move |model, pass| {
        model.loss(pass, &features, (&questions, &words), &labels)
    });
    (step, work as f64 / 1e6)
}
