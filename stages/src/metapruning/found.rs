//! What a search has found, as tables and pictures.

use std::collections::BTreeSet;

use runpipe_base::StageError;

use super::cost::cost;
use super::evolve::Scored;
use super::net::Net;
use super::structure::Structure;
use crate::data::chart::{Mark, Series, bars, scatter};

/// A candidate that was scored on other pictures, too.
#[derive(Debug, Clone, PartialEq)]
pub struct Judged {
    /// What is known of it.
    pub scored: Scored,
    /// Its score on the other pictures.
    pub second: Option<f64>,
}

/// What a search has found.
pub struct Found<'a> {
    /// The net.
    pub net: &'a Net,
    /// What widths cost, in the measure of the limit.
    pub price: &'a dyn Fn(&[usize]) -> f64,
    /// Name of that measure.
    pub measure: &'a str,
    /// All candidates in order.
    pub scored: &'a [Scored],
    /// Scores of structures whose genes are all alike, by place in the grid.
    pub uniform: &'a [(u8, f64)],
    /// The best, best first.
    pub finalists: &'a [Judged],
}

impl Found<'_> {
    /// A line a candidate, as CSV.
    ///
    /// # Errors
    /// [`StageError::Other`] when the format refuses.
    pub fn candidates(&self) -> Result<Vec<u8>, StageError> {
        let row = |s: &Scored| self.row(s, format!("{:.3}", s.score));
        table("generation,gene,widths,cost,macs,score", self.scored.iter().map(row))
    }

    /// A line for each of the best, as CSV.
    ///
    /// # Errors
    /// [`StageError::Other`] when the format refuses.
    pub fn finalists(&self) -> Result<Vec<u8>, StageError> {
        let row = |judged: &Judged| {
            let second = judged.second.map_or_else(String::new, |score| format!("{score:.3}"));
            let mut row = self.row(&judged.scored, format!("{:.3}", judged.scored.score));
            row.push(second);
            row
        };
        table("generation,gene,widths,cost,macs,score,second", self.finalists.iter().map(row))
    }

    fn row(&self, scored: &Scored, score: String) -> Vec<String> {
        let joined = |numbers: Vec<String>| numbers.join(" ");
        vec![
            scored.generation.to_string(),
            joined(scored.gene.iter().map(ToString::to_string).collect()),
            joined(scored.widths[1..].iter().map(ToString::to_string).collect()),
            format!("{}", scored.cost),
            cost(self.net, &scored.widths).macs.to_string(),
            score,
        ]
    }

    /// Accuracy against cost: every candidate, those that none beats, uniform genes, the one found, and what a structure
    /// may cost at most.
    pub fn pareto(&self, most: f64) -> String {
        // Thousands and millions are easier to read.
        let (unit, name) = [(1e6, ", millions"), (1e3, ", thousands")]
            .into_iter()
            .find(|(unit, _)| most >= 20.0 * unit)
            .unwrap_or((1.0, ""));
        let place = |widths: &[usize], score: f64| ((self.price)(widths) / unit, score);
        let all: Vec<(f64, f64)> = self.scored.iter().map(|s| place(&s.widths, s.score)).collect();
        let (first, later): (Vec<_>, Vec<_>) =
            self.scored.iter().zip(&all).partition(|(scored, _)| scored.generation == 0);
        let points = |of: Vec<(&Scored, &(f64, f64))>| of.into_iter().map(|(_, point)| *point).collect();
        let widest = all.iter().fold(0.0_f64, |widest, p| widest.max(p.0));
        let (low, high) =
            all.iter().fold((100.0_f64, 0.0_f64), |(low, high), p| (low.min(p.1), high.max(p.1)));
        let limit = [(most / unit, low), (most / unit, high)];
        let uniform = self
            .uniform
            .iter()
            .map(|(id, score)| place(&self.net.widths(&vec![*id; self.net.genes]), *score));
        // Wider uniform nets than the limit would squeeze the rest together.
        let uniform = uniform.filter(|p| p.0 <= 1.3 * widest).collect();
        let found = self.finalists.first().map(|f| place(&f.scored.widths, f.scored.score));
        let series = |name: &str, colour, mark, points| Series { name: name.into(), colour, mark, points };
        scatter(
            &format!("{}{name}", self.measure),
            "accuracy with generated weights, %",
            &[
                series("first generation: random", "#a0acb8", Mark::Dots, points(first)),
                series("later generations", "#4878a8", Mark::Dots, points(later)),
                series("front", "#c0392b", Mark::Line, front(&all)),
                series("uniform genes", "#2e8b57", Mark::Line, uniform),
                series("limit", "#555555", Mark::Dashes, limit.to_vec()),
                series("found", "#c0392b", Mark::Rings, found.into_iter().collect()),
            ],
        )
    }

    /// The width of each wire: of the one found, and of the structure that limits it.
    pub fn widths(&self, best: &Structure, limit: Option<&Structure>) -> String {
        let numbers = |widths: &[usize]| widths[1..].iter().map(|w| *w as f64).collect::<Vec<f64>>();
        let most: Vec<f64> = self.net.wires[1..].iter().map(|wire| wire.base as f64).collect();
        let mut series = vec![("found".to_owned(), "#c0392b", numbers(&best.widths))];
        if let Some(limit) = limit.filter(|limit| limit.widths.len() == best.widths.len()) {
            series.push(("limit".to_owned(), "#2e8b57", numbers(&limit.widths)));
        }
        // Where each block has one width to choose, the block's name will do.
        let short: Vec<String> = best.wires[1..]
            .iter()
            .map(|name| name.split_once('.').map_or(name.as_str(), |(block, _)| block).to_owned())
            .collect();
        let alone = short.iter().collect::<BTreeSet<_>>().len() == short.len();
        bars("channels", if alone { &short } else { &best.wires[1..] }, &most, &series)
    }
}

/// The points that no other beats: cheaper and at least as good.
pub fn front(points: &[(f64, f64)]) -> Vec<(f64, f64)> {
    let mut sorted = points.to_vec();
    sorted.sort_by(|a, b| a.0.total_cmp(&b.0).then(b.1.total_cmp(&a.1)));
    let mut front: Vec<(f64, f64)> = Vec::new();
    for point in sorted {
        if front.last().is_none_or(|last| point.1 > last.1) {
            front.push(point);
        }
    }
    front
}

/// Rows as CSV.
pub(super) fn table(head: &str, rows: impl Iterator<Item = Vec<String>>) -> Result<Vec<u8>, StageError> {
    let mut csv = csv::Writer::from_writer(Vec::new());
    csv.write_record(head.split(',')).map_err(|e| StageError::Other(e.to_string()))?;
    for row in rows {
        csv.write_record(row).map_err(|e| StageError::Other(e.to_string()))?;
    }
    csv.into_inner().map_err(|e| StageError::Other(e.to_string()))
}

#[cfg(test)]
mod tests;
