//! Axes: from numbers to places, with ticks at round numbers.

use libm::{floor, log10, pow};

use crate::format;

/// An axis from `low` to `high`, drawn from `start` to `end`.
pub(super) struct Scale {
    pub(super) low: f64,
    pub(super) high: f64,
    pub(super) log: bool,
    pub(super) start: f64,
    pub(super) end: f64,
}

impl Scale {
    /// An axis that holds all of `values`, rounded to its ticks. `zero`: it holds 0 too.
    pub(super) fn fit(
        values: impl Iterator<Item = f64>,
        log: bool,
        zero: bool,
        start: f64,
        end: f64,
    ) -> Self {
        let (mut low, mut high) = values
            .filter(|v| v.is_finite() && (!log || *v > 0.0))
            .fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), v| (l.min(v), h.max(v)));
        if low > high {
            (low, high) = (1.0, 2.0);
        }
        if zero && !log {
            (low, high) = (low.min(0.0), high.max(0.0));
        }
        let mut scale = Self { low, high, log, start, end };
        scale.widen();
        scale
    }

    fn widen(&mut self) {
        if self.log {
            if self.high / self.low < 1.5 {
                (self.low, self.high) = (self.low / 1.5, self.high * 1.5);
            }
            return;
        }
        if self.high - self.low <= self.high.abs() * 1e-9 {
            let by = if self.high == 0.0 { 1.0 } else { self.high.abs() * 0.1 };
            (self.low, self.high) = (self.low - by, self.high + by);
        }
        let step = self.step();
        self.low = floor(self.low / step + 1e-9) * step;
        self.high = -floor(-self.high / step + 1e-9) * step;
    }

    /// The round distance between ticks that gives about six of them: 1, 2 or 5 times a power of ten.
    fn step(&self) -> f64 {
        let rough = (self.high - self.low) / 6.0;
        let power = pow(10.0, floor(log10(rough)));
        let step = [1.0, 2.0, 5.0, 10.0].into_iter().find(|m| m * power >= rough * 0.85).unwrap_or(10.0);
        step * power
    }

    pub(super) fn place(&self, value: f64) -> f64 {
        let part = if self.log {
            log10(value.max(self.low) / self.low) / log10(self.high / self.low)
        } else {
            (value - self.low) / (self.high - self.low)
        };
        self.start + part * (self.end - self.start)
    }

    /// Where ticks stand and what they say.
    pub(super) fn ticks(&self) -> Vec<(f64, String)> {
        if self.log { self.log_ticks() } else { self.even_ticks() }
    }

    fn even_ticks(&self) -> Vec<(f64, String)> {
        let step = self.step();
        let decimals = (-floor(log10(step) + 1e-9)).clamp(0.0, 9.0) as usize;
        let first = -floor(-self.low / step + 1e-6);
        let count = floor((self.high / step - first) + 1e-6) as usize;
        (0..=count.min(50))
            .map(|i| (first + i as f64) * step)
            .map(|v| {
                let text = if v.abs() >= 1e6 || (step < 1e-6 && v != 0.0) {
                    format::general(v)
                } else {
                    format::fixed(v, decimals)
                };
                (v, text)
            })
            .collect()
    }

    fn log_ticks(&self) -> Vec<(f64, String)> {
        let (first, last) = (floor(log10(self.low)) as i32, floor(log10(self.high)) as i32);
        let decades = last - first + 1;
        let multiples: &[f64] = if decades <= 3 { &[1.0, 2.0, 5.0] } else { &[1.0] };
        let every = (decades / 10 + 1) as usize;
        let inside = |v: &f64| *v >= self.low * (1.0 - 1e-9) && *v <= self.high * (1.0 + 1e-9);
        let ticks: Vec<(f64, String)> = (first..=last)
            .step_by(every)
            .flat_map(|power| multiples.iter().map(move |m| m * pow(10.0, f64::from(power))))
            .filter(inside)
            .map(|v| {
                let far = !(1e-4..1e6).contains(&v);
                (v, if far { format!("{v:.0e}") } else { format::general(v) })
            })
            .collect();
        // Less than a decade may hold one such number or none: then ticks are as far apart as on a linear axis.
        if ticks.len() < 3 { self.even_ticks() } else { ticks }
    }
}
