use super::*;

/// Invariant 1: 31 ascending scales, the last one whole, and the formula in whole numbers is that in real ones.
#[test]
fn the_grid_is_the_papers() {
    assert_eq!((scale(0), scale(FULL)), (0.10, 1.00));
    assert!((1..SCALES).all(|id| scale(id) > scale(id - 1)));
    let bases = [
        3, 8, 16, 22, 32, 33, 44, 64, 88, 128, 132, 198, 224, 256, 264, 448, 512, 528, 792, 1024, 1280, 1344,
        2048,
    ];
    for base in bases {
        assert_eq!(width(base, FULL), base);
        for id in 0..SCALES {
            // As the authors' code makes its scales: a range in steps of 0.03.
            let real = 0.1 + 0.03 * f64::from(id);
            assert_eq!(width(base, id), ((base as f64 * real + 1e-9) as usize).max(1), "{base} at {id}");
            assert!(id == 0 || width(base, id) >= width(base, id - 1));
        }
    }
    assert_eq!(width(3, 0), 1);
}
