//! `metapruning.search`: evolves structures under a limit, scored by PruningNet.

use std::path::PathBuf;

use runpipe_base::{Ctx, Inputs, Kind, Output, Port, Spec, Stage, StageError, choice, params};

use super::PAPER;
use super::cost::cost;
use super::evolve::{Evolution, Plan, Scored};
use super::found::{Found, Judged};
use super::grid;
use super::latency::{self, Table};
use super::learn::{self, Learned};
use super::net::{Gene, Net};

use super::sample::Domain;
use super::score::{Exam, scores};
use super::structure::{self, Structure, report};
use crate::code;
use crate::data::picture;
use crate::data::pictures::{self, Pictures};
use crate::kit::backend::{Backend, on_device};

/// The kind of what a search has found.
pub const KIND: &str = "structures";

choice! {
    /// How structures are found.
    pub enum Method {
        /// The best have offspring.
        Evolution = "evolution",
        /// All are random: what evolution is compared with.
        Random = "random",
    }
}

choice! {
    /// What may not be passed.
    pub enum Measure {
        /// Multiply-adds.
        Macs = "macs",
        /// What the authors' code counts.
        Counted = "counted",
        /// The sum of measured times of all layers.
        Latency = "latency",
    }
}

params! {
    /// Parameters of [`Search`].
    pub struct SearchParams {
        /// How structures are found.
        method: Method = Method::Evolution;
        /// What the structure at `limit` limits.
        measure: Measure = Measure::Macs;
        /// The limit, in place of that of the structure at `limit`; latency in milliseconds.
        most: Option<f64> = None, in 0.0..;
        /// The least that a structure may cost, as a share of the limit; the paper's for ResNet-50 is 0.95.
        least: f64 = 0.0, in 0.0..=1.0;
        /// Places in the grid from which random structures are drawn, first and last.
        drawn: Vec<usize> = vec![0, 30], in 0..=30;
        /// Generations. Source: the paper has 20.
        generations: usize = 10, in 1..=1000;
        /// Structures of a generation. Source: the paper has 50.
        population: usize = 20, in 1..=10_000;
        /// Structures that are remembered as the best. Source: the paper has 50.
        archive: usize = 50, in 1..=10_000;
        /// Of these, structures that have offspring. Source: the paper.
        parents: usize = 10, in 1..=10_000;
        /// Offspring by mutation a generation. Source: half of the population, as in the paper.
        mutants: usize = 10, in 0..=10_000;
        /// Offspring of two parents a generation. Source: half of the population, as in the paper.
        crossovers: usize = 10, in 0..=10_000;
        /// Chance of a gene to mutate. Source: the paper.
        mutation: f64 = 0.1, in 0.0..=1.0;
        /// Pictures by whose statistics norms are calibrated.
        calibration: usize = 1000, in 2.., unit "pictures";
        /// The best so many are scored once more on `second`, if that is given.
        finalists: usize = 5, in 1..=1000;
        /// The folder or archive of the pictures, if they stay in their files: what `data.pictures(stream = true)` was given.
        files: Option<PathBuf> = None;
        /// Genes are drawn from it.
        seed: u64 = 0;
    }
}

/// `metapruning.search`: finds good structures under a limit.
pub struct Search;

impl Stage for Search {
    type Params = SearchParams;

    fn spec(&self) -> Spec {
        Spec::new(
            "metapruning.search",
            code::METAPRUNING,
            KIND,
            "Evolves widths under a limit of work or time, scored with the weights that a PruningNet generates.",
        )
        .input(Port::one("prunenet", learn::KIND, "the PruningNet"))
        .input(Port::one("train", pictures::KIND, "pictures by which norms are calibrated"))
        .input(Port::one("val", pictures::KIND, "pictures to choose by: never those to judge by in the end"))
        .input(Port::optional("limit", structure::KIND, "a structure that may not be passed"))
        .input(Port::optional("second", pictures::KIND, "pictures to choose by once more, among the best"))
        .input(Port::optional("latency", latency::KIND, "measured times of layers"))
        .tensors()
        .part("best", structure::KIND, "the structure found")
        .part("second", structure::KIND, "the one behind it")
        .part("pareto", picture::KIND, "accuracy against cost: all candidates, the front, uniform genes, the limit")
        .part("widths", picture::KIND, "how wide each layer of the structure found is")
        .metric("score", "accuracy of the structure found on `val`, in percent")
        .metric("best_score", "best accuracy of all candidates on `val`, in percent")
        .metric("second_score", "accuracy of the structure found on `second`, in percent (0 without `second`)")
        .metric("uniform_score", "accuracy of the widest uniform structure of the grid on `val`, in percent")
        .metric("candidates", "structures scored")
        .metric("cost", "what the structure found costs, in the measure of the limit")
        .metric("limit", "what a structure may cost at most")
        .metric("ms", "time of the structure found, by the table at `latency`, in milliseconds of a batch (0 without)")
        .metric("macs", "multiply-adds of the structure found for one picture")
        .metric("counted", "the same as the authors' code counts")
        .metric("params", "numbers that are trained in the structure found")
        .series("best_curve", "best accuracy on `val` after each generation, in percent")
        .series("mean_curve", "mean accuracy of each generation on `val`, in percent")
        .paper(&PAPER)
    }

    fn run(&self, p: &SearchParams, inputs: &Inputs<'_>, cx: &mut Ctx<'_>) -> Result<Output, StageError> {
        on_device!(cx, |device| search(&device, p, inputs, cx))
    }
}

fn search<D: Backend>(
    device: &D,
    p: &SearchParams,
    inputs: &Inputs<'_>,
    cx: &mut Ctx<'_>,
) -> Result<Output, StageError> {
    let learned = Learned::read(&inputs.one("prunenet")?, device)?;
    let Learned { space, net, scale, params, layers } = &learned;
    let pictures = |port: &str| -> Result<Option<Pictures>, StageError> {
        let found =
            inputs.optional(port).map(|view| Pictures::open(&view, p.files.as_deref())).transpose()?;
        found.as_ref().map_or(Ok(()), |found| space.fits(found, port))?;
        Ok(found)
    };
    let (calibration, val, second) = (pictures("train")?, pictures("val")?, pictures("second")?);
    let need = |port: &str| StageError::Input(format!("nothing arrived at input `{port}`"));
    let (calibration, val) = (calibration.ok_or_else(|| need("train"))?, val.ok_or_else(|| need("val"))?);
    let limit = inputs.optional("limit").map(|view| Structure::read(&view)).transpose()?;
    let table = inputs.optional("latency").map(|view| Table::read(&view, net)).transpose()?;
    let ms = |widths: &[usize]| table.as_ref().map_or(0.0, |table| table.of(net, widths));
    let price = |widths: &[usize]| match p.measure {
        Measure::Macs => cost(net, widths).macs as f64,
        Measure::Counted => cost(net, widths).counted as f64,
        Measure::Latency => ms(widths),
    };
    let measure = match p.measure {
        Measure::Macs => "multiply-adds",
        Measure::Counted => "multiply-adds as the authors count them",
        Measure::Latency => "milliseconds of a batch",
    };
    let domain = domain(p, net, &price, limit.as_ref(), table.is_some())?;
    let exam = Exam::new(device, &calibration, p.calibration, &val, scale)?;
    let judge = |genes: &[Gene]| scores(params, net, layers, genes, &exam);
    let evolution = evolve(p, &domain, &judge, cx)?;
    let uniform = uniform_scores(net, &judge)?;
    let mut finalists: Vec<Judged> = evolution
        .archive()
        .into_iter()
        .take(p.finalists.max(2))
        .map(|scored| Judged { scored: scored.clone(), second: None })
        .collect();
    if let Some(second) = &second {
        let exam = Exam::new(device, &calibration, p.calibration, second, scale)?;
        let genes: Vec<Gene> = finalists.iter().map(|f| f.scored.gene.clone()).collect();
        for (finalist, score) in finalists.iter_mut().zip(scores(params, net, layers, &genes, &exam)?) {
            finalist.second = Some(score);
        }
        finalists.sort_by(|a, b| b.second.unwrap_or(0.0).total_cmp(&a.second.unwrap_or(0.0)));
    }
    let best = &finalists[0];
    let structure = Structure::new(space, Some(best.scored.gene.clone()), best.scored.widths.clone())?;
    cx.metric("score", best.scored.score);
    cx.metric("best_score", evolution.archive()[0].score);
    cx.metric("second_score", best.second.unwrap_or(0.0));
    let fits = uniform.iter().rfind(|u| domain.cost(&vec![u.0; net.genes]) <= domain.most);
    cx.metric("uniform_score", fits.map_or(0.0, |u| u.1));
    cx.metric("candidates", evolution.scored().len() as f64);
    cx.metric("cost", best.scored.cost);
    cx.metric("limit", domain.most);
    cx.metric("ms", ms(&best.scored.widths));
    report(&structure, cx);
    let found = Found {
        net,
        price: &price,
        measure,
        scored: evolution.scored(),
        uniform: &uniform,
        finalists: &finalists,
    };
    let runner = finalists.get(1).unwrap_or(best);
    let runner = Structure::new(space, Some(runner.scored.gene.clone()), runner.scored.widths.clone())?;
    Ok(Output::new(Kind::of(KIND))
        .file("candidates.csv", found.candidates()?)
        .file("finalists.csv", found.finalists()?)
        .part("pareto", picture::output(found.pareto(domain.most)))
        .part("widths", picture::output(found.widths(&structure, limit.as_ref())))
        .part("best", structure.write()?)
        .part("second", runner.write()?))
}

/// Gives each gene its score.
type Judge<'a> = dyn Fn(&[Gene]) -> Result<Vec<f64>, StageError> + 'a;

/// The genes among which the search goes.
fn domain<'a>(
    p: &SearchParams,
    net: &'a Net,
    price: &'a (dyn Fn(&[usize]) -> f64 + Sync),
    limit: Option<&Structure>,
    timed: bool,
) -> Result<Domain<'a>, StageError> {
    let wrong = |message: &str| Err(StageError::Input(message.to_owned()));
    if p.measure == Measure::Latency && !timed {
        return wrong("expected a table of times at `latency` for a limit of latency");
    }
    let [first, last] = p.drawn[..] else {
        return wrong("expected two places in `drawn`: the first and the last");
    };
    if first > last {
        return wrong("expected the first place in `drawn` before the last");
    }
    let most = match (p.most, limit) {
        (Some(most), _) => most,
        (None, Some(limit)) => {
            if limit.widths.len() != net.wires.len() {
                return wrong("expected a structure of the PruningNet's family at `limit`");
            }
            price(&limit.widths)
        }
        (None, None) => return wrong("expected a limit: `most`, or a structure at `limit`"),
    };
    Ok(Domain { net, price, least: p.least * most, most, drawn: first as u8..=last as u8 })
}

/// Runs the generations; one that is stopped goes on from the last one scored.
fn evolve(
    p: &SearchParams,
    domain: &Domain<'_>,
    judge: &Judge<'_>,
    cx: &mut Ctx<'_>,
) -> Result<Evolution, StageError> {
    let random = p.method == Method::Random;
    let plan = Plan {
        population: p.population,
        archive: p.archive.max(p.finalists),
        parents: if random { 0 } else { p.parents },
        mutants: p.mutants,
        crossovers: p.crossovers,
        mutation: p.mutation,
        seed: p.seed,
    };
    let damaged = |e: serde_json::Error| StageError::Input(format!("the checkpoint is damaged: {e}"));
    let scored: Vec<Scored> = cx
        .resume()
        .map(|state| serde_json::from_slice(&state).map_err(damaged))
        .transpose()?
        .unwrap_or_default();
    let mut evolution = Evolution::resumed(plan, scored);
    while evolution.generation() < p.generations {
        cx.stop_point()?;
        let genes = evolution.propose(domain)?;
        let scores = judge(&genes)?;
        let (count, mean) =
            (evolution.scored().len() + genes.len(), scores.iter().sum::<f64>() / scores.len() as f64);
        evolution.absorb(domain, genes, &scores);
        let (step, best) = (evolution.generation() as u64, evolution.archive()[0].score);
        cx.point("best_curve", step, best);
        cx.point("mean_curve", step, mean);
        let total = p.generations * p.population;
        cx.progress(count as u64, total as u64, "structures", &format!("best {best:.1} %"));
        let state = serde_json::to_vec(evolution.scored()).map_err(|e| StageError::Other(e.to_string()))?;
        cx.checkpoint(&state)?;
    }
    Ok(evolution)
}

/// The scores of structures whose genes are all alike, by place in the grid.
fn uniform_scores(net: &Net, judge: &Judge<'_>) -> Result<Vec<(u8, f64)>, StageError> {
    let places: Vec<u8> = (0..=grid::FULL).step_by(2).collect();
    let genes: Vec<Gene> = places.iter().map(|id| vec![*id; net.genes]).collect();
    Ok(places.into_iter().zip(judge(&genes)?).collect())
}

#[cfg(test)]
mod tests;
