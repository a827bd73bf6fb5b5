//! The forward pass of a net whose convolutions get their weights from anywhere.

use dfdx::prelude::{HasShape, PutTape, SplitTape, Tape};

use super::net::{Block, Conv, Net, Shortcut};
use crate::kit::backend::{Backend, Images, Matrix, Result, Vector};
use crate::kit::nn::linear::Linear;
use crate::kit::ops::act::Act;
use crate::kit::ops::batch_norm::{Statistics, batch_norm, batch_norm_by, statistics_of};
use crate::kit::ops::conv::{Geometry, conv2d_cropped};
use crate::kit::ops::pool::{global_average, max_pool};
use crate::kit::params::Pass;

/// What is added to a variance.
const EPSILON: f32 = 1e-5;

/// Where a net's numbers come from.
pub trait Layers<D: Backend> {
    /// The weights of the convolution at `index` for these places in the grid and widths of the wires, or larger ones
    /// whose first part counts.
    ///
    /// # Errors
    /// `StageError::Tensor` when the device refuses.
    fn weights<T: Tape<f32, D>>(
        &self,
        pass: &Pass<'_, D>,
        index: usize,
        conv: &Conv,
        at: &Chosen,
    ) -> Result<Images<D, T>>;

    /// Gain and shift of the norm behind the convolution at `index`.
    fn norm<'a>(
        &self,
        pass: &Pass<'a, D>,
        index: usize,
        conv: &Conv,
        at: &Chosen,
    ) -> (&'a Vector<D>, &'a Vector<D>);

    /// What makes classes of features.
    fn classifier(&self) -> &Linear;
}

/// Widths of a net's wires, and where they stand in the grid.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chosen {
    /// Width of each wire.
    pub widths: Vec<usize>,
    /// Place of each wire in the grid; none for widths that are not of it.
    pub places: Vec<u8>,
}

impl Chosen {
    /// What a gene chooses.
    pub fn of(net: &Net, gene: &[u8]) -> Self {
        Self { widths: net.widths(gene), places: net.places(gene) }
    }

    /// Widths from anywhere.
    pub fn widths(widths: Vec<usize>) -> Self {
        Self { widths, places: Vec::new() }
    }
}

/// By which statistics maps are normed.
#[derive(Debug, Clone)]
pub enum Norms {
    /// Their own.
    Batch,
    /// Those of the first images, which are kept, convolution by convolution.
    First {
        /// How many images are looked at.
        images: usize,
        /// What was found, in order of the convolutions.
        found: Vec<Statistics>,
    },
    /// These, in order of the convolutions.
    Given(Vec<Statistics>),
}

impl Norms {
    /// Maps normed, with a residual added if any, and activated.
    fn apply<D: Backend, T: Tape<f32, D>>(
        &mut self,
        index: usize,
        x: Images<D, T>,
        residual: Option<Images<D, T>>,
        (gain, shift): (&Vector<D>, &Vector<D>),
        act: Act,
    ) -> Result<Images<D, T>> {
        let by = match self {
            Self::Batch => return Ok(batch_norm(x, residual, gain, shift, EPSILON, act)?.0),
            Self::First { images, found } => {
                found.push(statistics_of(&x, *images));
                &found[found.len() - 1]
            }
            Self::Given(given) => &given[index],
        };
        batch_norm_by(x, residual, (&by.mean, &by.variance), gain, shift, EPSILON, act)
    }
}

/// The logits of images.
///
/// # Shapes
/// `[B, C, H, W]` → `[B, K]`.
///
/// # Errors
/// `StageError::Tensor` when the device refuses.
pub fn logits<D: Backend, T: Tape<f32, D>>(
    pass: &Pass<'_, D>,
    net: &Net,
    layers: &impl Layers<D>,
    at: &Chosen,
    mut x: Images<D, T>,
    norms: &mut Norms,
) -> Result<Matrix<D, T>> {
    let mut index = 0;
    for block in &net.blocks {
        x = block_forward(pass, block, index, layers, at, x, norms)?;
        index += block.all().count();
    }
    classify(pass, layers, x)
}

/// The logits of the last block's maps.
///
/// # Errors
/// `StageError::Tensor` when the device refuses.
pub fn classify<D: Backend, T: Tape<f32, D>>(
    pass: &Pass<'_, D>,
    layers: &impl Layers<D>,
    x: Images<D, T>,
) -> Result<Matrix<D, T>> {
    layers.classifier().forward(pass, global_average(x)?, Act::Identity)
}

/// The maps of one block, whose first convolution is the one at `first`.
///
/// # Errors
/// `StageError::Tensor` when the device refuses.
pub fn block_forward<D: Backend, T: Tape<f32, D>>(
    pass: &Pass<'_, D>,
    block: &Block,
    first: usize,
    layers: &impl Layers<D>,
    at: &Chosen,
    x: Images<D, T>,
    norms: &mut Norms,
) -> Result<Images<D, T>> {
    let last = block.convs.len() - 1;
    let input = (block.shortcut != Shortcut::None).then(|| x.retaped::<T>());
    let mut x = x;
    for (i, conv) in block.convs.iter().enumerate().take(last) {
        x = convolved(pass, first + i, conv, layers, at, x)?;
        x = norms.apply(first + i, x, None, layers.norm(pass, first + i, conv, at), conv.act)?;
    }
    let conv = &block.convs[last];
    let y = convolved(pass, first + last, conv, layers, at, x)?;
    let norm = layers.norm(pass, first + last, conv, at);
    let mut y = match (&block.shortcut, input) {
        (Shortcut::Conv(side), Some(input)) => {
            // The statistics of the block's own maps come before those of its shortcut.
            let y = norms.apply(first + last, y, None, norm, Act::Identity)?;
            let index = first + last + 1;
            let side_y = convolved(pass, index, side, layers, at, input)?;
            norms.apply(index, side_y, Some(y), layers.norm(pass, index, side, at), block.act)?
        }
        (Shortcut::Identity, input) => norms.apply(first + last, y, input, norm, block.act)?,
        _ => norms.apply(first + last, y, None, norm, conv.act)?,
    };
    if block.pool {
        y = max_pool(y, 3, Geometry::same(3).stride(2))?;
    }
    Ok(y)
}

fn convolved<D: Backend, T: Tape<f32, D>>(
    pass: &Pass<'_, D>,
    index: usize,
    conv: &Conv,
    layers: &impl Layers<D>,
    at: &Chosen,
    x: Images<D, T>,
) -> Result<Images<D, T>> {
    let (w, tape) = layers.weights::<T>(pass, index, conv, at)?.split_tape();
    let (x, before) = x.split_tape();
    let outputs = at.widths[conv.output];
    assert_eq!(x.shape().1, at.widths[conv.input], "channels that `{}` reads", conv.name);
    let geometry = Geometry::same(conv.kernel).stride(conv.stride);
    let geometry = if conv.depthwise { geometry.groups(outputs) } else { geometry };
    conv2d_cropped(x.put_tape(before.merge(tape)), &w, None, outputs, geometry)
}

#[cfg(test)]
mod tests;
