//! Updates of parameters from gradients: SGD, Adam, AdamW, clipping, moving averages.

use dfdx::prelude::Gradients;
use rayon::prelude::*;
use runpipe_base::StageError;

use super::backend::{Backend, Result};
use super::cpu::par;
use super::params::{Params, Role, load, save};

/// How a gradient moves a parameter.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Rule {
    /// v ← μv + g;  p ← p − ηv, or with Nesterov's look-ahead p ← p − η(g + μv). Decay is added to g.
    Sgd {
        /// μ.
        momentum: f32,
        /// Nesterov's form.
        nesterov: bool,
    },
    /// Adam (Kingma and Ba 2015). Decay is added to g.
    Adam(Betas),
    /// AdamW (Loshchilov and Hutter 2019): decay shrinks p by ηλ and never enters the moments.
    AdamW(Betas),
}

/// Constants of Adam.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Betas {
    /// Memory of the mean of g.
    pub first: f32,
    /// Memory of the mean of g².
    pub second: f32,
    /// Added to the root of the second.
    pub epsilon: f32,
}

impl Default for Betas {
    fn default() -> Self {
        Self { first: 0.9, second: 0.999, epsilon: 1e-8 }
    }
}

/// Settings of an [`Optimizer`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct OptimizerConfig {
    /// The rule.
    pub rule: Rule,
    /// Weight decay λ; it touches only parameters of [`Role::Weight`].
    pub decay: f32,
    /// The gradient of all parameters together is scaled down to this norm.
    pub clip: Option<f32>,
}

impl OptimizerConfig {
    /// Adam with the usual constants, no decay, no clipping.
    pub fn adam() -> Self {
        Self { rule: Rule::Adam(Betas::default()), decay: 0.0, clip: None }
    }

    /// AdamW with the usual constants.
    pub fn adam_w(decay: f32) -> Self {
        Self { rule: Rule::AdamW(Betas::default()), decay, clip: None }
    }

    /// SGD.
    pub fn sgd(momentum: f32, nesterov: bool, decay: f32) -> Self {
        Self { rule: Rule::Sgd { momentum, nesterov }, decay, clip: None }
    }

    /// Clips the norm of the gradient.
    #[must_use]
    pub fn clip(mut self, norm: f32) -> Self {
        self.clip = Some(norm);
        self
    }
}

/// What some parameters do in their own way.
#[derive(Debug, Clone, PartialEq)]
struct Group {
    prefix: String,
    rate: f32,
    decay: Option<f32>,
}

/// Gradients of the trained parameters.
#[derive(Debug, Clone)]
pub struct Slopes(Vec<(usize, Vec<f32>)>);

impl Slopes {
    /// Takes them out of what a backward pass made.
    ///
    /// # Errors
    /// `StageError::Tensor` when the device refuses.
    pub fn take<D: Backend>(params: &Params<D>, mut grads: Gradients<f32, D>) -> Result<Self> {
        let trained = (0..params.len()).filter(|i| params.role_at(*i) != Role::Buffer);
        Ok(Self(trained.map(|i| Ok((i, params.take_grad_at(i, &mut grads)?))).collect::<Result<_>>()?))
    }

    /// Adds those of another batch.
    ///
    /// # Panics
    /// When they are of other parameters.
    pub fn add(&mut self, other: &Self) {
        assert_eq!(self.0.len(), other.0.len(), "gradients of the same parameters");
        for ((_, x), (_, y)) in self.0.iter_mut().zip(&other.0) {
            par::for_rows!(x, 1, |first, x| par::add(x, &y[first..][..x.len()]));
        }
    }

    /// Multiplies them all.
    pub fn scale(&mut self, factor: f32) {
        for (_, x) in &mut self.0 {
            par::for_rows!(x, 1, |_, x| x.iter_mut().for_each(|x| *x *= factor));
        }
    }
}

/// A rule with its memory of past gradients.
#[derive(Debug, Clone)]
pub struct Optimizer {
    config: OptimizerConfig,
    groups: Vec<Group>,
    clip_each: Option<f32>,
    steps: u64,
    memory: Vec<Memory>,
}

/// What a rule remembers of one parameter; empty until its first update.
#[derive(Debug, Clone, Default)]
struct Memory {
    first: Vec<f32>,
    second: Vec<f32>,
}

impl Optimizer {
    /// An optimiser that has seen nothing.
    pub fn new(config: OptimizerConfig) -> Self {
        Self { config, groups: Vec::new(), clip_each: None, steps: 0, memory: Vec::new() }
    }

    /// Lets the parameters whose names start with `prefix` learn at `rate` times the rate of the others, and decay by
    /// `decay` whatever their role, if given. Of several groups that a name belongs to the last counts.
    #[must_use]
    pub fn group(mut self, prefix: impl Into<String>, rate: f32, decay: Option<f32>) -> Self {
        self.groups.push(Group { prefix: prefix.into(), rate, decay });
        self
    }

    /// Scales the gradient of each parameter alone down to this norm, its weight decay added before if the rule adds it to
    /// the gradient at all.
    #[must_use]
    pub fn clip_each(mut self, norm: f32) -> Self {
        self.clip_each = Some(norm);
        self
    }

    /// Moves every trained parameter by its gradient at learning rate `rate`, and returns the norm of the gradient
    /// before clipping. A norm that is not finite moves nothing.
    ///
    /// # Errors
    /// `StageError::Tensor` when the device refuses.
    pub fn step<D: Backend>(
        &mut self,
        params: &mut Params<D>,
        grads: Gradients<f32, D>,
        rate: f32,
    ) -> Result<f32> {
        let slopes = Slopes::take(params, grads)?;
        self.apply(params, slopes, rate)
    }

    /// As [`step`](Self::step), from gradients of several batches.
    ///
    /// # Errors
    /// `StageError::Tensor` when the device refuses.
    pub fn apply<D: Backend>(&mut self, params: &mut Params<D>, slopes: Slopes, rate: f32) -> Result<f32> {
        let (trained, mut slopes): (Vec<_>, Vec<_>) = slopes.0.into_iter().unzip();
        let norm = norm(&slopes);
        if !norm.is_finite() {
            return Ok(norm);
        }
        self.steps += 1;
        self.memory.resize_with(params.len(), Memory::default);
        let scale = self.config.clip.map_or(1.0, |clip| (clip / (norm + 1e-6)).min(1.0));
        {
            let views: Vec<_> = trained.iter().map(|i| params.view_at(*i)).collect();
            let mut memories: Vec<_> = self.memory.iter_mut().map(Some).collect();
            let mut work = Vec::new();
            for ((i, g), p) in trained.iter().zip(&mut slopes).zip(&views) {
                let memory = memories[*i].take().expect("an index stands once in the list");
                let group = self.groups.iter().rev().find(|g| params.name_at(*i).starts_with(&g.prefix));
                let decay = if params.role_at(*i) == Role::Weight { self.config.decay } else { 0.0 };
                let decay = group.and_then(|g| g.decay).unwrap_or(decay);
                let rate = rate * group.map_or(1.0, |g| g.rate);
                let (scale, decay) = match self.clip_each {
                    None => (scale, decay),
                    Some(most) => clipped(self.config.rule, most, p, g, decay, scale),
                };
                let update = Update::new(&self.config, self.steps, rate, scale);
                memory.first.resize(if update.keeps_first() { p.len() } else { 0 }, 0.0);
                memory.second.resize(if update.keeps_second() { p.len() } else { 0 }, 0.0);
                let block = par::block_rows(1);
                let mut first = memory.first.chunks_mut(block);
                let mut second = memory.second.chunks_mut(block);
                for (p, g) in p.chunks(block).zip(g.chunks_mut(block)) {
                    let m = first.next().unwrap_or_default();
                    work.push((update, p, g, m, second.next().unwrap_or_default(), decay));
                }
            }
            work.into_par_iter()
                .for_each(|(update, p, g, m, v, decay)| par::simd!(|| update.run(p, g, m, v, decay)));
        }
        // Each gradient's buffer now holds its parameter's new numbers.
        for (i, numbers) in trained.into_iter().zip(slopes) {
            params.set_at(i, numbers)?;
        }
        Ok(norm)
    }

    /// Steps taken.
    pub fn steps(&self) -> u64 {
        self.steps
    }

    /// All it remembers, as bytes; the same for the same memory.
    ///
    /// # Errors
    /// `StageError::Tensor` when the format refuses.
    pub fn state<D: Backend>(&self, params: &Params<D>) -> Result<Vec<u8>> {
        let mut names = Vec::new();
        for (i, memory) in self.memory.iter().enumerate() {
            for (kind, numbers) in [("first", &memory.first), ("second", &memory.second)] {
                if !numbers.is_empty() {
                    names.push((format!("{kind}.{}", params.name_at(i)), numbers));
                }
            }
        }
        let file = save(names.iter().map(|(name, x)| (name.as_str(), vec![x.len()], (*x).clone())))?;
        Ok([&self.steps.to_le_bytes()[..], &file].concat())
    }

    /// Goes on from [`state`](Self::state).
    ///
    /// # Errors
    /// `StageError::Input` when the bytes are not the state of these parameters.
    pub fn restore<D: Backend>(&mut self, params: &Params<D>, state: &[u8]) -> Result<()> {
        let broken = || StageError::Input("the optimiser's state is damaged".into());
        let (steps, file) = state.split_first_chunk::<8>().ok_or_else(broken)?;
        let mut file = load(file)?;
        let mut memory = Vec::new();
        for i in 0..params.len() {
            let mut part = |kind: &str| {
                file.remove(&format!("{kind}.{}", params.name_at(i))).map(|(_, x)| x).unwrap_or_default()
            };
            let (first, second) = (part("first"), part("second"));
            let fits = |x: &[f32]| x.is_empty() || x.len() == params.view_at(i).len();
            if !fits(&first) || !fits(&second) {
                return Err(broken());
            }
            memory.push(Memory { first, second });
        }
        if !file.is_empty() {
            return Err(broken());
        }
        self.steps = u64::from_le_bytes(*steps);
        self.memory = memory;
        Ok(())
    }
}

/// What one parameter's gradient is scaled by where it is clipped alone, and the decay that is left to the rule.
fn clipped(rule: Rule, most: f32, p: &[f32], g: &mut Vec<f32>, decay: f32, scale: f32) -> (f32, f32) {
    let left = if matches!(rule, Rule::AdamW(_)) { decay } else { 0.0 };
    par::simd!(|| {
        g.iter_mut().for_each(|g| *g *= scale);
        par::add_times(g, decay - left, p);
    });
    ((most / (norm(std::slice::from_ref(g)) + 1e-6)).min(1.0), left)
}

/// ‖g‖ over all parameters, summed in blocks so that no order of threads shows.
fn norm(slopes: &[Vec<f32>]) -> f32 {
    let block = par::block_rows(1);
    let blocks: Vec<&[f32]> = slopes.iter().flat_map(|g| g.chunks(block)).collect();
    let squares: Vec<f32> = blocks.into_par_iter().map(|g| par::simd!(|| par::dot(g, g))).collect();
    squares.iter().map(|s| f64::from(*s)).sum::<f64>().sqrt() as f32
}

/// One step's constants.
#[derive(Debug, Clone, Copy)]
struct Update {
    rule: Rule,
    rate: f32,
    /// Clipping.
    scale: f32,
    /// η / (1 − β₁ᵗ) and 1 / √(1 − β₂ᵗ).
    bias: (f32, f32),
}

impl Update {
    fn new(config: &OptimizerConfig, steps: u64, rate: f32, scale: f32) -> Self {
        let bias = match config.rule {
            Rule::Sgd { .. } => (0.0, 0.0),
            Rule::Adam(betas) | Rule::AdamW(betas) => {
                let left = |beta: f32| 1.0 - libm::pow(f64::from(beta), steps as f64);
                ((f64::from(rate) / left(betas.first)) as f32, (1.0 / left(betas.second).sqrt()) as f32)
            }
        };
        Self { rule: config.rule, rate, scale, bias }
    }

    fn keeps_first(&self) -> bool {
        !matches!(self.rule, Rule::Sgd { momentum: 0.0, .. })
    }

    fn keeps_second(&self) -> bool {
        !matches!(self.rule, Rule::Sgd { .. })
    }

    /// g ← the new p.
    #[expect(clippy::inline_always, reason = "it must be compiled with its caller's vector width")]
    #[inline(always)]
    fn run(&self, p: &[f32], g: &mut [f32], m: &mut [f32], v: &mut [f32], decay: f32) {
        let Self { rate, scale, .. } = *self;
        match self.rule {
            Rule::Sgd { momentum: 0.0, .. } => {
                for (p, g) in p.iter().zip(g) {
                    *g = p - rate * (*g * scale + decay * p);
                }
            }
            Rule::Sgd { momentum, nesterov } => {
                for ((p, g), m) in p.iter().zip(g).zip(m) {
                    let slope = *g * scale + decay * p;
                    *m = momentum * *m + slope;
                    *g = p - rate * if nesterov { slope + momentum * *m } else { *m };
                }
            }
            Rule::Adam(betas) => self.adam(betas, p, g, m, v, decay, 1.0),
            Rule::AdamW(betas) => self.adam(betas, p, g, m, v, 0.0, 1.0 - rate * decay),
        }
    }

    #[expect(clippy::too_many_arguments, reason = "the operands of one kernel")]
    #[expect(clippy::inline_always, reason = "it must be compiled with its caller's vector width")]
    #[inline(always)]
    fn adam(
        &self,
        betas: Betas,
        p: &[f32],
        g: &mut [f32],
        m: &mut [f32],
        v: &mut [f32],
        decay: f32,
        shrink: f32,
    ) {
        let (rate, root) = self.bias;
        for (((p, g), m), v) in p.iter().zip(g).zip(m).zip(v) {
            let slope = *g * self.scale + decay * p;
            *m = betas.first * *m + (1.0 - betas.first) * slope;
            *v = betas.second * *v + (1.0 - betas.second) * slope * slope;
            *g = p * shrink - rate * *m / (v.sqrt() * root + betas.epsilon);
        }
    }
}

/// An exponential moving average of parameters: s ← αs + (1 − α)p after each step.
#[derive(Debug, Clone)]
pub struct Average {
    alpha: f32,
    shadow: Vec<Vec<f32>>,
}

impl Average {
    /// An average that starts at the parameters' numbers.
    pub fn new<D: Backend>(params: &Params<D>, alpha: f32) -> Self {
        Self { alpha, shadow: (0..params.len()).map(|i| params.view_at(i).into_owned()).collect() }
    }

    /// Takes in the parameters' numbers after a step; buffers are followed, not averaged.
    pub fn update<D: Backend>(&mut self, params: &Params<D>) {
        for (i, shadow) in self.shadow.iter_mut().enumerate() {
            let p = params.view_at(i);
            let alpha = if params.role_at(i) == Role::Buffer { 0.0 } else { self.alpha };
            par::for_rows!(shadow, 1, |first, shadow| {
                for (s, p) in shadow.iter_mut().zip(&p[first..]) {
                    *s = alpha * *s + (1.0 - alpha) * p;
                }
            });
        }
    }

    /// Exchanges the average and the parameters' numbers: once to evaluate, once more to go on.
    ///
    /// # Errors
    /// `StageError::Tensor` when the device refuses.
    pub fn swap<D: Backend>(&mut self, params: &mut Params<D>) -> Result<()> {
        for (i, shadow) in self.shadow.iter_mut().enumerate() {
            let now = params.view_at(i).into_owned();
            params.set_at(i, std::mem::replace(shadow, now))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
