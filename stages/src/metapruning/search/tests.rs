use super::*;

fn params() -> SearchParams {
    use runpipe_base::{Params as _, Record};
    SearchParams::decode(&Record::new()).expect("all parameters have defaults")
}

/// A limit may be a number, or that of a structure in the measure asked for.
#[test]
fn limits_are_those_asked_for() {
    let net = Net::new(super::super::net::Family::Flat, 1, [3, 16, 16], 10);
    let space = super::super::space::Space {
        family: "flat".into(),
        times: 1,
        picture: [3, 16, 16],
        classes: (0..10).map(|i| i.to_string()).collect(),
    };
    let limit = Structure::new(&space, None, net.uniform(0.25, false)).unwrap();
    let price = |widths: &[usize]| cost(&net, widths).macs as f64;
    let of = |p: &SearchParams, limit| domain(p, &net, &price, limit, false).map(|d| (d.least, d.most));
    assert_eq!(of(&params(), Some(&limit)).unwrap(), (0.0, 111_952.0));
    let window = SearchParams { most: Some(200.0), least: 0.95, ..params() };
    assert_eq!(of(&window, Some(&limit)).unwrap(), (190.0, 200.0));
    let narrow = SearchParams { drawn: vec![12], ..params() };
    assert!(of(&narrow, Some(&limit)).unwrap_err().to_string().contains("two places in `drawn`"));
}

/// Without parents a search is a random one: as many structures, none twice, all near the limit.
#[test]
fn random_search_scores_as_many() {
    use runpipe_base::{Device, NullHost};
    let net = Net::new(super::super::net::Family::Flat, 1, [3, 16, 16], 10);
    let price = |widths: &[usize]| cost(&net, widths).macs as f64;
    let p = SearchParams { method: Method::Random, most: Some(120_000.0), generations: 4, ..params() };
    let domain = domain(&p, &net, &price, None, false).unwrap();
    let judge = |genes: &[Gene]| Ok(genes.iter().map(|gene| f64::from(gene[0])).collect());
    let mut cx = Ctx::new(&NullHost, Device::Cpu);
    let evolution = evolve(&p, &domain, &judge, &mut cx).unwrap();
    assert_eq!(evolution.scored().len(), 80);
    assert!(evolution.scored().iter().all(|s| (114_000.0..=120_000.0).contains(&s.cost)));
}
