//! Pictures of a world's things, as pixels.

use super::{Laws, Thing};
use crate::kit::rng::Stream;

/// Side of a cell in pixels.
pub const CELL: usize = 16;
/// Half of the side of a body, and of a dot.
const BODY: i32 = 7;
const DOT: i32 = 2;
/// What is behind things.
const GROUND: [u8; 3] = [40, 40, 40];
/// Red, green and blue of the colours, in order of their names.
pub const PAINTS: [[u8; 3]; 8] = [
    [220, 40, 40],
    [40, 180, 60],
    [50, 80, 220],
    [230, 210, 50],
    [150, 60, 190],
    [60, 200, 210],
    [240, 140, 40],
    [240, 240, 240],
];

/// Adds the bytes of a picture, `[3, H, W]`.
pub fn picture(laws: &Laws, things: &[Thing], stream: &mut Stream, bytes: &mut Vec<u8>) {
    let side = laws.grid * CELL;
    let mut paints = vec![GROUND; side * side];
    for thing in things {
        let corner = (thing.cell / laws.grid * side + thing.cell % laws.grid) * CELL;
        for (row, column) in (0..CELL).flat_map(|row| (0..CELL).map(move |column| (row, column))) {
            // From the middle of the cell, in half pixels, so that shapes are symmetric.
            let [y, x] = [row, column].map(|at| 2 * at as i32 + 1 - CELL as i32);
            let pixel = &mut paints[corner + row * side + column];
            if y.abs() < 2 * DOT && x.abs() < 2 * DOT {
                *pixel = PAINTS[thing.dot];
            } else if covers(thing.shape, x, y) {
                *pixel = PAINTS[thing.body];
            }
        }
    }
    let noise = laws.noise * 255.0;
    for channel in 0..3 {
        bytes.extend(paints.iter().map(|paint| {
            (f64::from(paint[channel]) + noise * stream.normal()).round().clamp(0.0, 255.0) as u8
        }));
    }
}

/// Whether a shape covers a place, in half pixels from its middle.
fn covers(shape: usize, x: i32, y: i32) -> bool {
    let most = 2 * BODY;
    let (across, down) = (x.abs(), y.abs());
    match shape {
        0 => x * x + y * y < most * most,
        1 => across < most - 2 && down < most - 2,
        2 => down < most && 2 * across < y + most,
        3 => (across < 5 && down < most) || (down < 5 && across < most),
        4 => across + down < most,
        5 => down < 6 && across < most,
        6 => across < 6 && down < most,
        _ => (across - down).abs() < 4 && across < most && down < most,
    }
}

#[cfg(test)]
mod tests;
