//! Charts: lines, bars, scattered points and curves.

mod names;

use super::axis::Scale;
use super::{Canvas, PALETTE};
use crate::format;
use crate::plot::{Plot, PlotKind, PlotLine, PlotPoint};

const WIDTH: f64 = 820.0;
const PLOT_HEIGHT: f64 = 340.0;
const RIGHT: f64 = 24.0;
/// Dashes tell lines apart where colour does not.
const DASHES: [&str; 4] = ["", "7 4", "2 3", "9 3 2 3"];

/// Where things are.
struct Frame {
    x: Scale,
    y: Scale,
    top: f64,
    bottom: f64,
    /// Width of a category; 0 on an axis of numbers.
    slot: f64,
}

/// Draws a plot as an SVG picture of its own.
pub fn plot(plot: &Plot) -> String {
    let names: Vec<&str> = plot.lines.iter().map(|line| line.name.as_str()).collect();
    let legend = legend_rows(&names, &plot.legend);
    let top = 16.0 + legend.len() as f64 * 20.0;
    let long = longest(plot);
    let y_ticks = y_scale(plot, 0.0, 1.0).ticks();
    let left = 44.0 + y_ticks.iter().map(|(_, text)| width(text)).fold(10.0, f64::max);
    let slot = (WIDTH - left - RIGHT) / plot.x.categories.len().max(1) as f64;
    let slanted = long > slot - 6.0;
    let bottom = top + PLOT_HEIGHT;
    let height = bottom + 44.0 + if slanted { long * 0.5 } else { 0.0 };

    let mut canvas = Canvas::new(WIDTH, height, &plot.caption);
    draw_legend(&mut canvas, &legend, plot);
    if plot.is_empty() {
        canvas.text("rp-tick", WIDTH / 2.0, f64::midpoint(top, bottom), "middle", "no values");
        return canvas.finish();
    }
    let categories = !plot.x.categories.is_empty();
    let frame = Frame {
        x: x_scale(plot, left, WIDTH - RIGHT, slot),
        y: y_scale(plot, bottom, top),
        top,
        bottom,
        slot: if categories { slot } else { 0.0 },
    };
    axes(&mut canvas, plot, &frame, slanted);
    for (series, line) in plot.lines.iter().enumerate() {
        match plot.kind {
            PlotKind::Bar => bars(&mut canvas, plot, &frame, series, line),
            PlotKind::Curve => curve(&mut canvas, plot, &frame, series, line),
            PlotKind::Line => joined(&mut canvas, plot, &frame, series, line),
            PlotKind::Scatter => scattered(&mut canvas, plot, &frame, series, line),
        }
    }
    if plot.kind == PlotKind::Scatter {
        names::draw(&mut canvas, plot, &frame);
    }
    canvas.finish()
}

/// About how wide a text is.
fn width(text: &str) -> f64 {
    text.chars().count() as f64 * 6.6
}

/// A category's name as far as there is room for it.
fn tick_name(name: &str) -> String {
    const MOST: usize = 26;
    if name.chars().count() <= MOST {
        return name.to_owned();
    }
    let mut short: String = name.chars().take(MOST - 1).collect();
    short.push('…');
    short
}

fn x_scale(plot: &Plot, start: f64, end: f64, slot: f64) -> Scale {
    if !plot.x.categories.is_empty() {
        let last = (plot.x.categories.len() - 1) as f64;
        // The middle of the first category is half a slot from the axis.
        return Scale {
            low: 0.0,
            high: last.max(1e-9),
            log: false,
            start: start + slot / 2.0,
            end: end - slot / 2.0,
        };
    }
    let values = || plot.lines.iter().flat_map(|line| &line.points).map(|p| p.x);
    let mut scale = Scale::fit(values(), plot.x.log, false, start, end);
    let (low, high) = values().fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), v| (l.min(v), h.max(v)));
    if plot.kind == PlotKind::Curve && high > low {
        (scale.low, scale.high) = (if plot.x.log { low } else { low.min(0.0) }, high);
    } else if plot.kind != PlotKind::Curve {
        // Marks and bars stand clear of the edges.
        let pad = (end - start) * 0.06;
        if high > low {
            (scale.low, scale.high) = (low, high);
        }
        (scale.start, scale.end) = (start + pad, end - pad);
    }
    scale
}

fn y_scale(plot: &Plot, start: f64, end: f64) -> Scale {
    let values = plot.lines.iter().flat_map(|line| &line.points).flat_map(|p| {
        let interval = p.interval.map(|i| (i.low * plot.scale, i.high * plot.scale));
        let (low, high) = interval.unwrap_or((p.y * plot.scale, p.y * plot.scale));
        [low, high, p.y * plot.scale]
    });
    Scale::fit(values, plot.y.log, plot.kind == PlotKind::Bar, start, end)
}

fn axes(canvas: &mut Canvas, plot: &Plot, frame: &Frame, slanted: bool) {
    let (left, right) = edges(frame);
    for (value, text) in frame.y.ticks() {
        let y = frame.y.place(value);
        canvas.line("rp-grid", (left, y), (right, y));
        canvas.text("rp-tick", left - 8.0, y + 4.0, "end", &text);
    }
    canvas.path("rp-axis", "", &[(left, frame.top), (left, frame.bottom), (right, frame.bottom)], false);
    for (x, text) in x_ticks(plot, frame) {
        canvas.line("rp-axis", (x, frame.bottom), (x, frame.bottom + 4.0));
        if slanted {
            canvas.turned("rp-tick", x + 4.0, frame.bottom + 16.0, "end", -30.0, &text);
        } else {
            canvas.text("rp-tick", x, frame.bottom + 18.0, "middle", &text);
        }
    }
    let below = frame.bottom + 38.0 + if slanted { longest(plot) * 0.5 } else { 0.0 };
    canvas.text("", f64::midpoint(left, right), below, "middle", &plot.x.label);
    canvas.turned("", 14.0, f64::midpoint(frame.top, frame.bottom), "middle", -90.0, &plot.y.label);
}

fn longest(plot: &Plot) -> f64 {
    plot.x.categories.iter().map(|name| width(&tick_name(name))).fold(0.0, f64::max)
}

/// The frame's left and right edge.
fn edges(frame: &Frame) -> (f64, f64) {
    let pad = if frame.slot > 0.0 {
        frame.slot / 2.0
    } else {
        // What `x_scale` left free is within the frame.
        WIDTH - RIGHT - frame.x.end
    };
    (frame.x.start - pad, WIDTH - RIGHT)
}

/// Ticks at the values themselves where they are few and far enough apart, else at round numbers.
fn x_ticks(plot: &Plot, frame: &Frame) -> Vec<(f64, String)> {
    if !plot.x.categories.is_empty() {
        let names = plot.x.categories.iter().enumerate();
        return names.map(|(i, name)| (frame.x.place(i as f64), tick_name(name))).collect();
    }
    if plot.kind == PlotKind::Line || plot.kind == PlotKind::Bar {
        let mut values: Vec<f64> = plot.lines.iter().flat_map(|l| &l.points).map(|p| p.x).collect();
        values.sort_by(f64::total_cmp);
        values.dedup();
        let clear = values.windows(2).all(|pair| {
            let room =
                f64::midpoint(width(&format::general(pair[0])), width(&format::general(pair[1]))) + 6.0;
            frame.x.place(pair[1]) - frame.x.place(pair[0]) > room
        });
        if values.len() <= 12 && clear {
            return values.into_iter().map(|v| (frame.x.place(v), format::general(v))).collect();
        }
    }
    let ticks = frame.x.ticks().into_iter();
    let inside = |v: f64| v >= frame.x.low - 1e-12 && v <= frame.x.high * (1.0 + 1e-9) + 1e-12;
    ticks.filter(|(v, _)| inside(*v)).map(|(v, text)| (frame.x.place(v), text)).collect()
}

fn hint(plot: &Plot, line: &PlotLine, p: &PlotPoint) -> String {
    let x = plot.x.categories.get(p.x as usize).cloned().unwrap_or_else(|| format::general(p.x));
    let y = format::general(p.y * plot.scale);
    let interval = p.interval.map_or(String::new(), |i| {
        let (low, high) = (format::general(i.low * plot.scale), format::general(i.high * plot.scale));
        format!(" [{low}, {high}]")
    });
    let names: Vec<&str> =
        [line.name.as_str(), p.name.as_str()].into_iter().filter(|t| !t.is_empty()).collect();
    let names = if names.is_empty() { String::new() } else { format!("{}: ", names.join(", ")) };
    format!("{names}{x}, {y}{interval}, n = {}", p.n)
}

fn whisker(canvas: &mut Canvas, class: &str, plot: &Plot, frame: &Frame, x: f64, p: &PlotPoint) {
    let Some(interval) = p.interval else { return };
    let (low, high) = (frame.y.place(interval.low * plot.scale), frame.y.place(interval.high * plot.scale));
    if (low - high).abs() < 0.5 {
        return;
    }
    canvas.line(class, (x, low), (x, high));
    // On a logarithmic axis an interval that holds 0 has no lower end to mark.
    if !plot.y.log || interval.low * plot.scale > 0.0 {
        canvas.line(class, (x - 4.0, low), (x + 4.0, low));
    }
    canvas.line(class, (x - 4.0, high), (x + 4.0, high));
}

fn colour(series: usize) -> usize {
    series % PALETTE.len()
}

fn bars(canvas: &mut Canvas, plot: &Plot, frame: &Frame, series: usize, line: &PlotLine) {
    let count = plot.lines.len() as f64;
    let room = if frame.slot > 0.0 { frame.slot } else { closest(plot, frame) };
    let width = (room * 0.76 / count).min(64.0);
    let base = if plot.y.log { frame.bottom } else { frame.y.place(0.0) };
    for p in &line.points {
        let x = frame.x.place(p.x) + (series as f64 - (count - 1.0) / 2.0) * width;
        let y = frame.y.place(p.y * plot.scale);
        let class = format!("rp-f{}", colour(series));
        let corner = (x - width / 2.0 + 0.5, y.min(base));
        canvas.bar(&class, corner, ((width - 1.0).max(1.0), (y - base).abs()), &hint(plot, line, p));
        whisker(canvas, "rp-ink", plot, frame, x, p);
    }
}

/// The least distance between neighbouring places of bars.
fn closest(plot: &Plot, frame: &Frame) -> f64 {
    let mut places: Vec<f64> =
        plot.lines.iter().flat_map(|l| &l.points).map(|p| frame.x.place(p.x)).collect();
    places.sort_by(f64::total_cmp);
    places.dedup();
    places.windows(2).map(|pair| pair[1] - pair[0]).fold(80.0, f64::min)
}

fn joined(canvas: &mut Canvas, plot: &Plot, frame: &Frame, series: usize, line: &PlotLine) {
    // Lines at the same place step aside a little, or their whiskers hide one another.
    let crowded = plot.lines.iter().flat_map(|line| &line.points).any(|p| p.interval.is_some());
    let step = if crowded { (14.0 / plot.lines.len() as f64).min(3.0) } else { 0.0 };
    let aside = (series as f64 - (plot.lines.len() as f64 - 1.0) / 2.0) * step;
    let place = |p: &PlotPoint| (frame.x.place(p.x) + aside, frame.y.place(p.y * plot.scale));
    let points: Vec<(f64, f64)> = line.points.iter().map(place).collect();
    let class = format!("rp-line rp-s{}", colour(series));
    canvas.path(&class, DASHES[series % DASHES.len()], &points, false);
    for (p, (x, y)) in line.points.iter().zip(points) {
        whisker(canvas, &format!("rp-whisker rp-s{}", colour(series)), plot, frame, x, p);
        canvas.mark(series, x, y, &hint(plot, line, p));
    }
}

fn scattered(canvas: &mut Canvas, plot: &Plot, frame: &Frame, series: usize, line: &PlotLine) {
    for p in &line.points {
        let (x, y) = (frame.x.place(p.x), frame.y.place(p.y * plot.scale));
        whisker(canvas, &format!("rp-whisker rp-s{}", colour(series)), plot, frame, x, p);
        canvas.mark(series, x, y, &hint(plot, line, p));
    }
}

fn curve(canvas: &mut Canvas, plot: &Plot, frame: &Frame, series: usize, line: &PlotLine) {
    let y = |value: f64| frame.y.place(value * plot.scale);
    let end = |p: &PlotPoint, high: bool| p.interval.map_or(p.y, |i| if high { i.high } else { i.low });
    if line.points.iter().any(|p| p.interval.is_some()) {
        let upper = line.points.iter().map(|p| (frame.x.place(p.x), y(end(p, true))));
        let lower = line.points.iter().rev().map(|p| (frame.x.place(p.x), y(end(p, false))));
        let outline: Vec<(f64, f64)> = upper.chain(lower).collect();
        canvas.path(&format!("rp-band rp-f{}", colour(series)), "", &outline, true);
    }
    let points: Vec<(f64, f64)> = line.points.iter().map(|p| (frame.x.place(p.x), y(p.y))).collect();
    canvas.path(&format!("rp-line rp-s{}", colour(series)), DASHES[series % DASHES.len()], &points, false);
    if let (1, Some((x, y))) = (points.len(), points.first()) {
        canvas.mark(series, *x, *y, &hint(plot, line, &line.points[0]));
    }
}

/// Names in rows: place and number of each.
fn legend_rows(names: &[&str], title: &str) -> Vec<Vec<(f64, usize)>> {
    if names.iter().all(|name| name.is_empty()) {
        return Vec::new();
    }
    let start = if title.is_empty() { 16.0 } else { 16.0 + width(title) + 14.0 };
    let mut rows = vec![Vec::new()];
    let mut x = start;
    for (series, name) in names.iter().enumerate() {
        let room = width(name) + 46.0;
        if x + room > WIDTH && x > start {
            rows.push(Vec::new());
            x = start;
        }
        if let Some(row) = rows.last_mut() {
            row.push((x, series));
        }
        x += room;
    }
    rows
}

fn draw_legend(canvas: &mut Canvas, rows: &[Vec<(f64, usize)>], plot: &Plot) {
    for (r, row) in rows.iter().enumerate() {
        let y = 16.0 + r as f64 * 20.0;
        if r == 0 && !plot.legend.is_empty() {
            canvas.text("rp-tick", 16.0, y + 4.0, "start", &plot.legend);
        }
        for (x, series) in row {
            let line = [(*x, y), (x + 26.0, y)];
            match plot.kind {
                PlotKind::Bar => {
                    canvas.round_rect(&format!("rp-f{}", colour(*series)), x + 8.0, y - 6.0, 12.0, 12.0, 2.0);
                }
                PlotKind::Scatter => canvas.mark(*series, x + 14.0, y, ""),
                PlotKind::Line | PlotKind::Curve => {
                    let class = format!("rp-line rp-s{}", colour(*series));
                    canvas.path(&class, DASHES[series % DASHES.len()], &line, false);
                    if plot.kind == PlotKind::Line {
                        canvas.mark(*series, x + 13.0, y, "");
                    }
                }
            }
            canvas.text("", x + 32.0, y + 4.0, "start", &plot.lines[*series].name);
        }
    }
}
