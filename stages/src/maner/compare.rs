//! `maner.compare`: two ways to tag, paired run by run and averaged by language.

use std::collections::BTreeMap;

use runpipe_base::{Ctx, Inputs, Kind, Output, Port, Spec, Stage, StageError, View, params};

use super::PAPER;
use crate::code;
use crate::kit::rng::Stream;

params! {
    /// Parameters of [`Compare`].
    pub struct CompareParams {
        /// Which number of the scores is compared.
        metric: String = "f1".to_owned();
        /// How many scores that follow one another belong to one group, such as the seeds of a language.
        runs: usize = 1, in 1.., unit "scores";
        /// What the groups are called, in order; empty: 1, 2, 3, ….
        names: Vec<String> = Vec::new();
        /// Draws of the bootstrap.
        draws: usize = 10_000, in 100..=1_000_000;
        /// Seed of the bootstrap.
        seed: u64 = 0;
    }
}

/// `maner.compare`: compares scores of two methods.
pub struct Compare;

impl Stage for Compare {
    type Params = CompareParams;

    fn spec(&self) -> Spec {
        Spec::new(
            "maner.compare",
            code::MANER,
            "table",
            "Compares scores of two methods, paired in the order in which they come, over languages or other groups.",
        )
        .input(Port::many("ours", "scores", "scores of the one method, group by group"))
        .input(Port::many("theirs", "scores", "scores of the other on the same data and seeds, in the same order"))
        .metric("difference", "ours − theirs, mean over groups of the mean over runs")
        .metric("low", "lower end of its 95 % interval, groups (or the runs of the only one) drawn anew")
        .metric("high", "upper end of its 95 % interval")
        .metric("relative", "ours − theirs in percent of theirs, mean over groups")
        .metric("wins", "groups in which ours is greater")
        .metric("ties", "groups in which both are equal")
        .metric("losses", "groups in which ours is less")
        .metric("sign_p", "two-sided p of the exact sign test over groups")
        .metric("collapsed_ours", "runs of ours that collapsed")
        .metric("collapsed_theirs", "runs of theirs that collapsed")
        .metric("difference_whole", "the difference without the pairs in which either collapsed (0 when all did)")
        .paper(&PAPER)
    }

    fn run(&self, p: &CompareParams, inputs: &Inputs<'_>, cx: &mut Ctx<'_>) -> Result<Output, StageError> {
        let read = |port: &str| -> Result<Vec<Run>, StageError> {
            inputs.many(port).iter().map(|view| Run::read(view, &p.metric)).collect()
        };
        let (ours, theirs) = (read("ours")?, read("theirs")?);
        let n = ours.len();
        if n == 0 || n != theirs.len() || !n.is_multiple_of(p.runs) {
            return Err(StageError::Input(format!(
                "expected as many scores of both methods and a multiple of `runs` {}, found {n} and {}",
                p.runs,
                theirs.len()
            )));
        }
        let groups: Vec<Group<'_>> = ours
            .chunks(p.runs)
            .zip(theirs.chunks(p.runs))
            .map(|(ours, theirs)| Group { ours, theirs })
            .collect();
        if !p.names.is_empty() && p.names.len() != groups.len() {
            return Err(StageError::Input(format!(
                "expected {} `names`, one a group, found {}",
                groups.len(),
                p.names.len()
            )));
        }
        report(&groups, p, cx);
        Ok(Output::new(Kind::of("table")).file("table.csv", table(&groups, &p.names)?))
    }
}

/// One run's number, and whether it collapsed.
struct Run {
    value: f64,
    collapsed: bool,
}

impl Run {
    fn read(view: &View<'_>, metric: &str) -> Result<Self, StageError> {
        let wrong = |message: String| StageError::Input(format!("`scores.json`: {message}"));
        let numbers: BTreeMap<String, f64> =
            serde_json::from_str(&view.text("scores.json")?).map_err(|e| wrong(e.to_string()))?;
        let value = *numbers.get(metric).ok_or_else(|| {
            let names: Vec<&str> = numbers.keys().map(String::as_str).collect();
            wrong(format!("expected one of `{}`, found `{metric}`", names.join("`, `")))
        })?;
        Ok(Self { value, collapsed: numbers.get("collapsed").is_some_and(|x| *x > 0.0) })
    }
}

/// The runs of a group.
struct Group<'a> {
    ours: &'a [Run],
    theirs: &'a [Run],
}

impl Group<'_> {
    fn pairs(&self) -> impl Iterator<Item = (&Run, &Run)> {
        self.ours.iter().zip(self.theirs)
    }

    fn difference(&self) -> f64 {
        mean(self.pairs().map(|(a, b)| a.value - b.value)).unwrap_or(0.0)
    }

    /// The difference of the pairs of which neither collapsed.
    fn whole(&self) -> Option<f64> {
        mean(self.pairs().filter(|(a, b)| !a.collapsed && !b.collapsed).map(|(a, b)| a.value - b.value))
    }
}

fn mean(values: impl Iterator<Item = f64>) -> Option<f64> {
    let (sum, n) = values.fold((0.0, 0_usize), |(sum, n), x| (sum + x, n + 1));
    (n > 0).then(|| sum / n as f64)
}

fn report(groups: &[Group<'_>], p: &CompareParams, cx: &mut Ctx<'_>) {
    let differences: Vec<f64> = groups.iter().map(Group::difference).collect();
    let units = match groups {
        [only] => only.pairs().map(|(a, b)| a.value - b.value).collect(),
        _ => differences.clone(),
    };
    let (low, high) = bootstrap(&units, p.draws, Stream::new(p.seed, "maner.compare"));
    let relative = groups.iter().map(|group| {
        let theirs = mean(group.theirs.iter().map(|run| run.value)).unwrap_or(0.0);
        if theirs > 0.0 { 100.0 * group.difference() / theirs } else { 0.0 }
    });
    let count = |of: fn(&f64) -> bool| differences.iter().filter(|d| of(d)).count();
    let (wins, losses) = (count(|d| *d > 0.0), count(|d| *d < 0.0));
    let collapsed = |runs: fn(&Group<'_>) -> usize| groups.iter().map(runs).sum::<usize>() as f64;
    cx.metric("difference", mean(differences.iter().copied()).unwrap_or(0.0));
    cx.metric("low", low);
    cx.metric("high", high);
    cx.metric("relative", mean(relative).unwrap_or(0.0));
    cx.metric("wins", wins as f64);
    cx.metric("ties", (groups.len() - wins - losses) as f64);
    cx.metric("losses", losses as f64);
    cx.metric("sign_p", sign_test(wins, losses));
    cx.metric("collapsed_ours", collapsed(|g| g.ours.iter().filter(|run| run.collapsed).count()));
    cx.metric("collapsed_theirs", collapsed(|g| g.theirs.iter().filter(|run| run.collapsed).count()));
    cx.metric("difference_whole", mean(groups.iter().filter_map(Group::whole)).unwrap_or(0.0));
}

/// 95 % interval of the mean: the means of as many units drawn with replacement, cut by 2.5 % at both ends.
fn bootstrap(units: &[f64], draws: usize, mut stream: Stream) -> (f64, f64) {
    let mut means: Vec<f64> = (0..draws)
        .map(|_| units.iter().map(|_| units[stream.below(units.len())]).sum::<f64>() / units.len() as f64)
        .collect();
    means.sort_unstable_by(f64::total_cmp);
    let at = |share: f64| means[((share * draws as f64) as usize).min(draws - 1)];
    (at(0.025), at(0.975))
}

/// Two-sided p of the exact sign test: how often a fair coin falls at least as one-sidedly.
fn sign_test(wins: usize, losses: usize) -> f64 {
    let n = wins + losses;
    let (mut ways, mut tail) = (1.0, 0.0);
    for k in 0..=wins.min(losses) {
        tail += ways;
        ways *= (n - k) as f64 / (k + 1) as f64;
    }
    (2.0 * tail / libm::exp2(n as f64)).min(1.0)
}

/// One row a group.
fn table(groups: &[Group<'_>], names: &[String]) -> Result<Vec<u8>, StageError> {
    let broken = |e: csv::Error| StageError::Other(e.to_string());
    let mut csv = csv::Writer::from_writer(Vec::new());
    csv.write_record([
        "group",
        "runs",
        "ours",
        "theirs",
        "difference",
        "sd",
        "collapsed_ours",
        "collapsed_theirs",
    ])
    .map_err(broken)?;
    for (i, group) in groups.iter().enumerate() {
        let name = names.get(i).cloned().unwrap_or_else(|| (i + 1).to_string());
        let of = |runs: &[Run]| mean(runs.iter().map(|run| run.value)).unwrap_or(0.0);
        let difference = group.difference();
        let square =
            |(a, b): (&Run, &Run)| (a.value - b.value - difference) * (a.value - b.value - difference);
        let spread = group.pairs().map(square).sum::<f64>() / (group.ours.len().max(2) - 1) as f64;
        let numbers = [of(group.ours), of(group.theirs), difference, spread.sqrt()];
        let collapsed = |runs: &[Run]| runs.iter().filter(|run| run.collapsed).count().to_string();
        let row = [name, group.ours.len().to_string()].into_iter();
        let row = row.chain(numbers.map(|x| format!("{x:.4}")));
        csv.write_record(row.chain([collapsed(group.ours), collapsed(group.theirs)])).map_err(broken)?;
    }
    csv.into_inner().map_err(|e| StageError::Other(e.to_string()))
}

#[cfg(test)]
mod tests;
