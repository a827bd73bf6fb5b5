//! Expectations: what holds, what is broken, what cannot be decided.

use runpipe_base::{Column, Compare, NodeStatus, ReportBlock, ReportExpr, ReportFn, ReportOp, Value};

use super::fixture::{Maker, call, column, expect, index};
use crate::{Verdict, expectations};

/// Two selections: `a` at seeds 0 to 3, `b` at seeds 3 down to 0.
fn two() -> (Maker, Column, Column) {
    let mut maker = Maker::new();
    let (mut a, mut b) = (Vec::new(), Vec::new());
    for (name, cells, values) in [("a", &mut a, [0.5, 0.7, 0.6, 0.8]), ("b", &mut b, [0.4, 0.5, 0.5, 0.6])] {
        for (seed, value) in values.into_iter().enumerate() {
            let at = [("seed", Value::Int(seed as i64))];
            let node = maker.node(name, "toy.score", &at, &[], &[]);
            maker.log.nodes[node].metrics.insert("x".to_owned(), value);
            cells.push((index(&at), node));
        }
    }
    b.reverse();
    (maker, column("a.x", "x", &a), column("b.x", "x", &b))
}

fn check(maker: &mut Maker, expr: ReportExpr) -> (Verdict, Vec<String>) {
    maker.log.reports =
        vec![ReportBlock { title: String::new(), items: vec![expect("written", expr, None)] }];
    let outcome = expectations(&maker.log).remove(0);
    assert_eq!(outcome.held(), outcome.verdict == Verdict::Held);
    (outcome.verdict, outcome.sides.iter().map(ToString::to_string).collect())
}

fn compare(left: Box<ReportExpr>, op: Compare, right: f64) -> ReportExpr {
    ReportExpr::Compare { op, left, right: Box::new(ReportExpr::Number(right)) }
}

#[test]
fn functions_of_selections() {
    let (mut maker, a, b) = two();
    let one = [a.clone()];
    let both = [a.clone(), b.clone()];
    let golden: [(ReportFn, &[Column], f64); 11] = [
        (ReportFn::Mean, &one, 0.65),
        (ReportFn::Std, &one, 0.129_099),
        (ReportFn::Min, &one, 0.5),
        (ReportFn::Max, &one, 0.8),
        (ReportFn::Median, &one, 0.65),
        (ReportFn::Sum, &one, 2.6),
        (ReportFn::Count, &one, 4.0),
        (ReportFn::CiLow, &one, 0.444_574),
        (ReportFn::CiHigh, &one, 0.855_426),
        // Paired by seed, whatever the order: 0.1, 0.2, 0.1, 0.2.
        (ReportFn::Diff, &both, 0.15),
        (ReportFn::PValue, &both, 0.013_847),
    ];
    for (function, columns, expected) in golden {
        let near = ReportExpr::Binary {
            op: ReportOp::And,
            left: Box::new(compare(call(function, columns), Compare::Gt, expected - 1e-6)),
            right: Box::new(compare(call(function, columns), Compare::Lt, expected + 1e-6)),
        };
        let (verdict, sides) = check(&mut maker, near);
        assert_eq!(verdict, Verdict::Held, "{function:?}: {sides:?}");
    }
}

#[test]
fn a_broken_one_shows_both_sides() {
    let (mut maker, a, b) = two();
    let expr = ReportExpr::Compare {
        op: Compare::Gt,
        left: call(ReportFn::Mean, &[b]),
        right: call(ReportFn::Mean, &[a]),
    };
    let (verdict, sides) = check(&mut maker, expr);
    assert_eq!(verdict, Verdict::Broken);
    assert_eq!(sides, ["mean(b.x) = 0.5 > 0.65 = mean(a.x) is false"]);
}

#[test]
fn an_expectation_on_missing_values_is_not_held() {
    let (mut maker, a, _) = two();
    maker.log.nodes[1].status = NodeStatus::Failed;
    let (verdict, _) =
        check(&mut maker, compare(call(ReportFn::Mean, std::slice::from_ref(&a)), Compare::Gt, 0.0));
    assert_eq!(verdict, Verdict::Open("1 of 4 values of `a.x` are missing".to_owned()));
    let (verdict, _) = check(&mut maker, compare(call(ReportFn::Count, &[a]), Compare::Eq, 3.0));
    assert_eq!(verdict, Verdict::Held);
}

#[test]
fn what_cannot_be_decided_says_why() {
    let (mut maker, a, _) = two();
    let mut lone = a.clone();
    lone.cells.truncate(1);
    let open = |maker: &mut Maker, expr| match check(maker, expr).0 {
        Verdict::Open(why) => why,
        other => panic!("{other:?}"),
    };
    let one =
        |function, column: &Column| compare(call(function, std::slice::from_ref(column)), Compare::Gt, 0.0);
    assert_eq!(open(&mut maker, one(ReportFn::Std, &lone)), "`std(a.x)` needs two values");
    assert_eq!(open(&mut maker, one(ReportFn::Only, &a)), "`a.x` is 4 numbers: say which, or `mean(…)`");
    let p = compare(call(ReportFn::PValue, &[lone.clone(), a.clone()]), Compare::Lt, 0.05);
    assert_eq!(open(&mut maker, p), "`p_value(a.x, a.x)` needs two pairs whose differences vary");
    let none = Column { cells: Vec::new(), ..a };
    assert_eq!(open(&mut maker, one(ReportFn::Mean, &none)), "`a.x` has no values");
    let over_zero = ReportExpr::Binary {
        op: ReportOp::Div,
        left: call(ReportFn::Only, &[lone]),
        right: Box::new(ReportExpr::Number(0.0)),
    };
    let why = open(&mut maker, compare(Box::new(over_zero), Compare::Gt, 1.0));
    assert_eq!(why, "`a.x / 0` is not a finite number");
}

#[test]
fn one_decided_side_suffices() {
    let (mut maker, a, _) = two();
    let unknown = || {
        let none = Column { cells: Vec::new(), ..a.clone() };
        Box::new(compare(call(ReportFn::Mean, &[none]), Compare::Gt, 0.0))
    };
    for (op, known, expected) in [
        (ReportOp::Or, true, Some(Verdict::Held)),
        (ReportOp::And, false, Some(Verdict::Broken)),
        (ReportOp::Or, false, None),
        (ReportOp::And, true, None),
    ] {
        for swap in [false, true] {
            let (mut left, mut right) = (unknown(), Box::new(ReportExpr::Bool(known)));
            if swap {
                std::mem::swap(&mut left, &mut right);
            }
            let (verdict, _) = check(&mut maker, ReportExpr::Binary { op, left, right });
            match &expected {
                Some(expected) => assert_eq!(verdict, *expected),
                None => assert!(matches!(verdict, Verdict::Open(_)), "{verdict:?}"),
            }
        }
    }
    let (verdict, _) = check(&mut maker, ReportExpr::Not(Box::new(ReportExpr::Bool(false))));
    assert_eq!(verdict, Verdict::Held);
}
