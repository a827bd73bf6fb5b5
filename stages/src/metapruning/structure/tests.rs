use runpipe_base::Value;

use super::*;
use crate::data::pictures::{Pictures, Pixels};
use crate::testing::{Bench, Ran, int, text};

fn space(bench: &mut Bench) -> runpipe_base::Artifact {
    let pictures = Pictures {
        pixels: Pixels::Held(vec![0; 768]),
        size: [3, 16, 16],
        labels: vec![0],
        classes: (0..10).map(|i| i.to_string()).collect(),
    };
    let images = bench.keep(pictures.write());
    let ran = bench.run("metapruning.space", &[("family", text("flat"))], &[("images", &images)]);
    assert_eq!((ran.metrics["genes"], ran.metrics["generator_params"]), (5.0, 246_346.0));
    ran.artifact
}

#[test]
fn rules_choose_widths() {
    let mut bench = Bench::new();
    let space = space(&mut bench);
    let rule = |bench: &mut Bench, params: &[(&str, Value)]| -> (Ran, Structure) {
        let ran = bench.run("metapruning.structure", params, &[("space", &space)]);
        let structure = Structure::read(&bench.view(&ran.artifact)).unwrap();
        (ran, structure)
    };
    let (uniform, structure) = rule(&mut bench, &[("ratio", Value::Float(0.25))]);
    assert_eq!((structure.widths, structure.cost.macs), (vec![3, 8, 8, 8, 8, 8, 8], 111_952));
    let (_, full) = rule(&mut bench, &[("rule", text("full"))]);
    assert_eq!(full.widths, [3, 32, 32, 32, 32, 32, 32]);
    let gene = Value::List([9, 8, 7, 6, 5].map(int).to_vec());
    let (_, found) = rule(&mut bench, &[("rule", text("gene")), ("gene", gene)]);
    assert_eq!((found.gene, found.widths), (Some(vec![9, 8, 7, 6, 5]), vec![3, 11, 10, 9, 8, 8, 32]));

    // Under a limit: the widest uniform net, and random ones that come near it.
    let under = |bench: &mut Bench, params: &[(&str, Value)]| {
        let inputs = [("space", &space), ("limit", &uniform.artifact)];
        let ran = bench.run("metapruning.structure", params, &inputs);
        Structure::read(&bench.view(&ran.artifact)).unwrap()
    };
    let last = under(&mut bench, &[("rule", text("uniform_last"))]);
    assert_eq!(last.widths[1..], [7, 7, 7, 7, 7, 32]);
    let random = [1, 2].map(|seed| under(&mut bench, &[("rule", text("random")), ("seed", int(seed))]));
    assert_ne!(random[0].widths, random[1].widths);
    for structure in random {
        assert!((106_355..=111_952).contains(&structure.cost.macs), "{}", structure.cost.macs);
    }
}

#[test]
fn mistakes_are_told() {
    let mut bench = Bench::new();
    let space = space(&mut bench);
    let gene = Value::List(vec![int(3)]);
    let params = [("rule", text("gene")), ("gene", gene)];
    let error = bench.attempt("metapruning.structure", &params, &[("space", &space)]).unwrap_err();
    assert_eq!(error.to_string(), "expected 5 places in `gene`, found 1");
    let ran = bench.run("metapruning.structure", &[("ratio", Value::Float(0.1))], &[("space", &space)]);
    let inputs = [("space", &space), ("limit", &ran.artifact)];
    let error = bench.attempt("metapruning.structure", &[("rule", text("full"))], &inputs).unwrap_err();
    let limit = ran.metrics["macs"];
    assert!(
        error.to_string().starts_with(&format!("expected at most {limit} multiply-adds, found ")),
        "{error}"
    );

    let whole = bench.text(&ran.artifact, FILE);
    let mut broken = |from: &str, to: &str, expected: &str| {
        assert!(whole.contains(from), "{whole}");
        let output = Output::new(Kind::of(KIND)).file(FILE, whole.replace(from, to));
        let artifact = bench.keep(output);
        let error = Structure::read(&bench.view(&artifact)).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    };
    broken("\"flat\"", "\"round\"", "expected a family of nets, found `round`");
    broken("\"macs\": ", "\"macs\": 1", "expected the cost of the widths");
    broken("\"gene\": null", "\"gene\": [1, 2, 3, 4, 5]", "expected the widths of the gene");
}
