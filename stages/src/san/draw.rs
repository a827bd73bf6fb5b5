//! Where a net looked, as a picture: a row a question, a panel a layer, one scale for all layers of a question.

use std::fmt::Write as _;
use std::io::Cursor;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use image::{ImageFormat, RgbImage};
use runpipe_base::StageError;

use super::attention::entropy;
use super::questions::{Question, Scenes};

/// Side of a panel, and room around it.
const SIDE: f64 = 210.0;
const GAP: f64 = 14.0;
/// Room for the question above a row of panels, and for numbers below.
const ABOVE: f64 = 44.0;
const BELOW: f64 = 22.0;
/// A row is at least as wide, for its question's words.
const LEAST: f64 = 560.0;

/// A question with what became of it.
pub struct Shown<'a> {
    /// The question.
    pub question: &'a Question,
    /// The answer given.
    pub given: &'a str,
    /// Weights of each layer.
    pub layers: Vec<&'a [f32]>,
}

/// The picture. Regions are rows and columns of `grid`; bright is where a layer looked, the brightest being the largest weight of
/// any layer for that question. Where the grid of paths, `cells`, is known, the cell that a question names has a dashed frame and
/// that of the answer a whole one.
///
/// # Errors
/// [`StageError::Other`] when pixels make no file.
pub fn picture(
    shown: &[Shown<'_>],
    scenes: &Scenes,
    grid: [usize; 2],
    cells: Option<[usize; 2]>,
) -> Result<String, StageError> {
    let layers = shown.iter().map(|s| s.layers.len()).max().unwrap_or(0);
    let height = panel_height(scenes, grid);
    let row = ABOVE + height + BELOW + GAP;
    let width = (GAP + layers as f64 * (SIDE + GAP)).max(LEAST);
    let whole = GAP + row * shown.len() as f64;
    let mut svg = String::new();
    put(
        &mut svg,
        format_args!(
            r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0} {whole:.0}" width="{width:.0}" height="{whole:.0}" font-family="sans-serif" font-size="12">"#
        ),
    );
    put(&mut svg, format_args!(r#"<rect width="{width:.0}" height="{whole:.0}" fill="white"/>"#));
    for (i, one) in shown.iter().enumerate() {
        let top = GAP + row * i as f64;
        let Question { text, answer, picture, .. } = one.question;
        label(&mut svg, (GAP, top + 14.0), &format!("{text}?"));
        let mark = if answer == one.given { "✓" } else { "✗" };
        label(&mut svg, (GAP, top + 32.0), &format!("{mark} {} (true: {answer})", one.given));
        let behind = behind(scenes, *picture)?;
        let largest = one.layers.iter().flat_map(|p| p.iter()).copied().fold(0.0, f32::max);
        for (k, p) in one.layers.iter().enumerate() {
            let left = GAP + (SIDE + GAP) * k as f64;
            let panel = Panel { left, top: top + ABOVE, height, grid };
            panel.draw(&mut svg, p, largest, behind.as_deref());
            if let Some(cells) = cells {
                panel.frames(&mut svg, one.question, cells);
            }
            let most = p.iter().copied().fold(0.0, f32::max);
            let words = format!("layer {}: entropy {:.2}, largest {most:.2}", k + 1, entropy(p));
            label(&mut svg, (left, top + ABOVE + height + 15.0), &words);
        }
    }
    Ok(svg + "</svg>\n")
}

/// Panels have the shape of the pictures, or of the grid.
fn panel_height(scenes: &Scenes, [rows, columns]: [usize; 2]) -> f64 {
    let [down, across] = match scenes {
        Scenes::Pixels { size: [_, height, width], .. } => [*height, *width],
        Scenes::Regions { .. } => [rows, columns],
    };
    (SIDE * down as f64 / across.max(1) as f64).clamp(SIDE / 8.0, 2.0 * SIDE)
}

struct Panel {
    left: f64,
    top: f64,
    height: f64,
    grid: [usize; 2],
}

impl Panel {
    /// Left, top, width and height of a cell of a grid.
    fn cell(&self, cell: usize, [rows, columns]: [usize; 2]) -> [f64; 4] {
        let (width, height) = (SIDE / columns.max(1) as f64, self.height / rows.max(1) as f64);
        let (row, column) = (cell / columns.max(1), cell % columns.max(1));
        [self.left + width * column as f64, self.top + height * row as f64, width, height]
    }

    fn draw(&self, svg: &mut String, p: &[f32], largest: f32, behind: Option<&str>) {
        let [left, top, width, height] = [self.left, self.top, SIDE, self.height];
        if let Some(behind) = behind {
            put(
                svg,
                format_args!(
                    r#"<image x="{left:.1}" y="{top:.1}" width="{width:.1}" height="{height:.1}" preserveAspectRatio="none" href="data:image/png;base64,{behind}"/>"#
                ),
            );
        } else {
            put(
                svg,
                format_args!(
                    r##"<rect x="{left:.1}" y="{top:.1}" width="{width:.1}" height="{height:.1}" fill="#ffd24a"/>"##
                ),
            );
        }
        for (i, p) in p.iter().enumerate() {
            let [x, y, width, height] = self.cell(i, self.grid);
            let dark = 0.92 * (1.0 - p / largest.max(f32::MIN_POSITIVE));
            put(
                svg,
                format_args!(
                    r##"<rect x="{x:.1}" y="{y:.1}" width="{width:.1}" height="{height:.1}" fill="#101820" fill-opacity="{dark:.3}"/>"##
                ),
            );
        }
    }

    fn frames(&self, svg: &mut String, question: &Question, cells: [usize; 2]) {
        let ends = [(question.path.first(), r#" stroke-dasharray="5 3""#), (question.path.last(), "")];
        for (cell, dashes) in ends {
            let Some(cell) = cell else { continue };
            let [x, y, width, height] = self.cell(*cell, cells);
            put(
                svg,
                format_args!(
                    r##"<rect x="{:.1}" y="{:.1}" width="{:.1}" height="{:.1}" fill="none" stroke="#e0442e" stroke-width="2"{dashes}/>"##,
                    x + 1.5,
                    y + 1.5,
                    width - 3.0,
                    height - 3.0
                ),
            );
        }
    }
}

/// The pixels of a picture as a PNG file in base 64.
fn behind(scenes: &Scenes, picture: usize) -> Result<Option<String>, StageError> {
    let Scenes::Pixels { size: [channels, height, width], bytes } = scenes else { return Ok(None) };
    let area = height * width;
    let planes = &bytes[picture * channels * area..(picture + 1) * channels * area];
    let packed = (0..area).flat_map(|i| [0, 1, 2].map(|c| planes[c.min(channels - 1) * area + i])).collect();
    let image = RgbImage::from_raw(*width as u32, *height as u32, packed)
        .ok_or_else(|| StageError::Other("a picture has other sizes than it says".into()))?;
    let mut file = Cursor::new(Vec::new());
    image.write_to(&mut file, ImageFormat::Png).map_err(|e| StageError::Other(e.to_string()))?;
    Ok(Some(STANDARD.encode(file.into_inner())))
}

fn put(svg: &mut String, what: std::fmt::Arguments<'_>) {
    writeln!(svg, "{what}").expect("a String takes all");
}

fn label(svg: &mut String, (x, y): (f64, f64), words: &str) {
    let words = words.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    put(svg, format_args!(r##"<text x="{x:.1}" y="{y:.1}" fill="#222">{words}</text>"##));
}

#[cfg(test)]
mod tests;
