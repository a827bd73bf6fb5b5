//! Activations, as functions of one number, for the ops that fuse them.

use crate::kit::cpu::math;

/// An activation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Act {
    /// x.
    #[default]
    Identity,
    /// max(x, 0).
    Relu,
    /// min(max(x, 0), 6).
    Relu6,
    /// x·Φ(x).
    Gelu,
    /// ½x(1 + tanh(√(2/π)(x + 0.044715x³))), the older approximation of [`Act::Gelu`].
    GeluTanh,
    /// x·σ(x).
    Silu,
    /// tanh x.
    Tanh,
    /// σ(x).
    Sigmoid,
    /// clamp(x/6 + ½, 0, 1).
    HardSigmoid,
    /// x·clamp(x/6 + ½, 0, 1).
    HardSwish,
    /// ln(1 + eˣ).
    Softplus,
}

/// A function of one number with its derivative.
pub(crate) trait Function: Copy + Sync {
    /// f(x) and f′(x).
    fn both(self, x: f32) -> (f32, f32);
}

macro_rules! functions {
    ($($name:ident: |$x:ident| $body:expr;)*) => {$(
        #[derive(Clone, Copy)]
        pub(crate) struct $name;
        impl Function for $name {
            #[inline(always)]
            fn both(self, $x: f32) -> (f32, f32) {
                $body
            }
        }
    )*};
}

functions! {
    Relu: |x| if x > 0.0 { (x, 1.0) } else { (if x.is_nan() { x } else { 0.0 }, 0.0) };
    Relu6: |x| if x >= 6.0 { (6.0, 0.0) } else { Relu.both(x) };
    // d/dx xΦ = Φ + xφ.
    Gelu: |x| {
        let (distribution, density) = math::normal(x);
        (x * distribution, distribution + x * density)
    };
    // With t = tanh u: d/dx ½x(1 + t) = ½(1 + t) + ½x(1 − t²)u′.
    GeluTanh: |x| {
        const SQRT_2_PI: f32 = 0.797_884_6;
        let u = SQRT_2_PI * (x + 0.044_715 * x * x * x);
        let t = math::tanh(u);
        let slope = SQRT_2_PI * (1.0 + 3.0 * 0.044_715 * x * x);
        (0.5 * x * (1.0 + t), 0.5 * (1.0 + t) + 0.5 * x * (1.0 - t * t) * slope)
    };
    // d/dx xσ = σ + xσ(1 − σ).
    Silu: |x| {
        let s = math::sigmoid(x);
        (x * s, s * (1.0 + x * (1.0 - s)))
    };
    Tanh: |x| {
        let t = math::tanh(x);
        (t, 1.0 - t * t)
    };
    Sigmoid: |x| {
        let s = math::sigmoid(x);
        (s, s * (1.0 - s))
    };
    HardSigmoid: |x| {
        let y = x * (1.0 / 6.0) + 0.5;
        if y <= 0.0 { (0.0, 0.0) } else if y >= 1.0 { (1.0, 0.0) } else { (y, 1.0 / 6.0) }
    };
    // Inside, d/dx (x²/6 + x/2) = x/3 + ½.
    HardSwish: |x| if x <= -3.0 { (0.0, 0.0) } else if x >= 3.0 { (x, 1.0) } else { (x * (x * (1.0 / 6.0) + 0.5), x * (1.0 / 3.0) + 0.5) };
    // max(x, 0) + ln(1 + e^−|x|), which overflows nowhere; its slope is σ.
    Softplus: |x| {
        let tail = (1.0 + math::exp(-x.abs())).ln();
        (if x > 0.0 { x + tail } else { tail }, math::sigmoid(x))
    };
}

/// Runs `$body` with `$f` bound to the function of an [`Act`] other than the identity, which runs `$identity`.
macro_rules! with_function {
    ($act:expr, $f:ident => $body:expr, identity => $identity:expr) => {{
        use $crate::kit::ops::act::{self, Act};
        match $act {
            Act::Identity => $identity,
            Act::Relu => {
                let $f = act::Relu;
                $body
            }
            Act::Relu6 => {
                let $f = act::Relu6;
                $body
            }
            Act::Gelu => {
                let $f = act::Gelu;
                $body
            }
            Act::GeluTanh => {
                let $f = act::GeluTanh;
                $body
            }
            Act::Silu => {
                let $f = act::Silu;
                $body
            }
            Act::Tanh => {
                let $f = act::Tanh;
                $body
            }
            Act::Sigmoid => {
                let $f = act::Sigmoid;
                $body
            }
            Act::HardSigmoid => {
                let $f = act::HardSigmoid;
                $body
            }
            Act::HardSwish => {
                let $f = act::HardSwish;
                $body
            }
            Act::Softplus => {
                let $f = act::Softplus;
                $body
            }
        }
    }};
}
pub(crate) use with_function;

#[cfg(test)]
mod tests;
