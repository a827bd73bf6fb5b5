//! The net that is trained in the end: ordinary convolutions of given widths.

use dfdx::prelude::Tape;

use super::forward::{Chosen, Layers};
use super::net::{Conv, Net};
use super::prunenet::classifier;
use crate::kit::backend::{Backend, Images, Result, Vector};
use crate::kit::nn::linear::Linear;
use crate::kit::ops::batch_norm::Statistics;
use crate::kit::params::{Init, Param, Params, Pass, Role};

/// A net of given widths.
#[derive(Debug, Clone)]
pub struct PlainNet {
    convs: Vec<Conved>,
    classifier: Linear,
}

/// A convolution with the gain and the shift of its norm.
#[derive(Debug, Clone, Copy)]
struct Conved {
    weight: Param<(usize, usize, usize, usize)>,
    gain: Param<(usize,)>,
    shift: Param<(usize,)>,
    mean: Param<(usize,)>,
    variance: Param<(usize,)>,
}

impl PlainNet {
    /// The layers for a net whose wires are so wide, its convolutions normal with variance 2 / fan-in.
    ///
    /// # Errors
    /// `StageError::Tensor` when the device refuses.
    pub fn new<D: Backend>(params: &mut Params<D>, net: &Net, widths: &[usize]) -> Result<Self> {
        let mut convs = Vec::new();
        for conv in net.convs() {
            let [o, i, k, _] = conv.shape(widths);
            let mut root = params.root();
            let mut at = root.at(&conv.name);
            // Weight decay makes depthwise filters, few numbers each, vanish.
            let role = if conv.depthwise { Role::Plain } else { Role::Weight };
            convs.push(Conved {
                weight: at.param("weight", (o, i, k, k), Init::kaiming(i * k * k), role)?,
                gain: at.param("norm.weight", (o,), Init::ONES, Role::Plain)?,
                shift: at.param("norm.bias", (o,), Init::ZEROS, Role::Plain)?,
                mean: at.param("norm.running_mean", (o,), Init::ZEROS, Role::Buffer)?,
                variance: at.param("norm.running_var", (o,), Init::ONES, Role::Buffer)?,
            });
        }
        let classifier = classifier(params, widths[net.features()], net.classes)?;
        Ok(Self { convs, classifier })
    }

    /// Keeps the statistics by which maps are normed in evaluation, in order of the convolutions.
    ///
    /// # Errors
    /// `StageError::Tensor` when the device refuses.
    pub fn set_statistics<D: Backend>(&self, params: &mut Params<D>, found: Vec<Statistics>) -> Result<()> {
        for (conv, found) in self.convs.iter().zip(found) {
            params.set(conv.mean, found.mean)?;
            params.set(conv.variance, found.variance)?;
        }
        Ok(())
    }

    /// The statistics that are kept.
    pub fn statistics<D: Backend>(&self, params: &Params<D>) -> Vec<Statistics> {
        let numbers = |param| D::view(params.get(param)).into_owned();
        let of = |conv: &Conved| Statistics {
            mean: numbers(conv.mean),
            variance: numbers(conv.variance),
            count: 0,
        };
        self.convs.iter().map(of).collect()
    }
}

impl<D: Backend> Layers<D> for PlainNet {
    fn weights<T: Tape<f32, D>>(
        &self,
        pass: &Pass<'_, D>,
        index: usize,
        _: &Conv,
        _: &Chosen,
    ) -> Result<Images<D, T>> {
        Ok(pass.get(self.convs[index].weight).retaped::<T>())
    }

    fn norm<'a>(
        &self,
        pass: &Pass<'a, D>,
        index: usize,
        _: &Conv,
        _: &Chosen,
    ) -> (&'a Vector<D>, &'a Vector<D>) {
        (pass.get(self.convs[index].gain), pass.get(self.convs[index].shift))
    }

    fn classifier(&self) -> &Linear {
        &self.classifier
    }
}

#[cfg(test)]
mod tests;
