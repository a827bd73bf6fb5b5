use super::super::cost::cost;
use super::super::net::Family;
use super::*;

/// A net of few structures: three channels at most.
fn tiny() -> Net {
    let mut net = Net::new(Family::Flat, 1, [3, 16, 16], 10);
    for wire in &mut net.wires[1..] {
        wire.base = 3;
    }
    net
}

fn domain<'a>(net: &'a Net, price: &'a (dyn Fn(&[usize]) -> f64 + Sync), most: f64) -> Domain<'a> {
    Domain { net, price, least: 0.0, most, drawn: 0..=grid::FULL }
}

/// Invariant 10: places are uniform over the 31 scales and independent of each other.
#[test]
fn places_are_uniform_and_independent() {
    const DRAWS: usize = 31 * 400;
    let mut stream = Stream::new(1, "places");
    let genes: Vec<Gene> = (0..DRAWS).map(|_| uniform(5, &(0..=grid::FULL), &mut stream)).collect();
    let statistic = |counts: &[usize], expected: f64| -> f64 {
        counts.iter().map(|c| (*c as f64 - expected) * (*c as f64 - expected) / expected).sum()
    };
    for i in 0..5 {
        let mut counts = [0; 31];
        for gene in &genes {
            counts[usize::from(gene[i])] += 1;
        }
        // χ² with 30 degrees of freedom: 59.7 is passed once in a thousand.
        assert!(statistic(&counts, 400.0) < 59.7, "gene {i}: {counts:?}");
        let mut pairs = [0; 16];
        let quarter = |id: u8| usize::from(id) * 4 / 31;
        for gene in &genes {
            pairs[4 * quarter(gene[i]) + quarter(gene[(i + 1) % 5])] += 1;
        }
        let sizes = [8.0, 8.0, 8.0, 7.0].map(|n| n / 31.0);
        let chi: f64 = (0..16)
            .map(|p| {
                let expected = DRAWS as f64 * sizes[p / 4] * sizes[p % 4];
                (pairs[p] as f64 - expected) * (pairs[p] as f64 - expected) / expected
            })
            .sum();
        // 15 degrees of freedom.
        assert!(chi < 37.7, "genes {i} and the next: {chi}");
    }
    let mut stream = Stream::new(1, "window");
    assert!(uniform(500, &(12..=23), &mut stream).iter().all(|id| (12..=23).contains(id)));
}

/// Invariant 13: wherever a gene lies within 0.95 to 1 of the limit, one is found.
#[test]
fn a_gene_near_the_limit_is_found_wherever_there_is_one() {
    let net = tiny();
    let price = |widths: &[usize]| cost(&net, widths).macs as f64;
    let mut prices = Vec::new();
    // The places at which a width of three channels changes: 1, 2 and 3.
    for code in 0..3_usize.pow(5) {
        let gene: Gene = (0..5).map(|i| [0, 20, 30][code / 3_usize.pow(i) % 3]).collect();
        prices.push(price(&net.widths(&gene)));
    }
    prices.sort_by(f64::total_cmp);
    let (least, most) = (prices[0], prices[prices.len() - 1]);
    let mut found = 0;
    for i in 0..60 {
        let limit = least + (most * 1.1 - least) * f64::from(i) / 59.0;
        let there = prices.iter().any(|p| *p >= NEAR * limit && *p <= limit);
        let near = domain(&net, &price, limit).near(&mut Stream::new(i as u64, "near"), |_| true);
        assert_eq!(near.is_ok(), there, "limit {limit}");
        if let Ok(gene) = near {
            assert!((NEAR * limit..=limit).contains(&price(&net.widths(&gene))));
            found += 1;
        }
    }
    assert!(found > 20, "{found}");
}

#[test]
fn tight_limits_of_large_nets_are_met() {
    for (family, limit) in
        [(Family::MobilenetV1, 41e6), (Family::MobilenetV2, 43e6), (Family::Resnet50, 1.0e9)]
    {
        let net = Net::new(family, 1, [3, 224, 224], 1000);
        let price = |widths: &[usize]| cost(&net, widths).macs as f64;
        let gene = domain(&net, &price, limit).near(&mut Stream::new(0, "near"), |_| true).unwrap();
        assert!((NEAR * limit..=limit).contains(&price(&net.widths(&gene))));
    }
}

/// Invariant 13: a limit that no net keeps is an error and no endless search.
#[test]
fn impossible_limits_are_told() {
    let net = Net::new(Family::Flat, 1, [3, 16, 16], 10);
    let price = |widths: &[usize]| cost(&net, widths).macs as f64;
    let error = domain(&net, &price, 1000.0).near(&mut Stream::new(0, "near"), |_| true).unwrap_err();
    assert!(matches!(error, SampleError::Infeasible { most: 1000.0, .. }), "{error}");
    let far = Domain { least: 9e9, ..domain(&net, &price, 9.1e9) };
    let error = far.near(&mut Stream::new(0, "near"), |_| true).unwrap_err();
    assert_eq!(
        error.to_string(),
        "found no structure that costs 9000000000 to 9100000000 in 2000 tries: widen the limits, or ask for fewer \
         structures"
    );
}
