use super::*;

fn both(act: Act, x: f32) -> (f32, f32) {
    with_function!(act, f => f.both(x), identity => (x, 1.0))
}

#[test]
fn values_worked_by_hand() {
    let cases = [
        (Act::Identity, -1.5, -1.5),
        (Act::Relu, -1.5, 0.0),
        (Act::Relu, 1.5, 1.5),
        (Act::Relu6, 5.5, 5.5),
        (Act::Relu6, 7.0, 6.0),
        (Act::HardSwish, 1.5, 1.125),
        (Act::HardSwish, -3.5, 0.0),
        (Act::Gelu, 1.0, 0.841_344_7),
        (Act::Gelu, -1.0, -0.158_655_25),
        (Act::GeluTanh, 1.0, 0.841_192),
        (Act::Silu, 1.0, 0.731_058_6),
        (Act::Tanh, 0.5, 0.462_117_16),
        (Act::Sigmoid, 0.0, 0.5),
        (Act::HardSigmoid, 1.5, 0.75),
        (Act::HardSigmoid, -4.0, 0.0),
        (Act::HardSigmoid, 4.0, 1.0),
        (Act::Softplus, 0.0, std::f32::consts::LN_2),
        (Act::Softplus, 200.0, 200.0),
    ];
    for (act, x, y) in cases {
        assert!((both(act, x).0 - y).abs() < 1e-6, "{act:?}({x}) is {}, not {y}", both(act, x).0);
    }
}

#[test]
fn slopes_agree_with_differences() {
    use Act::{Gelu, GeluTanh, HardSigmoid, HardSwish, Identity, Relu, Relu6, Sigmoid, Silu, Softplus, Tanh};
    for act in [Identity, Relu, Relu6, Gelu, GeluTanh, Silu, Tanh, Sigmoid, HardSigmoid, HardSwish, Softplus]
    {
        // Off the grid of the kinks at −3, 0, 3 and 6.
        for x in (-60..60).map(|i| i as f32 * 0.1 + 0.05) {
            let numeric = (both(act, x + 0.01).0 - both(act, x - 0.01).0) / 0.02;
            assert!((both(act, x).1 - numeric).abs() < 1e-3, "slope of {act:?} at {x}");
        }
    }
}

#[test]
fn a_nan_is_not_hidden() {
    assert!(both(Act::Relu, f32::NAN).0.is_nan());
    assert!(both(Act::Gelu, f32::NAN).0.is_nan());
}
