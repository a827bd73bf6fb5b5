//! The graph as a picture.

use super::Graph;
use super::layout::{BOX_HEIGHT, Layout};
use crate::svg::Canvas;

const MARGIN: f64 = 8.0;

impl Graph {
    /// The graph as an SVG picture of its own.
    pub fn svg(&self) -> String {
        let widths: Vec<f64> = self
            .boxes
            .iter()
            .map(|b| {
                let title = b.title().chars().count() as f64 * 7.6;
                let below = subtitle(b).chars().count() as f64 * 6.2;
                (title.max(below) + 24.0).max(84.0)
            })
            .collect();
        let layout = Layout::of(self, &widths);
        let (width, height) = (layout.width + 2.0 * MARGIN, layout.height + 2.0 * MARGIN);
        let mut canvas = Canvas::new(width.max(40.0), height.max(20.0), "The graph of the pipeline");
        canvas.arrow_head();
        for ((from, to), points) in &layout.lines {
            let edges = self.edges.iter().filter(|edge| (edge.from, edge.to) == (*from, *to));
            let words: Vec<String> = edges
                .map(|edge| {
                    let part = if edge.part.is_empty() { String::new() } else { format!(".{}", edge.part) };
                    format!("{}{part} → {} of {}", self.boxes[*from].name, edge.port, self.boxes[*to].name)
                })
                .collect();
            let points: Vec<(f64, f64)> = points.iter().map(|(x, y)| (x + MARGIN, y + MARGIN)).collect();
            canvas.edge(&points, &words.join("\n"));
        }
        for (b, (x, y, width)) in self.boxes.iter().zip(&layout.boxes) {
            let (x, y) = (x + MARGIN, y + MARGIN);
            canvas.round_rect("rp-box", x - width / 2.0, y, *width, BOX_HEIGHT, 6.0);
            canvas.text("rp-name", x, y + 19.0, "middle", &b.title());
            canvas.text("rp-sub", x, y + 35.0, "middle", &subtitle(b));
        }
        canvas.finish()
    }
}

fn subtitle(b: &super::GraphBox) -> String {
    if b.axes.is_empty() { b.stage.clone() } else { format!("{} · {}", b.stage, b.axes.join(", ")) }
}
