#![expect(clippy::float_cmp, reason = "these very numbers are promised")]

use super::*;

/// Numbers from −100 to 100, densely.
fn line() -> impl Iterator<Item = f32> {
    (-200_000..=200_000).map(|i| i as f32 * 5e-4)
}

#[test]
fn exp_is_within_two_units() {
    for x in line().filter(|x| (-87.3..88.7).contains(x)) {
        let exact = f64::from(x).exp();
        let error = (f64::from(exp(x)) - exact).abs() / exact;
        assert!(error < 2.0 * f64::from(f32::EPSILON), "exp({x}) is off by {error}");
    }
    assert_eq!(exp(0.0), 1.0);
    assert_eq!(exp(-88.0), 0.0);
    assert_eq!(exp(f32::NEG_INFINITY), 0.0);
    assert!(exp(1000.0).is_finite());
    assert!(exp(f32::NAN).is_nan());
}

#[test]
fn tanh_and_sigmoid_are_close() {
    for x in line() {
        let wide = f64::from(x);
        let allowed = if wide.abs() < 0.2 { 3e-7 * wide.abs() + 1e-12 } else { 2.5e-7 };
        assert!((f64::from(tanh(x)) - wide.tanh()).abs() < allowed, "tanh({x})");
        assert!((f64::from(sigmoid(x)) - 1.0 / (1.0 + (-wide).exp())).abs() < 2e-7, "sigmoid({x})");
    }
}

#[test]
fn the_normal_distribution_is_close() {
    for x in line() {
        let (distribution, density) = normal(x);
        let wide = f64::from(x);
        let exact = 0.5 * libm::erfc(-wide / std::f64::consts::SQRT_2);
        assert!((f64::from(distribution) - exact).abs() < 2.5e-7, "Φ({x}) is {distribution}, not {exact}");
        let exact = (-0.5 * wide * wide).exp() / std::f64::consts::TAU.sqrt();
        assert!((f64::from(density) - exact).abs() < 1e-7, "φ({x})");
    }
}
