use super::*;
use crate::dtsgate::tests::{corpus, small, train};
use crate::testing::{Bench, Ran, int, text};
use runpipe_base::{Artifact, Value};

struct Base {
    bench: Bench,
    corpus: Artifact,
    model: Artifact,
}

impl Base {
    fn new() -> Self {
        let mut bench = Bench::new();
        let corpus = corpus(&mut bench);
        let params = [small(40), vec![("arm", text("ffn"))]].concat();
        let model = train(&mut bench, &params, &corpus).artifact;
        Self { bench, corpus, model }
    }

    fn spawn(&mut self, diversity: &str, more: &[(&str, Value)]) -> Ran {
        let params = [&[("diversity", text(diversity)), ("experts", int(4))], more].concat();
        self.bench.run("dtsgate.spawn", &params, &[("model", &self.model)])
    }

    fn loss(&mut self, model: &Artifact, unit: bool) -> (f64, f64) {
        let inputs = [("model", model), ("text", self.corpus.part("valid").unwrap())];
        let scores = self.bench.run("dtsgate.evaluate", &[("unit", Value::Bool(unit))], &inputs).metrics;
        (scores["loss"], scores["as_trained"])
    }

    fn arrays(&self, model: &Artifact) -> Arrays {
        load(&Trained::weights(&self.bench.view(model)).unwrap()).unwrap()
    }
}

/// Copies change nothing where weights sum to 1, and something where one expert counts by its weight.
#[test]
fn copies_are_the_block() {
    let mut base = Base::new();
    let model = base.model.clone();
    let (loss, _) = base.loss(&model, false);
    let spawned = base.spawn("copy", &[]).artifact;
    let (unit, dense) = base.loss(&spawned, true);
    assert!((unit - loss).abs() < 1e-5 && (dense - loss).abs() < 1e-5, "{loss} {unit} {dense}");
    let (top, _) = base.loss(&spawned, false);
    assert!((top - loss).abs() > 1e-3, "{loss} {top}");
    let masked = base.spawn("mask", &[("share", Value::Float(0.3))]).artifact;
    let (worse, _) = base.loss(&masked, true);
    assert!(worse > loss, "{loss} {worse}");
}

#[test]
fn the_first_expert_stays_and_a_share_of_the_others_does_not() {
    let mut base = Base::new();
    let block = base.arrays(&base.model);
    for (diversity, share) in [("mask", 0.2), ("mask", 0.0), ("noise", 1.0), ("copy", 0.0)] {
        let ran = base.spawn(diversity, &[("share", Value::Float(share))]);
        let spawned = base.arrays(&ran.artifact);
        for part in ["up.weight", "up.bias", "down.weight", "down.bias"] {
            assert_eq!(spawned[&format!("layer.1.expert.0.{part}")], block[&format!("layer.1.{part}")]);
            let same = spawned[&format!("layer.1.expert.3.{part}")] == block[&format!("layer.1.{part}")];
            assert_eq!(same, share == 0.0 || part.ends_with("bias"), "{diversity} {part}");
        }
        // Three experts of two weights of 16 × 24.
        let sd = (share * (1.0 - share) / (6.0 * 16.0 * 24.0)).sqrt();
        assert!(
            (ran.metrics["changed"] / 100.0 - share).abs() <= 4.0 * sd + 2e-3,
            "{diversity}: {:?}",
            ran.metrics
        );
        let shared: usize = block.values().map(|(_, x)| x.len()).sum();
        let expert = 2 * 16 * 24 + 16 + 24;
        assert_eq!(ran.metrics["weights"] as usize, shared + 3 * expert + 4 * 16);
    }
}

/// Training goes on where the block stood: updates, operations and the curve count on.
#[test]
fn training_goes_on() {
    let mut base = Base::new();
    let spawned = base.spawn("mask", &[]).artifact;
    let [text_of, valid] = ["train", "valid"].map(|part| base.corpus.part(part).unwrap().clone());
    let inputs = [("train", &text_of), ("valid", &valid), ("start", &spawned)];
    let ran = base.bench.run("dtsgate.train", &small(30), &inputs);
    let series = ran.series.iter().find(|s| s.name == "valid_loss").unwrap();
    assert_eq!((series.points[0].0, series.points.last().unwrap().0), (41, 70));
    let about = Trained::read(&base.bench.view(&ran.artifact)).unwrap();
    assert_eq!((about.about.updates, about.about.clock), (70, 30));
    let before = Trained::read(&base.bench.view(&base.model)).unwrap();
    assert!(about.about.work > before.about.work);
    assert_eq!(about.curve[..before.curve.len()], before.curve[..]);
    assert!(ran.metrics["first_asked"] > 3.9);
    assert_eq!((ran.metrics["hard_asked"], about.curve.last().unwrap().asked), (1.0, 1.0));
    assert!(ran.metrics["loss"] < before.curve.last().unwrap().loss);
    let start = base.model.clone();
    let inputs = [("train", &text_of), ("valid", &valid), ("start", &start)];
    let refusal = base.bench.attempt("dtsgate.train", &small(30), &inputs).unwrap_err().to_string();
    assert_eq!(refusal, "the model at `start` has no experts to send tokens to: `dtsgate.spawn` makes some");
}

#[test]
fn refused() {
    let mut base = Base::new();
    let spawned = base.spawn("copy", &[]).artifact;
    let refusal = base.bench.attempt("dtsgate.spawn", &[], &[("model", &spawned)]).unwrap_err().to_string();
    assert_eq!(refusal, "expected a model without experts");
}
