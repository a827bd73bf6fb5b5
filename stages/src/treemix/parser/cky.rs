//! The likeliest tree of a sentence under a grammar (Cocke, Kasami, Younger), over cells that keep the likelier symbols.

use super::grammar::Grammar;
use super::transform::{Branch, restore};
use crate::data::tree::Tree;

/// A parser: a grammar, and how much of a cell is kept.
#[derive(Debug, Clone, Copy)]
pub struct Parser<'a> {
    /// The grammar.
    pub grammar: &'a Grammar,
    /// A symbol is kept in a cell whose score, with how likely the symbol is at all, is at most this far (in nats) below
    /// the cell's best.
    pub beam: f32,
}

const NONE: f32 = f32::NEG_INFINITY;

/// What is known of one span.
struct Cell {
    /// The best score of each symbol as a tag or by two children; then, from the middle on, also by chains above those.
    scores: Vec<f32>,
    /// Symbols that are there, in order.
    found: Vec<u32>,
}

impl Cell {
    fn own(&self, symbol: u32) -> f32 {
        self.scores[symbol as usize]
    }

    fn any(&self, symbol: u32) -> f32 {
        self.scores[self.scores.len() / 2 + symbol as usize]
    }
}

/// Cells of all spans of a sentence.
struct Chart {
    words: usize,
    cells: Vec<Cell>,
}

impl Chart {
    fn place(&self, start: usize, end: usize) -> usize {
        // Spans of one length beside each other, the short ones first.
        let length = end - start - 1;
        length * self.words - length * length.saturating_sub(1) / 2 + start
    }

    fn cell(&self, start: usize, end: usize) -> &Cell {
        &self.cells[self.place(start, end)]
    }
}

impl Parser<'_> {
    /// The likeliest tree over `words`; none when the grammar has none. Where dropping symbols left no tree, nothing is
    /// dropped at a second try.
    pub fn parse(&self, words: &[String]) -> Option<Tree> {
        if words.is_empty() {
            return None;
        }
        let all = Self { beam: f32::INFINITY, ..*self };
        self.attempt(words).or_else(|| all.attempt(words))
    }

    fn attempt(&self, words: &[String]) -> Option<Tree> {
        let chart = self.fill(words);
        let whole = chart.cell(0, words.len());
        let mut best: Option<(u32, f32)> = None;
        for (root, prior) in &self.grammar.roots {
            let score = whole.any(*root) + prior;
            if score > best.map_or(NONE, |(_, score)| score) {
                best = Some((*root, score));
            }
        }
        let (root, _) = best?;
        Some(restore(&self.trace(&chart, 0, words.len(), root), words))
    }

    fn fill(&self, words: &[String]) -> Chart {
        let (size, count) = (self.grammar.symbols.len(), words.len());
        let mut chart = Chart { words: count, cells: Vec::with_capacity(count * (count + 1) / 2) };
        for (at, word) in words.iter().enumerate() {
            let mut scores = vec![NONE; 2 * size];
            for (tag, score) in self.grammar.tags(word, at == 0) {
                scores[tag as usize] = score;
            }
            chart.cells.push(self.close(scores));
        }
        for length in 2..=count {
            for start in 0..=count - length {
                let mut scores = vec![NONE; 2 * size];
                for middle in start + 1..start + length {
                    self.join(
                        chart.cell(start, middle),
                        chart.cell(middle, start + length),
                        &mut scores[..size],
                    );
                }
                let cell = self.close(scores);
                chart.cells.push(cell);
            }
        }
        chart
    }

    /// Adds what two spans beside each other make together.
    fn join(&self, left: &Cell, right: &Cell, scores: &mut [f32]) {
        if right.found.is_empty() {
            return;
        }
        let rights = &right.scores[scores.len()..];
        for symbol in &left.found {
            let score = left.any(*symbol);
            for rule in &self.grammar.by_left[*symbol as usize] {
                let other = rights[rule.right as usize];
                if other > NONE {
                    let total = score + other + rule.score;
                    let best = &mut scores[rule.parent as usize];
                    if total > *best {
                        *best = total;
                    }
                }
            }
        }
    }

    /// Drops unlikely symbols, adds chains of rules of one child above the others, and drops again.
    fn close(&self, mut scores: Vec<f32>) -> Cell {
        let size = scores.len() / 2;
        let (own, all) = scores.split_at_mut(size);
        self.prune(own);
        all.copy_from_slice(own);
        for (low, score) in own.iter().enumerate().filter(|(_, score)| **score > NONE) {
            for chain in &self.grammar.chains[low] {
                let total = score + chain.score;
                let best = &mut all[chain.parent as usize];
                if total > *best {
                    *best = total;
                }
            }
        }
        let found = self.prune(all);
        Cell { scores, found }
    }

    /// Drops symbols too far below the best, and says which are left.
    fn prune(&self, scores: &mut [f32]) -> Vec<u32> {
        let merit = |(score, prior): (&f32, &f32)| score + prior;
        let best = scores.iter().zip(&self.grammar.priors).map(merit).fold(NONE, f32::max);
        let mut left = Vec::new();
        for (symbol, (score, prior)) in scores.iter_mut().zip(&self.grammar.priors).enumerate() {
            if *score > NONE {
                if *score + prior < best - self.beam {
                    *score = NONE;
                } else {
                    left.push(symbol as u32);
                }
            }
        }
        left
    }

    /// The best branch of a symbol over a span, found again from the scores: they are sums made in one way only.
    fn trace(&self, chart: &Chart, start: usize, end: usize, symbol: u32) -> Branch {
        let (cell, name) =
            (chart.cell(start, end), |symbol: u32| self.grammar.symbols[symbol as usize].clone());
        #[expect(clippy::float_cmp, reason = "the same sum of the same numbers")]
        let same = |a: f32, b: f32| a == b;
        if same(cell.own(symbol), cell.any(symbol)) {
            return self.trace_own(chart, start, end, symbol);
        }
        for low in 0..self.grammar.symbols.len() as u32 {
            let found = self.grammar.chains[low as usize]
                .iter()
                .find(|chain| chain.parent == symbol && same(cell.own(low) + chain.score, cell.any(symbol)));
            if let Some(chain) = found {
                let mut branch = self.trace_own(chart, start, end, low);
                for between in chain.between.iter().rev() {
                    branch = Branch::One(name(*between), Box::new(branch));
                }
                return Branch::One(name(symbol), Box::new(branch));
            }
        }
        unreachable!("a score comes from a chain or from the symbol itself")
    }

    /// The same for a symbol that is a tag or has two children.
    fn trace_own(&self, chart: &Chart, start: usize, end: usize, symbol: u32) -> Branch {
        let name = self.grammar.symbols[symbol as usize].clone();
        if end == start + 1 {
            return Branch::Tag(name, start);
        }
        let wanted = chart.cell(start, end).own(symbol);
        for middle in start + 1..end {
            let (left, right) = (chart.cell(start, middle), chart.cell(middle, end));
            for low in &left.found {
                for rule in self.grammar.by_left[*low as usize].iter().filter(|rule| rule.parent == symbol) {
                    let total = left.any(*low) + right.any(rule.right) + rule.score;
                    #[expect(clippy::float_cmp, reason = "the same sum of the same numbers")]
                    if total == wanted {
                        let left = self.trace(chart, start, middle, *low);
                        let right = self.trace(chart, middle, end, rule.right);
                        return Branch::Two(name, Box::new(left), Box::new(right));
                    }
                }
            }
        }
        unreachable!("a score of a longer span comes from two shorter ones")
    }
}

#[cfg(test)]
mod tests;
