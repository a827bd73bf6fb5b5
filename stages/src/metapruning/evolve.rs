//! Evolution of genes under a limit, by a score that somebody else gives them.
//!
//! What is proposed next is a function of the seed, the generation and what was scored so far, so a search that is
//! stopped goes on from the list of scores. Structures are told apart by their *widths*: in narrow nets different genes
//! have the same, and clones would fill the archive.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::grid;
use super::net::Gene;
use super::sample::{Domain, SampleError};
use crate::kit::rng::Stream;

/// How to search.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// Genes of a generation.
    pub population: usize,
    /// Genes that are remembered as the best.
    pub archive: usize,
    /// Of these, genes that have offspring.
    pub parents: usize,
    /// Offspring by mutation a generation.
    pub mutants: usize,
    /// Offspring by crossing two parents a generation.
    pub crossovers: usize,
    /// Chance of a gene to mutate.
    pub mutation: f64,
    /// Seed.
    pub seed: u64,
}

/// A gene with what was found out about it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Scored {
    /// The generation in which it was scored, from 0.
    pub generation: usize,
    /// The gene.
    pub gene: Gene,
    /// Its wires' widths.
    pub widths: Vec<usize>,
    /// What its net costs.
    pub cost: f64,
    /// Its score: more is better.
    pub score: f64,
}

/// A search: all that was scored so far, in order.
#[derive(Debug, Clone, PartialEq)]
pub struct Evolution {
    plan: Plan,
    scored: Vec<Scored>,
    generation: usize,
}

/// Tries for each offspring that is wanted.
const TRIES: usize = 10;

impl Evolution {
    /// A search that has seen nothing.
    pub fn new(plan: Plan) -> Self {
        Self::resumed(plan, Vec::new())
    }

    /// A search that goes on after these generations.
    pub fn resumed(plan: Plan, scored: Vec<Scored>) -> Self {
        let generation = scored.last().map_or(0, |last| last.generation + 1);
        Self { plan, scored, generation }
    }

    /// Generations scored.
    pub fn generation(&self) -> usize {
        self.generation
    }

    /// All that was scored, in order.
    pub fn scored(&self) -> &[Scored] {
        &self.scored
    }

    /// The best, best first; of equals the one that was scored first.
    pub fn archive(&self) -> Vec<&Scored> {
        let mut archive: Vec<&Scored> = self.scored.iter().collect();
        archive.sort_by(|a, b| b.score.total_cmp(&a.score));
        archive.truncate(self.plan.archive);
        archive
    }

    /// The next generation: mutants, crossovers, and random genes for what is missing.
    ///
    /// # Errors
    /// [`SampleError`] when the limits hold too few genes.
    pub fn propose(&self, domain: &Domain<'_>) -> Result<Vec<Gene>, SampleError> {
        domain.check()?;
        let stream = Stream::new(self.plan.seed, "evolution").child(self.generation as u64);
        let mut known: BTreeSet<Vec<usize>> = self.scored.iter().map(|s| s.widths.clone()).collect();
        let parents: Vec<Gene> =
            self.archive().into_iter().take(self.plan.parents).map(|s| s.gene.clone()).collect();
        let mut genes = Vec::new();
        let mut take = |gene: Gene, genes: &mut Vec<Gene>| {
            if domain.allows(&gene) && known.insert(domain.net.widths(&gene)) {
                genes.push(gene);
            }
        };
        if !parents.is_empty() {
            let mut draw = stream.named("mutation");
            for _ in 0..TRIES * self.plan.mutants {
                if genes.len() < self.plan.mutants {
                    take(
                        mutant(&parents[draw.below(parents.len())], self.plan.mutation, &mut draw),
                        &mut genes,
                    );
                }
            }
        }
        if parents.len() > 1 {
            let mut draw = stream.named("crossover");
            let end = genes.len() + self.plan.crossovers;
            for _ in 0..TRIES * self.plan.crossovers {
                if genes.len() < end {
                    let first = draw.below(parents.len());
                    let second = (first + 1 + draw.below(parents.len() - 1)) % parents.len();
                    take(crossed(&parents[first], &parents[second], &mut draw), &mut genes);
                }
            }
        }
        genes.truncate(self.plan.population);
        let mut draw = stream.named("random");
        while genes.len() < self.plan.population {
            let gene = domain.near(&mut draw, |gene| !known.contains(&domain.net.widths(gene)))?;
            known.insert(domain.net.widths(&gene));
            genes.push(gene);
        }
        Ok(genes)
    }

    /// Takes in the scores of the genes that were proposed.
    ///
    /// # Panics
    /// When there is not one score a gene.
    pub fn absorb(&mut self, domain: &Domain<'_>, genes: Vec<Gene>, scores: &[f64]) {
        assert_eq!(genes.len(), scores.len(), "one score a gene");
        for (gene, score) in genes.into_iter().zip(scores) {
            let (widths, cost) = (domain.net.widths(&gene), domain.cost(&gene));
            self.scored.push(Scored { generation: self.generation, gene, widths, cost, score: *score });
        }
        self.generation += 1;
    }
}

/// A gene each place of which is, with this chance, another one.
fn mutant(parent: &[u8], rate: f64, stream: &mut Stream) -> Gene {
    let mut place = |id: &u8| {
        let moved = (*id + 1 + stream.below(usize::from(grid::SCALES) - 1) as u8) % grid::SCALES;
        if stream.chance(rate) { moved } else { *id }
    };
    parent.iter().map(&mut place).collect()
}

/// A gene each place of which is one parent's or the other's.
fn crossed(first: &[u8], second: &[u8], stream: &mut Stream) -> Gene {
    first.iter().zip(second).map(|(a, b)| if stream.chance(0.5) { *a } else { *b }).collect()
}

#[cfg(test)]
mod tests;
