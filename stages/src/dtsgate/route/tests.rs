use proptest::prelude::*;

use super::*;
use crate::dtsgate::cooling::Course;
use crate::kit::testing::{close, normals};

/// A way to route of this arm.
pub(in crate::dtsgate) fn routing(arm: Arm) -> Routing {
    Routing {
        arm,
        weighing: Weighing::Clean,
        noise: true,
        threshold: 0.001,
        cooling: Cooling { course: Course::Linear, hot: 2.0, cold: 0.3, until: 10, hard: Some(12) },
        capacity: None,
        balance: 0.0,
        second: Runner::All,
        table: Vec::new(),
    }
}

const SOFT: Moment = Moment { temperature: 0.5, hard: false };
const HARD: Moment = Moment { temperature: 0.5, hard: true };

fn train(routing: &Routing, z: &[f32], experts: usize, moment: Moment) -> Route {
    let ids = vec![0; z.len() / experts];
    routing.route(z, &ids, experts, moment, Look::Train, Some(Stream::new(1, "noise")))
}

/// Which experts each row asks.
fn masks(route: &Route, rows: usize) -> Vec<Vec<usize>> {
    let asks = |row: usize| (0..route.sent.len()).filter(move |e| route.sent[*e].contains(&(row as u32)));
    (0..rows).map(|row| asks(row).collect()).collect()
}

#[test]
fn hard_gates_ask_the_highest_with_noise() {
    // The specification's second token: noise overrules the highest logit.
    let z = [0.2, 0.1, 0.0, -2.0];
    let noise = [-0.5, 2.0, 0.1, 0.7];
    let noisy: Vec<f32> = z.iter().zip(&noise).map(|(z, n)| z + n).collect();
    assert_eq!((argmax(&z), argmax(&noisy)), (0, 1));
    let plain = Routing { noise: false, ..routing(Arm::Dts) };
    assert_eq!(masks(&train(&plain, &z, 4, HARD), 1), [[0]]);
    let judged = routing(Arm::Dts).route(&z, &[0], 4, HARD, Look::AsTrained, None);
    assert_eq!(masks(&judged, 1), [[0]]);
}

#[test]
fn balance_is_the_number_of_experts_when_all_are_asked() {
    let z = normals(1, 40);
    for weighing in [Weighing::Clean, Weighing::Tempered] {
        let routing = Routing { weighing, balance: 1.0, ..routing(Arm::Dts) };
        let hot = Moment { temperature: 50.0, hard: false };
        let route = train(&routing, &z, 8, hot);
        let slopes = route.balance.unwrap().slopes;
        // Weights sum to 1 a row, and every slope is E / N.
        close(&slopes, &[8.0 / 5.0; 40], 1e-5);
    }
}

#[test]
fn switch_drops_what_is_beyond_its_capacity() {
    let z: Vec<f32> =
        [0, 0, 1, 0, 0, 1].iter().flat_map(|e| if *e == 0 { [1.0, 0.0] } else { [0.0, 1.0] }).collect();
    let limited = Routing { capacity: Some(1.0), balance: 1.0, ..routing(Arm::Switch) };
    let route = train(&limited, &z, 2, SOFT);
    assert_eq!(route.sent, [vec![0, 1, 3], vec![2, 5]]);
    let balance = route.balance.unwrap();
    // E·f / N with f before the capacity: 2·(4/6)/6 and 2·(2/6)/6.
    close(&balance.slopes[..2], &[0.222_222, 0.111_111], 1e-5);
    assert!(balance.clean);
    let judged = limited.route(&z, &[0; 6], 2, SOFT, Look::Top1, None);
    assert_eq!(
        judged.sent,
        [vec![0, 1, 3, 4], vec![2, 5]],
        "nothing is dropped when judged by the best expert"
    );
}

#[test]
fn second_choices_queue_after_first_ones() {
    // Rows 0 and 1 ask expert 0 first and 1 second, row 2 asks 1 first and 0 second; an expert takes two rows.
    let z = [2.0, 1.0, 0.0, 2.0, 1.0, 0.0, 1.0, 2.0, 0.0];
    let limited = Routing { capacity: Some(1.0), ..routing(Arm::Top2) };
    assert_eq!(capacity(3, 3, 2, 1.0), 2);
    let route = train(&limited, &z, 3, SOFT);
    assert_eq!(masks(&route, 3), [vec![0, 1], vec![0], vec![1]]);
    let Weights::Tempered(shift, factor) = route.weights else { panic!("weights of those that are kept") };
    let p = tempered(&z, &shift, f64::from(1.0 / factor), 3);
    close(&p[..3], &[0.731_059, 0.268_941, 0.0], 1e-5);
    close(&p[3..], &[1.0, 0.0, 0.0, 0.0, 1.0, 0.0], 1e-6);
}

#[test]
fn a_table_decides_alone() {
    let by_table = Routing { table: vec![1, 0, 1], ..routing(Arm::Hash) };
    let route = by_table.route(&normals(1, 8), &[0, 1, 2, 0], 2, SOFT, Look::Train, None);
    assert_eq!(route, by_table.route(&normals(2, 8), &[0, 1, 2, 0], 2, HARD, Look::Top1, None));
    assert_eq!(route.sent, [vec![1], vec![0, 2, 3]]);
    assert_eq!(route.weights, Weights::One);
}

#[test]
fn tables_are_drawn_or_even() {
    let counts = [50, 1, 1, 1, 1, 10, 10, 26];
    let even = table(&counts, 2, true, Stream::new(1, "table"));
    let load = |e: u32| (0..8).filter(|i| even[*i] == e).map(|i| counts[i]).sum::<u64>();
    assert_eq!((load(0), load(1)), (50, 50));
    let drawn = table(&vec![1; 4000], 4, false, Stream::new(1, "table"));
    for e in 0..4 {
        let share = drawn.iter().filter(|x| **x == e).count();
        assert!((900..1100).contains(&share), "{share}");
    }
}

#[test]
fn refused() {
    let wide = Routing { threshold: 0.2, ..routing(Arm::Dts) };
    let message = "expected a `threshold` below 1/8, found 0.2: a token might ask no expert";
    assert_eq!(wide.check(8).unwrap_err().to_string(), message);
    wide.check(4).unwrap();
    assert!(routing(Arm::Top2).check(1).is_err());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    /// Judging draws no random numbers; training draws those of its stream.
    #[test]
    fn noise_is_the_streams(rows in 1usize..20, seed: u64) {
        let z = normals(seed, rows * 8);
        let ids = vec![0; rows];
        let routing = routing(Arm::Dts);
        let of = |look, stream| routing.route(&z, &ids, 8, HARD, look, stream);
        let stream = Some(Stream::new(seed, "noise"));
        prop_assert_eq!(of(Look::Train, stream), of(Look::Train, stream));
        prop_assert_eq!(of(Look::AsTrained, stream), of(Look::AsTrained, None));
        prop_assert_eq!(of(Look::Top1, stream), of(Look::Top1, None));
        prop_assert!(masks(&of(Look::Train, stream), rows).iter().all(|m| m.len() == 1));
    }

    /// What is asked permutes with experts and with tokens.
    #[test]
    fn order_does_not_matter(rows in 1usize..12, seed: u64) {
        let z = normals(seed, rows * 4);
        let plain = Routing { noise: false, ..routing(Arm::Dts) };
        let cold = Moment { temperature: 0.1, hard: false };
        let route = train(&plain, &z, 4, cold);
        let mirrored: Vec<f32> = z.chunks(4).flat_map(|row| row.iter().rev().copied().collect::<Vec<_>>()).collect();
        let mut sent = train(&plain, &mirrored, 4, cold).sent;
        sent.reverse();
        prop_assert_eq!(&route.sent, &sent);
        let backwards: Vec<f32> = z.chunks(4).rev().flatten().copied().collect();
        let turned = train(&plain, &backwards, 4, cold);
        let mut expected = masks(&route, rows);
        expected.reverse();
        prop_assert_eq!(masks(&turned, rows), expected);
    }

    /// Two experts a row, both unlike, weights that sum to 1.
    #[test]
    fn two_experts_a_row(rows in 1usize..20, second in prop::sample::select(vec![Runner::All, Runner::Sampling]), seed: u64) {
        let z = normals(seed, rows * 5);
        let route = train(&Routing { second, ..routing(Arm::Top2) }, &z, 5, SOFT);
        prop_assert!(masks(&route, rows).iter().enumerate().all(|(n, m)| m.len() == 2 && m.contains(&argmax(&z[n * 5..][..5]))));
        let Weights::Tempered(shift, _) = route.weights else { panic!("weights of those that are kept") };
        let p = tempered(&z, &shift, 1.0, 5);
        for (n, asked) in masks(&Route { weights: Weights::Clean, ..route }, rows).iter().enumerate() {
            let sum: f32 = asked.iter().map(|e| p[n * 5 + e]).sum();
            prop_assert!((sum - 1.0).abs() < 1e-5);
        }
    }

    /// E·Σ f·P is 1 where tokens are spread evenly over even weights, and no less where f is P.
    #[test]
    fn balance_has_its_least_at_balance(weights in prop::collection::vec(0.01f64..1.0, 2..9)) {
        let sum: f64 = weights.iter().sum();
        let f: Vec<f64> = weights.iter().map(|w| w / sum).collect();
        let loss = |f: &[f64]| {
            let slopes = balance(f, 1, None, 1.0);
            slopes.iter().zip(f).map(|(a, p)| f64::from(*a) * p).sum::<f64>()
        };
        prop_assert!(loss(&f) >= 1.0 - 1e-5);
        prop_assert!((loss(&vec![1.0 / f.len() as f64; f.len()]) - 1.0).abs() < 1e-5);
    }
}
