use super::super::tests::laws;
use super::*;

fn painted(shape: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    let laws = Laws { grid: 2, noise: 0.0, ..laws() };
    let thing = Thing { body: 0, dot: 1, shape, next: 0, cell: 3 };
    picture(&laws, &[thing], &mut Stream::new(0, "none"), &mut bytes);
    bytes
}

#[test]
fn a_thing_is_painted_in_its_cell_with_a_dot_in_its_middle() {
    let side = 2 * CELL;
    for shape in 0..8 {
        let bytes = painted(shape);
        let pixel = |row: usize, column: usize| [0, 1, 2].map(|c| bytes[(c * side + row) * side + column]);
        assert_eq!(bytes.len(), 3 * side * side);
        assert_eq!(pixel(0, 0), GROUND);
        assert_eq!(pixel(CELL + 7, CELL + 7), PAINTS[1]);
        let count = |paint| {
            let pixels = (0..side).flat_map(|r| (0..side).map(move |c| (r, c)));
            pixels
                .filter(|(r, c)| pixel(*r, *c) == paint)
                .inspect(|(r, c)| assert!(*r >= CELL && *c >= CELL))
                .count()
        };
        assert_eq!(count(PAINTS[1]), 16, "a dot of 4×4");
        assert!(count(PAINTS[0]) >= 40, "shape {shape} is a body");
    }
}

#[test]
fn no_two_shapes_look_alike() {
    let all: Vec<Vec<u8>> = (0..8).map(painted).collect();
    for (i, one) in all.iter().enumerate() {
        for other in &all[..i] {
            // A red body on grey ground: a byte a pixel differs.
            let unlike = one.iter().zip(other).filter(|(a, b)| a != b).count();
            assert!(unlike >= 30, "{unlike} of 256 pixels");
        }
    }
}

#[test]
fn noise_stays_within_bytes_and_is_of_the_stream() {
    let draw = |seed| {
        let mut bytes = Vec::new();
        picture(&Laws { noise: 0.5, ..laws() }, &[], &mut Stream::new(seed, "noise"), &mut bytes);
        bytes
    };
    assert_eq!(draw(1), draw(1));
    assert_ne!(draw(1), draw(2));
}
