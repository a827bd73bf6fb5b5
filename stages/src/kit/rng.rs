//! Random numbers as functions of a seed, a purpose and a counter.
//!
//! A [`Stream`] is a key and a position. Streams of different purposes share nothing, so a draw added in one place
//! moves no number elsewhere, and the state of a run's randomness is the number of the step it is at. Every number here
//! is part of results: none may ever change.

/// A sequence of random numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stream {
    key: u64,
    next: u64,
}

impl Stream {
    /// The stream of `seed` for one purpose, such as `"dropout"`.
    pub fn new(seed: u64, purpose: &str) -> Self {
        Self { key: mix(seed), next: 0 }.named(purpose)
    }

    /// A stream below this one, for one purpose.
    #[must_use]
    pub fn named(self, purpose: &str) -> Self {
        // Blocks of eight bytes, the last one filled with its length so that no two names meet.
        let mut key = self.key;
        for block in purpose.as_bytes().chunks(8) {
            let mut bytes = [0; 8];
            bytes[..block.len()].copy_from_slice(block);
            key = mix(key ^ u64::from_le_bytes(bytes));
        }
        Self { key: mix(key ^ (purpose.len() as u64)), next: 0 }
    }

    /// A stream below this one, such as that of one step.
    #[must_use]
    pub fn child(self, index: u64) -> Self {
        Self { key: mix(mix(self.key) ^ index), next: 0 }
    }

    /// The number at `index`, whatever was drawn before.
    pub fn at(&self, index: u64) -> u64 {
        mix(self.key.wrapping_add(index.wrapping_mul(STEP)))
    }

    /// The next 64 random bits.
    pub fn bits(&mut self) -> u64 {
        let bits = self.at(self.next);
        self.next += 1;
        bits
    }

    /// Uniform in [0, 1), a multiple of 2⁻⁵³.
    pub fn uniform(&mut self) -> f64 {
        (self.bits() >> 11) as f64 * (1.0 / (1u64 << 53) as f64)
    }

    /// Normal with mean 0 and variance 1 (Box and Muller's cosine half, so that one number takes two draws).
    pub fn normal(&mut self) -> f64 {
        let radius = libm::sqrt(-2.0 * libm::log(1.0 - self.uniform()));
        radius * libm::cos(std::f64::consts::TAU * self.uniform())
    }

    /// A whole number below `end`, each as likely.
    ///
    /// # Panics
    /// When `end` is 0.
    pub fn below(&mut self, end: usize) -> usize {
        assert!(end > 0, "a number below 0");
        let end = end as u64;
        // Lemire's multiplication; draws that would favour some numbers are drawn again.
        let unfair = end.wrapping_neg() % end;
        loop {
            let product = u128::from(self.bits()) * u128::from(end);
            if product as u64 >= unfair {
                return (product >> 64) as usize;
            }
        }
    }

    /// Whether an event of this probability happens.
    pub fn chance(&mut self, probability: f64) -> bool {
        self.uniform() < probability
    }

    /// Puts the items in random order (Fisher and Yates).
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            items.swap(last, self.below(last + 1));
        }
    }

    /// 0..n in random order.
    pub fn permutation(&mut self, n: usize) -> Vec<usize> {
        let mut order: Vec<usize> = (0..n).collect();
        self.shuffle(&mut order);
        order
    }

    /// The part of this stream that vector code draws from.
    pub fn noise(&self) -> Noise {
        let key = self.at(u64::MAX);
        Noise { low: key as u32, high: (key >> 32) as u32 }
    }
}

/// 32 random bits an index, cheap enough for one draw a number of a tensor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Noise {
    low: u32,
    high: u32,
}

impl Noise {
    /// The bits at `index`.
    #[expect(clippy::inline_always, reason = "it must be compiled with its caller's vector width")]
    #[inline(always)]
    pub fn at(self, index: u32) -> u32 {
        // Two rounds of multiply and fold (constants by Wellons' search for small bias), half the key before each.
        let mut x = index ^ self.low;
        x ^= x >> 16;
        x = x.wrapping_mul(0x7feb_352d);
        x ^= x >> 15;
        x = x.wrapping_mul(0x846c_a68b);
        x ^= x >> 16;
        x = x.wrapping_add(self.high);
        x ^= x >> 16;
        x = x.wrapping_mul(0x7feb_352d);
        x ^= x >> 15;
        x = x.wrapping_mul(0x846c_a68b);
        x ^ (x >> 16)
    }
}

/// The step of SplitMix64: 2⁶⁴ over the golden ratio.
const STEP: u64 = 0x9e37_79b9_7f4a_7c15;

/// The output function of SplitMix64 (Steele, Lea and Flood 2014) at the state after `x`.
fn mix(x: u64) -> u64 {
    let mut z = x.wrapping_add(STEP);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests;
