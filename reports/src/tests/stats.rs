//! Statistics against SciPy 1.17, and what must hold of any numbers.

use proptest::prelude::*;

use crate::stats::{Paired, Summary, holm, median, sign_flip_test, student_quantile, student_two_sided};

/// Continued fraction and logarithm of gamma both keep about fourteen digits.
const TOLERANCE: f64 = 1e-11;

fn close(found: f64, expected: f64) {
    let error = (found - expected).abs() / expected.abs().max(1e-300);
    assert!(error < TOLERANCE, "expected {expected}, found {found}");
}

const A: [f64; 5] = [0.812, 0.799, 0.825, 0.808, 0.817];
const B: [f64; 5] = [0.771, 0.79, 0.80, 0.782, 0.779];
const D: [f64; 11] = [0.5, -0.2, 0.9, 0.1, 0.4, -0.3, 0.8, 0.6, -0.1, 0.35, 0.2];

#[test]
fn quantiles_of_student() {
    // scipy.stats.t.ppf(0.975, df)
    let golden = [
        (1.0, 12.706_204_736_174_694),
        (2.0, 4.302_652_729_749_462),
        (4.0, 2.776_445_105_197_793_4),
        (9.0, 2.262_157_162_798_205),
        (30.0, 2.042_272_456_301_237_8),
        (199.0, 1.971_956_544_251_753_3),
    ];
    for (df, expected) in golden {
        close(student_quantile(0.975, df), expected);
    }
}

#[test]
fn tails_of_student() {
    // 2 * scipy.stats.t.sf(abs(t), df)
    let golden = [
        (0.1, 1.0, 0.936_548_965_138_893),
        (2.0, 4.0, 0.116_116_523_516_815_56),
        (-3.5, 9.0, 0.006_723_515_763_058_959),
        (12.0, 2.0, 0.006_872_933_677_158_46),
        (40.0, 19.0, 8.307_757_199_338_434e-20),
        (0.001, 7.0, 0.999_230_017_244_998_8),
    ];
    for (t, df, expected) in golden {
        close(student_two_sided(t, df), expected);
    }
    assert_eq!(student_two_sided(f64::INFINITY, 3.0), 0.0);
}

#[test]
fn interval_of_a_mean() {
    // numpy.mean, numpy.std(ddof=1), scipy.stats.t.interval(0.95, 4, mean, sem)
    let summary = Summary::of(&A).unwrap();
    let interval = summary.interval.unwrap();
    close(summary.mean, 0.8122);
    close(summary.sd.unwrap(), 0.009_731_392_500_562_25);
    close(interval.low, 0.800_116_880_279_661_8);
    close(interval.high, 0.824_283_119_720_338_3);
}

#[test]
fn few_values_say_so() {
    assert_eq!(Summary::of(&[]), None);
    let one = Summary::of(&[0.5]).unwrap();
    assert_eq!((one.n, one.mean, one.sd, one.interval), (1, 0.5, None, None));
    let two = Summary::of(&[0.0, 1.0]).unwrap().interval.unwrap();
    close(two.half(), 12.706_204_736_174_694 / 2.0);
    let same = Summary::of(&[0.1; 7]).unwrap();
    assert_eq!((same.mean, same.sd), (0.1, Some(0.0)));
}

#[test]
fn paired_test_of_two_methods() {
    // scipy.stats.ttest_rel(A, B) and its confidence_interval()
    let differences: Vec<f64> = A.iter().zip(B).map(|(a, b)| a - b).collect();
    let paired = Paired::of(&differences).unwrap();
    let interval = paired.summary.interval.unwrap();
    close(paired.summary.mean, 0.0278);
    close(paired.p.unwrap(), 0.008_022_772_683_917_144);
    close(interval.low, 0.012_059_735_448_577_674);
    close(interval.high, 0.043_540_264_551_422_29);
    // scipy.stats.permutation_test(…, permutation_type="samples"): five pairs cannot say more.
    assert_eq!(paired.p_flip, 0.0625);
    assert_eq!((paired.wins, paired.ties, paired.losses), (5, 0, 0));
}

#[test]
fn sign_flips_are_counted_exactly() {
    let paired = Paired::of(&D).unwrap();
    close(paired.p.unwrap(), 0.033_032_028_204_575_12);
    assert_eq!(paired.p_flip, 0.041_015_625);
    assert_eq!((paired.wins, paired.ties, paired.losses), (8, 0, 3));
}

#[test]
fn many_pairs_are_sampled() {
    let differences: Vec<f64> = (0..24).map(|i| f64::from((i * 37) % 23 - 8) / 10.0).collect();
    // 2 000 000 flips of NumPy give 0.0942; the error of 20 000 flips is 0.002.
    let p = sign_flip_test(&differences);
    assert!((p - 0.0942).abs() < 0.008, "found {p}");
    assert_eq!(p, sign_flip_test(&differences), "the flips are fixed");
    close(Paired::of(&differences).unwrap().p.unwrap(), 0.088_622_313_500_827_03);
}

#[test]
fn degenerate_differences() {
    assert_eq!(Paired::of(&[]), None);
    let one = Paired::of(&[0.3]).unwrap();
    assert_eq!((one.p, one.p_flip), (None, 1.0));
    let none = Paired::of(&[0.0; 4]).unwrap();
    assert_eq!((none.p, none.p_flip, none.ties), (Some(1.0), 1.0, 4));
    let constant = Paired::of(&[0.5; 4]).unwrap();
    assert_eq!((constant.p, constant.p_flip), (None, 0.125));
    let rounded = Paired::of(&[0.3 - 0.2, 0.4 - 0.3, 0.5 - 0.4]).unwrap();
    assert_eq!(rounded.p, None, "rounding is no spread");
}

#[test]
fn holm_steps_down() {
    let adjusted = holm(&[Some(0.01), None, Some(0.04), Some(0.03), Some(0.005)]);
    let expected = [Some(0.03), None, Some(0.06), Some(0.06), Some(0.02)];
    for (found, expected) in adjusted.iter().zip(expected) {
        assert_eq!(found.is_some(), expected.is_some());
        if let (Some(found), Some(expected)) = (found, expected) {
            close(*found, expected);
        }
    }
    assert_eq!(holm(&[Some(0.9), Some(0.8)]), [Some(1.0), Some(1.0)]);
}

#[test]
fn medians() {
    assert_eq!(median(&[]), None);
    assert_eq!(median(&[3.0, 1.0, 2.0]), Some(2.0));
    assert_eq!(median(&[4.0, 1.0, 2.0, 3.0]), Some(2.5));
}

fn values(least: usize) -> impl Strategy<Value = Vec<f64>> {
    prop::collection::vec(-1e6..1e6_f64, least..22)
}

proptest! {
    #[test]
    fn interval_holds_the_mean(values in values(2)) {
        let summary = Summary::of(&values).unwrap();
        let interval = summary.interval.unwrap();
        prop_assert!(interval.low <= summary.mean && summary.mean <= interval.high);
    }

    #[test]
    fn p_is_a_chance_and_symmetric(differences in values(2)) {
        let there = Paired::of(&differences).unwrap();
        let back = Paired::of(&differences.iter().map(|d| -d).collect::<Vec<_>>()).unwrap();
        prop_assert!(there.p.is_none_or(|p| (0.0..=1.0).contains(&p)));
        prop_assert!(there.p_flip > 0.0 && there.p_flip <= 1.0);
        prop_assert_eq!(there.p, back.p);
        prop_assert_eq!(there.p_flip, back.p_flip);
        prop_assert_eq!((there.wins, there.losses), (back.losses, back.wins));
    }

    #[test]
    fn interval_without_zero_means_small_p(differences in values(3)) {
        let paired = Paired::of(&differences).unwrap();
        let interval = paired.summary.interval.unwrap();
        let outside = interval.low > 0.0 || interval.high < 0.0;
        // At the very edge rounding decides.
        let Some(p) = paired.p else { return Ok(()) };
        prop_assume!((p - 0.05).abs() > 1e-9);
        prop_assert_eq!(outside, p < 0.05);
    }

    #[test]
    fn holm_never_lowers(p_values in prop::collection::vec(prop::option::of(0.0..=1.0_f64), 0..9)) {
        for (before, after) in p_values.iter().zip(holm(&p_values)) {
            prop_assert_eq!(before.is_some(), after.is_some());
            if let (Some(before), Some(after)) = (before, after) {
                prop_assert!(after >= *before && after <= 1.0);
            }
        }
    }
}
