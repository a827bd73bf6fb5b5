//! How a picture becomes vectors of regions.

use dfdx::prelude::{HasShape, PutTape, SplitTape, Tape};
use runpipe_base::StageError;

use super::questions::Look;
use crate::kit::backend::{Backend, Images, Matrix, Result};
use crate::kit::nn::conv_norm::ConvNorm;
use crate::kit::nn::linear::Linear;
use crate::kit::ops::act::Act;
use crate::kit::ops::conv::Geometry;
use crate::kit::params::{Init, Pass, Scope};

/// Side of a convolution's windows.
const KERNEL: usize = 3;

/// vᵢ = tanh(W_I·fᵢ + b_I), where fᵢ is given or made of pixels by convolutions that halve the sides of a picture: `image.…`
/// and `conv.0.…` below the scope.
#[derive(Debug, Clone)]
pub struct Vision {
    convs: Vec<ConvNorm>,
    project: Linear,
    look: Look,
    grid: [usize; 2],
    coordinates: bool,
}

impl Vision {
    /// Vectors of `width` numbers of what `look` shows; pixels go through convolutions of these `channels` first, with
    /// `coordinates` beside their colours if wanted.
    ///
    /// # Errors
    /// [`StageError::Input`] when pixels have no convolutions to go through or are too few for them; `StageError::Tensor` when
    /// the device refuses.
    pub fn new<D: Backend>(
        mut at: Scope<'_, D>,
        look: Look,
        (channels, coordinates): (&[usize], bool),
        width: usize,
    ) -> Result<Self> {
        let halved = Geometry { stride: 2, padding: 1, ..Geometry::default() };
        let mut convs = Vec::new();
        let (grid, features) = match look {
            Look::Regions { grid, width } => (grid, width),
            Look::Pixels { size: [colours, height, width] } => {
                let mut inputs = colours + if coordinates { 2 } else { 0 };
                for (i, outputs) in channels.iter().enumerate() {
                    convs.push(ConvNorm::new(at.at("conv").at(i), (inputs, *outputs), KERNEL, halved)?);
                    inputs = *outputs;
                }
                let Some(last) = channels.last() else {
                    let message =
                        "expected `channels` of convolutions that make regions of pixels, found none";
                    return Err(StageError::Input(message.into()));
                };
                (channels.iter().fold([height, width], |side, _| side.map(|n| n.div_ceil(2))), *last)
            }
        };
        let project = Linear::new(at.at("image"), features, width, Init::glorot(features, width))?;
        Ok(Self { convs, project, look, grid, coordinates })
    }

    /// Rows and columns of the regions.
    pub fn grid(&self) -> [usize; 2] {
        self.grid
    }

    /// Regions of a picture.
    pub fn regions(&self) -> usize {
        self.grid[0] * self.grid[1]
    }

    /// v of pictures whose numbers stand one after the other.
    ///
    /// # Shapes
    /// Numbers of N pictures → `[N·m, d]`.
    ///
    /// # Errors
    /// `StageError::Tensor` when the device refuses.
    ///
    /// # Panics
    /// When there are not as many numbers.
    pub fn forward<D: Backend, T: Tape<f32, D>>(
        &self,
        pass: &Pass<'_, D>,
        numbers: &[f32],
        pictures: usize,
    ) -> Result<Matrix<D, T>> {
        let [colours, height, width] = match self.look {
            Look::Pixels { size } => size,
            Look::Regions { width, .. } => {
                let f: Matrix<D> =
                    pass.device().tensor_of(numbers.to_vec(), (pictures * self.regions(), width))?;
                return self.project.of(pass, &f, Act::Tanh);
            }
        };
        let numbers =
            if self.coordinates { placed(numbers, [colours, height, width]) } else { numbers.to_vec() };
        let channels = colours + if self.coordinates { 2 } else { 0 };
        let x = pass.device().tensor_of(numbers, (pictures, channels, height, width))?;
        let (first, rest) = self.convs.split_first().expect("pixels have convolutions");
        let mut maps: Images<D, T> = first.of_data(pass, &x, Act::Relu)?;
        for conv in rest {
            maps = conv.forward(pass, maps, Act::Relu)?;
        }
        self.project.forward(pass, regions_of(maps)?, Act::Tanh)
    }
}

/// Pictures with two channels more: how far down and how far across a pixel is, from −1 to 1.
fn placed(numbers: &[f32], [colours, height, width]: [usize; 3]) -> Vec<f32> {
    let share = |at: usize, of: usize| (2 * at + 1) as f32 / of as f32 - 1.0;
    let pixels = || (0..height).flat_map(|row| (0..width).map(move |column| (row, column)));
    let places: Vec<f32> = pixels()
        .map(|(row, _)| share(row, height))
        .chain(pixels().map(|(_, column)| share(column, width)))
        .collect();
    let pictures = numbers.chunks_exact(colours * height * width);
    pictures.flat_map(|picture| picture.iter().chain(&places).copied()).collect()
}

/// The vectors at the places of maps, below each other: y[(b, h, w), c] = x[b, c, h, w].
///
/// # Shapes
/// `[B, C, H, W]` → `[B·H·W, C]`.
///
/// # Errors
/// `StageError::Tensor` when the device refuses.
pub fn regions_of<D: Backend, T: Tape<f32, D>>(x: Images<D, T>) -> Result<Matrix<D, T>> {
    let (images, channels, height, width) = *x.shape();
    let plane = height * width;
    let (x, mut tape) = x.split_tape();
    let mut y = vec![0.0; images * plane * channels];
    turn(&D::view(&x), [channels, plane], &mut y, |y, x| *y = x);
    let y = x.device().tensor_of(y, (images * plane, channels))?;
    let y_ref = y.clone();
    tape.add_backward_op(move |grads| {
        let dy = D::take_grad(grads, &y_ref)?;
        D::add_grad(grads, &x, |dx| turn(&dy, [plane, channels], dx, |dx, dy| *dx += dy))
    });
    Ok(y.put_tape(tape))
}

/// Puts matrices of these sizes into their transposes.
fn turn(x: &[f32], [rows, columns]: [usize; 2], y: &mut [f32], put: impl Fn(&mut f32, f32)) {
    let size = (rows * columns).max(1);
    for (x, y) in x.chunks_exact(size).zip(y.chunks_exact_mut(size)) {
        for (row, x) in x.chunks_exact(columns).enumerate() {
            for (column, x) in x.iter().enumerate() {
                put(&mut y[column * rows + row], *x);
            }
        }
    }
}

#[cfg(test)]
mod tests;
