//! The patch matrix of a convolution: a row for each tap of each channel, a column for each window.

use crate::kit::cpu::tile;

/// Windows that slide over planes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Windows {
    /// Height and width of the planes they slide over.
    pub(crate) plane: [usize; 2],
    /// How many there are, down and across.
    pub(crate) grid: [usize; 2],
    /// Numbers from one to the next, down and across.
    pub(crate) stride: usize,
    /// Row and column of each tap of the first window; taps outside the plane read zeros.
    pub(crate) taps: Vec<[isize; 2]>,
}

/// Planes of some images: a range of the channels of `[B, C, H, W]`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Planes<'a> {
    /// All planes of these images.
    pub(crate) numbers: &'a [f32],
    /// How many images.
    pub(crate) images: usize,
    /// Planes of one image.
    pub(crate) channels: usize,
    /// The first plane of an image that is read.
    pub(crate) first: usize,
}

/// How one axis is laid out, when windows find each other's data.
#[derive(Debug, Clone, Copy)]
struct Axis {
    /// Zeros before the data.
    pad: usize,
    /// Numbers that any window reads.
    used: usize,
    /// Windows from one line to the next.
    step: usize,
}

impl Axis {
    /// Lines follow each other with as few zeros as will do: those after one line are those before the next.
    fn new(size: usize, count: usize, stride: usize, taps: impl Iterator<Item = isize> + Clone) -> Self {
        let pad = taps.clone().min().map_or(0, |low| (-low).max(0) as usize);
        let high = taps.max().map_or(0, |high| (high + pad as isize) as usize);
        let needed = (count - 1) * stride + high + 1;
        let end = needed.min(pad + size);
        let step = end.max(needed.saturating_sub(pad)).div_ceil(stride).max(count);
        Self { pad, used: end.saturating_sub(pad), step }
    }
}

/// Whether the patches are the planes.
fn is_whole(Windows { plane, grid, stride, taps }: &Windows) -> bool {
    *taps == [[0, 0]] && *stride == 1 && plane == grid
}

/// Whether the patches are the planes, and whole vectors of each image can be read where they are.
fn is_direct(windows: &Windows) -> bool {
    is_whole(windows) && (windows.plane[0] * windows.plane[1]).is_multiple_of(tile::lanes())
}

/// Copies a row of a plane; those of usual sizes without a call.
fn copy_row(from: &[f32], to: &mut [f32]) {
    fn fixed<const N: usize>(from: &[f32], to: &mut [f32]) {
        if let (Some(from), Some(to)) = (from.first_chunk::<N>(), to.first_chunk_mut::<N>()) {
            *to = *from;
        }
    }
    match from.len() {
        2 => fixed::<2>(from, to),
        4 => fixed::<4>(from, to),
        8 => fixed::<8>(from, to),
        16 => fixed::<16>(from, to),
        32 => fixed::<32>(from, to),
        len => to[..len].copy_from_slice(from),
    }
}

/// The source that costs less, where shifted planes give so many columns.
fn cheaper(shifted: usize, windows: &Windows, images: usize, reuse: usize) -> Source {
    let copied = images * windows.grid[0] * windows.grid[1];
    if shifted * reuse <= copied * (reuse + COPY_COST) { Source::Shifted } else { Source::Copied }
}

/// Where the numbers of the matrix come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Source {
    /// The planes as they are: one tap, and every number is a window.
    Direct,
    /// Planes with zeros around them, split by the remainder of row and column over the stride. Row k of the matrix
    /// is a plane from some number on; columns between two rows of windows mean nothing.
    Shifted,
    /// The matrix itself.
    Copied,
}

/// Neighbouring columns of the patch matrix that are multiplied at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Panel {
    /// The first column.
    pub(crate) at: usize,
    /// How many.
    pub(crate) count: usize,
}

/// The patch matrix of the planes of a few images.
#[derive(Debug, Clone)]
pub(crate) struct Patches {
    windows: Windows,
    source: Source,
    rows: Axis,
    columns: Axis,
    /// Columns from one image to the next.
    image: usize,
    /// Remainders of row and column that some tap has.
    phases: Vec<[usize; 2]>,
    /// Numbers kept for a channel.
    channel: usize,
    starts: Vec<usize>,
    images: usize,
    buffer: Vec<f32>,
}

/// Numbers that a buffer may hold so that it stays in a core's cache.
const CACHED: usize = 1 << 17;

/// Numbers that may be read past the last column of a row.
const SLACK: usize = 64;

/// What copying 16 numbers costs, in multiplications of as many.
const COPY_COST: usize = 16;

/// What multiplying a vector of columns costs, where a single one costs a unit more: it leaves registers unused.
const VECTOR_COST: usize = 4;

/// What multiplying so many columns costs.
fn cost(columns: usize) -> usize {
    let vectors = columns.div_ceil(tile::lanes());
    VECTOR_COST * vectors + vectors % 2
}

impl Patches {
    /// Room for the patches of `channels` planes of up to `images` images, for a product that takes columns in panels.
    /// `total` is how many planes an image has, and `reuse` how often each number will be multiplied: a matrix that is
    /// copied has no columns that mean nothing.
    pub(crate) fn in_panels(
        windows: &Windows,
        channels: usize,
        total: usize,
        images: usize,
        reuse: usize,
    ) -> Self {
        if is_direct(windows) {
            let mut patches = Self::with(windows, channels, images, Source::Direct);
            patches.image = total * patches.channel;
            return patches;
        }
        let shifted = Self::with(windows, 0, images, Source::Shifted);
        let cost: usize = shifted.panels(images).iter().map(|panel| cost(panel.count)).sum();
        let source = cheaper(cost * tile::lanes() / VECTOR_COST, windows, images, reuse);
        Self::with(windows, channels, images, source)
    }

    /// Room for the same, for a product that takes all columns of the images one after the other.
    pub(crate) fn in_line(windows: &Windows, channels: usize, images: usize, reuse: usize) -> Self {
        if is_direct(windows) && images == 1 {
            return Self::with(windows, channels, images, Source::Direct);
        }
        let shifted = Self::with(windows, 0, images, Source::Shifted);
        let source = cheaper(shifted.columns(images), windows, images, reuse);
        Self::with(windows, channels, images, source)
    }

    /// Room for one plane among zeros.
    pub(crate) fn among_zeros(windows: &Windows) -> Self {
        Self::with(windows, 1, 1, Source::Shifted)
    }

    fn with(windows: &Windows, channels: usize, images: usize, source: Source) -> Self {
        let Windows { plane, grid, stride, taps } = windows;
        let rows = Axis::new(plane[0], grid[0], *stride, taps.iter().map(|t| t[0]));
        let columns = Axis::new(plane[1], grid[1], *stride, taps.iter().map(|t| t[1]));
        let mut patches = Self {
            windows: windows.clone(),
            source,
            rows,
            columns,
            image: rows.step * columns.step,
            phases: Vec::new(),
            channel: 0,
            starts: Vec::new(),
            images,
            buffer: Vec::new(),
        };
        patches.lay_out(channels);
        patches
    }

    /// How many images to take at once, so that there are enough columns and the numbers stay in the cache.
    pub(crate) fn images_at_once(windows: &Windows, channels: usize) -> usize {
        let columns = windows.grid[0] * windows.grid[1];
        let numbers = channels * (windows.taps.len() * columns).min(2 * windows.plane[0] * windows.plane[1]);
        (CACHED / numbers.max(1))
            .max(tile::span().div_ceil(columns))
            .clamp(1, (8 * tile::span()).div_ceil(columns))
    }

    fn lay_out(&mut self, channels: usize) {
        let taps = &self.windows.taps;
        let stride = self.windows.stride;
        match self.source {
            Source::Direct => {
                self.channel = self.windows.plane[0] * self.windows.plane[1];
                (self.rows.step, self.columns.step, self.image) =
                    (self.windows.grid[0], self.windows.grid[1], self.channel);
                self.starts = (0..channels).map(|c| c * self.channel).collect();
            }
            Source::Shifted => {
                let pitch = self.columns.step;
                let place = |tap: &[isize; 2]| {
                    let row = (tap[0] + self.rows.pad as isize) as usize;
                    let column = (tap[1] + self.columns.pad as isize) as usize;
                    ([row % stride, column % stride], row / stride * pitch + column / stride)
                };
                let mut phases: Vec<[usize; 2]> = taps.iter().map(|tap| place(tap).0).collect();
                phases.sort_unstable();
                phases.dedup();
                let reach = taps.iter().map(|tap| place(tap).1).max().unwrap_or(0);
                let end = self.images * self.rows.step * pitch + reach + SLACK;
                // An odd number of cache lines, so that equal places of several planes do not compete for one set.
                let plane = (end.div_ceil(16) | 1) * 16;
                let start = |tap: &[isize; 2]| {
                    let (phase, shift) = place(tap);
                    phases.iter().position(|p| *p == phase).expect("every tap's phase is listed") * plane
                        + shift
                };
                let channel = phases.len() * plane;
                let starts = (0..channels).flat_map(|c| taps.iter().map(move |tap| (c, tap)));
                self.starts = starts.map(|(c, tap)| c * channel + start(tap)).collect();
                self.phases = phases;
                self.channel = channel;
                self.buffer = vec![0.0; channels * channel];
            }
            Source::Copied => {
                (self.rows.step, self.columns.step) = (self.windows.grid[0], self.windows.grid[1]);
                self.image = self.rows.step * self.columns.step;
                let row = (self.columns(self.images).next_multiple_of(tile::lanes()).div_ceil(16) | 1) * 16;
                self.channel = taps.len() * row;
                self.starts = (0..channels * taps.len()).map(|k| k * row).collect();
                self.buffer = vec![0.0; channels * self.channel + SLACK];
            }
        }
    }

    /// Where each row of the matrix starts in what [`Self::read`] returns.
    pub(crate) fn starts(&self) -> &[usize] {
        &self.starts
    }

    /// Columns of the matrix for so many images, those that mean nothing included.
    pub(crate) fn columns(&self, images: usize) -> usize {
        (images - 1) * self.image + (self.windows.grid[0] - 1) * self.columns.step + self.windows.grid[1]
    }

    /// Panels that cover all windows of so many images: row by row, or regardless of rows, whichever is fewer vectors.
    pub(crate) fn panels(&self, images: usize) -> Vec<Panel> {
        let [rows, width] = self.windows.grid;
        let cut = |at: usize, count: usize| {
            let span = tile::even_span(count);
            (0..count).step_by(span).map(move |c| Panel { at: at + c, count: span.min(count - c) })
        };
        let one = (rows - 1) * self.columns.step + width;
        let whole =
            if self.source == Source::Direct { images * cost(one) } else { cost(self.columns(images)) };
        if images * rows * cost(width) < whole {
            let lines = (0..images).flat_map(|n| (0..rows).map(move |y| (n, y)));
            lines.flat_map(|(n, y)| cut(self.column(n, y), width)).collect()
        } else if self.source == Source::Direct {
            (0..images).flat_map(|n| cut(self.column(n, 0), one)).collect()
        } else {
            cut(0, self.columns(images)).collect()
        }
    }

    /// The image, row and column of the window in a column of the matrix; none where a column means nothing.
    pub(crate) fn window(&self, column: usize) -> Option<(usize, usize, usize)> {
        let (image, place) = (column / self.image, column % self.image);
        let (y, x) = (place / self.columns.step, place % self.columns.step);
        (y < self.windows.grid[0] && x < self.windows.grid[1]).then_some((image, y, x))
    }

    /// The column of an image's first window in some row of windows.
    pub(crate) fn column(&self, image: usize, row: usize) -> usize {
        image * self.image + row * self.columns.step
    }

    /// The numbers that [`Self::starts`] points into, for the planes of these images.
    pub(crate) fn read<'a>(&'a mut self, planes: Planes<'a>) -> &'a [f32] {
        let plane = self.windows.plane[0] * self.windows.plane[1];
        let image =
            |n: usize, c: usize| &planes.numbers[(n * planes.channels + planes.first + c) * plane..][..plane];
        if self.source == Source::Direct {
            return &planes.numbers[planes.first * plane..];
        }
        let whole = is_whole(&self.windows);
        let mut buffer = std::mem::take(&mut self.buffer);
        let channels = self.starts.len() / self.windows.taps.len();
        for (c, to) in buffer.chunks_exact_mut(self.channel).take(channels).enumerate() {
            for n in 0..planes.images {
                match self.source {
                    Source::Shifted => self.shift(image(n, c), n, to),
                    _ if whole => to[self.column(n, 0)..][..plane].copy_from_slice(image(n, c)),
                    _ => self.copy(image(n, c), n, to),
                }
            }
        }
        self.buffer = buffer;
        &self.buffer
    }

    /// The numbers for one plane, and where each tap's row starts in them.
    pub(crate) fn read_plane(&mut self, plane: &[f32]) -> (&[f32], &[usize]) {
        self.read(Planes { numbers: plane, images: 1, channels: 1, first: 0 });
        (&self.buffer, &self.starts)
    }

    /// Puts one plane in its place among the zeros.
    fn shift(&self, from: &[f32], image: usize, to: &mut [f32]) {
        let (stride, width) = (self.windows.stride, self.windows.plane[1]);
        let plane = self.channel / self.phases.len();
        for (phase, to) in self.phases.iter().zip(to.chunks_exact_mut(plane)) {
            // The first row and column of the plane that have this remainder.
            let skip = |phase: usize, pad: usize| (phase + stride - pad % stride) % stride;
            let (top, left) = (skip(phase[0], self.rows.pad), skip(phase[1], self.columns.pad));
            for y in (top..self.rows.used).step_by(stride) {
                let from = &from[y * width..][..self.columns.used];
                let start =
                    self.column(image, (y + self.rows.pad) / stride) + (left + self.columns.pad) / stride;
                match stride {
                    1 => copy_row(from, &mut to[start..]),
                    2 => {
                        let (pairs, last) = from[left.min(from.len())..].as_chunks::<2>();
                        let (to, rest) = to[start..].split_at_mut(pairs.len());
                        to.iter_mut().zip(pairs).for_each(|(to, pair)| *to = pair[0]);
                        rest.iter_mut().zip(last).for_each(|(to, from)| *to = *from);
                    }
                    _ => {
                        let from = from.iter().skip(left).step_by(stride);
                        to[start..].iter_mut().zip(from).for_each(|(to, from)| *to = *from);
                    }
                }
            }
        }
    }

    /// Copies what each tap sees of one plane.
    fn copy(&self, from: &[f32], image: usize, to: &mut [f32]) {
        let Windows { plane, grid, stride, taps } = &self.windows;
        let inside = |tap: isize, size: usize, count: usize| {
            let end = |limit: isize| ((limit - tap).max(0) as usize).div_ceil(*stride).min(count);
            end(0)..end(size as isize)
        };
        for (tap, to) in taps.iter().zip(to.chunks_exact_mut(self.channel / taps.len())) {
            let (rows, columns) = (inside(tap[0], plane[0], grid[0]), inside(tap[1], plane[1], grid[1]));
            if columns.is_empty() {
                continue;
            }
            for row in rows {
                let y = ((row * stride) as isize + tap[0]) as usize;
                let x = ((columns.start * stride) as isize + tap[1]) as usize;
                let from = &from[y * plane[1] + x..];
                let to = &mut to[self.column(image, row)..][columns.clone()];
                if *stride == 1 {
                    to.copy_from_slice(&from[..to.len()]);
                } else {
                    to.iter_mut().zip(from.iter().step_by(*stride)).for_each(|(to, from)| *to = *from);
                }
            }
        }
    }
}
