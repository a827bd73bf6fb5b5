//! `metapruning.rank`: whether the order that PruningNet predicts is that of trained nets.

use std::collections::BTreeMap;

use runpipe_base::{Ctx, Inputs, Kind, Output, Port, Spec, Stage, StageError};

use super::PAPER;
use super::evaluate::{self, Top1};
use super::found::table;
use crate::code;
use crate::data::chart::{Mark, Series, scatter};
use crate::data::picture;

/// The kind of a comparison of orders.
pub const KIND: &str = "ranking";

/// `metapruning.rank`: compares predicted with trained accuracies of the same structures.
pub struct Rank;

impl Stage for Rank {
    type Params = ();

    fn spec(&self) -> Spec {
        Spec::new(
            "metapruning.rank",
            code::METAPRUNING,
            KIND,
            "Correlates the ranks of structures by predicted accuracy with those by accuracy after training.",
        )
        .input(Port::many("predicted", evaluate::KIND, "accuracies with generated weights"))
        .input(Port::many(
            "trained",
            evaluate::KIND,
            "accuracies after training; of equal widths the mean counts",
        ))
        .part("plot", picture::KIND, "accuracy after training against predicted accuracy")
        .metric("spearman", "Spearman's correlation of the ranks")
        .metric("structures", "structures that were compared")
        .paper(&PAPER)
    }

    fn run(&self, (): &(), inputs: &Inputs<'_>, cx: &mut Ctx<'_>) -> Result<Output, StageError> {
        let by_widths = |port: &str| -> Result<BTreeMap<Vec<usize>, f64>, StageError> {
            let mut found: BTreeMap<Vec<usize>, Vec<f64>> = BTreeMap::new();
            for view in inputs.many(port) {
                let top1 = Top1::read(&view)?;
                found.entry(top1.widths).or_default().push(top1.accuracy);
            }
            let mean = |of: Vec<f64>| of.iter().sum::<f64>() / of.len() as f64;
            Ok(found.into_iter().map(|(widths, of)| (widths, mean(of))).collect())
        };
        let (predicted, trained) = (by_widths("predicted")?, by_widths("trained")?);
        let pairs: Vec<(f64, f64, Vec<usize>)> = predicted
            .into_iter()
            .filter_map(|(widths, p)| trained.get(&widths).map(|t| (p, *t, widths.clone())))
            .collect();
        if pairs.len() < 3 {
            return Err(StageError::Input(format!(
                "expected three structures at least that were both predicted and trained, found {}",
                pairs.len()
            )));
        }
        let (x, y): (Vec<f64>, Vec<f64>) = pairs.iter().map(|(p, t, _)| (*p, *t)).unzip();
        let rho = spearman(&x, &y);
        cx.metric("spearman", rho);
        cx.metric("structures", pairs.len() as f64);
        let points = x.into_iter().zip(y).collect();
        let series =
            Series {
                name: format!("structures, ρ = {rho:.2}"), colour: "#4878a8", mark: Mark::Dots, points
            };
        let plot = scatter("accuracy with generated weights, %", "accuracy after training, %", &[series]);
        let rows = pairs.iter().map(|(p, t, widths)| {
            let widths: Vec<String> = widths[1..].iter().map(ToString::to_string).collect();
            vec![widths.join(" "), format!("{p:.3}"), format!("{t:.3}")]
        });
        Ok(Output::new(Kind::of(KIND))
            .file("ranking.csv", table("widths,predicted,trained", rows)?)
            .part("plot", picture::output(plot)))
    }
}

/// Spearman's ρ: the correlation of ranks, equal numbers sharing the mean of theirs; 0 where all are equal.
pub fn spearman(x: &[f64], y: &[f64]) -> f64 {
    let (x, y) = (ranks(x), ranks(y));
    let mean = (x.len() as f64 - 1.0) / 2.0;
    let product = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| (a - mean) * (b - mean)).sum::<f64>();
    let spread = (product(&x, &x) * product(&y, &y)).sqrt();
    if spread > 0.0 { product(&x, &y) / spread } else { 0.0 }
}

fn ranks(numbers: &[f64]) -> Vec<f64> {
    let rank = |x: &f64| {
        let below = numbers.iter().filter(|y| *y < x).count();
        let equal = numbers.iter().filter(|y| y.total_cmp(x).is_eq()).count();
        below as f64 + (equal as f64 - 1.0) / 2.0
    };
    numbers.iter().map(rank).collect()
}

#[cfg(test)]
mod tests;
