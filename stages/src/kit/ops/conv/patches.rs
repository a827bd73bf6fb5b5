//! The patch matrix of a convolution: a row for each tap of each channel, a column for each window.

use crate::kit::cpu::tile;

/// Windows that slide over planes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Windows {
    /// Height and width of the planes they slide over.
    pub(super) plane: [usize; 2],
    /// How many there are, down and across.
    pub(super) grid: [usize; 2],
    /// Numbers from one to the next, down and across.
    pub(super) stride: usize,
    /// Row and column of each tap of the first window; taps outside the plane read zeros.
    pub(super) taps: Vec<[isize; 2]>,
}

/// Planes of some images: a range of the channels of `[B, C, H, W]`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Planes<'a> {
    /// All planes of these images.
    pub(super) numbers: &'a [f32],
    /// How many images.
    pub(super) images: usize,
    /// Planes of one image.
    pub(super) channels: usize,
    /// The first plane of an image that is read.
    pub(super) first: usize,
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

/// Numbers of a plane that become neighbours in the buffer: every `stride`th from one place on.
#[derive(Debug, Clone, Copy)]
struct Line {
    from: usize,
    to: usize,
}

/// Copies lines of `len` numbers, those of usual lengths without a call.
fn copy_lines(lines: &[Line], len: usize, stride: usize, from: &[f32], to: &mut [f32]) {
    fn fixed<const N: usize>(lines: &[Line], stride: usize, from: &[f32], to: &mut [f32]) {
        for line in lines {
            let (from, to) = (&from[line.from..], &mut to[line.to..][..N]);
            if stride == 1 {
                to.copy_from_slice(&from[..N]);
            } else {
                let from = &from[..=(N - 1) * stride];
                (0..N).for_each(|i| to[i] = from[i * stride]);
            }
        }
    }
    match (len, stride) {
        (1, _) => lines.iter().for_each(|line| to[line.to] = from[line.from]),
        (2, 1) => fixed::<2>(lines, 1, from, to),
        (3, 1) => fixed::<3>(lines, 1, from, to),
        (4, 1) => fixed::<4>(lines, 1, from, to),
        (7, 1) => fixed::<7>(lines, 1, from, to),
        (8, 1) => fixed::<8>(lines, 1, from, to),
        (16, 1) => fixed::<16>(lines, 1, from, to),
        (32, 1) => fixed::<32>(lines, 1, from, to),
        (2, 2) => fixed::<2>(lines, 2, from, to),
        (4, 2) => fixed::<4>(lines, 2, from, to),
        (8, 2) => fixed::<8>(lines, 2, from, to),
        (16, 2) => fixed::<16>(lines, 2, from, to),
        (_, 1) => {
            for line in lines {
                to[line.to..][..len].copy_from_slice(&from[line.from..][..len]);
            }
        }
        _ => {
            for line in lines {
                let numbers = from[line.from..].iter().step_by(stride);
                to[line.to..][..len].iter_mut().zip(numbers).for_each(|(to, from)| *to = *from);
            }
        }
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
pub(super) struct Panel {
    /// The first column.
    pub(super) at: usize,
    /// How many.
    pub(super) count: usize,
}

/// The patch matrix of the planes of a few images.
#[derive(Debug, Clone)]
pub(super) struct Patches {
    windows: Windows,
    source: Source,
    rows: Axis,
    columns: Axis,
    /// Columns from one image to the next.
    image: usize,
    /// Lines of a plane of one length, with that length: those of each remainder of row and column that some tap has, or
    /// those that each tap sees.
    lines: Vec<(Vec<Line>, usize)>,
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
    pub(super) fn in_panels(
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
    pub(super) fn in_line(windows: &Windows, channels: usize, images: usize, reuse: usize) -> Self {
        if is_direct(windows) && images == 1 {
            return Self::with(windows, channels, images, Source::Direct);
        }
        let shifted = Self::with(windows, 0, images, Source::Shifted);
        let source = cheaper(shifted.columns(images), windows, images, reuse);
        Self::with(windows, channels, images, source)
    }

    /// Room for one plane among zeros.
    pub(super) fn among_zeros(windows: &Windows) -> Self {
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
            lines: Vec::new(),
            channel: 0,
            starts: Vec::new(),
            images,
            buffer: Vec::new(),
        };
        patches.lay_out(channels);
        patches
    }

    /// How many images to take at once, so that there are enough columns and the numbers stay in the cache.
    pub(super) fn images_at_once(windows: &Windows, channels: usize) -> usize {
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
                self.lines =
                    phases.iter().enumerate().map(|(i, phase)| self.shifted(*phase, i * plane)).collect();
                self.channel = channel;
                self.buffer = vec![0.0; channels * channel];
            }
            Source::Copied => {
                (self.rows.step, self.columns.step) = (self.windows.grid[0], self.windows.grid[1]);
                self.image = self.rows.step * self.columns.step;
                let row = (self.columns(self.images).next_multiple_of(tile::lanes()).div_ceil(16) | 1) * 16;
                self.channel = taps.len() * row;
                self.starts = (0..channels * taps.len()).map(|k| k * row).collect();
                self.lines = taps.iter().enumerate().map(|(i, tap)| self.seen(*tap, i * row)).collect();
                if is_whole(&self.windows) {
                    self.lines = vec![(vec![Line { from: 0, to: 0 }], self.image)];
                }
                self.buffer = vec![0.0; channels * self.channel + SLACK];
            }
        }
    }

    /// Where each row of the matrix starts in what [`Self::read`] returns.
    pub(super) fn starts(&self) -> &[usize] {
        &self.starts
    }

    /// Columns of the matrix for so many images, those that mean nothing included.
    pub(super) fn columns(&self, images: usize) -> usize {
        (images - 1) * self.image + (self.windows.grid[0] - 1) * self.columns.step + self.windows.grid[1]
    }

    /// Panels that cover all windows of so many images: row by row, or regardless of rows, whichever is fewer vectors.
    pub(super) fn panels(&self, images: usize) -> Vec<Panel> {
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
    pub(super) fn window(&self, column: usize) -> Option<(usize, usize, usize)> {
        let (image, place) = (column / self.image, column % self.image);
        let (y, x) = (place / self.columns.step, place % self.columns.step);
        (y < self.windows.grid[0] && x < self.windows.grid[1]).then_some((image, y, x))
    }

    /// The column of an image's first window in some row of windows.
    pub(super) fn column(&self, image: usize, row: usize) -> usize {
        image * self.image + row * self.columns.step
    }

    /// The numbers that [`Self::starts`] points into, for the planes of these images.
    pub(super) fn read<'a>(&'a mut self, planes: Planes<'a>) -> &'a [f32] {
        let plane = self.windows.plane[0] * self.windows.plane[1];
        let image =
            |n: usize, c: usize| &planes.numbers[(n * planes.channels + planes.first + c) * plane..][..plane];
        if self.source == Source::Direct {
            return &planes.numbers[planes.first * plane..];
        }
        let mut buffer = std::mem::take(&mut self.buffer);
        let channels = self.starts.len() / self.windows.taps.len();
        for (c, to) in buffer.chunks_exact_mut(self.channel).take(channels).enumerate() {
            for n in 0..planes.images {
                let to = &mut to[self.column(n, 0)..];
                for (lines, len) in &self.lines {
                    copy_lines(lines, *len, self.windows.stride, image(n, c), to);
                }
            }
        }
        self.buffer = buffer;
        &self.buffer
    }

    /// The numbers for one plane, and where each tap's row starts in them.
    pub(super) fn read_plane(&mut self, plane: &[f32]) -> (&[f32], &[usize]) {
        self.read(Planes { numbers: plane, images: 1, channels: 1, first: 0 });
        (&self.buffer, &self.starts)
    }

    /// The lines of a plane whose rows and columns have a remainder, which are put at `start`, and their length.
    fn shifted(&self, phase: [usize; 2], start: usize) -> (Vec<Line>, usize) {
        let (stride, width) = (self.windows.stride, self.windows.plane[1]);
        // The first row and column of the plane that have this remainder.
        let skip = |phase: usize, pad: usize| (phase + stride - pad % stride) % stride;
        let (top, left) = (skip(phase[0], self.rows.pad), skip(phase[1], self.columns.pad));
        let len = self.columns.used.saturating_sub(left).div_ceil(stride);
        let line = |y: usize| Line {
            from: y * width + left,
            to: start + self.column(0, (y + self.rows.pad) / stride) + (left + self.columns.pad) / stride,
        };
        let rows = if len == 0 { 0 } else { self.rows.used };
        ((top..rows).step_by(stride).map(line).collect(), len)
    }

    /// The lines of a plane that a tap sees, which are put at `start`, and their length.
    fn seen(&self, tap: [isize; 2], start: usize) -> (Vec<Line>, usize) {
        let Windows { plane, grid, stride, .. } = &self.windows;
        let inside = |axis: usize| {
            let limit = |end: isize| ((end - tap[axis]).max(0) as usize).div_ceil(*stride).min(grid[axis]);
            limit(0)..limit(plane[axis] as isize)
        };
        let (rows, columns) = (inside(0), inside(1));
        let place = |window: usize, axis: usize| ((window * stride) as isize + tap[axis]) as usize;
        let line = |row: usize| Line {
            from: place(row, 0) * plane[1] + place(columns.start, 1),
            to: start + self.column(0, row) + columns.start,
        };
        let lines = if columns.is_empty() { Vec::new() } else { rows.map(line).collect() };
        (lines, columns.len())
    }
}
