use super::super::cost::cost;
use super::super::net::{Family, Net};
use super::*;

fn plan(seed: u64) -> Plan {
    Plan { population: 20, archive: 20, parents: 10, mutants: 10, crossovers: 10, mutation: 0.1, seed }
}

/// A score with a best place inside the limits: wide at the end, narrow at the start.
fn score(gene: &[u8]) -> f64 {
    let wanted = [4.0, 10.0, 12.0, 20.0, 24.0];
    -gene.iter().zip(wanted).map(|(id, w)| (f64::from(*id) - w) * (f64::from(*id) - w)).sum::<f64>()
}

fn run(
    seed: u64,
    generations: usize,
    limit: f64,
    mut each: impl FnMut(&Evolution, &Domain<'_>, &[Gene]),
) -> Evolution {
    let net = Net::new(Family::Flat, 1, [3, 16, 16], 10);
    let price = |widths: &[usize]| cost(&net, widths).macs as f64;
    let domain = Domain { net: &net, price: &price, least: 0.0, most: limit, drawn: 0..=grid::FULL };
    let mut evolution = Evolution::new(plan(seed));
    for _ in 0..generations {
        let genes = evolution.propose(&domain).unwrap();
        each(&evolution, &domain, &genes);
        let scores: Vec<f64> = genes.iter().map(|gene| score(gene)).collect();
        evolution.absorb(&domain, genes, &scores);
    }
    evolution
}

/// Invariant 11: what is scored keeps the limit and is new, generations are whole, the best only gets better.
#[test]
fn a_search_keeps_its_promises() {
    for seed in 0..3 {
        let mut best = f64::NEG_INFINITY;
        let evolution = run(seed, 10, 120_000.0, |evolution, domain, genes| {
            assert_eq!(genes.len(), 20);
            assert!(genes.iter().all(|gene| domain.allows(gene)));
            let archive = evolution.archive();
            assert!(archive.len() <= 20 && archive.windows(2).all(|pair| pair[0].score >= pair[1].score));
            if let Some(first) = archive.first() {
                assert!(first.score >= best);
                best = first.score;
            }
        });
        let widths: BTreeSet<&Vec<usize>> = evolution.scored().iter().map(|s| &s.widths).collect();
        assert_eq!(widths.len(), 200, "no structure is scored twice");
        assert!(evolution.archive()[0].score > -120.0, "{:?}", evolution.archive()[0]);
    }
}

/// Every offspring comes from the best ten: each place of a crossover is one of theirs.
#[test]
fn parents_are_the_best() {
    let mut checked = 0;
    run(4, 6, 150_000.0, |evolution, _, genes| {
        let parents: Vec<Gene> = evolution.archive().iter().take(10).map(|s| s.gene.clone()).collect();
        if parents.is_empty() {
            return;
        }
        for gene in &genes[10..] {
            let of_two = parents.iter().enumerate().any(|(i, a)| {
                parents[i + 1..].iter().any(|b| (0..5).all(|k| gene[k] == a[k] || gene[k] == b[k]))
            });
            checked += usize::from(of_two);
        }
    });
    // Of 5 × 10 offspring a few may be random ones that fill a generation.
    assert!(checked >= 40, "{checked}");
}

/// Invariant 12: each place changes with probability 0.1, to any other with the same.
#[test]
fn mutation_is_the_papers() {
    let mut stream = Stream::new(1, "mutation");
    let parent = vec![7; 100];
    let mut counts = [0_usize; 31];
    for _ in 0..1000 {
        for id in mutant(&parent, 0.1, &mut stream) {
            counts[usize::from(id)] += 1;
        }
    }
    let changed = 100_000 - counts[7];
    // Four standard deviations of a binomial: √(10⁵ · 0.1 · 0.9) = 95.
    assert!(changed.abs_diff(10_000) < 380, "{changed}");
    let expected = changed as f64 / 30.0;
    let chi: f64 = counts
        .iter()
        .enumerate()
        .filter(|(id, _)| *id != 7)
        .map(|(_, c)| (*c as f64 - expected).powi(2) / expected)
        .sum();
    assert!(chi < 58.3, "29 degrees of freedom: {chi}");
}

/// Invariant 15: the same seed proposes the same, stopped or not.
#[test]
fn a_search_is_a_function_of_its_seed() {
    let whole = run(9, 5, 150_000.0, |_, _, _| {});
    assert_eq!(whole, run(9, 5, 150_000.0, |_, _, _| {}));
    assert_ne!(whole, run(8, 5, 150_000.0, |_, _, _| {}));
    let net = Net::new(Family::Flat, 1, [3, 16, 16], 10);
    let price = |widths: &[usize]| cost(&net, widths).macs as f64;
    let domain = Domain { net: &net, price: &price, least: 0.0, most: 150_000.0, drawn: 0..=grid::FULL };
    let mut resumed = Evolution::resumed(plan(9), run(9, 3, 150_000.0, |_, _, _| {}).scored().to_vec());
    assert_eq!(resumed.generation(), 3);
    for _ in 0..2 {
        let genes = resumed.propose(&domain).unwrap();
        let scores: Vec<f64> = genes.iter().map(|gene| score(gene)).collect();
        resumed.absorb(&domain, genes, &scores);
    }
    assert_eq!(resumed, whole);
}

/// A space with fewer structures than a search asks for ends with an error and no endless search.
#[test]
fn an_exhausted_space_is_told() {
    let mut net = Net::new(Family::Flat, 1, [3, 16, 16], 10);
    net.wires[1..].iter_mut().for_each(|wire| wire.base = 2);
    let price = |widths: &[usize]| cost(&net, widths).macs as f64;
    let domain = Domain { net: &net, price: &price, least: 0.0, most: 1e9, drawn: 0..=grid::FULL };
    let error = Evolution::new(plan(0)).propose(&domain).unwrap_err();
    assert!(matches!(error, SampleError::NotFound { .. }), "{error}");
    let impossible = Domain { most: 1.0, ..domain };
    assert!(matches!(Evolution::new(plan(0)).propose(&impossible), Err(SampleError::Infeasible { .. })));
}
