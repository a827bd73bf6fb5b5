//! Pictures: SVG that stands alone, reads well on light and dark pages, and has the same bytes everywhere.

mod axis;
mod chart;

use std::fmt::Write as _;

use crate::format::escape;

pub use chart::plot;

/// Eight colours of Okabe and Ito that people of all colour vision tell apart (black and yellow, which vanish on one
/// page or the other, are grey and brown here), each with a lighter twin for dark pages.
pub(crate) const PALETTE: [(&str, &str); 8] = [
    ("#0072b2", "#56a8e0"),
    ("#d55e00", "#ff8a3d"),
    ("#009e73", "#3ccf9f"),
    ("#b4548f", "#e39ac4"),
    ("#c98a00", "#f0b840"),
    ("#3a9fd0", "#8fd0f2"),
    ("#7f7f7f", "#b0b0b0"),
    ("#7a4a1e", "#c99a6b"),
];

/// Plain colours stand first: programs that know no media query draw the light page.
fn style() -> String {
    let mut light = String::new();
    let mut dark = String::new();
    for (i, (on_light, on_dark)) in PALETTE.iter().enumerate() {
        let _ = write!(light, ".rp-s{i}{{stroke:{on_light}}}.rp-f{i}{{fill:{on_light}}}");
        let _ = write!(dark, ".rp-s{i}{{stroke:{on_dark}}}.rp-f{i}{{fill:{on_dark}}}");
    }
    format!(
        ".rp text{{font-family:system-ui,-apple-system,'Segoe UI',Roboto,'DejaVu Sans',sans-serif;font-size:12px;fill:#1f2328}}\
         .rp .rp-sub{{font-size:10.5px;fill:#656d76}}.rp .rp-tick{{font-size:11px;fill:#656d76}}.rp .rp-name{{font-weight:600;font-size:12.5px}}\
         .rp-grid{{stroke:#d8dee4;stroke-width:1}}.rp-axis{{stroke:#8c959f;stroke-width:1;fill:none}}\
         .rp-edge{{stroke:#8c959f;stroke-width:1.3;fill:none}}.rp-head{{fill:#8c959f}}\
         .rp-box{{fill:#f6f8fa;stroke:#8c959f;stroke-width:1}}\
         .rp-line{{fill:none;stroke-width:2;stroke-linejoin:round}}.rp-whisker{{stroke-width:1.4;fill:none}}\
         .rp-ink{{stroke:#1f2328;stroke-width:1.2;fill:none}}.rp-band{{stroke:none;fill-opacity:.16}}\
         {light}\
         @media (prefers-color-scheme:dark){{.rp text{{fill:#e6edf3}}.rp .rp-sub,.rp .rp-tick{{fill:#9198a1}}\
         .rp-grid{{stroke:#30363d}}.rp-axis,.rp-edge{{stroke:#6e7681}}.rp-head{{fill:#6e7681}}\
         .rp-box{{fill:#161b22;stroke:#6e7681}}.rp-ink{{stroke:#e6edf3}}{dark}}}"
    )
}

/// An SVG picture that is being drawn.
pub(crate) struct Canvas {
    out: String,
}

impl Canvas {
    pub(crate) fn new(width: f64, height: f64, title: &str) -> Self {
        let (w, h) = (n(width), n(height));
        let out = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"rp\" role=\"img\" width=\"{w}\" height=\"{h}\" \
             viewBox=\"0 0 {w} {h}\">\n<title>{}</title>\n<style>{}</style>\n",
            escape(title),
            style()
        );
        Self { out }
    }

    pub(crate) fn finish(mut self) -> String {
        self.out.push_str("</svg>\n");
        self.out
    }

    pub(crate) fn line(&mut self, class: &str, from: (f64, f64), to: (f64, f64)) {
        let (x1, y1, x2, y2) = (n(from.0), n(from.1), n(to.0), n(to.1));
        let _ =
            writeln!(self.out, "<line class=\"{class}\" x1=\"{x1}\" y1=\"{y1}\" x2=\"{x2}\" y2=\"{y2}\"/>");
    }

    pub(crate) fn text(&mut self, class: &str, x: f64, y: f64, anchor: &str, text: &str) {
        self.text_with(class, x, y, anchor, "", text);
    }

    /// Text around (x, y), turned by so many degrees.
    pub(crate) fn turned(&mut self, class: &str, x: f64, y: f64, anchor: &str, degrees: f64, text: &str) {
        let turn = format!(" transform=\"rotate({} {} {})\"", n(degrees), n(x), n(y));
        self.text_with(class, x, y, anchor, &turn, text);
    }

    fn text_with(&mut self, class: &str, x: f64, y: f64, anchor: &str, more: &str, text: &str) {
        let class = if class.is_empty() { String::new() } else { format!(" class=\"{class}\"") };
        let (x, y, text) = (n(x), n(y), escape(text));
        let _ = writeln!(
            self.out,
            "<text{class} x=\"{x}\" y=\"{y}\" text-anchor=\"{anchor}\"{more}>{text}</text>"
        );
    }

    pub(crate) fn round_rect(&mut self, class: &str, x: f64, y: f64, width: f64, height: f64, radius: f64) {
        let (x, y, w, h, r) = (n(x), n(y), n(width), n(height), n(radius));
        let _ = writeln!(
            self.out,
            "<rect class=\"{class}\" x=\"{x}\" y=\"{y}\" width=\"{w}\" height=\"{h}\" rx=\"{r}\"/>"
        );
    }

    /// A rectangle that tells its numbers when one points at it.
    pub(crate) fn bar(&mut self, class: &str, corner: (f64, f64), size: (f64, f64), hint: &str) {
        let (x, y, w, h) = (n(corner.0), n(corner.1), n(size.0), n(size.1));
        let hint = escape(hint);
        let _ = writeln!(
            self.out,
            "<rect class=\"{class}\" x=\"{x}\" y=\"{y}\" width=\"{w}\" height=\"{h}\"><title>{hint}</title></rect>"
        );
    }

    pub(crate) fn path(&mut self, class: &str, dash: &str, points: &[(f64, f64)], closed: bool) {
        let mut d = String::new();
        for (i, (x, y)) in points.iter().enumerate() {
            let _ = write!(d, "{}{} {}", if i == 0 { "M" } else { "L" }, n(*x), n(*y));
        }
        if closed {
            d.push('Z');
        }
        let dash = if dash.is_empty() { String::new() } else { format!(" stroke-dasharray=\"{dash}\"") };
        let _ = writeln!(self.out, "<path class=\"{class}\"{dash} d=\"{d}\"/>");
    }

    /// A mark of the `series`-th line: its own colour and its own shape.
    pub(crate) fn mark(&mut self, series: usize, x: f64, y: f64, hint: &str) {
        let class = format!("rp-f{}", series % PALETTE.len());
        let shape = |points: &[(f64, f64)]| {
            let points: Vec<String> =
                points.iter().map(|(dx, dy)| format!("{},{}", n(x + dx), n(y + dy))).collect();
            format!("<polygon class=\"{class}\" points=\"{}\">", points.join(" "))
        };
        let (open, close) = match series % 5 {
            0 => (format!("<circle class=\"{class}\" cx=\"{}\" cy=\"{}\" r=\"4\">", n(x), n(y)), "</circle>"),
            1 => (shape(&[(-3.6, -3.6), (3.6, -3.6), (3.6, 3.6), (-3.6, 3.6)]), "</polygon>"),
            2 => (shape(&[(0.0, -4.8), (4.6, 3.4), (-4.6, 3.4)]), "</polygon>"),
            3 => (shape(&[(0.0, -5.2), (5.2, 0.0), (0.0, 5.2), (-5.2, 0.0)]), "</polygon>"),
            _ => (shape(&[(0.0, 4.8), (4.6, -3.4), (-4.6, -3.4)]), "</polygon>"),
        };
        let hint = if hint.is_empty() { String::new() } else { format!("<title>{}</title>", escape(hint)) };
        let _ = writeln!(self.out, "{open}{hint}{close}");
    }

    pub(crate) fn arrow_head(&mut self) {
        self.out.push_str(
            "<defs><marker id=\"rp-arrow\" viewBox=\"0 0 8 8\" refX=\"7\" refY=\"4\" markerWidth=\"7\" \
             markerHeight=\"7\" orient=\"auto\"><path class=\"rp-head\" d=\"M0 0.8L8 4L0 7.2Z\"/></marker></defs>\n",
        );
    }

    /// A smooth line down through `points` with a head at its end.
    pub(crate) fn edge(&mut self, points: &[(f64, f64)], hint: &str) {
        let mut d = String::new();
        for (i, (x, y)) in points.iter().enumerate() {
            match i.checked_sub(1).map(|before| points[before]) {
                None => {
                    let _ = write!(d, "M{} {}", n(*x), n(*y));
                }
                // Inside a layer it passes straight, between layers it bends.
                Some((x0, _)) if (x0 - x).abs() < 0.05 => {
                    let _ = write!(d, "L{} {}", n(*x), n(*y));
                }
                Some((x0, y0)) => {
                    let middle = n(f64::midpoint(y0, *y));
                    let _ = write!(d, "C{} {middle} {} {middle} {} {}", n(x0), n(*x), n(*x), n(*y));
                }
            }
        }
        let hint = escape(hint);
        let _ = writeln!(
            self.out,
            "<path class=\"rp-edge\" marker-end=\"url(#rp-arrow)\" d=\"{d}\"><title>{hint}</title></path>"
        );
    }
}

/// A coordinate: two decimals are finer than any screen.
fn n(x: f64) -> String {
    if !x.is_finite() {
        return "0".to_owned();
    }
    let text = format!("{x:.2}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    if text == "-0" { "0".to_owned() } else { text.to_owned() }
}
