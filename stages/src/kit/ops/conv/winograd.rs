//! 3 × 3 convolutions with stride 1, with 16 products of numbers where there would be 36.
//!
//! F(2 × 2, 3 × 3) of Winograd (Lavin and Gray 2015): four neighbouring results come from a square d of 4 × 4 numbers as
//! Y = Aᵀ·[Σ (G·g·Gᵀ) ∘ (Bᵀ·d·B)]·A, where the sum is over channels and g is a filter. So for each of the 16 places of a
//! square there is one product of matrices, filters by channels times channels by squares. In all that is not this
//! product, channels lie side by side: it needs no shuffling, whatever the size of the planes.

mod gradient;
mod squares;

use std::ops::Range;

use pulp::Arch;
use rayon::prelude::*;

use self::squares::{Enter, Leave, Lift};
use super::{Geometry, Shapes};
use crate::kit::cpu::gemm::Old;
use crate::kit::cpu::par;
use crate::kit::cpu::tile::{self, Left, product};
use crate::kit::cpu::turn::turn;

/// Places of a square.
const PLACES: usize = 16;

/// Taps of a filter.
const TAPS: usize = 9;

/// Squares that are multiplied at once.
const SQUARES: usize = 64;

/// Filters have to make so many planes of as many, or the sums before and after the product cost more than it saves.
const WORTH: usize = 32;

/// What is between the numbers of two places, so that equal squares of several places do not compete for one set of a
/// cache.
const GAP: usize = 16;

/// Inputs whose filters are turned at once.
const AT_ONCE: usize = 8;

/// Filters as G·g·Gᵀ: for panels of filters, for each place, for each input, the filters side by side.
#[derive(Debug)]
struct Filters {
    numbers: Vec<f32>,
    inputs: usize,
    outputs: usize,
    span: usize,
}

impl Filters {
    /// `load(outputs, inputs, taps, span)` writes tap k of output o's filter for input i, counted from the starts of
    /// the ranges, to `taps[(i * 9 + k) * span + o]`. `turned` filters are read from their last tap to their first.
    fn new(
        inputs: usize,
        outputs: usize,
        turned: bool,
        load: impl Fn(Range<usize>, Range<usize>, &mut [f32], usize) + Sync,
    ) -> Self {
        let span = tile::even_span(outputs);
        let panel = PLACES * inputs * span;
        let mut numbers = vec![0.0; outputs.div_ceil(span) * panel];
        numbers.par_chunks_exact_mut(panel).enumerate().for_each(|(i, to)| {
            let mut taps = vec![0.0; AT_ONCE * TAPS * span];
            for first in (0..inputs).step_by(AT_ONCE) {
                let rows = first..inputs.min(first + AT_ONCE);
                load(i * span..outputs.min((i + 1) * span), rows.clone(), &mut taps, span);
                let places = inputs * span;
                Arch::new().dispatch(Lift { taps: &taps, to: &mut *to, rows, span, places, turned });
            }
        });
        Self { numbers, inputs, outputs, span }
    }
}

/// A convolution of planes into others of about their size.
#[derive(Debug, Clone, Copy)]
pub(super) struct Winograd {
    /// Height and width of the planes that are read.
    plane: [usize; 2],
    /// Height and width of the planes that are made.
    grid: [usize; 2],
    /// Zeros around the planes.
    padding: usize,
}

/// Room for what lies between the planes of a few images and those that are made of them.
struct Room {
    /// The numbers of each place of the images, channels side by side, and a row of zeros.
    pixels: Vec<f32>,
    /// Bᵀ·d·B for some squares: for each place, for each square, channels side by side.
    squares: Vec<f32>,
    /// The products, likewise.
    sums: Vec<f32>,
    /// What is made, as the pixels, and a row that nobody reads.
    made: Vec<f32>,
}

impl Winograd {
    /// The kernel for a convolution, where it is one: by the shape of an image alone, so that a batch makes the numbers that its
    /// parts make.
    pub(super) fn of(shapes: &Shapes) -> Option<Self> {
        let Shapes { plane, channels, outputs, kernel, geometry, .. } = *shapes;
        let Geometry { stride, padding, dilation, groups } = geometry;
        let small = kernel == [3, 3] && stride == 1 && dilation == 1 && padding <= 2;
        let many = groups == 1 && channels.min(outputs) >= WORTH;
        let grid = shapes.windows().grid;
        (small && many && grid[0].min(grid[1]) >= 3).then_some(Self { plane, grid, padding })
    }

    /// Overwrites y.
    pub(super) fn forward(&self, shapes: &Shapes, x: &[f32], w: &[f32], bias: Option<&[f32]>, y: &mut [f32]) {
        let row = shapes.depth * TAPS;
        let filters = Filters::new(shapes.channels, shapes.outputs, false, |outputs, inputs, taps, span| {
            let from = &w[outputs.start * row + inputs.start * TAPS..];
            turn(from, row, outputs.len(), inputs.len() * TAPS, taps, span);
        });
        self.run(&filters, x, bias, y, Old::Replace);
    }

    /// Adds to dx: what dy makes under filters that are turned around.
    pub(super) fn input_gradient(&self, shapes: &Shapes, w: &[f32], dy: &[f32], dx: &mut [f32]) {
        let filters = Filters::new(shapes.outputs, shapes.channels, true, |channels, outputs, taps, span| {
            for (o, taps) in outputs.zip(taps.chunks_exact_mut(TAPS * span)) {
                let from = &w[(o * shapes.depth + channels.start) * TAPS..];
                turn(from, TAPS, channels.len(), TAPS, taps, span);
            }
        });
        let back = Self { plane: self.grid, grid: self.plane, padding: 2 - self.padding };
        back.run(&filters, dy, None, dx, Old::Add);
    }

    /// Reads the planes of `x` and writes to those of `y`, in parallel over images.
    fn run(&self, filters: &Filters, x: &[f32], bias: Option<&[f32]>, y: &mut [f32], old: Old) {
        let (from, to) = (filters.inputs * area(self.plane), filters.outputs * area(self.grid));
        if y.is_empty() {
            return;
        }
        let at_once = SQUARES.div_ceil(self.squares()).min(y.len() / to);
        let (wide_in, wide_out) = (wide(filters.inputs), wide(filters.outputs));
        let room = || Room {
            pixels: vec![0.0; (at_once * area(self.plane) + 1) * wide_in],
            squares: vec![0.0; PLACES * pitch(wide_in)],
            sums: vec![0.0; PLACES * pitch(wide_out)],
            made: vec![0.0; (at_once * area(self.grid) + 1) * wide_out],
        };
        let chunks = y.par_chunks_mut(at_once * to).zip(x.par_chunks(at_once * from));
        chunks.for_each_init(room, |room, (y, x)| {
            let images = y.len() / to;
            for (x, pixels) in x.chunks_exact(from).zip(room.pixels.chunks_mut(area(self.plane) * wide_in)) {
                turn(x, area(self.plane), filters.inputs, area(self.plane), pixels, wide_in);
            }
            let total = images * self.squares();
            for first in (0..total).step_by(SQUARES) {
                self.squares_of(first..total.min(first + SQUARES), at_once, filters, room);
            }
            for (y, made) in y.chunks_exact_mut(to).zip(room.made.chunks(area(self.grid) * wide_out)) {
                self.put(made, wide_out, bias, y, old);
            }
        });
    }

    /// Squares of an image.
    fn squares(&self) -> usize {
        self.grid[0].div_ceil(2) * self.grid[1].div_ceil(2)
    }

    /// Makes the results of some squares, counted over the images whose pixels are in the room.
    fn squares_of(&self, which: Range<usize>, images: usize, filters: &Filters, room: &mut Room) {
        let Filters { numbers, inputs, outputs, span } = filters;
        let (wide_in, wide_out) = (wide(*inputs), wide(*outputs));
        let seen: Vec<_> = which.clone().map(|s| self.seen(s, images).map(|at| at * wide_in)).collect();
        Arch::new().dispatch(Enter {
            pixels: &room.pixels,
            seen: &seen,
            to: &mut room.squares,
            wide: wide_in,
        });
        let starts: Vec<usize> = (0..*inputs).map(|i| i * span).collect();
        let rows: Vec<usize> = (0..seen.len()).map(|s| s * wide_in).collect();
        for (panel, first) in numbers.chunks_exact(PLACES * inputs * span).zip((0..*outputs).step_by(*span)) {
            let places = panel.chunks_exact(inputs * span).zip(room.squares.chunks_exact(pitch(wide_in)));
            for ((filters, squares), sums) in places.zip(room.sums.chunks_exact_mut(pitch(wide_out))) {
                let a = Left::Rows { data: squares, starts: &rows };
                let count = (outputs - first).min(*span);
                product(a, filters, &starts, count, &mut sums[first..], wide_out, Old::Replace);
            }
        }
        let places: Vec<_> = which.map(|s| self.made(s, images).map(|at| at * wide_out)).collect();
        Arch::new().dispatch(Leave { sums: &room.sums, places: &places, to: &mut room.made, wide: wide_out });
    }

    /// The image of a square, and its row and column among the image's squares.
    fn place(&self, square: usize) -> (usize, [usize; 2]) {
        let columns = self.grid[1].div_ceil(2);
        let within = square % self.squares();
        (square / self.squares(), [within / columns, within % columns])
    }

    /// The pixels that a square sees, those after the last image where there are none.
    fn seen(&self, square: usize, images: usize) -> [usize; PLACES] {
        let (image, [row, column]) = self.place(square);
        std::array::from_fn(|k| {
            let y = (2 * row + k / 4).wrapping_sub(self.padding);
            let x = (2 * column + k % 4).wrapping_sub(self.padding);
            let inside = y < self.plane[0] && x < self.plane[1];
            area(self.plane) * if inside { image } else { images }
                + if inside { y * self.plane[1] + x } else { 0 }
        })
    }

    /// The pixels that a square makes, those after the last image where there are none.
    fn made(&self, square: usize, images: usize) -> [usize; 4] {
        let (image, [row, column]) = self.place(square);
        std::array::from_fn(|k| {
            let (y, x) = (2 * row + k / 2, 2 * column + k % 2);
            let inside = y < self.grid[0] && x < self.grid[1];
            area(self.grid) * if inside { image } else { images }
                + if inside { y * self.grid[1] + x } else { 0 }
        })
    }

    /// Puts what was made of an image in the order of its planes.
    fn put(&self, made: &[f32], wide: usize, bias: Option<&[f32]>, y: &mut [f32], old: Old) {
        let plane = area(self.grid);
        let outputs = y.len() / plane;
        match old {
            Old::Replace => turn(made, wide, plane, outputs, y, plane),
            Old::Add => {
                let mut turned = vec![0.0; y.len()];
                turn(made, wide, plane, outputs, &mut turned, plane);
                par::simd!(|| par::add(y, &turned));
            }
        }
        if let Some(bias) = bias {
            par::simd!(|| {
                for (y, bias) in y.chunks_exact_mut(plane).zip(bias) {
                    y.iter_mut().for_each(|y| *y += bias);
                }
            });
        }
    }
}

fn area([height, width]: [usize; 2]) -> usize {
    height * width
}

/// Channels side by side, in whole vectors.
fn wide(channels: usize) -> usize {
    channels.next_multiple_of(tile::lanes())
}

/// Numbers from one place of some squares to the next.
fn pitch(wide: usize) -> usize {
    SQUARES * wide + GAP
}
