//! Two-dimensional convolution, with stride, padding, dilation and groups; depthwise where each channel is a group.
//!
//! The product of weights and patches is never set up: a row of the patch matrix is the padded image from some number
//! on (`patches`), and the kernel of [`crate::kit::cpu::tile`] takes rows of any origin. With a stride, rows and
//! columns are first sorted by their remainder, so that each tap again sees neighbours. The gradient of the input is
//! the same operation: for each remainder, dy under the taps that meet it. Filters of 3 × 3 over many channels go another
//! way, with fewer products (`winograd`).

mod correlate;
mod depthwise;
mod patches;
mod runs;
mod weights;
mod winograd;

use dfdx::prelude::{Gradients, HasShape, PutTape, SplitTape, Tape};
use rayon::prelude::*;

use self::correlate::Correlation;
use self::depthwise::Depthwise;
use self::patches::Windows;
use self::weights::WeightGradient;
use self::winograd::Winograd;
use crate::kit::backend::{Backend, Images, Result, Vector};
use crate::kit::cpu::gemm::Old;
use crate::kit::cpu::par;
use crate::kit::cpu::tile::{Packed, tile_rows};

/// How the windows of a convolution or a pooling lie, the same down and across.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Geometry {
    /// Numbers from one window to the next.
    pub stride: usize,
    /// Zeros around the image.
    pub padding: usize,
    /// Numbers from one tap of a window to the next.
    pub dilation: usize,
    /// Parts that the channels are cut into, each of which sees only itself.
    pub groups: usize,
}

impl Default for Geometry {
    fn default() -> Self {
        Self { stride: 1, padding: 0, dilation: 1, groups: 1 }
    }
}

impl Geometry {
    /// Windows of an odd `kernel` around each number, so that sizes stay.
    pub fn same(kernel: usize) -> Self {
        Self { padding: kernel / 2, ..Self::default() }
    }

    /// The same with another stride.
    #[must_use]
    pub fn stride(self, stride: usize) -> Self {
        Self { stride, ..self }
    }

    /// The same with another number of groups.
    #[must_use]
    pub fn groups(self, groups: usize) -> Self {
        Self { groups, ..self }
    }

    /// How many windows of `kernel` taps there are in `size` numbers.
    ///
    /// # Panics
    /// When there is none, or stride or dilation is 0.
    pub fn windows(self, size: usize, kernel: usize) -> usize {
        assert!(self.stride > 0 && self.dilation > 0 && kernel > 0, "a window of {kernel} taps in {self:?}");
        let (padded, reach) = (size + 2 * self.padding, (kernel - 1) * self.dilation + 1);
        assert!(size > 0 && padded >= reach, "a window of {reach} in {padded} numbers");
        (padded - reach) / self.stride + 1
    }

    /// The windows of a forward pass.
    fn forward(self, plane: [usize; 2], kernel: [usize; 2]) -> Windows {
        let grid = [self.windows(plane[0], kernel[0]), self.windows(plane[1], kernel[1])];
        let tap = |k: usize| (k * self.dilation) as isize - self.padding as isize;
        let taps = (0..kernel[0]).flat_map(|y| (0..kernel[1]).map(move |x| [tap(y), tap(x)])).collect();
        Windows { plane, grid, stride: self.stride, taps }
    }

    /// The windows over dy whose sums are the gradient of the input, one [`Phase`] for each remainder of row and
    /// column over the stride.
    ///
    /// Output y sees input s·y − p + d·k through tap k. So input s·j + f gets dy at y = j + (f + p − d·k) / s, for the
    /// taps k where that is whole.
    fn backward(self, plane: [usize; 2], kernel: [usize; 2]) -> Vec<Phase> {
        let grid = [self.windows(plane[0], kernel[0]), self.windows(plane[1], kernel[1])];
        let stride = self.stride as isize;
        let taps = |first: usize, kernel: usize| {
            (0..kernel).filter_map(move |k| {
                let place = (first + self.padding) as isize - (k * self.dilation) as isize;
                (place % stride == 0).then_some((k, place / stride))
            })
        };
        let mut phases = Vec::new();
        for (y, x) in (0..self.stride).flat_map(|y| (0..self.stride).map(move |x| (y, x))) {
            let count = |size: usize, first: usize| size.saturating_sub(first).div_ceil(self.stride);
            let (mut kept, mut places) = (Vec::new(), Vec::new());
            for (ky, row) in taps(y, kernel[0]) {
                for (kx, column) in taps(x, kernel[1]) {
                    kept.push(ky * kernel[1] + kx);
                    places.push([row, column]);
                }
            }
            let counts = [count(plane[0], y), count(plane[1], x)];
            if !kept.is_empty() && counts[0] > 0 && counts[1] > 0 {
                let windows = Windows { plane: grid, grid: counts, stride: 1, taps: places };
                phases.push(Phase { windows, kept, first: [y, x] });
            }
        }
        phases
    }
}

/// The part of an input gradient whose rows and columns have one remainder over the stride.
#[derive(Debug, Clone)]
struct Phase {
    /// Windows over dy.
    windows: Windows,
    /// Which tap of the forward pass each tap is.
    kept: Vec<usize>,
    /// Row and column of the first input that it is the gradient of.
    first: [usize; 2],
}

/// `y[o] = b[o] + Σᵢ w[o, i] ⋆ x[i]`, as `torch.nn.functional.conv2d`.
///
/// With i·k the patch matrix P of x: y = W·P + b,  dW = dy·Pᵀ,  db = Σ dy,  and dx is dy under the taps turned around
/// ([`Geometry`]).
///
/// # Shapes
/// `x: [B, I, H, W]`, `w: [O, I / groups, K, K']`, `b: [O]` → `[B, O, H', W']`.
///
/// # Errors
/// `StageError::Tensor` when the device refuses.
///
/// # Panics
/// When the shapes do not fit.
pub fn conv2d<D: Backend, T: Tape<f32, D>>(
    x: Images<D, T>,
    w: &Images<D>,
    b: Option<&Vector<D>>,
    geometry: Geometry,
) -> Result<Images<D, T>> {
    let ((_, channels, ..), (outputs, inputs, ..)) = (*x.shape(), *w.shape());
    assert_eq!(inputs * geometry.groups, channels, "channels that the weights read");
    conv2d_cropped(x, w, b, outputs, geometry)
}

/// As [`conv2d`] with the first `outputs` filters of `w`, and of each the first channels: as many as x has.
///
/// A net whose width is chosen at each step computes this on one large weight; the gradient of the rest is zero.
///
/// # Shapes
/// `x: [B, I, H, W]`, `w: [≥ outputs, ≥ I / groups, K, K']`, `b: [≥ outputs]` → `[B, outputs, H', W']`.
///
/// # Errors
/// `StageError::Tensor` when the device refuses.
///
/// # Panics
/// When the shapes do not fit.
pub fn conv2d_cropped<D: Backend, T: Tape<f32, D>>(
    x: Images<D, T>,
    w: &Images<D>,
    b: Option<&Vector<D>>,
    outputs: usize,
    geometry: Geometry,
) -> Result<Images<D, T>> {
    let (x, tape) = x.split_tape();
    convolve(x, tape, w, b, outputs, geometry, true)
}

/// As [`conv2d`] for images that are data: this is where a tape starts, and nobody wants their gradient, which for a
/// few channels in is the slowest part.
///
/// # Shapes
/// `x: [B, I, H, W]`, `w: [O, I, K, K']`, `b: [O]` → `[B, O, H', W']`; in one group.
///
/// # Errors
/// `StageError::Tensor` when the device refuses.
///
/// # Panics
/// When the shapes do not fit.
pub fn conv2d_of_data<D: Backend, T: Tape<f32, D>>(
    x: &Images<D>,
    w: &Images<D>,
    b: Option<&Vector<D>>,
    geometry: Geometry,
) -> Result<Images<D, T>> {
    let ((_, channels, ..), (outputs, inputs, ..)) = (*x.shape(), *w.shape());
    assert!(inputs == channels && geometry.groups == 1, "channels that the weights read");
    convolve(x.clone(), T::default(), w, b, outputs, geometry, false)
}

/// The convolution as one tape entry; `onward` says whether x gets a gradient.
fn convolve<D: Backend, T: Tape<f32, D>>(
    x: Images<D>,
    mut tape: T,
    w: &Images<D>,
    b: Option<&Vector<D>>,
    outputs: usize,
    geometry: Geometry,
    onward: bool,
) -> Result<Images<D, T>> {
    assert!(b.is_none_or(|b| b.shape().0 >= outputs), "a bias for {outputs} channels");
    let conv = Shapes::of(&x, w, outputs, geometry);
    let y = conv.apply(&x, w, b);
    let y = x.device().tensor_of(y, conv.output(x.shape().0))?;
    let (y_ref, w, b) = (y.clone(), w.clone(), b.cloned());
    tape.add_backward_op(move |grads| {
        let dy = D::take_grad(grads, &y_ref)?;
        conv.add_gradients(grads, &x, &w, b.as_ref(), &dy, onward)
    });
    Ok(y.put_tape(tape))
}

/// Sizes of a convolution, and its kernels over slices.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shapes {
    plane: [usize; 2],
    /// Planes of an image that are read.
    channels: usize,
    /// Planes of an image that are made.
    outputs: usize,
    /// Channels of a filter in the weights, of which the first channels / groups are used.
    depth: usize,
    kernel: [usize; 2],
    geometry: Geometry,
}

/// What an op over tensors needs.
impl Shapes {
    /// Sizes of x under the first `outputs` filters of w.
    ///
    /// # Panics
    /// When they do not fit.
    pub(super) fn of<D: Backend>(x: &Images<D>, w: &Images<D>, outputs: usize, geometry: Geometry) -> Self {
        let ((_, channels, height, width), (filters, depth, ky, kx)) = (*x.shape(), *w.shape());
        let groups = geometry.groups;
        assert!(
            groups > 0 && channels.is_multiple_of(groups) && outputs.is_multiple_of(groups),
            "{channels} channels into {outputs} in {groups} groups"
        );
        assert!(channels > 0 && outputs > 0, "a convolution without channels");
        assert!(
            outputs <= filters && channels / groups <= depth,
            "weights for {outputs} × {channels}: {:?}",
            w.shape()
        );
        Self { plane: [height, width], channels, outputs, depth, kernel: [ky, kx], geometry }
    }

    /// The shape of what so many images become.
    pub(super) fn output(&self, images: usize) -> (usize, usize, usize, usize) {
        let [rows, columns] = self.windows().grid;
        (images, self.outputs, rows, columns)
    }

    /// w ⋆ x + b.
    pub(super) fn apply<D: Backend>(&self, x: &Images<D>, w: &Images<D>, b: Option<&Vector<D>>) -> Vec<f32> {
        let (images, outputs, rows, columns) = self.output(x.shape().0);
        let mut y = vec![0.0; images * outputs * rows * columns];
        let (x, w, b) = (D::view(x), D::view(w), b.map(D::view));
        match self.depthwise() {
            Some(conv) => conv.forward(&x, &w, b.as_deref(), &mut y),
            None => self.forward(&x, &w, b.as_deref(), &mut y),
        }
        y
    }

    /// Adds what dy makes of the gradients of w and b, and of x if it is `onward`.
    pub(super) fn add_gradients<D: Backend>(
        &self,
        grads: &mut Gradients<f32, D>,
        x: &Images<D>,
        w: &Images<D>,
        b: Option<&Vector<D>>,
        dy: &[f32],
        onward: bool,
    ) -> std::result::Result<(), D::Err> {
        let (_, outputs, rows, columns) = self.output(0);
        if let Some(b) = b {
            D::add_grad(grads, b, |db| sum_planes(dy, outputs, rows * columns, db))?;
        }
        match self.depthwise() {
            Some(conv) if onward => {
                let mut sums = Vec::new();
                D::add_grad(grads, x, |dx| sums = conv.backward(&D::view(x), &D::view(w), dy, dx))?;
                let taps = self.taps();
                D::add_grad(grads, w, |dw| {
                    for (i, sums) in sums.chunks_exact(taps).enumerate() {
                        par::add(&mut dw[i % outputs * taps..][..taps], sums);
                    }
                })
            }
            _ => {
                D::add_grad(grads, w, |dw| self.weight_gradient(&D::view(x), dy, dw))?;
                if onward {
                    D::add_grad(grads, x, |dx| self.input_gradient(&D::view(w), dy, dx))?;
                }
                Ok(())
            }
        }
    }

    /// The kernels for filters of one channel each, where they are such.
    fn depthwise(&self) -> Option<Depthwise> {
        let Self { plane, channels, outputs, depth, kernel, geometry } = *self;
        let alone = geometry.groups == channels && geometry.groups == outputs && depth == 1;
        alone.then_some(Depthwise { channels, plane, kernel, geometry })
    }
}

/// The general kernels.
impl Shapes {
    fn windows(&self) -> Windows {
        self.geometry.forward(self.plane, self.kernel)
    }

    fn taps(&self) -> usize {
        self.kernel[0] * self.kernel[1]
    }

    /// Overwrites y.
    fn forward(&self, x: &[f32], w: &[f32], bias: Option<&[f32]>, y: &mut [f32]) {
        if let Some(conv) = Winograd::of(self) {
            return conv.forward(self, x, w, bias, y);
        }
        let groups = self.geometry.groups;
        let (inputs, outputs, row) =
            (self.channels / groups, self.outputs / groups, self.depth * self.taps());
        let used = inputs * self.taps();
        let weights = |group: usize| {
            Packed::new(outputs, used, |filters, tile| {
                let filters: Vec<_> = filters.map(|o| &w[(group * outputs + o) * row..][..used]).collect();
                for (s, tile) in tile.chunks_exact_mut(tile_rows()).enumerate() {
                    tile.iter_mut().zip(&filters).for_each(|(to, filter)| *to = filter[s]);
                }
            })
        };
        let windows = self.windows();
        let plane = windows.grid;
        let weights = (0..groups).map(weights).collect();
        Correlation { windows, inputs, weights, bias, plane, first: [0, 0], step: 1, old: Old::Replace }
            .run(x, y);
    }

    /// Adds to dx.
    fn input_gradient(&self, w: &[f32], dy: &[f32], dx: &mut [f32]) {
        if let Some(conv) = Winograd::of(self) {
            return conv.input_gradient(self, w, dy, dx);
        }
        let (groups, taps) = (self.geometry.groups, self.taps());
        let (inputs, outputs) = (self.channels / groups, self.outputs / groups);
        for Phase { windows, kept, first } in self.geometry.backward(self.plane, self.kernel) {
            let weights = |group: usize| {
                Packed::new(inputs, outputs * kept.len(), |channels, tile| {
                    for (o, tile) in tile.chunks_exact_mut(kept.len() * tile_rows()).enumerate() {
                        let filter = &w[((group * outputs + o) * self.depth + channels.start) * taps..];
                        for (tile, tap) in tile.chunks_exact_mut(tile_rows()).zip(&kept) {
                            let numbers = filter.iter().skip(*tap).step_by(taps).take(channels.len());
                            tile.iter_mut().zip(numbers).for_each(|(to, from)| *to = *from);
                        }
                    }
                })
            };
            let weights = (0..groups).map(weights).collect();
            let (plane, step) = (self.plane, self.geometry.stride);
            Correlation { windows, inputs: outputs, weights, bias: None, plane, first, step, old: Old::Add }
                .run(dy, dx);
        }
    }

    /// Adds to dw.
    fn weight_gradient(&self, x: &[f32], dy: &[f32], dw: &mut [f32]) {
        if let Some(conv) = Winograd::of(self) {
            return conv.weight_gradient(self, x, dy, dw);
        }
        let groups = self.geometry.groups;
        let (inputs, outputs) = (self.channels / groups, self.outputs / groups);
        let gradient = WeightGradient { windows: self.windows(), groups, inputs, outputs };
        gradient.run(x, dy, dw, self.depth * self.taps());
    }
}

/// Adds the sum of each channel's planes to `sums`.
fn sum_planes(planes: &[f32], channels: usize, plane: usize, sums: &mut [f32]) {
    sums.par_iter_mut().take(channels).enumerate().for_each(|(c, sum)| {
        par::simd!(|| {
            for planes in planes.chunks_exact(channels * plane) {
                *sum += par::sum(&planes[c * plane..][..plane]);
            }
        });
    });
}

#[cfg(test)]
mod tests;
