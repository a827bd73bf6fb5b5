//! RepGhostNet and GhostNet.

use dfdx::prelude::{Tape, WithEmptyTape};

use super::design::{Block, Branch, Design, Family};
use super::module::{Cheap, Form, Layout, Module, Unit};
use crate::kit::backend::{Backend, Images, Matrix, Result};
use crate::kit::nn::batch_norm::BatchNorm2d;
use crate::kit::nn::linear::Linear;
use crate::kit::nn::squeeze::SqueezeExcite;
use crate::kit::ops::act::Act;
use crate::kit::ops::add::add;
use crate::kit::ops::dropout::{Mask, dropout};
use crate::kit::ops::pool::global_average;
use crate::kit::params::{Init, Params, Pass, Scope};

/// What a block adds to what it makes.
#[derive(Debug, Clone, Copy)]
enum Shortcut {
    /// Nothing.
    None,
    /// Its input.
    Identity,
    /// Its input, brought to another shape: a filter for each channel, then single pixels.
    Shaped(Unit, Unit),
}

/// A block: a module, a strided filter if it is to be smaller, squeeze-and-excite if it has any, a module, and a shortcut.
///
/// # Source
/// RepGhost, figure 4 and the authors' code: no activation behind the strided filter nor behind the sum.
#[derive(Debug, Clone, Copy)]
struct Bottleneck {
    first: Module,
    strided: Option<Unit>,
    squeeze: Option<SqueezeExcite>,
    second: Module,
    shortcut: Shortcut,
}

/// The words of a design, read.
#[derive(Clone, Copy)]
struct Plan {
    family: Family,
    branch: Branch,
    shortcut: bool,
    form: Form,
}

impl Plan {
    fn module<D: Backend>(self, at: Scope<'_, D>, channels: (usize, usize)) -> Result<Module> {
        match self.family {
            Family::RepGhost => Module::repghost(at, channels, self.branch, self.form),
            Family::Ghost => Module::ghost(at, channels, self.form),
        }
    }

    fn unit<D: Backend>(self, at: Scope<'_, D>, layout: Layout) -> Result<Unit> {
        Unit::new(at, layout, self.form == Form::Folded)
    }

    fn block<D: Backend>(self, mut at: Scope<'_, D>, inputs: usize, block: &Block) -> Result<Bottleneck> {
        let Block { kernel, stride, middle, outputs, reduced } = *block;
        let first = self.module(at.at("first"), (inputs, middle))?;
        let strided = (stride > 1)
            .then(|| self.unit(at.at("strided"), Layout::depthwise(middle, kernel, stride)))
            .transpose()?;
        let squeeze = (reduced > 0)
            .then(|| SqueezeExcite::new(at.at("squeeze"), middle, reduced, Act::HardSigmoid))
            .transpose()?;
        let second = self.module(at.at("second"), (middle, outputs))?;
        let shortcut = if inputs != outputs || stride > 1 {
            let filter = self.unit(at.at("shortcut.0"), Layout::depthwise(inputs, kernel, stride))?;
            Shortcut::Shaped(filter, self.unit(at.at("shortcut.1"), Layout::pointwise(inputs, outputs))?)
        } else if self.shortcut {
            Shortcut::Identity
        } else {
            Shortcut::None
        };
        Ok(Bottleneck { first, strided, squeeze, second, shortcut })
    }
}

impl Bottleneck {
    fn forward<D: Backend, T: Tape<f32, D>>(
        &self,
        pass: &Pass<'_, D>,
        x: Images<D, T>,
    ) -> Result<Images<D, T>> {
        let shortcut = match &self.shortcut {
            Shortcut::None => None,
            Shortcut::Identity => Some(x.with_empty_tape()),
            Shortcut::Shaped(filter, mix) => {
                let x = filter.forward(pass, x.with_empty_tape(), Act::Identity)?;
                Some(mix.forward(pass, x, Act::Identity)?)
            }
        };
        let mut x = self.first.forward(pass, x, Act::Relu)?;
        if let Some(strided) = &self.strided {
            x = strided.forward(pass, x, Act::Identity)?;
        }
        if let Some(squeeze) = &self.squeeze {
            x = squeeze.forward(pass, x)?;
        }
        let y = self.second.forward(pass, x, Act::Identity)?;
        match shortcut {
            None => Ok(y),
            Some(shortcut) => add(y, shortcut, Act::Identity),
        }
    }
}

/// A net that names the class of a picture.
#[derive(Debug, Clone)]
pub struct Net {
    stem: Unit,
    blocks: Vec<Bottleneck>,
    last: Unit,
    wide: Option<Linear>,
    head: Linear,
    /// Chance that dropout drops a feature before the classes.
    pub dropout: f32,
}

impl Net {
    /// A net in a form; its weights start as PyTorch's do.
    ///
    /// # Errors
    /// `StageError::Input` when the design's words are none; `StageError::Tensor` when the device refuses.
    pub fn new<D: Backend>(params: &mut Params<D>, design: &Design, form: Form) -> Result<Self> {
        let (family, branch) = (design.family()?, design.branch()?);
        let plan = Plan { family, branch, shortcut: design.shortcut, form };
        let mut at = params.root();
        let stem = Layout::full(design.picture[0], design.stem, 3, design.stem_stride);
        let stem = plan.unit(at.at("stem"), stem)?;
        let (mut inputs, mut blocks) = (design.stem, Vec::with_capacity(design.blocks.len()));
        for (i, block) in design.blocks.iter().enumerate() {
            blocks.push(plan.block(at.at(format!("blocks.{i}")), inputs, block)?);
            inputs = block.outputs;
        }
        let last = plan.unit(at.at("last"), Layout::pointwise(inputs, design.last))?;
        let mut features = design.last;
        let mut wide = None;
        if design.wide > 0 {
            wide = Some(Linear::new(at.at("wide"), features, design.wide, Init::fan_in(features))?);
            features = design.wide;
        }
        let head = Linear::new(at.at("head"), features, design.classes.len(), Init::fan_in(features))?;
        Ok(Self { stem, blocks, last, wide, head, dropout: 0.0 })
    }

    /// Scores of the classes.
    ///
    /// # Shapes
    /// `[B, C, H, W]` → `[B, K]`.
    ///
    /// # Errors
    /// `StageError::Tensor` when the device refuses.
    pub fn forward<D: Backend, T: Tape<f32, D>>(
        &self,
        pass: &Pass<'_, D>,
        x: &Images<D>,
    ) -> Result<Matrix<D, T>> {
        let x = self.stem.of_data(pass, x, Act::Relu)?;
        let x = self.blocks.iter().try_fold(x, |x, block| block.forward(pass, x))?;
        let mut x = global_average(self.last.forward(pass, x, Act::Relu)?)?; // [B, last]
        if let Some(wide) = &self.wide {
            x = wide.forward(pass, x, Act::Relu)?;
        }
        let x = dropout(x, Mask::new(self.dropout, pass.stream()))?;
        self.head.forward(pass, x, Act::Identity)
    }

    /// All norms.
    pub fn norms(&mut self) -> Vec<&mut BatchNorm2d> {
        let mut norms = Vec::new();
        unit(&mut self.stem, &mut norms);
        for block in &mut self.blocks {
            module(&mut block.first, &mut norms);
            block.strided.iter_mut().for_each(|filter| unit(filter, &mut norms));
            module(&mut block.second, &mut norms);
            if let Shortcut::Shaped(filter, mix) = &mut block.shortcut {
                unit(filter, &mut norms);
                unit(mix, &mut norms);
            }
        }
        unit(&mut self.last, &mut norms);
        norms
    }
}

fn unit<'a>(unit: &'a mut Unit, norms: &mut Vec<&'a mut BatchNorm2d>) {
    if let Unit::Normed(unit) = unit {
        norms.push(&mut unit.norm);
    }
}

fn module<'a>(module: &'a mut Module, norms: &mut Vec<&'a mut BatchNorm2d>) {
    match module {
        Module::Ghost { primary, cheap } => {
            unit(primary, norms);
            unit(cheap, norms);
        }
        Module::RepGhost { primary, cheap } => {
            unit(primary, norms);
            if let Cheap::Branched { conv, fusion, .. } = cheap {
                norms.push(&mut conv.norm);
                norms.extend(fusion);
            }
        }
    }
}

#[cfg(test)]
mod tests;
