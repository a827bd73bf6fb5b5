use proptest::prelude::*;

use super::*;

pub(in super::super) fn paper(width: f64) -> Design {
    let classes = (0..1000).map(|i| i.to_string()).collect();
    Design::new(Family::RepGhost, Size::Paper, width, [3, 224, 224], classes)
}

/// The architecture table at 0.5× and 1.11×: middle channels, channels, channels squeezed to.
#[test]
fn blocks_are_those_of_the_table() {
    let check = |width: f64, stem: usize, last: usize, expected: [(usize, usize, usize); 16]| {
        let design = paper(width);
        let found: Vec<_> = design.blocks.iter().map(|b| (b.middle, b.outputs, b.reduced)).collect();
        assert_eq!((design.stem, design.last), (stem, last), "{width}");
        assert_eq!(found, expected, "{width}");
    };
    check(
        0.5,
        8,
        480,
        [
            (4, 8, 0),
            (12, 12, 0),
            (20, 12, 0),
            (20, 20, 8),
            (32, 20, 8),
            (60, 40, 0),
            (52, 40, 0),
            (60, 40, 0),
            (60, 40, 0),
            (120, 56, 32),
            (168, 56, 44),
            (168, 80, 44),
            (240, 80, 0),
            (240, 80, 60),
            (240, 80, 0),
            (240, 80, 60),
        ],
    );
    check(
        1.11,
        16,
        1064,
        [
            (8, 16, 0),
            (28, 28, 0),
            (40, 28, 0),
            (40, 44, 12),
            (68, 44, 16),
            (132, 88, 0),
            (112, 88, 0),
            (132, 88, 0),
            (132, 88, 0),
            (268, 124, 68),
            (372, 124, 92),
            (372, 176, 92),
            (532, 176, 0),
            (532, 176, 132),
            (532, 176, 0),
            (532, 176, 132),
        ],
    );
}

proptest! {
    /// Invariant 9: multiples of four, at least four and nine tenths, and never falling.
    #[test]
    fn channels_are_rounded(a in 0.0..4000.0_f64, b in 0.0..4000.0_f64) {
        let (low, high) = (a.min(b), a.max(b));
        let near = rounded(low);
        prop_assert!(near.is_multiple_of(4) && near >= 4 && near as f64 >= 0.9 * low);
        prop_assert!(near <= rounded(high));
    }
}

#[test]
fn no_net_is_made_of_nonsense() {
    let broken = |change: &dyn Fn(&mut Design)| {
        let mut design = paper(0.5);
        change(&mut design);
        design.sound().unwrap_err()
    };
    assert!(broken(&|d| d.blocks[3].kernel = 4).contains("odd kernels"));
    assert!(broken(&|d| d.classes.clear()).contains("above 0"));
    assert!(broken(&|d| d.branch = "half".into()).contains("expected a branch, found `half`"));
    let odd = broken(&|d| (d.family, d.blocks[0].middle) = ("ghost".into(), 7));
    assert!(odd.contains("even channels"), "{odd}");
}
