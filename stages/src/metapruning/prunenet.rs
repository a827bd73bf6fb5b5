//! PruningNet: a net of any widths, whose weights are generated.

use dfdx::prelude::Tape;
use runpipe_base::choice;

use super::forward::{Chosen, Layers};
use super::generate::Generator;
use super::grid;
use super::net::{Conv, Net};
use crate::kit::backend::{Backend, Images, Result, Vector};
use crate::kit::nn::linear::Linear;
use crate::kit::params::{Init, Param, Params, Pass, Role, Scope};

/// Where the weights of a net of any widths come from.
#[derive(Debug, Clone, Copy)]
enum Source {
    /// They are generated from the widths: the paper's way.
    Generated(Generator),
    /// They are the first part of one large weight: the way that it is compared with.
    Shared(Param<(usize, usize, usize, usize)>),
}

/// Gain and shift of a norm.
type Affine = (Param<(usize,)>, Param<(usize,)>);

/// A net of any widths.
#[derive(Debug, Clone)]
pub struct PruningNet {
    sources: Vec<Source>,
    /// For each convolution, a gain and a shift for each place in the grid; empty: no norm has any.
    banks: Vec<Vec<Affine>>,
    /// Ones and zeros, where no norm has a gain and a shift.
    plain: Affine,
    classifier: Linear,
}

choice! {
    /// How large weights that are shared start.
    #[derive(Default)]
    pub enum Start {
        /// As PyTorch's convolutions: uniform within 1 / √fan-in.
        #[default]
        Uniform = "uniform",
        /// As the convolutions of a net that is trained from scratch here: normal with variance 2 / fan-in.
        Normal = "normal",
    }
}

/// How a [`PruningNet`] is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Making {
    /// One large weight a convolution is learnt, and nothing generates it.
    pub shared: bool,
    /// How that one starts.
    pub start: Start,
    /// Norms have a gain and a shift for each place in the grid.
    pub affine: bool,
}

impl PruningNet {
    /// The layers for a net.
    ///
    /// # Errors
    /// `StageError::Tensor` when the device refuses.
    pub fn new<D: Backend>(params: &mut Params<D>, net: &Net, making: Making) -> Result<Self> {
        let widths = net.widths(&net.full());
        let (mut sources, mut banks) = (Vec::new(), Vec::new());
        for conv in net.convs() {
            let mut root = params.root();
            let mut at = root.at(&conv.name);
            sources.push(if making.shared {
                let [o, i, k, _] = conv.shape(&widths);
                let role = if conv.depthwise { Role::Plain } else { Role::Weight };
                let init = match making.start {
                    Start::Uniform => Init::fan_in(i * k * k),
                    Start::Normal => Init::kaiming(i * k * k),
                };
                Source::Shared(at.param("weight", (o, i, k, k), init, role)?)
            } else {
                Source::Generated(Generator::new(at.at("generator"), conv, &widths)?)
            });
            if making.affine {
                banks.push(bank(at.at("norm"), net, conv)?);
            }
        }
        let widest = widths.iter().copied().max().unwrap_or(1);
        let mut root = params.root();
        let mut norm = root.at("norm");
        let plain = (
            norm.param("weight", (widest,), Init::ONES, Role::Buffer)?,
            norm.param("bias", (widest,), Init::ZEROS, Role::Buffer)?,
        );
        let classifier = classifier(params, widths[net.features()], net.classes)?;
        Ok(Self { sources, banks, plain, classifier })
    }
}

/// The classifier, which starts as PyTorch's.
pub(super) fn classifier<D: Backend>(
    params: &mut Params<D>,
    features: usize,
    classes: usize,
) -> Result<Linear> {
    let init = Init::fan_in(features);
    let mut root = params.root();
    let mut at = root.at("classifier");
    let weight = at.param("weight", (classes, features), init, Role::Weight)?;
    let bias = Some(at.param("bias", (classes,), init, Role::Weight)?);
    Ok(Linear { weight, bias })
}

/// A gain and a shift for each width that a norm may have; one for a width that is fixed.
fn bank<D: Backend>(mut at: Scope<'_, D>, net: &Net, conv: &Conv) -> Result<Vec<Affine>> {
    let free = |wire: usize| net.wires[wire].gene.is_some();
    let ids = if free(conv.bank) { 0..grid::SCALES } else { grid::FULL..grid::SCALES };
    ids.map(|id| {
        let wire = net.wires[conv.output];
        let width = if wire.gene.is_some() { grid::width(wire.base, id) } else { wire.base };
        let mut at = at.at(id);
        let gain = at.param("weight", (width,), Init::ONES, Role::Plain)?;
        Ok((gain, at.param("bias", (width,), Init::ZEROS, Role::Plain)?))
    })
    .collect()
}

impl<D: Backend> Layers<D> for PruningNet {
    fn weights<T: Tape<f32, D>>(
        &self,
        pass: &Pass<'_, D>,
        index: usize,
        conv: &Conv,
        at: &Chosen,
    ) -> Result<Images<D, T>> {
        match &self.sources[index] {
            Source::Generated(generator) => {
                let scales: Vec<f32> = conv.seen.iter().map(|wire| grid::scale(at.places[*wire])).collect();
                let [outputs, inputs, ..] = conv.shape(&at.widths);
                generator.weights(pass, &scales, outputs, inputs)
            }
            Source::Shared(weight) => Ok(pass.get(*weight).retaped::<T>()),
        }
    }

    fn norm<'a>(
        &self,
        pass: &Pass<'a, D>,
        index: usize,
        conv: &Conv,
        at: &Chosen,
    ) -> (&'a Vector<D>, &'a Vector<D>) {
        let (gain, shift) = self.banks.get(index).map_or(self.plain, |bank| {
            // A width that is fixed has one norm.
            bank[usize::from(at.places[conv.bank]).min(bank.len() - 1)]
        });
        (pass.get(gain), pass.get(shift))
    }

    fn classifier(&self) -> &Linear {
        &self.classifier
    }
}

#[cfg(test)]
mod tests;
