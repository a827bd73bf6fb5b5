//! Charts that stages draw, as SVG: points over two axes, and bars.

use std::fmt::Write as _;

const WIDTH: f64 = 760.0;
const HEIGHT: f64 = 420.0;
/// Room left of the plot, above, right of it for the legend, and below.
const ROOM: [f64; 4] = [64.0, 18.0, 190.0, 52.0];
/// Further room below bars, for their names.
const NAMES: f64 = 36.0;
/// Bars that are not too narrow for numbers on them.
const NUMBERED: usize = 24;

/// How the points of a series are drawn.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Mark {
    /// A small disk each.
    Dots,
    /// A line with a disk each.
    Line,
    /// A line of dashes and nothing else.
    Dashes,
    /// A large ring each.
    Rings,
}

/// Points that belong together.
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    /// Name in the legend.
    pub name: String,
    /// Colour.
    pub colour: &'static str,
    /// How they are drawn.
    pub mark: Mark,
    /// The points.
    pub points: Vec<(f64, f64)>,
}

/// Points over two axes.
///
/// # Panics
/// Never: points that are no numbers are left out.
pub fn scatter(x_label: &str, y_label: &str, series: &[Series]) -> String {
    let points = || series.iter().flat_map(|s| &s.points).filter(|(x, y)| x.is_finite() && y.is_finite());
    let (x, y) = (Axis::over(points().map(|p| p.0)), Axis::over(points().map(|p| p.1)));
    let mut svg = head(x_label, y_label, HEIGHT);
    grid(&mut svg, &x, &y);
    for (i, s) in series.iter().filter(|s| !s.points.is_empty()).enumerate() {
        let places: Vec<(f64, f64)> = s
            .points
            .iter()
            .filter(|(x, y)| x.is_finite() && y.is_finite())
            .map(|p| (right(x.share(p.0)), up(y.share(p.1))))
            .collect();
        if matches!(s.mark, Mark::Line | Mark::Dashes) {
            let dashes = if s.mark == Mark::Dashes { r#" stroke-dasharray="5 4""# } else { "" };
            let path: Vec<String> = places.iter().map(|(x, y)| format!("{x:.1},{y:.1}")).collect();
            line(
                &mut svg,
                format_args!(
                    r#"<polyline points="{}" fill="none" stroke="{}" stroke-width="1.5"{dashes}/>"#,
                    path.join(" "),
                    s.colour
                ),
            );
        }
        for (x, y) in places {
            dot(&mut svg, (x, y), s);
        }
        let place = (WIDTH - ROOM[2] + 20.0, ROOM[1] + 14.0 + 20.0 * i as f64);
        if s.mark == Mark::Dashes {
            let (x, y) = place;
            let (left, right, colour) = (x - 8.0, x + 8.0, s.colour);
            line(
                &mut svg,
                format_args!(
                    r#"<line x1="{left:.1}" x2="{right:.1}" y1="{y:.1}" y2="{y:.1}" stroke="{colour}" stroke-width="1.5" stroke-dasharray="5 4"/>"#
                ),
            );
        }
        dot(&mut svg, place, s);
        label(&mut svg, (place.0 + 12.0, place.1 + 4.0), "start", &s.name);
    }
    svg + "</svg>\n"
}

/// Bars side by side for each name, and the most that they could be as outlines.
pub fn bars(
    y_label: &str,
    names: &[String],
    most: &[f64],
    series: &[(String, &'static str, Vec<f64>)],
) -> String {
    let y = Axis::over(most.iter().copied().chain([0.0]));
    let mut svg = head("", y_label, HEIGHT + NAMES);
    grid(&mut svg, &Axis { min: 0.0, max: 1.0, step: 2.0 }, &y);
    let slot = (WIDTH - ROOM[0] - ROOM[2]) / names.len().max(1) as f64;
    let floor = up(y.share(0.0));
    for (i, name) in names.iter().enumerate() {
        let left = ROOM[0] + slot * (i as f64 + 0.1);
        let bar = |svg: &mut String, left: f64, width: f64, value: f64, style: &str| {
            let top = up(y.share(value));
            line(
                svg,
                format_args!(
                    r#"<rect x="{left:.1}" y="{top:.1}" width="{width:.1}" height="{:.1}" {style}/>"#,
                    (floor - top).max(0.0)
                ),
            );
        };
        bar(&mut svg, left, 0.8 * slot, most[i], r##"fill="none" stroke="#999" stroke-dasharray="3 2""##);
        let width = 0.8 * slot / series.len().max(1) as f64;
        for (j, (_, colour, values)) in series.iter().enumerate() {
            bar(&mut svg, left + width * j as f64, width, values[i], &format!(r#"fill="{colour}""#));
            if names.len() * series.len() <= NUMBERED {
                let place = (left + width * (j as f64 + 0.5), up(y.share(values[i])) - 4.0);
                label(&mut svg, place, "middle", &format!("{}", values[i]));
            }
        }
        let (x, y) = (left + 0.4 * slot, floor + 12.0);
        line(
            &mut svg,
            format_args!(
                r#"<text x="{x:.1}" y="{y:.1}" font-size="9" text-anchor="end" transform="rotate(-40 {x:.1} {y:.1})">{}</text>"#,
                escaped(name)
            ),
        );
    }
    let outline = ("whole net".to_owned(), "none", Vec::new());
    for (i, (name, colour, _)) in series.iter().chain([&outline]).enumerate() {
        let (x, y) = (WIDTH - ROOM[2] + 14.0, ROOM[1] + 8.0 + 20.0 * i as f64);
        line(
            &mut svg,
            format_args!(
                r##"<rect x="{x:.1}" y="{y:.1}" width="12" height="12" fill="{colour}" stroke="#999"/>"##
            ),
        );
        label(&mut svg, (x + 18.0, y + 10.0), "start", name);
    }
    svg + "</svg>\n"
}

/// Numbers from end to end of an axis, with a round step between its ticks.
struct Axis {
    min: f64,
    max: f64,
    step: f64,
}

impl Axis {
    fn over(numbers: impl Iterator<Item = f64>) -> Self {
        let (min, max) =
            numbers.fold((f64::INFINITY, f64::NEG_INFINITY), |(min, max), x| (min.min(x), max.max(x)));
        let (min, max) = if min > max { (0.0, 1.0) } else { (min, max) };
        let span = if max > min { max - min } else { max.abs().max(1.0) };
        // Of 1, 2 and 5 times a power of ten the first that makes at most six steps.
        let power = libm::pow(10.0, (libm::log10(span / 6.0)).floor());
        let step = [1.0, 2.0, 5.0, 10.0].map(|n| n * power).into_iter().find(|s| span / s <= 6.0);
        let step = step.unwrap_or(10.0 * power);
        Self { min: (min / step).floor() * step, max: ((max / step).ceil() * step).max(min + step), step }
    }

    fn share(&self, x: f64) -> f64 {
        (x - self.min) / (self.max - self.min)
    }

    fn ticks(&self) -> impl Iterator<Item = f64> {
        let count = ((self.max - self.min) / self.step).round() as usize;
        (0..=count).map(|i| self.min + self.step * i as f64)
    }

    fn text(&self, x: f64) -> String {
        let places = (-libm::log10(self.step).floor()).max(0.0) as usize;
        format!("{x:.places$}")
    }
}

fn right(share: f64) -> f64 {
    ROOM[0] + share * (WIDTH - ROOM[0] - ROOM[2])
}

fn up(share: f64) -> f64 {
    HEIGHT - ROOM[3] - share * (HEIGHT - ROOM[1] - ROOM[3])
}

fn line(svg: &mut String, what: std::fmt::Arguments<'_>) {
    writeln!(svg, "{what}").expect("a String takes all");
}

fn head(x_label: &str, y_label: &str, height: f64) -> String {
    let mut svg = String::new();
    line(
        &mut svg,
        format_args!(
            r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" font-family="sans-serif" font-size="12">"#
        ),
    );
    line(&mut svg, format_args!(r#"<rect width="{WIDTH}" height="{height}" fill="white"/>"#));
    label(&mut svg, (right(0.5), HEIGHT - 12.0), "middle", x_label);
    let (x, y) = (16.0, up(0.5));
    line(
        &mut svg,
        format_args!(
            r#"<text x="{x}" y="{y}" text-anchor="middle" transform="rotate(-90 {x} {y})">{}</text>"#,
            escaped(y_label)
        ),
    );
    svg
}

fn grid(svg: &mut String, x: &Axis, y: &Axis) {
    for tick in y.ticks() {
        let at = up(y.share(tick));
        line(
            svg,
            format_args!(
                r##"<line x1="{:.1}" x2="{:.1}" y1="{at:.1}" y2="{at:.1}" stroke="#ddd"/>"##,
                right(0.0),
                right(1.0)
            ),
        );
        label(svg, (right(0.0) - 6.0, at + 4.0), "end", &y.text(tick));
    }
    for tick in x.ticks().filter(|_| x.step <= x.max - x.min) {
        label(svg, (right(x.share(tick)), up(0.0) + 18.0), "middle", &x.text(tick));
    }
}

fn dot(svg: &mut String, (x, y): (f64, f64), s: &Series) {
    let style = match s.mark {
        Mark::Dashes => return,
        Mark::Dots => format!(r#"r="2.5" fill="{}" fill-opacity="0.7""#, s.colour),
        Mark::Line => format!(r#"r="3" fill="{}""#, s.colour),
        Mark::Rings => format!(r#"r="6" fill="none" stroke="{}" stroke-width="2.5""#, s.colour),
    };
    line(svg, format_args!(r#"<circle cx="{x:.1}" cy="{y:.1}" {style}/>"#));
}

fn label(svg: &mut String, (x, y): (f64, f64), anchor: &str, text: &str) {
    line(svg, format_args!(r#"<text x="{x:.1}" y="{y:.1}" text-anchor="{anchor}">{}</text>"#, escaped(text)));
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests;
