//! `metapruning.structure`: widths by rule or at random, to compare found ones with.

use runpipe_base::{Ctx, Inputs, Kind, Output, Port, Spec, Stage, StageError, View, choice, params};
use serde::{Deserialize, Serialize};

use super::PAPER;
use super::cost::{Cost, cost};
use super::grid;
use super::net::{Gene, Net};
use super::sample::Domain;
use super::space::{self, Space, json, text};
use crate::code;
use crate::kit::rng::Stream;

/// The kind of a structure.
pub const KIND: &str = "structure";
/// The file that says how wide each wire is.
pub const FILE: &str = "structure.json";

/// A net of certain widths.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Structure {
    /// The family it is of.
    pub space: Space,
    /// Places in the grid, where the widths are of it.
    pub gene: Option<Gene>,
    /// Width of each wire; the first is the picture.
    pub widths: Vec<usize>,
    /// Names of the wires: of the convolution that writes each.
    pub wires: Vec<String>,
    /// What the net costs.
    pub cost: Cost,
}

impl Structure {
    /// A structure of these widths.
    ///
    /// # Errors
    /// [`StageError::Input`] when the family is none.
    pub fn new(space: &Space, gene: Option<Gene>, widths: Vec<usize>) -> Result<Self, StageError> {
        let net = space.net()?;
        let wires = (0..net.wires.len()).map(|wire| net.wire_name(wire)).collect();
        let cost = cost(&net, &widths);
        Ok(Self { space: space.clone(), gene, widths, wires, cost })
    }

    /// Reads the file that says how wide each wire is.
    ///
    /// # Errors
    /// [`StageError::Input`] when it is broken.
    pub fn read(view: &View<'_>) -> Result<Self, StageError> {
        let found: Self = json(view, FILE)?;
        let net = found.space.net()?;
        let wrong = |message: String| Err(StageError::Input(format!("`{FILE}`: {message}")));
        if found.widths.len() != net.wires.len() || found.widths.contains(&0) {
            return wrong(format!("expected {} widths above 0, found {:?}", net.wires.len(), found.widths));
        }
        if let Some(gene) = &found.gene {
            let of_grid = gene.len() == net.genes && gene.iter().all(|id| *id < grid::SCALES);
            if !of_grid || net.widths(gene) != found.widths {
                return wrong(format!("expected the widths of the gene {gene:?}, found {:?}", found.widths));
            }
        }
        if cost(&net, &found.widths) != found.cost {
            return wrong("expected the cost of the widths".into());
        }
        Ok(found)
    }

    /// An artifact of kind `structure`.
    ///
    /// # Errors
    /// [`StageError::Other`] when the format refuses.
    pub fn write(&self) -> Result<Output, StageError> {
        Ok(Output::new(Kind::of(KIND)).file(FILE, text(self)?))
    }
}

choice! {
    /// How widths are chosen.
    pub enum Rule {
        /// All whole.
        Full = "full",
        /// All scaled alike.
        Uniform = "uniform",
        /// All scaled alike but the features that the classifier reads, which stay whole.
        UniformLast = "uniform_last",
        /// At random.
        Random = "random",
        /// As `gene` says.
        Gene = "gene",
    }
}

params! {
    /// Parameters of [`Choose`].
    pub struct ChooseParams {
        /// How widths are chosen.
        rule: Rule = Rule::Uniform;
        /// What uniform widths are scaled by; none: the most that costs no more than `limit`.
        ratio: Option<f64> = None, in 0.0..=1.0;
        /// Places in the grid, from 0 to 30, with rule `gene`.
        gene: Vec<usize> = Vec::new(), in 0..=30;
        /// Random widths are drawn from it.
        seed: u64 = 0;
    }
}

/// `metapruning.structure`: chooses widths by rule or at random.
pub struct Choose;

impl Stage for Choose {
    type Params = ChooseParams;

    fn spec(&self) -> Spec {
        Spec::new(
            "metapruning.structure",
            code::METAPRUNING,
            KIND,
            "Chooses a net's widths by rule or at random, to compare found ones with.",
        )
        .input(Port::one("space", space::KIND, "the family of nets"))
        .input(Port::optional("limit", KIND, "a structure that may not be passed in multiply-adds"))
        .metric("macs", "multiply-adds for one picture")
        .metric("counted", "the same as the authors' code counts")
        .metric("params", "numbers that are trained")
        .paper(&PAPER)
    }

    fn run(&self, p: &ChooseParams, inputs: &Inputs<'_>, cx: &mut Ctx<'_>) -> Result<Output, StageError> {
        let space = Space::read(&inputs.one("space")?)?;
        let net = space.net()?;
        let limit = inputs.optional("limit").map(|view| Structure::read(&view)).transpose()?;
        let most = limit.map_or(f64::INFINITY, |limit| limit.cost.macs as f64);
        let (gene, widths) = match p.rule {
            Rule::Full => of_gene(&net, net.full()),
            Rule::Gene => of_gene(&net, given(&net, &p.gene)?),
            Rule::Random => {
                let price = |widths: &[usize]| cost(&net, widths).macs as f64;
                let domain = Domain { net: &net, price: &price, least: 0.0, most, drawn: 0..=grid::FULL };
                let mut stream = Stream::new(p.seed, "structure");
                let gene = if most.is_finite() {
                    domain.near(&mut stream, |_| true)?
                } else {
                    domain.any(&mut stream)
                };
                of_gene(&net, gene)
            }
            Rule::Uniform | Rule::UniformLast => {
                let last = p.rule == Rule::UniformLast;
                let widths = match p.ratio {
                    Some(ratio) => net.uniform(ratio, last),
                    None => widest(&net, last, most)?,
                };
                (None, widths)
            }
        };
        let structure = Structure::new(&space, gene, widths)?;
        if structure.cost.macs as f64 > most {
            let found = structure.cost.macs;
            return Err(StageError::Input(format!("expected at most {most} multiply-adds, found {found}")));
        }
        report(&structure, cx);
        structure.write()
    }
}

/// Reports what a structure costs.
pub(super) fn report(structure: &Structure, cx: &mut Ctx<'_>) {
    cx.metric("macs", structure.cost.macs as f64);
    cx.metric("counted", structure.cost.counted as f64);
    cx.metric("params", structure.cost.params as f64);
}

fn of_gene(net: &Net, gene: Gene) -> (Option<Gene>, Vec<usize>) {
    let widths = net.widths(&gene);
    (Some(gene), widths)
}

fn given(net: &Net, gene: &[usize]) -> Result<Gene, StageError> {
    if gene.len() == net.genes {
        Ok(gene.iter().map(|id| *id as u8).collect())
    } else {
        Err(StageError::Input(format!("expected {} places in `gene`, found {}", net.genes, gene.len())))
    }
}

/// The widest uniform net, by thousandths, that costs no more than this.
pub(super) fn widest(net: &Net, last: bool, most: f64) -> Result<Vec<usize>, StageError> {
    let all = (1..=1000).rev().map(|thousandths| net.uniform(f64::from(thousandths) / 1000.0, last));
    let fits = |widths: &Vec<usize>| cost(net, widths).macs as f64 <= most;
    all.into_iter().find(fits).ok_or_else(|| {
        StageError::Input(format!("expected a uniform net of at most {most} multiply-adds, found none"))
    })
}

#[cfg(test)]
mod tests;
