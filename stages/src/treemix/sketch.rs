//! Pictures of trees and a page of mixed examples, for people to look at.

use std::fmt::Write as _;

use super::augment::Mixture;
use super::draw::Splice;
use crate::data::labelled::{Labelled, Sentence};
use crate::data::tree::Tree;

const SIZE: f64 = 14.0;
/// Mean width of a letter in a sans-serif face, as a share of its size; wide enough that words do not touch.
const LETTER: f64 = 0.6;
const LEVEL: f64 = 40.0;
const GAP: f64 = 12.0;
const MARGIN: f64 = 16.0;

/// A tree as an SVG picture, the words `marked` and the nodes over them alone in colour.
///
/// Words stand in one row; a node stands over the middle of its children.
pub fn svg(tree: &Tree, marked: (usize, usize), caption: &str) -> String {
    let places = Places::of(tree);
    let bottom = places.bottom();
    let wide = places.wide;
    let high = bottom + MARGIN + if caption.is_empty() { 0.0 } else { 2.0 * SIZE };
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {wide:.0} {high:.0}\" width=\"{wide:.0}\" \
         height=\"{high:.0}\" font-family=\"sans-serif\" font-size=\"{SIZE}\" text-anchor=\"middle\">\n\
         <rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n"
    );
    let inside = |start: usize, end: usize| marked.0 <= start && end <= marked.1;
    let colour = |yes: bool| if yes { MARKED } else { "#333" };
    for (at, node) in tree.nodes().iter().enumerate() {
        let (x, top) = (places.nodes[at], y(places.depths[at]));
        for child in tree.children(at) {
            let end = (places.nodes[child], y(places.depths[child]) - SIZE);
            line(&mut out, (x, top + 4.0), end, inside(node.start, node.end));
        }
        for word in own(tree, at) {
            line(&mut out, (x, top + 4.0), (places.words[word], bottom - SIZE), inside(word, word + 1));
        }
        let fill = colour(inside(node.start, node.end));
        text(&mut out, (x, top), fill, &node.label, " font-weight=\"bold\"");
    }
    for (at, word) in tree.words().iter().enumerate() {
        text(&mut out, (places.words[at], bottom), colour(inside(at, at + 1)), word, "");
    }
    if !caption.is_empty() {
        text(&mut out, (wide / 2.0, bottom + 2.0 * SIZE), "#666", caption, "");
    }
    out + "</svg>\n"
}

/// The colour of what is cut or pasted.
const MARKED: &str = "#c0392b";

/// Where everything of a tree stands.
struct Places {
    /// Middles of words, from the left.
    words: Vec<f64>,
    /// Middles of nodes, from the left.
    nodes: Vec<f64>,
    /// Levels below the root.
    depths: Vec<usize>,
    /// Width of the picture.
    wide: f64,
}

impl Places {
    fn of(tree: &Tree) -> Self {
        let nodes = tree.nodes();
        let width = |text: &str| text.chars().count() as f64 * SIZE * LETTER;
        // A word's column is as wide as it and the tag over it.
        let mut columns: Vec<f64> = tree.words().iter().map(|word| width(word)).collect();
        for (_, node) in nodes.iter().enumerate().filter(|(at, _)| tree.is_tag(*at)) {
            columns[node.start] = columns[node.start].max(width(&node.label));
        }
        let mut right = MARGIN;
        let words: Vec<f64> = columns
            .iter()
            .map(|column| {
                let middle = right + column / 2.0;
                right += column + GAP;
                middle
            })
            .collect();
        // Pre-order: parents come before their children.
        let mut depths = vec![0_usize; nodes.len()];
        for at in 0..nodes.len() {
            tree.children(at).for_each(|child| depths[child] = depths[at] + 1);
        }
        let mut x = vec![0.0; nodes.len()];
        for at in (0..nodes.len()).rev() {
            let below = tree.children(at).map(|child| x[child]).chain(own(tree, at).map(|word| words[word]));
            let (least, most) = below.fold((f64::MAX, f64::MIN), |(a, b), c| (a.min(c), b.max(c)));
            x[at] = f64::midpoint(least, most);
        }
        Self { words, nodes: x, depths, wide: right - GAP + MARGIN }
    }

    /// The line that words stand on.
    fn bottom(&self) -> f64 {
        y(self.depths.iter().max().map_or(0, |depth| depth + 1))
    }
}

/// The line that a level stands on.
fn y(depth: usize) -> f64 {
    MARGIN + SIZE + LEVEL * depth as f64
}

fn line(out: &mut String, (x1, y1): (f64, f64), (x2, y2): (f64, f64), marked: bool) {
    let stroke = if marked { MARKED } else { "#999" };
    writeln!(out, "<line x1=\"{x1:.1}\" y1=\"{y1:.1}\" x2=\"{x2:.1}\" y2=\"{y2:.1}\" stroke=\"{stroke}\"/>")
        .expect("a String takes all");
}

fn text(out: &mut String, (x, y): (f64, f64), fill: &str, text: &str, style: &str) {
    writeln!(out, "<text x=\"{x:.1}\" y=\"{y:.1}\" fill=\"{fill}\"{style}>{}</text>", escape(text))
        .expect("a String takes all");
}

/// The words of a node that none of its child nodes covers.
fn own(tree: &Tree, at: usize) -> impl Iterator<Item = usize> + '_ {
    let node = &tree.nodes()[at];
    (node.start..node.end).filter(move |word| {
        tree.children(at).all(|child| !(tree.nodes()[child].start..tree.nodes()[child].end).contains(word))
    })
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// A page of mixtures: what was cut (struck through) and pasted (bold), and the label that came out.
pub fn page(labelled: &Labelled, mixtures: &[Mixture]) -> String {
    let mut out =
        String::from("| receiver, with what is cut | mixed, with what is pasted | label |\n|---|---|---|\n");
    for mixture in mixtures {
        let [a, b] = [mixture.receiver, mixture.donor].map(|row| &labelled.examples[row as usize]);
        let [mut cut, mut mixed] = [String::new(), String::new()];
        let (mut inserted, mut length) = (0, 0);
        let splices = std::iter::once(&mixture.first).chain(&mixture.second);
        for ((receiver, donor), splice) in a.sentences().zip(b.sentences()).zip(splices) {
            if !cut.is_empty() {
                cut.push_str(" ‖ ");
                mixed.push_str(" ‖ ");
            }
            show(receiver, donor, splice, &mut cut, &mut mixed);
            inserted += splice.pasted();
            length += splice.length(receiver.words.len());
        }
        let [kept, pasted] = [a, b].map(|example| &labelled.classes[example.class]);
        let label = if a.class == b.class {
            format!("{kept} {length}/{length}")
        } else {
            format!("{kept} {}/{length}, {pasted} {inserted}/{length}", length - inserted)
        };
        writeln!(out, "| {cut} | {mixed} | {label} |").expect("a String takes all");
    }
    out
}

fn show(receiver: &Sentence, donor: &Sentence, splice: &Splice, cut: &mut String, mixed: &mut String) {
    let words = |sentence: &Sentence, start: u32, end: u32| -> String {
        let marks = ['\\', '|', '*', '~', '`', '_', '<', '['];

        sentence.words[start as usize..end as usize].join(" ").chars().fold(String::new(), |mut text, c| {
            if marks.contains(&c) {
                text.push('\\');
            }
            text.push(c);
            text
        })
    };
    let end = receiver.words.len() as u32;
    let (before, after) = (words(receiver, 0, splice.cut.0), words(receiver, splice.cut.1, end));
    let out = words(receiver, splice.cut.0, splice.cut.1);
    let paste = words(donor, splice.paste.0, splice.paste.1);
    let join = |middle: String| {
        let parts = [before.clone(), middle, after.clone()];
        parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ")
    };
    cut.push_str(&join(format!("~~{out}~~")));
    mixed.push_str(&join(format!("**{paste}**")));
}

#[cfg(test)]
mod tests;
