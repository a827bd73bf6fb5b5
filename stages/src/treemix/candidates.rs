//! Which constituents may be cut out and pasted.

use std::collections::BTreeMap;

use runpipe_base::{StageError, choice};

use crate::data::tree::Tree;

choice! {
    /// Which nodes may take part, and what their length is measured by.
    pub enum Rule {
        /// Every node, down to single tags; the length of a donor's node over the *receiver's* length; strict bounds.
        /// Source: the released code, by which the published figures were made.
        AsRun = "as_run",
        /// Nodes of two children and more; every length over that of its own sentence; bounds included. Source: the
        /// paper's text.
        AsWritten = "as_written",
        /// As the paper's text has it, but with every node. Source: ours, for single words to take part.
        AllNodes = "all_nodes",
    }
}

/// The least and the greatest share of a sentence that a node may make up, in whole thousandths so that no rounding
/// decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// Least share, in thousandths.
    pub lower: usize,
    /// Whether the least share itself is inside.
    pub closed_below: bool,
    /// Greatest share, in thousandths.
    pub upper: usize,
    /// Whether the greatest share itself is inside.
    pub closed_above: bool,
}

impl Window {
    /// The window of a rule. In pair tasks the released code takes λU − 0.2 for the lower bound, which in doubles falls
    /// just below 0.1 when λU is 0.3: 1/10 itself is then inside.
    ///
    /// # Errors
    /// [`StageError::Input`] when a bound is no whole thousandth, or the lower one is above the upper.
    pub fn of(rule: Rule, lower: f64, upper: f64, pairs: bool) -> Result<Self, StageError> {
        let closed = rule != Rule::AsRun;
        let (lower, closed_below) = if pairs && !closed {
            let shifted = upper - 0.2;
            let lower = (shifted.max(0.0) * 1000.0).round() / 1000.0;
            (lower, shifted < lower)
        } else {
            (lower, closed)
        };
        let window = Self {
            lower: thousandths("lower", lower)?,
            closed_below,
            upper: thousandths("upper", upper)?,
            closed_above: closed,
        };
        if window.lower > window.upper {
            return Err(StageError::Input(format!("`lower` is {lower}, above `upper`, which is {upper}")));
        }
        Ok(window)
    }

    /// Lengths of nodes that fit a sentence of `words` words: from the first to below the second.
    pub fn lengths(self, words: usize) -> (usize, usize) {
        let (least, most) = (self.lower * words, self.upper * words);
        let from = if self.closed_below { least.div_ceil(1000) } else { least / 1000 + 1 };
        let to = if self.closed_above { most / 1000 + 1 } else { most.div_ceil(1000) };
        (from.max(1), to.max(from).max(1))
    }
}

fn thousandths(name: &str, share: f64) -> Result<usize, StageError> {
    let scaled = share * 1000.0;
    if (scaled - scaled.round()).abs() > 1e-6 || scaled < 0.0 {
        return Err(StageError::Input(format!("`{name}` is {share}, expected whole thousandths")));
    }
    Ok(scaled.round() as usize)
}

/// A node that may take part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// First word.
    pub start: u32,
    /// One past the last word.
    pub end: u32,
    /// Its label's id.
    pub label: u32,
}

impl Span {
    /// Words of the span; never 0.
    #[expect(clippy::len_without_is_empty, reason = "a node has words")]
    pub fn len(self) -> usize {
        (self.end - self.start) as usize
    }
}

/// Ids of labels, in order of their first use.
#[derive(Debug, Clone, Default)]
pub struct Labels(BTreeMap<String, u32>);

impl Labels {
    /// The id of a label.
    pub fn id(&mut self, label: &str) -> u32 {
        if let Some(id) = self.0.get(label) {
            return *id;
        }
        let id = self.0.len() as u32;
        self.0.insert(label.to_owned(), id);
        id
    }
}

/// The nodes of a sentence, the shortest first, equals in pre-order.
///
/// Spans that a chain of single children repeats stay in the list as often as they occur, and are drawn that much more
/// often, as in the released code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pool {
    /// Words of the sentence.
    pub words: usize,
    spans: Vec<Span>,
}

impl Pool {
    /// The nodes of `tree` that `wanted` accepts by their place.
    pub fn new(tree: &Tree, labels: &mut Labels, wanted: impl Fn(&Tree, usize) -> bool) -> Self {
        let chosen = tree.nodes().iter().enumerate().filter(|(at, _)| wanted(tree, *at));
        let mut spans: Vec<Span> = chosen
            .map(|(_, node)| Span {
                start: node.start as u32,
                end: node.end as u32,
                label: labels.id(&node.label),
            })
            .collect();
        spans.sort_by_key(|span| span.len());
        Self { words: tree.words().len(), spans }
    }

    /// The nodes that a rule lets take part, of any length.
    pub fn of(tree: &Tree, labels: &mut Labels, rule: Rule) -> Self {
        Self::new(tree, labels, |tree, at| rule != Rule::AsWritten || tree.arity(at) >= 2)
    }

    /// A sentence of `words` words and no nodes.
    pub fn bare(words: usize) -> Self {
        Self { words, spans: Vec::new() }
    }

    /// Every row of words of a sentence, as if it were a node.
    pub fn any(words: usize) -> Self {
        let starts = (1..=words).flat_map(|len| (0..=words - len).map(move |start| (start, start + len)));
        let spans = starts.map(|(start, end)| Span { start: start as u32, end: end as u32, label: 0 });
        Self { words, spans: spans.collect() }
    }

    /// The nodes of these lengths: from the first to below the second.
    pub fn within(&self, (from, to): (usize, usize)) -> &[Span] {
        let first = self.spans.partition_point(|span| span.len() < from);
        let last = self.spans.partition_point(|span| span.len() < to);
        &self.spans[first..last.max(first)]
    }

    /// All nodes.
    pub fn all(&self) -> &[Span] {
        &self.spans
    }
}

#[cfg(test)]
mod tests;
