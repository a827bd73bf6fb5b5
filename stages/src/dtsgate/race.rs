//! `dtsgate.race`: how soon a run is where another ends. `dtsgate.curves`: losses against what they cost.

use std::fmt::Write as _;

use runpipe_base::{Ctx, Inputs, Kind, Output, Port, Spec, Stage, StageError, params};

use super::PAPER;
use super::trained::{self, Point, Trained};
use crate::code;
use crate::data::chart::{Mark, Series, scatter};
use crate::data::picture;

/// `dtsgate.race`: compares a run with another.
pub struct Race;

impl Stage for Race {
    type Params = ();

    fn spec(&self) -> Spec {
        Spec::new(
            "dtsgate.race",
            code::DTSGATE,
            "table",
            "Tells how many updates and operations of training a run needs to be where another ends.",
        )
        .input(Port::one("run", trained::KIND, "the run"))
        .input(Port::one("reference", trained::KIND, "the run whose last loss is the target"))
        .metric("difference", "last loss of the run − that of the reference, in nats a token")
        .metric("reached", "1 if the run's loss is ever as low as the target, else 0")
        .metric("updates", "updates of the reference over those that the run needs; 0: it never is as low")
        .metric("work", "the same of operations of training")
        .paper(&PAPER)
    }

    fn run(&self, (): &(), inputs: &Inputs<'_>, cx: &mut Ctx<'_>) -> Result<Output, StageError> {
        let curve = |port: &str| -> Result<Vec<Point>, StageError> {
            let curve = Trained::read(&inputs.one(port)?)?.curve;
            if curve.is_empty() { Err(StageError::Input("expected a curve".into())) } else { Ok(curve) }
        };
        let (run, reference) = (curve("run")?, curve("reference")?);
        let (end, target) = (&run[run.len() - 1], &reference[reference.len() - 1]);
        let reached = reach(&run, target.loss);
        let ratio = |of: f64, needed: f64| if needed > 0.0 { of / needed } else { 0.0 };
        let (updates, work) = reached.map_or((0.0, 0.0), |(updates, work)| {
            (ratio(target.update as f64, updates), ratio(target.work as f64, work))
        });
        let difference = end.loss - target.loss;
        cx.metric("difference", difference);
        cx.metric("reached", if reached.is_some() { 1.0 } else { 0.0 });
        cx.metric("updates", updates);
        cx.metric("work", work);
        let row = format!(
            "target,difference,updates,work\n{:.6},{difference:.6},{updates:.6},{work:.6}\n",
            target.loss
        );
        Ok(Output::new(Kind::of("table")).file("table.csv", row))
    }
}

/// Updates and operations at which a curve first is as low as `target`, points joined by lines.
pub fn reach(curve: &[Point], target: f64) -> Option<(f64, f64)> {
    let at = curve.iter().position(|point| point.loss <= target)?;
    let here = &curve[at];
    let Some(before) = at.checked_sub(1).map(|at| &curve[at]) else {
        return Some((here.update as f64, here.work as f64));
    };
    let share = (before.loss - target) / (before.loss - here.loss);
    let between = |a: u64, b: u64| a as f64 + share * (b - a) as f64;
    Some((between(before.update, here.update), between(before.work, here.work)))
}

params! {
    /// Parameters of [`Curves`].
    pub struct CurvesParams {
        /// What groups of runs are called, in order.
        names: Vec<String>;
    }
}

/// `dtsgate.curves`: draws runs.
pub struct Curves;

/// The kind of drawn curves.
pub const KIND: &str = "curves";
const COLOURS: [&str; 10] = [
    "#4878a8", "#d1603d", "#5a9a5a", "#8a5ca8", "#b8860b", "#20808d", "#a83c6e", "#666666", "#7a9e1f",
    "#3c4ea8",
];

impl Stage for Curves {
    type Params = CurvesParams;

    fn spec(&self) -> Spec {
        Spec::new(
            "dtsgate.curves",
            code::DTSGATE,
            KIND,
            "Draws the loss of runs against the operations of training that it took, groups of runs averaged.",
        )
        .input(Port::many("runs", trained::KIND, "runs, group by group, each group as many"))
        .part("work", picture::KIND, "loss against operations of training")
        .part("late", picture::KIND, "the same, its second half")
        .paper(&PAPER)
    }

    fn run(&self, p: &CurvesParams, inputs: &Inputs<'_>, _: &mut Ctx<'_>) -> Result<Output, StageError> {
        let curves = inputs.many("runs").into_iter().map(|view| Ok(Trained::read(&view)?.curve));
        let curves = curves.collect::<Result<Vec<Vec<Point>>, StageError>>()?;
        let groups = p.names.len();
        if groups == 0 || curves.is_empty() || !curves.len().is_multiple_of(groups) {
            return Err(StageError::Input(format!(
                "expected as many runs of each of {groups} `names`, found {}",
                curves.len()
            )));
        }
        let means: Vec<Vec<(f64, f64)>> = curves.chunks(curves.len() / groups).map(mean).collect();
        let mut csv = String::from("run,work,loss\n");
        for (name, points) in p.names.iter().zip(&means) {
            for (work, loss) in points {
                writeln!(csv, "{name},{work:.6},{loss:.6}").expect("a String takes all");
            }
        }
        let draw = |late: bool| {
            let series = p.names.iter().zip(&means).enumerate().map(|(i, (name, points))| Series {
                name: name.clone(),
                colour: COLOURS[i % COLOURS.len()],
                mark: Mark::Line,
                points: points[if late { points.len() / 2 } else { 0 }..].to_vec(),
            });
            let series: Vec<Series> = series.collect();
            scatter("operations of training, 10¹²", "cross-entropy, nats a token", &series)
        };
        Ok(Output::new(Kind::of(KIND))
            .file("curves.csv", csv)
            .part("work", picture::output(draw(false)))
            .part("late", picture::output(draw(true))))
    }
}

/// Mean operations, in 10¹², and mean loss, point by point; of curves of unlike length the common part.
fn mean(curves: &[Vec<Point>]) -> Vec<(f64, f64)> {
    let count = curves.len() as f64;
    let points = curves.iter().map(Vec::len).min().unwrap_or(0);
    let at = |i: usize, of: fn(&Point) -> f64| curves.iter().map(|curve| of(&curve[i])).sum::<f64>() / count;
    (0..points).map(|i| (at(i, |p| p.work as f64 / 1e12), at(i, |p| p.loss))).collect()
}

#[cfg(test)]
mod tests;
