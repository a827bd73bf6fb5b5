use super::*;

/// These numbers are part of every result: none may change.
#[test]
fn streams_are_pinned() {
    let mut stream = Stream::new(42, "dropout");
    let bits: Vec<u64> = (0..3).map(|_| stream.bits()).collect();
    let noise = stream.noise();
    let mut other = stream.child(3).named("layer.0");
    let floats = [other.uniform(), other.normal(), other.below(1000) as f64];
    let found = format!(
        "{bits:x?} {:x?} {floats:?} {:?}",
        [noise.at(0), noise.at(1), noise.at(u32::MAX)],
        other.permutation(8)
    );
    assert_eq!(found, PINNED);
}

const PINNED: &str = "[2fa70db6109ecd2d, e9f93334f7ae014b, df450d623b96db57] [3f25eb27, 8573ea59, f954159b] \
    [0.49146973754335477, 1.4807408420925798, 934.0] [3, 4, 6, 2, 5, 0, 1, 7]";

#[test]
fn split_mix_is_the_published_one() {
    // The first outputs of SplitMix64 from state 0.
    assert_eq!(mix(0), 0xe220_a839_7b1d_cdaf);
    assert_eq!(mix(STEP), 0x6e78_9e6a_a1b9_65f4);
}

#[test]
fn purposes_and_children_share_nothing() {
    let root = Stream::new(1, "a");
    let mut firsts = vec![Stream::new(2, "a").at(0), Stream::new(1, "b").at(0), Stream::new(1, "").at(0)];
    firsts.extend([root.at(0), root.named("a").at(0), root.named("a\0").at(0), root.named("12345678").at(0)]);
    firsts.extend((0..1000).map(|i| root.child(i).at(0)));
    firsts.sort_unstable();
    firsts.dedup();
    assert_eq!(firsts.len(), 1007);
}

#[test]
fn the_place_in_a_stream_is_a_counter() {
    let mut stream = Stream::new(9, "x");
    let drawn: Vec<u64> = (0..5).map(|_| stream.bits()).collect();
    assert_eq!(drawn, (0..5).map(|i| stream.at(i)).collect::<Vec<_>>());
}

#[test]
fn moments_are_those_of_the_distributions() {
    const COUNT: usize = 100_000;
    let mut stream = Stream::new(3, "moments");
    let mean = |x: &[f64]| x.iter().sum::<f64>() / x.len() as f64;
    let uniform: Vec<f64> = (0..COUNT).map(|_| stream.uniform()).collect();
    assert!((mean(&uniform) - 0.5).abs() < 0.005 && uniform.iter().all(|x| (0.0..1.0).contains(x)));
    let normal: Vec<f64> = (0..COUNT).map(|_| stream.normal()).collect();
    let power = |k: i32| mean(&normal.iter().map(|x| x.powi(k)).collect::<Vec<_>>());
    assert!(power(1).abs() < 0.02 && (power(2) - 1.0).abs() < 0.03 && (power(4) - 3.0).abs() < 0.2);
}

#[test]
fn whole_numbers_and_orders_are_even() {
    let mut stream = Stream::new(4, "below");
    let mut counts = [0; 7];
    (0..70_000).for_each(|_| counts[stream.below(7)] += 1);
    assert!(counts.iter().all(|c| (9_500..10_500).contains(c)), "{counts:?}");
    let mut firsts = [0; 5];
    (0..50_000).for_each(|_| firsts[stream.permutation(5)[0]] += 1);
    assert!(firsts.iter().all(|c| (9_500..10_500).contains(c)), "{firsts:?}");
    let mut order = stream.permutation(100);
    order.sort_unstable();
    assert_eq!(order, (0..100).collect::<Vec<_>>());
}
