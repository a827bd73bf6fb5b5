use runpipe_base::{Artifact, StageError, Value};

use crate::data::tagged::Tagged;
use crate::maner::model::Model;
use crate::testing::{Bench, Ran, StopAfter, int, text};

/// A corpus and a small encoder, hardly trained.
fn start(bench: &mut Bench) -> (Ran, Artifact) {
    let corpus = bench.run(
        "maner.language",
        &[("raw", int(400)), ("train", int(40)), ("dev", int(20)), ("test", int(20))],
        &[],
    );
    let params = [
        ("vocabulary", int(400)),
        ("layers", int(1)),
        ("width", int(32)),
        ("heads", int(4)),
        ("steps", int(20)),
        ("batch", int(512)),
    ];
    let encoder = bench.run("maner.pretrain", &params, &[("text", corpus.part("text"))]).artifact;
    (corpus, encoder)
}

fn first(bench: &mut Bench, corpus: &Ran, n: i64) -> Artifact {
    bench.run("data.take", &[("n", int(n))], &[("sentences", corpus.part("train"))]).artifact
}

/// A short run.
fn brief() -> Vec<(&'static str, Value)> {
    vec![("epochs", int(1)), ("min_steps", int(12))]
}

#[test]
fn a_few_sentences_are_learned_by_heart() {
    let mut bench = Bench::new();
    let (corpus, encoder) = start(&mut bench);
    let few = first(&mut bench, &corpus, 8);
    for site in ["tokcls", "prepend", "append", "mask_filler"] {
        for init in ["pretrained", "random"] {
            let params = [
                ("site", text(site)),
                ("encoder_init", text(init)),
                ("min_steps", int(300)),
                ("epochs", int(1)),
                ("lr", Value::Float(3e-3)),
                ("dropout", Value::Float(0.0)),
            ];
            let ran = bench.run("maner.finetune", &params, &[("encoder", &encoder), ("sentences", &few)]);
            assert!((ran.metrics["train_f1"] - 100.0).abs() < 1e-9, "{site} {init}: {:?}", ran.metrics);
            assert!((ran.metrics["steps"] - 300.0).abs() < 1e-9 && ran.metrics["collapsed"] < 0.5);
        }
    }
}

#[test]
fn a_chain_is_learned_and_chosen() {
    let mut bench = Bench::new();
    let (corpus, encoder) = start(&mut bench);
    let few = first(&mut bench, &corpus, 8);
    let params = [
        ("crf", Value::Bool(true)),
        ("min_steps", int(300)),
        ("epochs", int(1)),
        ("lr", Value::Float(3e-3)),
        ("dropout", Value::Float(0.0)),
    ];
    let ran = bench.run("maner.finetune", &params, &[("encoder", &encoder), ("sentences", &few)]);
    assert!((ran.metrics["train_f1"] - 100.0).abs() < 1e-9, "{:?}", ran.metrics);
    let table = Model::read(&bench.view(&ran.artifact)).unwrap().arrays["tagger.transitions"].clone();
    // From `O` or the start to `I-LOC` no sentence goes; `O` to `O` many do.
    let labels = 7;
    assert_eq!(table.0, [labels + 1, labels]);
    assert!(table.1[2] < table.1[0] && table.1[labels * labels + 2] < table.1[labels * labels], "{table:?}");
}

/// All labels alike, a rare label is found more often and the commonest less often.
#[test]
fn rare_labels_may_weigh_more() {
    let mut bench = Bench::new();
    let (corpus, encoder) = start(&mut bench);
    let inputs = [("encoder", &encoder), ("sentences", corpus.part("train"))];
    let mut outside = |balance: f64| {
        let more = [("balance", Value::Float(balance)), ("retries", int(0))];
        let tagger = bench.run("maner.finetune", &[&brief()[..], &more].concat(), &inputs).artifact;
        let scores =
            bench.run("maner.evaluate", &[], &[("tagger", &tagger), ("sentences", corpus.part("test"))]);
        let found = Tagged::read(&bench.view(scores.part("predictions"))).unwrap();
        found.sentences.iter().flat_map(|s| &s.tags).filter(|tag| tag.kind().is_none()).count()
    };
    let (alike, balanced) = (outside(0.0), outside(1.0));
    assert!(balanced < alike, "{balanced} of the words are `O`, {alike} without weights");
}

/// Weighted parts of a batch teach what the whole does.
#[test]
fn weights_hold_over_parts() {
    let mut bench = Bench::new();
    let (corpus, encoder) = start(&mut bench);
    let inputs = [("encoder", &encoder), ("sentences", corpus.part("train"))];
    for switch in [("balance", Value::Float(0.5)), ("crf", Value::Bool(true))] {
        let curve = |bench: &mut Bench, more: &[(&str, Value)]| {
            let params =
                [brief(), vec![("dropout", Value::Float(0.0)), switch.clone()], more.to_vec()].concat();
            let ran = bench.run("maner.finetune", &params, &inputs);
            ran.series.iter().find(|s| s.name == "train_loss").unwrap().points.clone()
        };
        let (whole, parts) = (curve(&mut bench, &[]), curve(&mut bench, &[("pass", int(60))]));
        let same = whole.iter().zip(&parts).all(|(a, b)| a.0 == b.0 && (a.1 - b.1).abs() < 1e-3);
        assert!(same && whole.len() == parts.len(), "{whole:?} {parts:?}");
    }
}

#[test]
fn one_seed_one_tagger() {
    let mut bench = Bench::new();
    let (corpus, encoder) = start(&mut bench);
    let inputs = [("encoder", &encoder), ("sentences", corpus.part("train")), ("dev", corpus.part("dev"))];
    let with = |seed: i64| [brief(), vec![("seed", int(seed))]].concat();
    let a = bench.run("maner.finetune", &with(1), &inputs);
    assert_eq!(a, bench.run("maner.finetune", &with(1), &inputs));
    assert_ne!(a.artifact.digest(), bench.run("maner.finetune", &with(2), &inputs).artifact.digest());
}

#[test]
fn the_best_state_at_dev_is_kept() {
    let mut bench = Bench::new();
    let (corpus, encoder) = start(&mut bench);
    let inputs = [("encoder", &encoder), ("sentences", corpus.part("train")), ("dev", corpus.part("dev"))];
    let params = [("epochs", int(1)), ("min_steps", int(60)), ("lr", Value::Float(3e-3))];
    let ran = bench.run("maner.finetune", &params, &inputs);
    let curve = &ran.series.iter().find(|s| s.name == "dev_f1_curve").unwrap().points;
    assert_eq!(curve.iter().map(|(step, _)| *step).collect::<Vec<_>>(), [10, 20, 30, 40, 50, 60]);
    let best = curve.iter().copied().fold((0, -1.0), |best, p| if p.1 > best.1 { p } else { best });
    assert_eq!((ran.metrics["best_step"] as u64, ran.metrics["dev_f1"]), best);
    // Tagging `dev` with the artifact gives the score of the state that was kept.
    let scores =
        bench.run("maner.evaluate", &[], &[("tagger", &ran.artifact), ("sentences", corpus.part("dev"))]);
    assert!((scores.metrics["f1"] - best.1).abs() < 1e-9);
}

#[test]
fn a_stopped_run_ends_as_if_it_was_not() {
    let mut bench = Bench::new();
    let (corpus, encoder) = start(&mut bench);
    let inputs = [("encoder", &encoder), ("sentences", corpus.part("train")), ("dev", corpus.part("dev"))];
    let whole = bench.run("maner.finetune", &brief(), &inputs);
    for stop in [1, 7, 11] {
        let host = StopAfter::new(stop);
        let stopped = bench.attempt_on(&host, "maner.finetune", &brief(), &inputs);
        assert!(matches!(stopped, Err(StageError::Cancelled)));
        host.go_on();
        assert_eq!(bench.attempt_on(&host, "maner.finetune", &brief(), &inputs).unwrap(), whole);
    }
}

/// The arrays of a tagger and of its encoder whose names begin so.
fn arrays(bench: &Bench, tagger: &Artifact, encoder: &Artifact, prefix: &str) -> (Vec<f32>, Vec<f32>) {
    let of = |artifact: &Artifact| {
        let model = Model::read(&bench.view(artifact)).unwrap();
        model.arrays.into_iter().filter(|(name, _)| name.starts_with(prefix)).flat_map(|(_, a)| a.1).collect()
    };
    (of(tagger), of(encoder))
}

#[test]
fn what_is_frozen_stays() {
    let mut bench = Bench::new();
    let (corpus, encoder) = start(&mut bench);
    let inputs = [("encoder", &encoder), ("sentences", corpus.part("train"))];
    for (freeze, embeddings, layers) in
        [("none", false, false), ("embeddings", true, false), ("encoder", true, true)]
    {
        let ran = bench.run("maner.finetune", &[brief(), vec![("freeze", text(freeze))]].concat(), &inputs);
        let same = |prefix: &str| {
            let (new, old) = arrays(&bench, &ran.artifact, &encoder, prefix);
            new == old
        };
        assert_eq!((same("encoder.embed."), same("encoder.layer.")), (embeddings, layers), "{freeze}");
    }
}

#[test]
fn tokens_start_as_told() {
    let mut bench = Bench::new();
    let (corpus, encoder) = start(&mut bench);
    let inputs = [("encoder", &encoder), ("sentences", corpus.part("train"))];
    let table = |bench: &mut Bench, more: &[(&str, Value)]| {
        let still = [("lr", Value::Float(0.0)), ("epochs", int(1)), ("min_steps", int(1))];
        let ran = bench.run("maner.finetune", &[&still, more].concat(), &inputs);
        let model = Model::read(&bench.view(&ran.artifact)).unwrap();
        assert_eq!(model.arrays["encoder.embed.word.weight"].0, [model.config.vocab_size, 32]);
        model.arrays["encoder.embed.word.weight"].1.clone()
    };
    let plain = table(&mut bench, &[]);
    let mask = 4 * 32..5 * 32;
    for init in ["random", "mean"] {
        let other = table(&mut bench, &[("mask_init", text(init))]);
        let changed: Vec<usize> =
            (0..plain.len()).filter(|i| plain[*i].to_bits() != other[*i].to_bits()).collect();
        assert!(
            changed.iter().all(|i| mask.contains(i)) && changed.len() > 30,
            "{init} moves the mask alone"
        );
        if init == "mean" {
            let mean = (0..plain.len() / 32).map(|row| f64::from(plain[32 * row])).sum::<f64>()
                / (plain.len() / 32) as f64;
            assert!((f64::from(other[mask.start]) - mean).abs() < 1e-6);
        }
    }
    let longer = table(&mut bench, &[("filler", text("new"))]);
    assert_eq!(
        (longer.len(), &longer[..plain.len()]),
        (plain.len() + 32, plain.as_slice()),
        "one vector more"
    );
    assert_ne!(table(&mut bench, &[("encoder_init", text("random"))]), plain);
}

#[test]
fn every_switch_makes_a_tagger_that_can_be_evaluated() {
    let mut bench = Bench::new();
    let (corpus, encoder) = start(&mut bench);
    let inputs = [("encoder", &encoder), ("sentences", corpus.part("train"))];
    for (name, value) in [
        ("site", "tokcls"),
        ("site", "append"),
        ("site", "mask_filler"),
        ("site", "cloze"),
        ("pool", "last"),
        ("pool", "mean"),
        ("filler", "unk"),
        ("filler", "new"),
        ("head", "mlp"),
        ("head", "mlm_mlp"),
        ("mask_visibility", "query_only"),
        ("mask_position_ids", "shared"),
        ("long", "truncate"),
        ("crf", "true"),
        ("balance", "1"),
    ] {
        let value_of = match name {
            "crf" => Value::Bool(true),
            "balance" => Value::Float(1.0),
            _ => text(value),
        };
        let params = [vec![("epochs", int(1)), ("min_steps", int(2))], vec![(name, value_of)]].concat();
        let tagger = bench.run("maner.finetune", &params, &inputs).artifact;
        let scores =
            bench.run("maner.evaluate", &[], &[("tagger", &tagger), ("sentences", corpus.part("test"))]);
        let gold = Tagged::read(&bench.view(corpus.part("test"))).unwrap();
        let found = Tagged::read(&bench.view(scores.part("predictions"))).unwrap();
        let words = |t: Tagged| t.sentences.into_iter().map(|s| s.words).collect::<Vec<_>>();
        assert_eq!(words(found), words(gold), "{name} {value}: a tag for every word");
    }
}

#[test]
fn the_masked_head_is_where_its_tagger_starts() {
    let mut bench = Bench::new();
    let (corpus, encoder) = start(&mut bench);
    let inputs = [("encoder", &encoder), ("sentences", corpus.part("train"))];
    let still = [("lr", Value::Float(0.0)), ("epochs", int(1)), ("min_steps", int(1)), ("retries", int(0))];
    let of = |bench: &mut Bench, head: &str| {
        let ran = bench.run("maner.finetune", &[&still[..], &[("head", text(head))]].concat(), &inputs);
        Model::read(&bench.view(&ran.artifact)).unwrap().arrays["tagger.dense.weight"].clone()
    };
    let masked = Model::read(&bench.view(&encoder)).unwrap().arrays["masked.dense.weight"].clone();
    assert_eq!(of(&mut bench, "mlm_mlp"), masked);
    assert_ne!(of(&mut bench, "mlp"), masked);
}

#[test]
fn a_batch_in_parts_teaches_what_the_whole_does() {
    let mut bench = Bench::new();
    let (corpus, encoder) = start(&mut bench);
    let inputs = [("encoder", &encoder), ("sentences", corpus.part("train"))];
    let curve = |bench: &mut Bench, more: &[(&str, Value)]| {
        let params = [brief(), vec![("dropout", Value::Float(0.0))], more.to_vec()].concat();
        let ran = bench.run("maner.finetune", &params, &inputs);
        ran.series.iter().find(|s| s.name == "train_loss").unwrap().points.clone()
    };
    let whole = curve(&mut bench, &[]);
    let parts = curve(&mut bench, &[("pass", int(60))]);
    assert_ne!(whole, parts, "sums have another order");
    assert!(
        whole.iter().zip(&parts).all(|(a, b)| a.0 == b.0 && (a.1 - b.1).abs() < 1e-3),
        "{whole:?} {parts:?}"
    );
}

#[test]
fn all_pieces_of_a_word_may_teach() {
    let mut bench = Bench::new();
    let (corpus, encoder) = start(&mut bench);
    let inputs = [("encoder", &encoder), ("sentences", corpus.part("train"))];
    let with = |all: bool| {
        [brief(), vec![("site", text("tokcls")), ("label_all_pieces", Value::Bool(all))]].concat()
    };
    let (one, all) = (
        bench.run("maner.finetune", &with(false), &inputs),
        bench.run("maner.finetune", &with(true), &inputs),
    );
    assert_ne!(one.series, all.series);
}

#[test]
fn patience_ends_what_does_not_get_better() {
    let mut bench = Bench::new();
    let (corpus, encoder) = start(&mut bench);
    let inputs = [("encoder", &encoder), ("sentences", corpus.part("train")), ("dev", corpus.part("dev"))];
    let params = [
        ("epochs", int(1)),
        ("min_steps", int(20)),
        ("epochs", int(40)),
        ("evaluations", int(20)),
        ("lr", Value::Float(0.0)),
        ("patience", int(3)),
        ("retries", int(0)),
    ];
    let ran = bench.run("maner.finetune", &params, &inputs);
    // An evaluation every 10 of 200 steps; the first is the best, as nothing changes.
    assert_eq!((ran.metrics["best_step"] as u64, ran.metrics["steps"] as u64), (10, 40));
}

/// A head on random states learns the commonest label and no more: it collapses and is tuned again, as often as told.
#[test]
fn a_collapsed_tagger_is_tuned_anew() {
    let mut bench = Bench::new();
    let (corpus, encoder) = start(&mut bench);
    let inputs = [("encoder", &encoder), ("sentences", corpus.part("train"))];
    let hopeless = |retries: i64| {
        [
            ("epochs", int(1)),
            ("min_steps", int(40)),
            ("freeze", text("encoder")),
            ("encoder_init", text("random")),
            ("retries", int(retries)),
        ]
    };
    let ran = bench.run("maner.finetune", &hopeless(2), &inputs);
    assert_eq!((ran.metrics["retried"] as u64, ran.metrics["collapsed"] as u64), (2, 1), "{:?}", ran.metrics);
    let once = bench.run("maner.finetune", &hopeless(0), &inputs);
    assert_ne!(once.artifact, ran.artifact, "other random numbers");
    // Stopped in the first, the second and the third attempt of 40 steps.
    for stop in [15, 55, 100] {
        let host = StopAfter::new(stop);
        let stopped = bench.attempt_on(&host, "maner.finetune", &hopeless(2), &inputs);
        assert!(matches!(stopped, Err(StageError::Cancelled)));
        host.go_on();
        assert_eq!(bench.attempt_on(&host, "maner.finetune", &hopeless(2), &inputs).unwrap(), ran);
    }
}

#[test]
fn a_tagger_that_finds_nothing_says_so() {
    let mut bench = Bench::new();
    let (corpus, encoder) = start(&mut bench);
    let inputs = [("encoder", &encoder), ("sentences", corpus.part("train"))];
    // A head on random states learns the commonest label and no more.
    let params = [
        ("epochs", int(1)),
        ("min_steps", int(40)),
        ("freeze", text("encoder")),
        ("encoder_init", text("random")),
        ("retries", int(0)),
    ];
    let ran = bench.run("maner.finetune", &params, &inputs);
    assert!(
        ran.metrics["train_f1"] < 5.0 && (ran.metrics["collapsed"] - 1.0).abs() < 1e-9,
        "{:?}",
        ran.metrics
    );
    let scores =
        bench.run("maner.evaluate", &[], &[("tagger", &ran.artifact), ("sentences", corpus.part("test"))]);
    assert!((scores.metrics["collapsed"] - 1.0).abs() < 1e-9, "{:?}", scores.metrics);
}

#[test]
fn refused_inputs() {
    let mut bench = Bench::new();
    let (corpus, encoder) = start(&mut bench);
    let plain = Tagged { types: Vec::new(), ..Tagged::default() };
    let nothing = bench.keep(plain.write());
    let mut refusal = |params: &[(&str, Value)], sentences: &Artifact| {
        let inputs = [("encoder", &encoder), ("sentences", sentences)];
        bench.attempt("maner.finetune", params, &inputs).unwrap_err().to_string()
    };
    assert_eq!(refusal(&[], &nothing), "expected sentences with entities to train on, found none");
    assert_eq!(
        refusal(&[("max_len", int(500))], corpus.part("train")),
        "`max_len` is 500, but the encoder has 128 positions"
    );
    let chained = |more: (&'static str, Value)| [("crf", Value::Bool(true)), more];
    for (more, message) in [
        (
            ("site", text("cloze")),
            "`crf` and `site = \"cloze\"`: each word is in a sequence of its own, without a next one",
        ),
        (
            ("label_all_pieces", Value::Bool(true)),
            "`crf` and `label_all_pieces`: labels follow one another by words, not by pieces",
        ),
        (
            ("balance", Value::Float(0.5)),
            "`crf` and `balance`: a sequence is learned as a whole, whose words have no weights",
        ),
    ] {
        assert_eq!(refusal(&chained(more), corpus.part("train")), message);
    }
}
