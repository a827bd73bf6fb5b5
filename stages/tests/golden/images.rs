//! Ops on images.

use runpipe_stages::kit::ops::act::Act;
use runpipe_stages::kit::ops::add::{activate, add};
use runpipe_stages::kit::ops::batch_norm::{Affine, batch_norm, batch_norm_by};
use runpipe_stages::kit::ops::concat::concat_channels;
use runpipe_stages::kit::ops::conv::{Geometry, conv2d, conv2d_cropped, conv2d_of_data};
use runpipe_stages::kit::ops::conv_norm::{conv_norm, conv_norm_of_data};
use runpipe_stages::kit::ops::pool::{average_pool, global_average, max_pool};
use runpipe_stages::kit::ops::scale::scale_channels;

use crate::case::{Case, Family, Trained, tape};

/// How the windows of a case lie, and how many filters count.
fn geometry(case: &Case<'_>) -> (usize, Geometry) {
    let [outputs, stride, padding, dilation, groups] = case.whole("geometry");
    (outputs, Geometry { stride, padding, dilation, groups })
}

#[test]
fn convolutions() {
    let family = Family::open("convolutions");
    let cases = family.cases("");
    assert_eq!(cases.len(), 13);
    for case in cases {
        let (x, w, b) = (case.images("x"), case.images("w"), case.vector("b"));
        let (outputs, geometry) = geometry(&case);
        let y = conv2d_cropped(tape(&x), &w, Some(&b), outputs, geometry).expect("memory");
        case.check(y, &[("x", &x), ("w", &w), ("b", &b)]);
        if !case.name.ends_with("cropped") {
            let y = conv2d(tape(&x), &w, Some(&b), geometry).expect("memory");
            case.check(y, &[("x", &x), ("w", &w), ("b", &b)]);
            if geometry.groups == 1 {
                let y = conv2d_of_data(&x, &w, Some(&b), geometry).expect("memory");
                case.check(y, &[("w", &w), ("b", &b)]);
            }
        }
    }
}

#[test]
fn batch_norms() {
    let family = Family::open("norms");
    for (name, act) in [("batch", Act::Silu), ("cropped", Act::Identity), ("given", Act::Relu)] {
        let case = family.case(name);
        let (x, residual) = (case.images("x"), case.images("residual"));
        let (gain, shift) = (case.vector("gain"), case.vector("shift"));
        let taped = Some(tape(&residual));
        let y = if name == "given" {
            let by = (case.numbers("mean"), case.numbers("variance"));
            batch_norm_by(tape(&x), taped, by, &gain, &shift, 1e-5, act).expect("memory")
        } else {
            batch_norm(tape(&x), taped, &gain, &shift, 1e-5, act).expect("memory").0
        };
        case.check(y, &[("x", &x), ("residual", &residual), ("gain", &gain), ("shift", &shift)]);
    }
}

#[test]
fn convolutions_with_their_norms() {
    let family = Family::open("conv_norms");
    let cases = family.cases("");
    assert_eq!(cases.len(), 6);
    for case in cases {
        let (x, w) = (case.images("x"), case.images("w"));
        let (gain, shift) = (case.vector("gain"), case.vector("shift"));
        let affine = || Affine { gain: &gain, shift: &shift, epsilon: 1e-5, act: Act::Silu };
        let residual = case.has("residual").then(|| case.images("residual"));
        let (outputs, geometry) = geometry(&case);
        let taped = residual.as_ref().map(tape);
        let (y, _) = conv_norm(tape(&x), &w, outputs, geometry, taped, &affine()).expect("memory");
        let mut inputs: Vec<(&str, &dyn Trained)> = vec![("w", &w), ("gain", &gain), ("shift", &shift)];
        if case.name == "plain" {
            let (y, _) = conv_norm_of_data(&x, &w, geometry, &affine()).expect("memory");
            case.check(y, &inputs);
        }
        inputs.push(("x", &x));
        inputs.extend(residual.as_ref().map(|r| -> (&str, &dyn Trained) { ("residual", r) }));
        case.check(y, &inputs);
    }
}

#[test]
fn pooling() {
    let family = Family::open("pooling");
    for (kind, count) in [("max", 3), ("average", 2)] {
        let cases = family.cases(kind);
        assert_eq!(cases.len(), count);
        for case in cases {
            let x = case.images("x");
            let [kernel, stride, padding, dilation] = case.whole("geometry");
            let geometry = Geometry { stride, padding, dilation, groups: 1 };
            let y = if kind == "max" {
                max_pool(tape(&x), kernel, geometry)
            } else {
                average_pool(tape(&x), kernel, geometry)
            };
            case.check(y.expect("memory"), &[("x", &x)]);
        }
    }
    let case = family.case("global");
    let x = case.images("x");
    case.check(global_average(tape(&x)).expect("memory"), &[("x", &x)]);
}

#[test]
fn channels() {
    let family = Family::open("channels");
    let case = family.case("scale");
    let (x, s) = (case.images("x"), case.matrix("s"));
    case.check(scale_channels(tape(&x), tape(&s)).expect("memory"), &[("x", &x), ("s", &s)]);
    let case = family.case("concat");
    let (a, b) = (case.images("a"), case.images("b"));
    case.check(concat_channels(vec![tape(&a), tape(&b)]).expect("memory"), &[("a", &a), ("b", &b)]);
    let case = family.case("add");
    let (a, b) = (case.images("a"), case.images("b"));
    case.check(add(tape(&a), tape(&b), Act::HardSwish).expect("memory"), &[("a", &a), ("b", &b)]);
    let case = family.case("relu6");
    let x = case.images("x");
    case.check(activate(tape(&x), Act::Relu6).expect("memory"), &[("x", &x)]);
}
