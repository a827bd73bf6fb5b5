//! Which examples a step trains on.

use super::rng::Stream;

/// Batches of shuffled examples: every epoch sees each of them once, in an order of its own.
#[derive(Debug, Clone, Copy)]
pub struct Batches {
    count: usize,
    size: usize,
    order: Stream,
}

impl Batches {
    /// Batches of `size` of `count` examples in orders from `order`; the last of an epoch may be smaller.
    ///
    /// # Panics
    /// When there are no examples, or none a batch.
    pub fn new(count: usize, size: usize, order: Stream) -> Self {
        assert!(count > 0 && size > 0, "batches of {size} of {count} examples");
        Self { count, size, order }
    }

    /// Steps of an epoch.
    pub fn per_epoch(&self) -> u64 {
        self.count.div_ceil(self.size) as u64
    }

    /// The examples of a step, from 0: a function of the step alone, so that a resumed run sees the same.
    pub fn of(&self, step: u64) -> Vec<usize> {
        let order = self.order.child(step / self.per_epoch()).permutation(self.count);
        let first = (step % self.per_epoch()) as usize * self.size;
        order[first..self.count.min(first + self.size)].to_vec()
    }
}

#[cfg(test)]
mod tests;
