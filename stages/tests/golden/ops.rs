//! Ops on rows and sequences.

use runpipe_stages::kit::ops::act::Act;
use runpipe_stages::kit::ops::add::{activate, add};
use runpipe_stages::kit::ops::add_each::add_each;
use runpipe_stages::kit::ops::add_norm::add_norm;
use runpipe_stages::kit::ops::attention::{Packed, attention, causal_attention};
use runpipe_stages::kit::ops::columns::{columns, concat_columns, pick};
use runpipe_stages::kit::ops::combine::combine;
use runpipe_stages::kit::ops::cross_attention::{attention_weights, mix};
use runpipe_stages::kit::ops::cross_entropy::{
    IGNORE, cross_entropy, negative_log, smooth, soft_cross_entropy,
};
use runpipe_stages::kit::ops::dropout::{Mask, dropout};
use runpipe_stages::kit::ops::inner::inner;
use runpipe_stages::kit::ops::linear::{linear, linear_of};
use runpipe_stages::kit::ops::lstm::{Direction, State, Weights, bare_lstm, lstm};
use runpipe_stages::kit::ops::matmul::batched_matmul;
use runpipe_stages::kit::ops::mean::mean_of_sequences;
use runpipe_stages::kit::ops::mul::{mul, scale_rows};
use runpipe_stages::kit::ops::rows::{concat_rows, rows, scatter_rows};
use runpipe_stages::kit::ops::softmax::{log_softmax, softmax};
use runpipe_stages::kit::ops::temper::temper;
use runpipe_stages::kit::ops::text_conv::text_conv;
use runpipe_stages::kit::ops::windows::windows;
use runpipe_stages::kit::rng::Stream;

use crate::case::{Family, Trained, tape};

/// The sequences of `case.py`.
pub(crate) fn packed() -> Packed {
    Packed::new([3, 1, 5])
}

#[test]
fn activations_alone_and_fused() {
    let family = Family::open("acts");
    for (name, act) in [
        ("identity", Act::Identity),
        ("relu", Act::Relu),
        ("gelu", Act::Gelu),
        ("gelu_tanh", Act::GeluTanh),
        ("silu", Act::Silu),
        ("tanh", Act::Tanh),
        ("sigmoid", Act::Sigmoid),
        ("hard_sigmoid", Act::HardSigmoid),
        ("softplus", Act::Softplus),
    ] {
        let name_of = |op: &str| format!("{op}_{name}");
        let case = family.case(name_of("act"));
        let x = case.vector("x");
        case.check(activate(tape(&x), act).unwrap(), &[("x", &x)]);
        let case = family.case(name_of("linear"));
        let (x, w, b) = (case.matrix("x"), case.matrix("w"), case.vector("b"));
        let y = linear(tape(&x), &w, Some(&b), act).unwrap();
        case.check(y, &[("x", &x), ("w", &w), ("b", &b)]);
        case.check(linear_of(&x, &w, Some(&b), act).unwrap(), &[("w", &w), ("b", &b)]);
    }
}

#[test]
fn functions_of_rows() {
    let family = Family::open("rows");
    let case = family.case("softmax");
    let x = case.matrix("x");
    case.check(softmax(tape(&x)).unwrap(), &[("x", &x)]);
    let case = family.case("log_softmax");
    let x = case.matrix("x");
    case.check(log_softmax(tape(&x)).unwrap(), &[("x", &x)]);
    let case = family.case("add_norm");
    let (x, residual) = (case.matrix("x"), case.matrix("residual"));
    let (gain, shift) = (case.vector("gain"), case.vector("shift"));
    let y = add_norm(tape(&x), None, Some(tape(&residual)), &gain, &shift, 1e-5).unwrap();
    case.check(y, &[("x", &x), ("residual", &residual), ("gain", &gain), ("shift", &shift)]);
}

#[test]
fn rows_and_columns_by_index() {
    let family = Family::open("rows");
    let ids = [2, 0, 2, 5, 2];
    let case = family.case("embedding");
    let x = case.matrix("x");
    case.check(rows(tape(&x), &ids).unwrap(), &[("x", &x)]);
    let case = family.case("scatter_rows");
    let x = case.matrix("x");
    case.check(scatter_rows(tape(&x), &ids, 6).unwrap(), &[("x", &x)]);
    let case = family.case("concat_rows");
    let (a, b) = (case.matrix("a"), case.matrix("b"));
    case.check(concat_rows(vec![tape(&a), tape(&b)]).unwrap(), &[("a", &a), ("b", &b)]);
    let case = family.case("concat_columns");
    let (a, b) = (case.matrix("a"), case.matrix("b"));
    case.check(concat_columns(vec![tape(&a), tape(&b)]).unwrap(), &[("a", &a), ("b", &b)]);
    let case = family.case("columns");
    let x = case.matrix("x");
    case.check(columns(tape(&x), 1..4).unwrap(), &[("x", &x)]);
    let case = family.case("pick");
    let x = case.matrix("x");
    case.check(pick(tape(&x), &[5, 0, 3, 3]).unwrap(), &[("x", &x)]);
}

#[test]
fn arithmetic() {
    let family = Family::open("rows");
    let case = family.case("add");
    let (a, b) = (case.matrix("a"), case.matrix("b"));
    case.check(add(tape(&a), tape(&b), Act::Identity).unwrap(), &[("a", &a), ("b", &b)]);
    let case = family.case("mul");
    let (a, b) = (case.matrix("a"), case.matrix("b"));
    case.check(mul(tape(&a), tape(&b)).unwrap(), &[("a", &a), ("b", &b)]);
    let case = family.case("scale_rows");
    let (x, a) = (case.matrix("x"), case.vector("a"));
    case.check(scale_rows(tape(&x), tape(&a)).unwrap(), &[("x", &x), ("a", &a)]);
}

#[test]
fn means_and_neighbours() {
    let family = Family::open("rows");
    let case = family.case("mean");
    let x = case.matrix("x");
    case.check(mean_of_sequences(tape(&x), &Packed::new([3, 0, 1, 5])).unwrap(), &[("x", &x)]);
    let case = family.case("windows");
    let x = case.matrix("x");
    case.check(windows(tape(&x), &packed(), 3).unwrap(), &[("x", &x)]);
}

#[test]
fn what_is_dropped() {
    let family = Family::open("dropouts");
    let mask = |p| Mask::new(p, Some(Stream::new(7, "golden")));
    let case = family.case("dropout");
    let x = case.matrix("x");
    case.check(dropout(tape(&x), mask(0.3)).unwrap(), &[("x", &x)]);
    let case = family.case("add_norm");
    let (x, residual) = (case.matrix("x"), case.matrix("residual"));
    let (gain, shift) = (case.vector("gain"), case.vector("shift"));
    let y = add_norm(tape(&x), mask(0.4), Some(tape(&residual)), &gain, &shift, 1e-5).unwrap();
    case.check(y, &[("x", &x), ("residual", &residual), ("gain", &gain), ("shift", &shift)]);
    let case = family.case("attention");
    let qkv = case.matrix("qkv");
    case.check(attention(tape(&qkv), &packed(), 2, mask(0.25)).unwrap(), &[("qkv", &qkv)]);
    let case = family.case("causal_attention");
    let qkv = case.matrix("qkv");
    case.check(causal_attention(tape(&qkv), &packed(), 2, mask(0.25)).unwrap(), &[("qkv", &qkv)]);
}

#[test]
fn losses() {
    let family = Family::open("losses");
    let labels = [3, IGNORE, 0, 6, 3];
    for (name, smoothing) in [("cross_entropy", 0.0), ("cross_entropy_smooth", 0.1)] {
        let case = family.case(name);
        let x = case.matrix("x");
        case.check(cross_entropy(tape(&x), &labels, smoothing).unwrap(), &[("x", &x)]);
    }
    for (name, smoothing) in [("soft_cross_entropy", 0.0), ("soft_cross_entropy_smooth", 0.2)] {
        let case = family.case(name);
        let (x, mut q) = (case.matrix("x"), case.numbers("q").to_vec());
        smooth(&mut q, 7, smoothing);
        case.check(soft_cross_entropy(tape(&x), &q).unwrap(), &[("x", &x)]);
    }
    let case = family.case("negative_log");
    let p = case.matrix("p");
    case.check(negative_log(tape(&p), &labels).unwrap(), &[("p", &p)]);
}

#[test]
fn attention_of_both_kinds() {
    let family = Family::open("attention");
    let case = family.case("attention");
    let qkv = case.matrix("qkv");
    case.check(attention(tape(&qkv), &packed(), 2, None).unwrap(), &[("qkv", &qkv)]);
    let case = family.case("causal_attention");
    let qkv = case.matrix("qkv");
    case.check(causal_attention(tape(&qkv), &packed(), 2, None).unwrap(), &[("qkv", &qkv)]);
    let case = family.case("cross_attention");
    let (q, k, v) = (case.matrix("q"), case.matrix("k"), case.matrix("v"));
    let queries = Packed::new([2, 1, 3]);
    let weights = attention_weights(tape(&q), &queries, tape(&k), &packed(), 0.5).unwrap();
    let y = mix(weights, &queries, tape(&v), &packed()).unwrap();
    case.check(y, &[("q", &q), ("k", &k), ("v", &v)]);
}

#[test]
fn products_and_sums_by_sequence() {
    let family = Family::open("attention");
    let case = family.case("batched_matmul");
    let (a, b) = (case.cube("a"), case.cube("b"));
    let y = batched_matmul(tape(&a), tape(&b)).unwrap();
    case.check(y, &[("a", &a), ("b", &b)]);
    let case = family.case("add_each");
    let (x, a) = (case.matrix("x"), case.matrix("a"));
    let y = add_each(tape(&x), &packed(), tape(&a), Act::Tanh).unwrap();
    case.check(y, &[("x", &x), ("a", &a)]);
}

#[test]
fn recurrence_in_both_directions() {
    let family = Family::open("recurrent");
    for (name, direction) in [("lstm_forward", Direction::Forward), ("lstm_backward", Direction::Backward)] {
        for start in [false, true] {
            let case = family.case(if start { format!("{name}_start") } else { name.to_owned() });
            let (x, w, u, b) = (case.matrix("x"), case.matrix("w"), case.matrix("u"), case.vector("b"));
            let mut inputs: Vec<(&str, &dyn Trained)> = vec![("x", &x), ("w", &w), ("u", &u), ("b", &b)];
            let state = start.then(|| (case.matrix("h"), case.matrix("c")));
            let from = state.as_ref().map(|(h, c)| State { hidden: tape(h), cell: tape(c) });
            let weights = Weights { input: &w, hidden: &u, bias: &b };
            let (rows, last) = lstm(tape(&x), &packed(), &weights, from, direction).unwrap().into_parts();
            if let Some((h, c)) = &state {
                inputs.push(("h", h));
                inputs.push(("c", c));
            }
            case.check(concat_rows(vec![rows, last.hidden, last.cell]).unwrap(), &inputs);
        }
    }
}

#[test]
fn recurrence_without_a_tanh_behind() {
    let family = Family::open("recurrent");
    let case = family.case("lstm_bare");
    let (x, w, u, b) = (case.matrix("x"), case.matrix("w"), case.matrix("u"), case.vector("b"));
    let weights = Weights { input: &w, hidden: &u, bias: &b };
    let (rows, last) =
        bare_lstm(tape(&x), &packed(), &weights, None, Direction::Backward).unwrap().into_parts();
    let y = concat_rows(vec![rows, last.hidden, last.cell]).unwrap();
    case.check(y, &[("x", &x), ("w", &w), ("u", &u), ("b", &b)]);
}

#[test]
fn windows_over_text() {
    let family = Family::open("recurrent");
    let case = family.case("text_conv");
    let (x, w, b) = (case.matrix("x"), case.matrix("w"), case.vector("b"));
    let y = text_conv(tape(&x), &packed(), &w, &b, Act::Tanh).unwrap();
    case.check(y, &[("x", &x), ("w", &w), ("b", &b)]);
}

#[test]
fn experts_put_together() {
    let family = Family::open("experts");
    let case = family.case("combine");
    let (a, b, c) = (case.matrix("a"), case.matrix("b"), case.matrix("c"));
    let gates = case.matrix("gates");
    let rows = [vec![0, 2, 3], vec![1, 2], vec![0, 1, 2, 3]];
    let y = combine(vec![tape(&a), tape(&b), tape(&c)], &rows, tape(&gates)).unwrap();
    case.check(y, &[("a", &a), ("b", &b), ("c", &c), ("gates", &gates)]);
}

#[test]
fn gates() {
    let family = Family::open("gates");
    let case = family.case("temper");
    let x = case.matrix("x");
    case.check(temper(tape(&x), case.numbers("s"), 1.0 / 0.3).unwrap(), &[("x", &x)]);
    let case = family.case("inner");
    let x = case.matrix("x");
    case.check(inner(tape(&x), case.numbers("a")).unwrap(), &[("x", &x)]);
    let case = family.case("tempered_softmax");
    let x = case.matrix("x");
    let y = softmax(temper(tape(&x), case.numbers("s"), 1.0 / 0.3).unwrap()).unwrap();
    case.check(y, &[("x", &x)]);
}
