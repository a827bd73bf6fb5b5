use dfdx::prelude::{Backward, Cpu, HasShape as _, NoneTape};
use proptest::prelude::*;

use super::*;
use crate::dtsgate::gate::{above, tempered};
use crate::dtsgate::route::tests::routing;
use crate::dtsgate::route::{Arm, Weighing};
use crate::kit::backend::Taped;
use crate::kit::ops::cross_entropy::cross_entropy;
use crate::kit::optim::{Optimizer, OptimizerConfig, Slopes};
use crate::kit::params::Params;
use crate::kit::rng::Stream;
use crate::kit::testing::{Inputs, close, normals, threads};

fn sizes(experts: usize) -> Sizes {
    Sizes {
        vocabulary: 11,
        positions: 6,
        layers: 2,
        width: 8,
        heads: 2,
        inner: 12,
        experts,
        every: 2,
        dropout: 0.0,
    }
}

const IDS: [u32; 12] = [1, 4, 2, 9, 10, 3, 0, 0, 5, 7, 1, 2];
const NEXT: [u32; 12] = [4, 2, 9, 10, 3, 8, 0, 5, 7, 1, 2, 6];

fn model(experts: usize) -> (Params<Cpu>, Decoder) {
    let mut params = Params::new(&Cpu::default(), 4);
    let decoder = Decoder::new(params.root(), &sizes(experts)).unwrap();
    (params, decoder)
}

fn router(routing: &Routing, temperature: f64, hard: bool, look: Look) -> Router<'_> {
    Router { routing, moment: Moment { temperature, hard }, look }
}

fn logits(
    params: &Params<Cpu>,
    decoder: &Decoder,
    router: Router<'_>,
    stream: Option<Stream>,
) -> (Vec<f32>, Vec<Load>) {
    let pass = stream.map_or_else(|| Pass::eval(params), |stream| Pass::train(params, stream));
    let passed = decoder.forward::<Cpu, NoneTape>(&pass, &IDS, &Packed::new([6, 6]), router).unwrap();
    (passed.logits.as_vec(), passed.loads)
}

fn slopes(params: &Params<Cpu>, decoder: &Decoder, router: Router<'_>) -> Vec<Vec<f32>> {
    let pass = Pass::train(params, Stream::new(1, "pass"));
    let passed = decoder.forward::<Cpu, Taped<Cpu>>(&pass, &IDS, &Packed::new([6, 6]), router).unwrap();
    let mut loss = cross_entropy(passed.logits, &NEXT, 0.0).unwrap();
    if let Some(balance) = passed.balance {
        loss = add(loss, balance, Act::Identity).unwrap();
    }
    let mut trained = params.clone();
    let before: Vec<String> = params.describe().map(|(name, ..)| name.to_owned()).collect();
    let slopes = Slopes::take(params, loss.backward()).unwrap();
    Optimizer::new(OptimizerConfig::sgd(0.0, false, 0.0)).apply(&mut trained, slopes, 1.0).unwrap();
    let of = |name: &String| {
        let (old, new) = (params.numbers(name).unwrap(), trained.numbers(name).unwrap());
        old.iter().zip(new).map(|(old, new)| old - new).collect()
    };
    before.iter().map(of).collect()
}

/// A hot gate whose threshold nothing is under asks all experts: the dense mixture, values and gradients alike.
#[test]
fn a_hot_gate_is_the_dense_mixture() {
    let (params, decoder) = model(3);
    let dts = Routing { threshold: 0.0, ..routing(Arm::Dts) };
    let dense = routing(Arm::Dense);
    let of = |routing: &Routing| {
        let router = router(routing, 1e6, false, Look::Train);
        (
            logits(&params, &decoder, router, Some(Stream::new(2, "noise"))).0,
            slopes(&params, &decoder, router),
        )
    };
    assert_eq!(of(&dts), of(&dense));
    // In variant G the weights are 1/E up to noise over the temperature.
    let tempered = Routing { weighing: Weighing::Tempered, threshold: 0.0, ..routing(Arm::Dts) };
    let mut flat = params.clone();
    let zeros = vec![0.0; 3 * 8];
    let Feed::Many(gate, _) = decoder.layers[1].feed else { panic!("experts") };
    flat.set(gate, zeros).unwrap();
    let even = logits(&flat, &decoder, router(&dense, 1.0, false, Look::Train), None).0;
    let hot =
        logits(&params, &decoder, router(&tempered, 1e6, false, Look::Train), Some(Stream::new(2, "noise")))
            .0;
    close(&hot, &even, 1e-4);
}

/// A pass in which few are asked is the sum over all experts with weights of 0 for the others.
#[test]
fn what_is_not_asked_counts_for_nothing() {
    let (params, decoder) = model(4);
    let cold = Routing { noise: false, ..routing(Arm::Dts) };
    let router = router(&cold, 0.02, false, Look::Train);
    let (_, loads) = logits(&params, &decoder, router, None);
    assert!(loads[0].pairs() > 12 && loads[0].pairs() < 48, "{loads:?}");
    let layer = &decoder.layers[1];
    let Feed::Many(gate, experts) = &layer.feed else { panic!("experts") };
    let x: Matrix<Cpu> = Cpu::default().tensor_of(normals(7, 12 * 8), (12, 8)).unwrap();
    let pass = Pass::eval(&params);
    let z = linear::<Cpu, NoneTape>(x.clone(), pass.get(*gate), None, Act::Identity).unwrap().as_vec();
    let route = cold.route(&z, &IDS, 4, router.moment, Look::Train, None);
    let weights = tempered(&z, &[], 1.0, 4);
    let kept = above(&tempered(&z, &[], 0.02, 4), 0.001);
    let gates = Cpu::default().tensor_of(weights.clone(), (12, 4)).unwrap();
    let y = experts.forward::<Cpu, NoneTape>(&pass, x.clone(), &route.sent, gates).unwrap().as_vec();
    let mut expected = vec![0.0; 12 * 8];
    for (e, (up, down)) in experts.each().iter().enumerate() {
        let inner = up.forward::<Cpu, NoneTape>(&pass, x.clone(), Act::Gelu).unwrap();
        let f = down.forward::<Cpu, NoneTape>(&pass, inner, Act::Identity).unwrap().as_vec();
        for (i, f) in f.into_iter().enumerate() {
            let pair = i / 8 * 4 + e;
            expected[i] += if kept[pair] { weights[pair] * f } else { 0.0 };
        }
    }
    close(&y, &expected, 1e-5);
}

/// An expert that nobody asks gets gradients of exactly 0, not of NaN.
#[test]
fn an_idle_expert_learns_nothing() {
    let (params, decoder) = model(3);
    let by_table = Routing { table: vec![0, 2, 0, 2, 0, 2, 0, 2, 0, 2, 0], ..routing(Arm::Hash) };
    let slopes = slopes(&params, &decoder, router(&by_table, 1.0, false, Look::Train));
    for ((name, ..), slopes) in params.describe().zip(&slopes) {
        let idle = name.contains("expert.1.") || name.contains("gate");
        assert_eq!(slopes.iter().all(|s| *s == 0.0), idle, "{name}");
        assert!(slopes.iter().all(|s| s.is_finite()), "{name}");
    }
}

/// Gates of all kinds against finite differences; logits are far enough from a tie that no choice changes on the way.
#[test]
fn gradients_of_gates() {
    for (arm, weighing, temperature, hard) in [
        (Arm::Dts, Weighing::Clean, 0.6, false),
        (Arm::Dts, Weighing::Tempered, 0.6, false),
        (Arm::Dts, Weighing::Tempered, 0.6, true),
        (Arm::Switch, Weighing::Clean, 1.0, false),
        (Arm::Top2, Weighing::Clean, 1.0, false),
    ] {
        let routing = Routing { weighing, balance: 0.1, noise: true, ..routing(arm) };
        let mut inputs = Inputs::new(3);
        let z = inputs.add((6, 3));
        let spread: Vec<f32> = normals(9, 18).into_iter().map(|z| 2.0 * z).collect();
        inputs.params.set(z, spread).unwrap();
        let values = Cpu::default().tensor_of(normals(1, 18), (6, 3)).unwrap();
        inputs.check(|p| {
            let pass = Pass::train(p, Stream::new(5, "noise"));
            let mut losses = None;
            let router = router(&routing, temperature, hard, Look::Train);
            let (gates, load) = gates(&pass, p.get(z).retaped(), &[0; 6], router, 3, &mut losses).unwrap();
            // Weights of what is asked, times fixed numbers: a mixture of experts of width 1.
            let mut asked = [0.0; 18];
            for (e, rows) in load.sent.iter().enumerate() {
                rows.iter()
                    .for_each(|row| asked[*row as usize * 3 + e] = values.as_vec()[*row as usize * 3 + e]);
            }
            let y = inner(gates, &asked).unwrap();
            add(y, losses.unwrap(), Act::Identity).unwrap()
        });
    }
}

#[test]
fn threads_do_not_show() {
    let (params, decoder) = model(4);
    let dts = Routing { balance: 0.01, ..routing(Arm::Dts) };
    let of = || slopes(&params, &decoder, router(&dts, 0.3, false, Look::Train));
    assert_eq!(threads(1, of), threads(3, of));
}

/// A token's logits depend on nothing after it.
#[test]
fn nothing_is_seen_of_what_comes() {
    let (params, decoder) = model(3);
    let dense = routing(Arm::Dense);
    let of = |ids: &[u32]| {
        let router = router(&dense, 1.0, false, Look::AsTrained);
        let passed =
            decoder.forward::<Cpu, NoneTape>(&Pass::eval(&params), ids, &Packed::new([6]), router).unwrap();
        assert_eq!(*passed.logits.shape(), (6, 11));
        passed.logits.as_vec()
    };
    let (one, two) = (of(&[1, 2, 3, 4, 5, 6]), of(&[1, 2, 3, 9, 8, 7]));
    close(&one[..33], &two[..33], 1e-6);
    assert_ne!(one[33..], two[33..]);
}

#[test]
fn refused() {
    let odd = Sizes { heads: 3, ..sizes(2) };
    assert_eq!(odd.check().unwrap_err().to_string(), "`width` 8 is no multiple of `heads` 3");
    let never = Sizes { every: 3, ..sizes(2) };
    let message = "every 3th layer is to have experts, but there are 2 layers";
    assert_eq!(never.check().unwrap_err().to_string(), message);
    assert!(Sizes { every: 3, ..sizes(0) }.check().is_ok());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(8))]

    /// Without a capacity, a sequence's logits are the same whatever stands beside it.
    #[test]
    fn sequences_do_not_meet(seed: u64) {
        let (params, decoder) = model(3);
        let routing = routing(Arm::Switch);
        let router = router(&routing, 1.0, false, Look::AsTrained);
        let mut stream = Stream::new(seed, "ids");
        let ids: Vec<u32> = (0..12).map(|_| stream.below(11) as u32).collect();
        let of = |ids: &[u32]| {
            let packed = Packed::new(vec![6; ids.len() / 6]);
            decoder.forward::<Cpu, NoneTape>(&Pass::eval(&params), ids, &packed, router).unwrap().logits.as_vec()
        };
        let turned: Vec<u32> = [&ids[6..], &ids[..6]].concat();
        let (one, two) = (of(&ids), of(&turned));
        close(&one[..66], &two[66..], 1e-6);
        close(&one[66..], &two[..66], 1e-6);
    }
}
