//! `dtsgate.train`: a language model, whose feed-forward blocks may be experts.

mod objective;

use runpipe_base::{Ctx, Inputs, Output, Port, Spec, Stage, StageError, View, params};

use self::objective::Objective;
use super::PAPER;
use super::cooling::{Cooling, Course};
use super::model::{Decoder, Sizes};
use super::route::{Arm, Routing, Runner, Weighing, table};
use super::tokens::{self, Sequences, Tokens};
use super::trained::{self, About, Trained};
use crate::code;
use crate::kit::backend::{Backend, on_device};
use crate::kit::fit::{Fit, fit};
use crate::kit::optim::{Betas, Optimizer, OptimizerConfig, Rule};
use crate::kit::params::Params;
use crate::kit::rng::Stream;
use crate::kit::schedule::Schedule;

params! {
    /// Parameters of [`Train`].
    pub struct TrainParams {
        /// How tokens are sent to experts.
        arm: Arm = Arm::Dts;
        /// Experts of a layer that has any.
        experts: usize = 8, in 1..=1024;
        /// One layer in so many has experts, the last of each run. Source: the authors' code has 2.
        every: usize = 2, in 1..=96;
        /// Layers.
        layers: usize = 4, in 1..=96;
        /// Numbers that stand for a token.
        width: usize = 64, in 4..=8192;
        /// Attention heads a layer; `width` is a multiple of it.
        heads: usize = 4, in 1..=128;
        /// Width inside a feed-forward block, or inside an expert.
        inner: usize = 128, in 1..=65_536;
        /// Chance that dropout drops a number, in training only.
        dropout: f32 = 0.0, in 0.0..1.0;
        /// What experts' outputs are weighted by, of `dts`: `clean` is the paper's variant S, `tempered` its variant G.
        weighing: Weighing = Weighing::Clean;
        /// Whether scores get Gumbel noise in training, of `dts`.
        noise: bool = true;
        /// Experts whose tempered weight is no greater are not asked, of `dts`; below one over `experts`.
        threshold: f32 = 0.001, in 0.0..1.0;
        /// Temperature of the first update, of `dts`.
        hot: f64 = 2.0, in 0.001..=1000.0;
        /// Temperature that it falls to, of `dts`. Source: the authors end at 0.5; a small model needs less to become sparse.
        cold: f64 = 0.3, in 0.001..=1000.0;
        /// How it falls, of `dts`.
        course: Course = Course::Linear;
        /// Share of the updates over which it falls, of `dts`.
        cool: f64 = 0.5, in 0.0..=1.0;
        /// Share of the updates after which a token asks one expert, of `dts`; none: never. The authors let it be no
        /// less than `cool`.
        harden: Option<f64> = Some(0.6), in 0.0..=1.0;
        /// An expert takes so many times its even share of a batch's choices, the earliest, of `switch` and `top2`; none: all.
        capacity: Option<f64> = None, in 0.01..=1024.0;
        /// What the balance loss is multiplied with, of `switch`, `top2` and `dts`.
        balance: f64 = 0.0, in 0.0..=100.0;
        /// How the second expert is chosen in training, of `top2`.
        second: Runner = Runner::Sampling;
        /// Whether experts get equally many tokens, of `hash`; else the expert of each token is drawn.
        even: bool = false;
        /// Tokens of a sequence of running text; sentences have their own length.
        length: usize = 64, in 2..=8192, unit "tokens";
        /// Updates.
        steps: u64 = 400, in 1.., unit "updates";
        /// Updates of the course that these are the first of: the learning rate falls over all of them; none: these alone.
        of: Option<u64> = None, in 1.., unit "updates";
        /// Sequences of an update.
        batch: usize = 24, in 1..=65_536, unit "sequences";
        /// Parts that an update is computed in, one after the other, where its activations would not fit into memory.
        /// Capacity and balance are those of a part.
        parts: u64 = 1, in 1..=4096;
        /// Peak learning rate of AdamW with betas 0.9 and 0.98 and gradients clipped at 1.
        lr: f64 = 2e-3, in 0.0..=1.0;
        /// Updates in which it rises; then it falls along half a cosine to a twentieth.
        warmup: u64 = 50, unit "updates";
        /// Weight decay.
        decay: f32 = 0.01, in 0.0..=1.0;
        /// How often the text at `valid` is judged.
        evaluations: u64 = 16, in 1..=10_000;
        /// Tokens of that text, at most, spread evenly over it.
        probe: usize = 10_000, in 1.., unit "tokens";
        /// Random streams are derived from it: weights, order, noise, dropout.
        seed: u64 = 0;
    }
}

/// `dtsgate.train`: trains a language model.
pub struct Train;

impl Stage for Train {
    type Params = TrainParams;

    fn spec(&self) -> Spec {
        Spec::new(
            "dtsgate.train",
            code::DTSGATE,
            trained::KIND,
            "Trains a language model, some of whose feed-forward blocks are experts that tokens are sent to.",
        )
        .input(Port::one("train", tokens::KIND, "text to train on"))
        .input(Port::one("valid", tokens::KIND, "text by which the way of training is told; none is chosen"))
        .input(Port::optional(
            "start",
            trained::KIND,
            "a model that learns on, with its sizes in place of those told; updates and operations count on",
        ))
        .tensors()
        .metric("loss", "cross-entropy at `valid`, each token asking its best expert, in nats a token")
        .metric("perplexity", "e to the loss")
        .metric("as_trained", "the same loss, routed as in training but without noise")
        .metric("work", "operations of training, in units of 10⁹")
        .metric("expert_work", "those of layers with experts")
        .metric("asked", "experts that a token asked, on average over layers and updates")
        .metric("first_asked", "the same in the first update")
        .metric("hard_asked", "the most in any update after the gate became hard (1 without such)")
        .metric("rise", "the most that it rose from one point of the curve to the next")
        .metric("weights", "numbers that are trained")
        .metric("active", "of these, numbers that a token which asks one expert a layer uses")
        .series("train_loss", "loss in training, mean of 20 updates, balance loss included, in nats")
        .series("valid_loss", "cross-entropy at `valid`, each token asking its best expert, in nats")
        .series("valid_as_trained", "the same, routed as in training but without noise")
        .series("asked_curve", "experts that a token asks, on average over layers")
        .series("temperature", "temperature of the gate")
        .series("work_curve", "operations of training so far, in units of 10⁹")
        .paper(&PAPER)
    }

    fn run(&self, p: &TrainParams, inputs: &Inputs<'_>, cx: &mut Ctx<'_>) -> Result<Output, StageError> {
        let train = Tokens::read(&inputs.one("train")?)?;
        let valid = Tokens::read(&inputs.one("valid")?)?;
        if train.vocabulary != valid.vocabulary || train.sentence != valid.sentence {
            return Err(StageError::Input("`train` and `valid` are not parts of one corpus".into()));
        }
        let texts = [train.sequences(p.length)?, valid.sequences(p.length)?];
        let start = inputs.optional("start").map(|view| Start::read(&view, p)).transpose()?;
        let mut sizes = sizes(p, &train, texts[0].length);
        if let Some(start) = &start {
            let old = &start.trained.about.sizes;
            if (old.vocabulary, old.positions) != (sizes.vocabulary, sizes.positions) {
                let message =
                    "the model at `start` was made for another vocabulary or another length of sequences";
                return Err(StageError::Input(message.into()));
            }
            sizes = Sizes { dropout: p.dropout, ..old.clone() };
        }
        let routing = routing(p, &train, sizes.experts);
        if sizes.experts > 0 {
            routing.check(sizes.experts)?;
        }
        on_device!(cx, |device| teach(&device, p, &sizes, &routing, texts, start.as_ref(), cx))
    }
}

/// A model that learns on.
struct Start {
    trained: Trained,
    weights: Vec<u8>,
}

impl Start {
    fn read(view: &View<'_>, p: &TrainParams) -> Result<Self, StageError> {
        let start = Self { trained: Trained::read(view)?, weights: Trained::weights(view)? };
        let refuse = |message: &str| Err(StageError::Input(message.to_owned()));
        match (start.trained.about.sizes.experts, p.arm) {
            (0, Arm::Ffn) => Ok(start),
            (0, _) => {
                refuse("the model at `start` has no experts to send tokens to: `dtsgate.spawn` makes some")
            }
            (_, Arm::Ffn) => refuse("the model at `start` has experts, which `arm = \"ffn\"` does not ask"),
            _ => Ok(start),
        }
    }
}

fn sizes(p: &TrainParams, train: &Tokens, length: usize) -> Sizes {
    Sizes {
        vocabulary: train.vocabulary.len(),
        positions: length,
        layers: p.layers,
        width: p.width,
        heads: p.heads,
        inner: p.inner,
        experts: if p.arm == Arm::Ffn { 0 } else { p.experts },
        every: p.every,
        dropout: p.dropout,
    }
}

fn routing(p: &TrainParams, train: &Tokens, experts: usize) -> Routing {
    let update = |share: f64| (share * p.steps as f64).round() as u64;
    let cooling = Cooling {
        course: p.course,
        hot: p.hot,
        cold: p.cold,
        until: update(p.cool).max(1),
        hard: p.harden.map(update),
    };
    let draw = || table(&train.counts(), experts, p.even, Stream::new(p.seed, "dtsgate.hash"));
    Routing {
        arm: p.arm,
        weighing: p.weighing,
        noise: p.noise,
        threshold: p.threshold,
        cooling,
        capacity: p.capacity,
        balance: p.balance,
        second: p.second,
        table: if p.arm == Arm::Hash { draw() } else { Vec::new() },
    }
}

fn teach<D: Backend>(
    device: &D,
    p: &TrainParams,
    sizes: &Sizes,
    routing: &Routing,
    texts: [Sequences<'_>; 2],
    start: Option<&Start>,
    cx: &mut Ctx<'_>,
) -> Result<Output, StageError> {
    let mut params = Params::new(device, p.seed);
    let decoder = Decoder::new(params.root(), sizes)?;
    if let Some(start) = start {
        params.load(&start.weights)?;
    }
    cx.metric("weights", params.count() as f64);
    let expert: usize = 2 * sizes.width * sizes.inner + sizes.width + sizes.inner;
    let idle = sizes.sparse() * sizes.experts.saturating_sub(1) * expert;
    cx.metric("active", (params.count() - idle) as f64);
    let rule = Rule::AdamW(Betas { first: 0.9, second: 0.98, epsilon: 1e-8 });
    let mut optimizer = Optimizer::new(OptimizerConfig { rule, decay: p.decay, clip: Some(1.0) });
    let plan = Fit {
        steps: p.of.map_or(p.steps, |of| of.max(p.steps)),
        rate: p.lr,
        schedule: Schedule::Cosine { warmup: p.warmup, floor: 0.05 },
        seed: p.seed,
        curve: "train_loss",
        report_every: 20,
        checkpoint_every: Some(100),
    };
    let before = start.map(|start| &start.trained.about);
    let mut task = Objective::new(p, &decoder, routing, texts, before);
    fit(cx, &plan, &mut params, &mut optimizer, &mut task)?;
    let told = task.told();
    told.report(cx);
    let about = About {
        sizes: sizes.clone(),
        routing: routing.clone(),
        batch: p.batch.div_ceil(p.parts as usize),
        clock: p.steps,
        updates: before.map_or(0, |about| about.updates) + p.steps,
        work: told.work,
        expert_work: told.expert_work,
    };
    let curve = start.map_or(Vec::new(), |start| start.trained.curve.clone());
    Trained { about, curve: [curve, told.curve].concat() }.write(params.save()?)
}

#[cfg(test)]
mod tests;
