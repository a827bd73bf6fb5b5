//! Names of scattered points, where they cover neither a mark nor one another.

use super::{Canvas, Frame, RIGHT, WIDTH, width};
use crate::plot::Plot;

/// With more points than this a picture is full of names; each still tells its name when pointed at.
const MOST: usize = 24;
/// Half the side of a mark, with air around it.
const MARK: f64 = 6.0;
/// Height of a line of small text.
const HEIGHT: f64 = 11.0;

/// A rectangle: left, top, right, bottom.
type Area = (f64, f64, f64, f64);

/// Writes the points' names beside them, as long as there are not too many.
pub(super) fn draw(canvas: &mut Canvas, plot: &Plot, frame: &Frame) {
    let points: Vec<(f64, f64, &str)> = plot
        .lines
        .iter()
        .flat_map(|line| &line.points)
        .map(|p| (frame.x.place(p.x), frame.y.place(p.y * plot.scale), p.name.as_str()))
        .collect();
    if points.len() > MOST {
        return;
    }
    let within = (frame.x.start - MARK, frame.top, WIDTH - RIGHT + MARK, frame.bottom);
    let marks: Vec<Area> = points.iter().map(|(x, y, _)| (x - MARK, y - MARK, x + MARK, y + MARK)).collect();
    let mut taken = marks;
    for (x, y, name) in points.into_iter().filter(|(_, _, name)| !name.is_empty()) {
        let spots = spots(x, y, width(name));
        let cost = |area: &Area| {
            let covered: f64 = taken.iter().map(|other| shared(*area, *other)).sum();
            let outside = size(*area) - shared(*area, within);
            covered + 4.0 * outside
        };
        // The first of the cheapest: where there is room, names stand to the upper right.
        let Some(best) = spots.into_iter().min_by(|a, b| cost(a).total_cmp(&cost(b))) else { continue };
        canvas.text("rp-sub", f64::midpoint(best.0, best.2), best.3 - 2.0, "middle", name);
        taken.push(best);
    }
}

/// Where a name may stand around its point, the best place first.
fn spots(x: f64, y: f64, wide: f64) -> [Area; 8] {
    let place = |left: f64, top: f64| (left, top, left + wide, top + HEIGHT);
    let (right, left, middle) = (x + MARK, x - MARK - wide, x - wide / 2.0);
    let (above, below, beside) = (y - MARK - HEIGHT + 3.0, y + MARK - 3.0, y - HEIGHT / 2.0);
    [
        place(right, above),
        place(left, above),
        place(right, below),
        place(left, below),
        place(right, beside),
        place(left, beside),
        place(middle, above - 3.0),
        place(middle, below + 3.0),
    ]
}

fn size((left, top, right, bottom): Area) -> f64 {
    (right - left).max(0.0) * (bottom - top).max(0.0)
}

/// The area that two rectangles share.
fn shared(a: Area, b: Area) -> f64 {
    size((a.0.max(b.0), a.1.max(b.1), a.2.min(b.2), a.3.min(b.3)))
}

#[cfg(test)]
mod tests {
    use super::{shared, spots};

    #[test]
    fn a_name_does_not_cover_its_own_mark() {
        for spot in spots(100.0, 100.0, 40.0) {
            let core = (97.0, 97.0, 103.0, 103.0);
            assert!(shared(spot, core) < 1e-9, "{spot:?}");
        }
    }
}
