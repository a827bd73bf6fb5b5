//! `san.train`: trains a stacked attention network.

use runpipe_base::{
    Ctx, Inputs, Kind, Output, ParamSpec, Params as ParamsOf, Port, Record, Spec, Stage, StageError, View,
    choice, params,
};
use serde::{Deserialize, Serialize};

use super::PAPER;
use super::evaluate::found;
use super::model::{Batch, Net, San, fits};
use super::people;
use super::questions::{self, Look, Question, Set, json};
use super::source::{Batches, Source};
use super::start::{self, Start};
use super::words::Names;
use crate::code;
use crate::kit::backend::{Backend, Result, Scalar, Taped, on_device};
use crate::kit::best::Best;
use crate::kit::fit::{Fit, Next, Task, fit};
use crate::kit::ops::cross_entropy::cross_entropy;
use crate::kit::optim::{Optimizer, OptimizerConfig};
use crate::kit::params::{Params, Pass};
use crate::kit::rng::Stream;
use crate::kit::schedule::Schedule;
use crate::kit::tally::Tally;

/// The kind of a trained net.
pub const KIND: &str = "weights/san";
const NET: &str = "san.json";
const WORDS: &str = "words.txt";
const ANSWERS: &str = "answers.txt";
const WEIGHTS: &str = "model.safetensors";

choice! {
    /// How gradients move weights.
    pub enum Rule {
        /// Adam.
        Adam = "adam",
        /// SGD with momentum 0.9, the paper's.
        Sgd = "sgd",
    }
}

choice! {
    /// The course of the learning rate.
    pub enum Course {
        /// Down to 0 in a line.
        Linear = "linear",
        /// The same always, as in the released code.
        Constant = "constant",
    }
}

params! {
    /// How a net is trained.
    pub struct Recipe {
        /// Steps.
        steps: u64 = 2000, in 1.., unit "steps";
        /// Passes over the questions, in place of steps; not of a world, whose questions are endless.
        epochs: Option<u64> = None, in 1.., unit "epochs";
        /// Questions of a batch. Source: the paper's.
        batch: usize = 100, in 1..=65_536, unit "questions";
        /// How gradients move weights.
        rule: Rule = Rule::Adam;
        /// Peak learning rate; 0.1 (CNN) and 0.05 (LSTM) in the released code's SGD.
        lr: f64 = 3e-3, in 0.0..=100.0;
        /// Its course.
        course: Course = Course::Linear;
        /// Norm down to which the gradient of each parameter alone is scaled, its decay in it; 0.1 in the released code.
        clip: Option<f32> = None, in 0.0..=1e6;
        /// Learning rate of words as a multiple of the others'; 80 in the released code.
        word_rate: f32 = 1.0, in 0.0..=1e6;
        /// How weights start.
        start: Start = Start::Layers;
        /// Weight decay, of all weights but biases and norms; with SGD, as in the released code, of biases too and not of words.
        decay: f32 = 0.0, in 0.0..=1.0;
        /// Questions of a picture come in one batch, so that the picture is seen once for all of them.
        together: bool = false;
        /// Answers that the net may give, the most frequent ones of training. The paper has 1000 for VQA, all for the others.
        answers: usize = 1000, in 1..=1_000_000;
        /// An answer of several things counts as one more thing; otherwise its question is not learnt from.
        several: bool = false;
        /// Words that stand fewer times in training are unknown ones.
        rare: usize = 1, in 1..=1_000_000;
        /// Steps from one look at `dev` to the next; the weights that answered most of it are kept.
        every: u64 = 200, in 1.., unit "steps";
        /// Start, order of questions, dropout and drawn answers come from it.
        seed: u64 = 0;
    }
}

/// Parameters of [`Train`].
#[derive(Debug, Clone, PartialEq)]
pub struct TrainParams {
    /// How the net is made.
    pub net: Net,
    /// How it is trained.
    pub recipe: Recipe,
}

impl ParamsOf for TrainParams {
    fn schema() -> Vec<ParamSpec> {
        [Net::schema(), Recipe::schema()].concat()
    }

    fn from_filled(record: &Record) -> Option<Self> {
        Some(Self { net: Net::from_filled(record)?, recipe: Recipe::from_filled(record)? })
    }
}

/// A trained net.
pub struct Trained<D: Backend> {
    /// What it takes of a picture.
    pub look: Look,
    /// Its words.
    pub words: Names,
    /// Its answers.
    pub answers: Names,
    /// Its numbers.
    pub params: Params<D>,
    /// Its layers.
    pub san: San,
}

#[derive(Serialize, Deserialize)]
struct Stored {
    net: Net,
    look: Look,
}

impl<D: Backend> Trained<D> {
    /// Reads an artifact of kind `weights/san`.
    ///
    /// # Errors
    /// [`StageError::Input`] when a file is missing or does not fit the others.
    pub fn read(view: &View<'_>, device: &D) -> Result<Self> {
        let Stored { net, look } =
            serde_json::from_str(&view.text(NET)?).map_err(|e| StageError::Input(format!("`{NET}`: {e}")))?;
        let [words, answers] = [Names::parse(&view.text(WORDS)?), Names::parse(&view.text(ANSWERS)?)];
        let mut params = Params::new(device, 0);
        let san = San::new(&mut params, &net, look, (words.len(), answers.len()))?;
        params.load(&view.bytes(WEIGHTS)?)?;
        Ok(Self { look, words, answers, params, san })
    }
}

/// `san.train`: trains a stacked attention network.
pub struct Train;

impl Stage for Train {
    type Params = TrainParams;

    fn spec(&self) -> Spec {
        Spec::new(
            "san.train",
            code::SAN,
            KIND,
            "Trains a stacked attention network to answer questions about pictures.",
        )
        .input(Port::one("train", questions::KIND, "questions to learn from"))
        .input(Port::optional("dev", questions::KIND, "questions to choose the best weights by"))
        .tensors()
        .metric("steps", "steps of training")
        .metric("loss", "cross-entropy, mean of the last 50 steps, in nats")
        .metric("accuracy", "questions of the last 50 steps answered rightly, in percent")
        .metric(
            "dev_accuracy",
            "questions of `dev` with one answer answered rightly by the weights kept, in percent",
        )
        .metric("dev_step", "steps after which those weights were seen")
        .metric("params", "numbers that are trained")
        .metric("words", "words that the net knows")
        .metric("answers", "answers that it may give")
        .series("loss_curve", "cross-entropy, mean of 50 steps, in nats")
        .series("accuracy_curve", "questions answered rightly in training, mean of 50 steps, in percent")
        .series("dev_curve", "questions of `dev` answered rightly, in percent")
        .paper(&PAPER)
    }

    fn run(&self, p: &TrainParams, inputs: &Inputs<'_>, cx: &mut Ctx<'_>) -> Result<Output> {
        let source = Source::read(&inputs.one("train")?)?;
        let dev = inputs.optional("dev").map(|view| Set::read(&view)).transpose()?;
        if let Some(dev) = &dev {
            fits(source.look(), dev.scenes.look())?;
        }
        on_device!(cx, |device| train(&device, p, &source, dev.as_ref(), cx))
    }
}

impl Recipe {
    fn optimizer(&self) -> Optimizer {
        let optimizer = match self.rule {
            Rule::Adam => Optimizer::new(OptimizerConfig { decay: self.decay, ..OptimizerConfig::adam() })
                .group(WORD, self.word_rate, None),
            Rule::Sgd => Optimizer::new(OptimizerConfig::sgd(0.9, false, self.decay))
                .group("", 1.0, Some(self.decay))
                .group(WORD, self.word_rate, Some(0.0)),
        };
        match self.clip {
            Some(norm) => optimizer.clip_each(norm),
            None => optimizer,
        }
    }
}

/// How the names of words' vectors begin.
const WORD: &str = "question.word.";
/// Questions of a world that its words and answers are counted over.
const COUNTED: u64 = 5000;
/// Steps whose mean is a point of a curve.
const POINT: u64 = 50;

/// What may be learnt from a question: ids of the answers that people gave, or of the one there is.
fn labels(question: &Question, answers: &Names, several: bool) -> Vec<u32> {
    if question.people.is_empty() {
        let wanted = several || question.single();
        return answers.id(&question.answer).filter(|_| wanted).into_iter().collect();
    }
    question.people.iter().filter_map(|given| answers.id(&people::answer(given))).collect()
}

/// The words and the answers of questions.
fn names(questions: &[Question], recipe: &Recipe) -> (Names, Names) {
    let words = questions.iter().flat_map(Question::words);
    let answers = questions.iter().filter(|q| recipe.several || q.single()).map(|q| q.answer.as_str());
    (Names::frequent(words, recipe.rare, usize::MAX), Names::frequent(answers, 1, recipe.answers))
}

fn train<D: Backend>(
    device: &D,
    p: &TrainParams,
    source: &Source,
    dev: Option<&Set>,
    cx: &mut Ctx<'_>,
) -> Result<Output> {
    let recipe = &p.recipe;
    let (words, answers) = match source {
        Source::Held(set) => names(&set.questions, recipe),
        Source::Drawn(world) => names(&world.draw(0..COUNTED).questions, recipe),
    };
    if answers.is_empty() {
        return Err(StageError::Input("expected questions with an answer, found none".into()));
    }
    let look = source.look();
    let mut params = Params::new(device, recipe.seed);
    let san = San::new(&mut params, &p.net, look, (words.len(), answers.len()))?;
    if recipe.start == Start::Small {
        start::small(&mut params, recipe.seed)?;
    }
    let order = Stream::new(recipe.seed, "order");
    let batches = Batches::new(source, recipe.batch, recipe.together, order, |question| {
        !labels(question, &answers, recipe.several).is_empty()
    })?;
    let steps = match (recipe.epochs, batches.per_epoch()) {
        (None, _) => recipe.steps,
        (Some(epochs), Some(per_epoch)) => epochs * per_epoch,
        (Some(_), None) => {
            return Err(StageError::Input(
                "expected `steps` and not `epochs`: questions of a world are endless".into(),
            ));
        }
    };
    cx.metric("params", params.count() as f64);
    cx.metric("words", words.len() as f64);
    cx.metric("answers", answers.len() as f64);
    let (fitted, task) = {
        let mut optimizer = recipe.optimizer();
        let names = (&words, &answers);
        let mut task = Learn {
            san: &san,
            names,
            recipe,
            batches,
            dev,
            steps,
            tally: Tally::default(),
            best: Best::new(None),
        };
        let plan = Fit {
            steps,
            rate: recipe.lr,
            schedule: match recipe.course {
                Course::Linear => Schedule::Linear { warmup: 0 },
                Course::Constant => Schedule::Constant,
            },
            seed: recipe.seed,
            curve: "loss_curve",
            report_every: POINT,
            checkpoint_every: Some(500),
        };
        (fit(cx, &plan, &mut params, &mut optimizer, &mut task)?, task)
    };
    task.best.restore(&mut params)?;
    if let Some((score, step)) = task.best.score() {
        cx.metric("dev_accuracy", score);
        cx.metric("dev_step", step as f64);
    }
    cx.metric("steps", fitted.steps as f64);
    cx.metric("loss", fitted.loss);
    cx.metric("accuracy", task.tally.percent());
    Ok(Output::new(Kind::of(KIND))
        .file(NET, json(&Stored { net: p.net.clone(), look })? + "\n")
        .file(WORDS, words.text())
        .file(ANSWERS, answers.text())
        .file(WEIGHTS, params.save()?))
}

/// What is trained: the answer of questions.
struct Learn<'a> {
    san: &'a San,
    /// Words and answers.
    names: (&'a Names, &'a Names),
    recipe: &'a Recipe,
    batches: Batches<'a>,
    dev: Option<&'a Set>,
    steps: u64,
    tally: Tally,
    best: Best,
}

impl<D: Backend> Task<D> for Learn<'_> {
    fn loss(&mut self, pass: &Pass<'_, D>, step: u64) -> Result<Scalar<D, Taped<D>>> {
        let asked = self.batches.of(step);
        // Of several answers one is learnt, each as likely as people gave it.
        let stream = Stream::new(self.recipe.seed, "answers").child(step);
        let drawn = asked.questions.iter().enumerate().map(|(i, question)| {
            let labels = labels(question, self.names.1, self.recipe.several);
            labels[stream.child(i as u64).below(labels.len())]
        });
        let labels: Vec<u32> = drawn.collect();
        let logits = self.san.forward(pass, &Batch::new(asked, self.names.0), None)?;
        self.tally.see(&D::view(&logits), &labels);
        cross_entropy(logits, &labels, 0.0)
    }

    fn after(&mut self, params: &mut Params<D>, step: u64, cx: &mut Ctx<'_>) -> Result<Next> {
        if step.is_multiple_of(POINT) || step == self.steps {
            self.tally.point(cx, "accuracy_curve", step);
        }
        if let Some(dev) = self.dev
            && (step.is_multiple_of(self.recipe.every) || step == self.steps)
        {
            let found = found(params, self.san, self.names.0, dev, None)?;
            let single = || dev.questions.iter().zip(&found).filter(|(q, _)| q.single());
            let right = single().filter(|(q, id)| self.names.1.name(**id) == q.answer).count();
            let percent = 100.0 * right as f64 / single().count().max(1) as f64;
            cx.point("dev_curve", step, percent);
            return self.best.see(params, step, percent);
        }
        Ok(Next::Go)
    }

    fn state(&self) -> Vec<u8> {
        [&self.tally.state()[..], &self.best.state()].concat()
    }

    fn restore(&mut self, state: &[u8]) -> Result<()> {
        let broken = || StageError::Input("the checkpoint is damaged".into());
        let (tally, best) = state.split_at_checked(24).ok_or_else(broken)?;
        self.tally = Tally::resumed(tally)?;
        self.best.resume(best)
    }
}

#[cfg(test)]
mod tests;
