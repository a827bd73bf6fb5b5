//! A trained language model: artifacts of kind `weights/language-model`.

use runpipe_base::{Kind, Output, StageError, View};
use serde::{Deserialize, Serialize};

use super::cooling::Moment;
use super::model::{Decoder, Sizes};
use super::route::Routing;
use crate::kit::backend::Backend;
use crate::kit::params::Params;

/// The kind of a trained language model.
pub const KIND: &str = "weights/language-model";
const FILE: &str = "model.json";
const WEIGHTS: &str = "model.safetensors";
const CURVE: &str = "curve.csv";

/// What a model is but its weights.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct About {
    /// Its sizes.
    pub sizes: Sizes,
    /// How it routes.
    pub routing: Routing,
    /// Sequences of a batch that it was trained with.
    pub batch: usize,
    /// Updates of its gate: what its temperature and its phase follow from.
    pub clock: u64,
    /// Updates in all, those before its experts were spawned among them.
    pub updates: u64,
    /// Operations of its training.
    pub work: u64,
    /// Operations of its training in layers with experts.
    pub expert_work: u64,
}

impl About {
    /// The temperature and phase of its last update.
    pub fn moment(&self) -> Moment {
        self.routing.cooling.at(self.clock.saturating_sub(1))
    }
}

/// A point of a training curve.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Point {
    /// Updates done.
    pub update: u64,
    /// Operations of training so far.
    pub work: u64,
    /// Cross-entropy of text to judge by, each token asking its best expert, in nats.
    pub loss: f64,
    /// The same, routed as in training but without noise.
    pub as_trained: f64,
    /// Experts that a token asked in the last update, on average over layers.
    pub asked: f64,
    /// The temperature of the last update.
    pub temperature: f64,
}

/// What an artifact of kind `weights/language-model` holds but numbers.
#[derive(Debug, Clone, PartialEq)]
pub struct Trained {
    /// What it is.
    pub about: About,
    /// How it came about.
    pub curve: Vec<Point>,
}

impl Trained {
    /// Reads all but the weights.
    ///
    /// # Errors
    /// [`StageError::Input`] when a file is missing or broken.
    pub fn read(view: &View<'_>) -> Result<Self, StageError> {
        let wrong = |file: &str, e: String| StageError::Input(format!("`{file}`: {e}"));
        let about: About = serde_json::from_str(&view.text(FILE)?).map_err(|e| wrong(FILE, e.to_string()))?;
        about.sizes.check()?;
        if about.sizes.experts > 0 {
            about.routing.check(about.sizes.experts)?;
        }
        let text = view.text(CURVE)?;
        let points = csv::Reader::from_reader(text.as_bytes()).into_deserialize().collect::<Result<_, _>>();
        Ok(Self { about, curve: points.map_err(|e| wrong(CURVE, e.to_string()))? })
    }

    /// The model with its weights.
    ///
    /// # Errors
    /// [`StageError::Input`] when the weights are not those of its sizes.
    pub fn load<D: Backend>(&self, view: &View<'_>, device: &D) -> Result<(Params<D>, Decoder), StageError> {
        let mut params = Params::new(device, 0);
        let decoder = Decoder::new(params.root(), &self.about.sizes)?;
        params.load(&view.bytes(WEIGHTS)?)?;
        Ok((params, decoder))
    }

    /// The file of its weights.
    ///
    /// # Errors
    /// [`StageError::Input`] when it is missing.
    pub fn weights(view: &View<'_>) -> Result<Vec<u8>, StageError> {
        Ok(view.bytes(WEIGHTS)?.to_vec())
    }

    /// An artifact of kind `weights/language-model`.
    ///
    /// # Errors
    /// [`StageError::Other`] when a format refuses.
    pub fn write(&self, weights: Vec<u8>) -> Result<Output, StageError> {
        let other = |e: String| StageError::Other(e);
        let json = serde_json::to_string_pretty(&self.about).map_err(|e| other(e.to_string()))?;
        let mut csv = csv::Writer::from_writer(Vec::new());
        self.curve.iter().try_for_each(|point| csv.serialize(point)).map_err(|e| other(e.to_string()))?;
        let curve = csv.into_inner().map_err(|e| other(e.to_string()))?;
        let output = Output::new(Kind::of(KIND)).file(FILE, json + "\n").file(WEIGHTS, weights);
        Ok(output.file(CURVE, curve))
    }
}
