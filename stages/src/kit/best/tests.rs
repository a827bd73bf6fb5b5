use dfdx::prelude::Cpu;

use super::*;
use crate::kit::params::{Init, Param, Role};

fn params() -> (Params<Cpu>, Param<(usize,)>) {
    let mut params = Params::new(&Cpu::default(), 0);
    let p = params.root().param("p", (1,), Init::ZEROS, Role::Weight).unwrap();
    (params, p)
}

/// Sees these scores, with the parameter at the number of the evaluation; returns whether to go on after each.
fn see(best: &mut Best, params: &mut Params<Cpu>, p: Param<(usize,)>, scores: &[f64]) -> Vec<Next> {
    let answers = scores.iter().enumerate().map(|(i, score)| {
        params.set(p, vec![i as f32]).unwrap();
        best.see(params, 10 * i as u64, *score).unwrap()
    });
    answers.collect()
}

#[test]
fn the_first_of_the_best_is_kept_and_patience_ends() {
    let (mut params, p) = params();
    let mut best = Best::new(Some(2));
    let answers = see(&mut best, &mut params, p, &[0.1, 0.3, 0.3, 0.2]);
    assert_eq!(answers, [Next::Go, Next::Go, Next::Go, Next::Stop]);
    assert_eq!(best.score(), Some((0.3, 10)));
    best.restore(&mut params).unwrap();
    assert_eq!(params.numbers("p").unwrap(), [1.0]);
}

#[test]
fn without_patience_it_goes_on() {
    let (mut params, p) = params();
    let mut best = Best::new(None);
    assert!(see(&mut best, &mut params, p, &[1.0; 9]).iter().all(|next| *next == Next::Go));
    let mut unseen = Best::new(None);
    assert_eq!(unseen.score(), None);
    unseen.restore(&mut params).unwrap();
    assert_eq!(params.numbers("p").unwrap(), [8.0]);
    assert!(unseen.see(&params, 3, f64::NAN).is_err());
}

#[test]
fn a_stop_between_changes_nothing() {
    let (mut params, p) = params();
    let mut one = Best::new(Some(3));
    see(&mut one, &mut params, p, &[0.5, 0.4]);
    let mut two = Best::new(Some(3));
    two.resume(&one.state()).unwrap();
    for best in [&mut one, &mut two] {
        assert_eq!(see(best, &mut params, p, &[0.1, 0.5]), [Next::Go, Next::Stop]);
    }
    assert_eq!(one.state(), two.state());
    let mut unseen = Best::new(None);
    unseen.resume(&Best::new(None).state()).unwrap();
    assert_eq!(unseen.score(), None);
    for bytes in [&b"short"[..], &[0; 12], &[0; 20]] {
        assert!(unseen.resume(bytes).is_err());
    }
}
