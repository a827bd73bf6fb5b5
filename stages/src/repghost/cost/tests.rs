use super::super::design::Size;
use super::super::design::tests::paper;
use super::*;

/// The exact counts of the authors' code for the eight widths: parameters and operations as trained, as deployed, multiply-adds without
/// biases, and parameters with every norm folded.
#[test]
fn counts_are_the_authors() {
    let check = |width: f64, expected: [u64; 6]| {
        let cost = cost(&paper(width)).unwrap();
        let Cost { macs, trained, deployed, folded } = cost;
        let found = [trained.params, trained.counted, deployed.params, deployed.counted, macs, folded.params];
        assert_eq!(found, expected, "{width}×");
    };
    check(0.5, [2_313_968, 43_317_244, 2_306_528, 44_165_532, 43_314_720, 2_302_956]);
    check(0.58, [2_546_388, 59_806_740, 2_537_736, 60_885_328, 59_804_016, 2_533_576]);
    check(0.8, [3_278_968, 95_522_196, 3_267_112, 96_875_380, 95_518_948, 3_261_420]);
    check(1.0, [4_073_604, 142_397_872, 4_058_772, 144_065_440, 142_394_128, 4_051_648]);
    check(1.11, [4_539_984, 170_128_232, 4_523_568, 171_969_848, 170_124_224, 4_515_684]);
    check(1.3, [5_478_612, 231_128_132, 5_459_316, 233_329_604, 231_123_652, 5_450_052]);
    check(1.5, [6_575_336, 301_320_840, 6_553_064, 303_836_696, 301_315_856, 6_542_368]);
    check(2.0, [9_796_124, 515_876_060, 9_766_460, 519_211_196, 515_869_856, 9_752_212]);
}

/// The Ghost nets of the same skeleton: parameters, and multiply-adds without biases.
#[test]
fn ghost_counts_are_the_authors() {
    for (width, params, macs) in
        [(0.5, 2_587_292, 42_328_152), (1.0, 5_182_508, 141_150_512), (1.3, 7_358_820, 227_003_256)]
    {
        let classes = paper(width).classes;
        let design = Design::new(Family::Ghost, Size::Paper, width, [3, 224, 224], classes);
        let cost = cost(&design).unwrap();
        assert_eq!((cost.trained.params, cost.macs), (params, macs), "{width}×");
    }
}

/// Small pictures and ten classes, the first convolution of stride 2 all the same.
#[test]
fn small_pictures() {
    for (side, width, macs, params) in
        [(32, 0.5, 1_566_240, 1_045_778), (32, 1.0, 4_463_632, 2_805_414), (64, 0.5, 4_096_320, 1_045_778)]
    {
        let mut design = paper(width);
        (design.picture, design.stem_stride) = ([3, side, side], 2);
        design.classes.truncate(10);
        let cost = cost(&design).unwrap();
        assert_eq!((cost.macs, cost.trained.params), (macs, params), "{side}, {width}×");
    }
}
