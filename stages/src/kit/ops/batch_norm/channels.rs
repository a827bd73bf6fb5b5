//! Images cut into blocks of neighbouring channels, a row of each image.
#![expect(clippy::inline_always, reason = "they must be compiled with their caller's vector width")]

use std::ops::Range;

use crate::kit::cpu::par;

/// Numbers of one image that a task looks at, at least, if there are as many.
const BLOCK: usize = 1 << 10;

/// How the channels of `[B, C, H, W]` are shared out among tasks.
#[derive(Debug, Clone, Copy)]
pub(super) struct Channels {
    /// How many there are.
    pub(super) count: usize,
    /// Numbers of a channel in one image.
    pub(super) plane: usize,
    /// Channels of a block.
    at_once: usize,
}

/// Some channels of all images: for each image, their numbers.
#[derive(Debug)]
pub(super) struct Block<'a> {
    /// The first channel.
    pub(super) first: usize,
    /// Their numbers, image by image.
    pub(super) rows: Vec<&'a mut [f32]>,
}

impl Channels {
    pub(super) fn new(channels: usize, plane: usize) -> Self {
        Self { count: channels, plane, at_once: (BLOCK / plane.max(1)).clamp(1, channels.max(1)) }
    }

    /// The first channels of the blocks.
    pub(super) fn firsts(&self) -> Vec<usize> {
        (0..self.count).step_by(self.at_once).collect()
    }

    /// The numbers of one image in the block that starts at channel `first`.
    #[inline(always)]
    pub(super) fn part<'a>(&self, x: &'a [f32], first: usize, image: usize) -> &'a [f32] {
        &x[(image * self.count + first) * self.plane..][..self.range(first).len() * self.plane]
    }

    /// The channels of the block that starts at channel `first`.
    #[inline(always)]
    pub(super) fn range(&self, first: usize) -> Range<usize> {
        first..self.count.min(first + self.at_once)
    }

    /// Cuts a buffer into blocks.
    pub(super) fn blocks<'a>(&self, x: &'a mut [f32]) -> Vec<Block<'a>> {
        let (image, row) = ((self.count * self.plane).max(1), (self.at_once * self.plane).max(1));
        let rows = || Vec::with_capacity(x.len() / image);
        let mut blocks: Vec<_> =
            self.firsts().into_iter().map(|first| Block { first, rows: rows() }).collect();
        for x in x.chunks_exact_mut(image) {
            for (block, x) in blocks.iter_mut().zip(x.chunks_mut(row)) {
                block.rows.push(x);
            }
        }
        blocks
    }

    /// The sum of each channel of a row.
    #[inline(always)]
    pub(super) fn sums(&self, row: &[f32]) -> Vec<f32> {
        row.chunks_exact(self.plane.max(1)).map(par::sum).collect()
    }

    /// A row in which each number of a channel is that channel's.
    #[inline(always)]
    pub(super) fn spread(&self, numbers: &[f32]) -> Vec<f32> {
        let mut row = vec![0.0; numbers.len() * self.plane];
        for (row, number) in row.chunks_exact_mut(self.plane.max(1)).zip(numbers) {
            row.fill(*number);
        }
        row
    }
}
