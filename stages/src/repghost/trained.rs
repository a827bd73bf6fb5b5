//! A trained net as an artifact.

use runpipe_base::{Kind, Output, StageError, View};
use serde::{Deserialize, Serialize};

use super::design::{self, Design};
use super::fuse::fuse;
use super::module::Form;
use super::net::Net;
use crate::data::augment::Scale;
use crate::data::json;
use crate::kit::backend::Backend;
use crate::kit::params::{self, Arrays, Params};

/// The kind of a trained net.
pub const KIND: &str = "weights/ghost";
const ABOUT: &str = "net.json";
const WEIGHTS: &str = "model.safetensors";

/// What must be known of weights.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct About {
    form: String,
    scale: Scale,
}

/// A trained net's files.
#[derive(Debug, Clone, PartialEq)]
pub struct Saved {
    /// Its layers.
    pub design: Design,
    /// How much of it is folded.
    pub form: Form,
    /// How pictures are normed.
    pub scale: Scale,
    /// Its numbers by name.
    pub arrays: Arrays,
}

const FORMS: [(Form, &str); 3] =
    [(Form::Trained, "trained"), (Form::Deployed, "deployed"), (Form::Folded, "folded")];

impl Saved {
    /// Reads an artifact of kind `weights/ghost`.
    ///
    /// # Errors
    /// [`StageError::Input`] when a file is missing or does not fit the others.
    pub fn read(view: &View<'_>) -> Result<Self, StageError> {
        let design = Design::read(view)?;
        let About { form, scale } = json::read(view, ABOUT)?;
        let known = FORMS.iter().find(|(_, word)| *word == form);
        let (form, _) =
            known.ok_or_else(|| StageError::Input(format!("`{ABOUT}`: expected a form, found `{form}`")))?;
        if [scale.mean.len(), scale.std.len()] != [design.picture[0]; 2] {
            return Err(StageError::Input(format!("`{ABOUT}`: expected a scale for each channel")));
        }
        Ok(Self { design, form: *form, scale, arrays: params::load(&view.bytes(WEIGHTS)?)? })
    }

    /// The files of an artifact of kind `weights/ghost`.
    ///
    /// # Errors
    /// [`StageError::Other`] when a format refuses.
    pub fn write(&self) -> Result<Output, StageError> {
        let (_, form) = FORMS[self.form as usize];
        let about = About { form: form.to_owned(), scale: self.scale.clone() };
        let arrays = self
            .arrays
            .iter()
            .map(|(name, (sizes, numbers))| (name.as_str(), sizes.clone(), numbers.clone()));
        Ok(Output::new(Kind::of(KIND))
            .file(design::FILE, json::text(&self.design)?)
            .file(ABOUT, json::text(&about)?)
            .file(WEIGHTS, params::save(arrays)?))
    }

    /// The net, to be run.
    ///
    /// # Errors
    /// [`StageError::Input`] when the numbers are not those of the design in this form.
    pub fn net<D: Backend>(&self, device: &D) -> Result<(Params<D>, Net), StageError> {
        let mut params = Params::new(device, 0);
        let net = Net::new(&mut params, &self.design, self.form)?;
        let arrays = self
            .arrays
            .iter()
            .map(|(name, (sizes, numbers))| (name.as_str(), sizes.clone(), numbers.clone()));
        params.load(&params::save(arrays)?)?;
        Ok((params, net))
    }

    /// The same net in a form, if it is not folded further already.
    ///
    /// # Errors
    /// As [`fuse`].
    pub fn fused(self, form: Form) -> Result<Self, StageError> {
        let form = form.max(self.form);
        Ok(Self { form, arrays: fuse(&self.design, self.arrays, form)?, ..self })
    }

    /// How many numbers are trained: all but the statistics of norms.
    pub fn params(&self) -> usize {
        let trained = self.arrays.iter().filter(|(name, _)| !name.contains(".running_"));
        trained.map(|(_, (_, numbers))| numbers.len()).sum()
    }
}
