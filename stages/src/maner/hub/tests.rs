#![expect(
    clippy::unreadable_literal,
    clippy::excessive_precision,
    reason = "figures are written as they were published"
)]

use dfdx::prelude::{Cpu, NoneTape};
use safetensors::tensor::{Dtype, TensorView, serialize};

use super::{Array, Arrays, from_half, load, save};
use crate::kit::backend::Backend as _;
use crate::kit::nn::encoder::{Encoder, MaskedHead};
use crate::kit::ops::attention::Packed;
use crate::kit::params::{self, Params, Pass};
use crate::maner::config::Config;

/// The golden figures were computed in f64 and have six decimals; ours are f32.
const TOLERANCE: f32 = 2e-5;

/// The same sizes as a BERT.
fn bert() -> Config {
    Config {
        model_type: "bert".to_owned(),
        type_vocab_size: 2,
        layer_norm_eps: 1e-12,
        pad_token_id: 0,
        ..config()
    }
}

fn config() -> Config {
    Config::parse(
        r#"{ "model_type": "roberta", "vocab_size": 12, "hidden_size": 8, "num_hidden_layers": 2,
             "num_attention_heads": 2, "intermediate_size": 16, "hidden_act": "gelu", "hidden_dropout_prob": 0.0,
             "attention_probs_dropout_prob": 0.0, "max_position_embeddings": 10, "type_vocab_size": 1,
             "layer_norm_eps": 1e-5, "pad_token_id": 1, "classifier_dropout": null, "output_past": true }"#,
    )
    .unwrap()
}

/// Array number p, element k: 0.2·sin(0.7k + 1.1p), and 1 more in the gain of a norm.
fn golden_arrays() -> Vec<(String, Array)> {
    golden_arrays_of(&config())
}

fn golden_arrays_of(config: &Config) -> Vec<(String, Array)> {
    let (d, inner, types) = (8, 16, config.type_vocab_size);
    let mut list: Vec<(String, Vec<usize>)> = vec![
        ("roberta.embeddings.word_embeddings.weight".into(), vec![12, d]),
        ("roberta.embeddings.position_embeddings.weight".into(), vec![10, d]),
        ("roberta.embeddings.token_type_embeddings.weight".into(), vec![types, d]),
        ("roberta.embeddings.LayerNorm.weight".into(), vec![d]),
        ("roberta.embeddings.LayerNorm.bias".into(), vec![d]),
    ];
    for layer in 0..2 {
        for (part, rows, columns) in [
            ("attention.self.query", d, Some(d)),
            ("attention.self.key", d, Some(d)),
            ("attention.self.value", d, Some(d)),
            ("attention.output.dense", d, Some(d)),
            ("attention.output.LayerNorm", d, None),
            ("intermediate.dense", inner, Some(d)),
            ("output.dense", d, Some(inner)),
            ("output.LayerNorm", d, None),
        ] {
            let name = format!("roberta.encoder.layer.{layer}.{part}");
            list.push((format!("{name}.weight"), std::iter::once(rows).chain(columns).collect()));
            list.push((format!("{name}.bias"), vec![rows]));
        }
    }
    list.extend([
        ("lm_head.dense.weight".into(), vec![d, d]),
        ("lm_head.dense.bias".into(), vec![d]),
        ("lm_head.layer_norm.weight".into(), vec![d]),
        ("lm_head.layer_norm.bias".into(), vec![d]),
        ("lm_head.bias".into(), vec![12]),
    ]);
    let numbers = |p: usize, name: &str, count: usize| {
        let gain = (name.ends_with("LayerNorm.weight") || name.ends_with("layer_norm.weight")) as u8;
        let number = |k: usize| (0.2 * libm::sin(0.7 * k as f64 + 1.1 * p as f64) + f64::from(gain)) as f32;
        (0..count).map(number).collect::<Vec<f32>>()
    };
    let own = |name: String| {
        let heads = [
            ("roberta.", "bert."),
            ("lm_head.bias", "cls.predictions.bias"),
            ("lm_head.layer_norm", "cls.predictions.transform.LayerNorm"),
            ("lm_head", "cls.predictions.transform"),
        ];
        let change = heads.iter().filter(|_| config.is_bert()).find(|(theirs, _)| name.starts_with(theirs));
        change.map_or(name.clone(), |(theirs, bert)| name.replacen(theirs, bert, 1))
    };
    list.into_iter()
        .enumerate()
        .map(|(p, (name, sizes))| {
            let numbers = numbers(p, &name, sizes.iter().product());
            (own(name), (sizes, numbers))
        })
        .collect()
}

fn file(arrays: &[(String, Array)]) -> Vec<u8> {
    params::save(arrays.iter().map(|(name, (sizes, x))| (name.as_str(), sizes.clone(), x.clone()))).unwrap()
}

fn check(what: &str, found: &[f32], expected: &[f32]) {
    let far = found.iter().zip(expected).find(|(a, b)| (*a - *b).abs() > TOLERANCE);
    assert!(far.is_none() && found.len() >= expected.len(), "{what}: {found:?}, not {expected:?}");
}

/// What a family of encoders makes of the golden arrays.
struct Golden {
    config: Config,
    embedded: [f32; 8],
    first: [f32; 8],
    second: [f32; 8],
    logits: [f32; 6],
    loss: f32,
}

fn golden() -> [Golden; 2] {
    [
        Golden {
            config: config(),
            embedded: [0.242076, 0.780922, 0.923830, 0.703926, 0.063229, -0.852136, -1.503014, -1.391148],
            first: [-2.084470, -1.090291, 0.133727, 0.217144, 0.328574, 0.817530, 0.797065, -0.179097],
            second: [2.426666, 1.296898, -0.100102, -0.144498, -0.189465, -0.846476, -1.198557, -0.458032],
            logits: [-0.288843, 0.431748, 0.954382, 1.046118, 0.668611, -0.006009],
            loss: 2.955061,
        },
        Golden {
            config: bert(),
            embedded: [1.048604, 0.995964, 0.611705, 0.031657, -0.679838, -1.214127, -1.120287, -0.348618],
            first: [-1.616132, 0.742455, 0.972336, 0.046083, 0.215263, 0.692157, 0.172805, -1.465983],
            second: [1.660310, 2.224253, 0.576674, -0.553092, -0.602452, -0.726034, -0.895145, -0.783156],
            logits: [1.124975, 1.361843, 0.983264, 0.160822, -0.733481, -1.295543],
            loss: 2.884728,
        },
    ]
}

#[test]
fn the_golden_encoders() {
    for golden in golden() {
        let config = golden.config;
        let (arrays, left) = load(&[&file(&golden_arrays_of(&config))], &config).unwrap();
        assert_eq!(left, Vec::<String>::new());
        let mut params = Params::new(&Cpu::default(), 0);
        let encoder = Encoder::new(params.root().at("encoder"), config.sizes()).unwrap();
        let head = MaskedHead::new(params.root().at("masked"), &encoder).unwrap();
        let ours = file(&arrays.into_iter().collect::<Vec<_>>());
        params.load(&ours).unwrap();
        // Two sentences; the second is two tokens shorter, which other layouts fill with padding.
        let ids = [0, 5, 6, 11, 7, 2, 0, 11, 8, 2];
        let packed = Packed::new([6, 4]);
        let pass = Pass::eval(&params);
        let hidden = encoder.forward::<Cpu, NoneTape>(&pass, &ids, &packed).unwrap();
        let rows = Cpu::view(&hidden).into_owned();
        let row = |i: usize| &rows[8 * i..8 * (i + 1)];
        check("last hidden state at [0, 3]", row(3), &golden.first);
        check("last hidden state at [1, 2]", row(8), &golden.second);
        let logits = head.logits(&pass, hidden.clone(), &[7]).unwrap();
        check("logits at [1, 1]", &Cpu::view(&logits), &golden.logits);
        let loss = head.loss(&pass, hidden, &[3, 7], &[7, 9]).unwrap();
        check("mean cross-entropy", &Cpu::view(&loss), &[golden.loss]);
    }
}

#[test]
fn embeddings_alone_are_the_golden_ones() {
    for golden in golden() {
        let config = Config { num_hidden_layers: 0, ..golden.config };
        let arrays = golden_arrays_of(&config).into_iter().filter(|(name, _)| !name.contains(".layer."));
        let (arrays, _) = load(&[&file(&arrays.collect::<Vec<_>>())], &config).unwrap();
        let mut params = Params::new(&Cpu::default(), 0);
        let encoder = Encoder::new(params.root().at("encoder"), config.sizes()).unwrap();
        params.load_some(&file(&arrays.into_iter().collect::<Vec<_>>()), |_| true).unwrap();
        let hidden = encoder.forward::<Cpu, NoneTape>(&Pass::eval(&params), &[0], &Packed::new([1])).unwrap();
        check("embedding output at [0, 0]", &Cpu::view(&hidden), &golden.embedded);
    }
}

fn loaded(arrays: &[(String, Array)]) -> Result<(Arrays, Vec<String>), String> {
    load(&[&file(arrays)], &config()).map_err(|e| e.to_string())
}

#[test]
fn what_is_saved_is_loaded_bit_by_bit() {
    for config in [config(), bert()] {
        let (arrays, _) = load(&[&file(&golden_arrays_of(&config))], &config).unwrap();
        let saved = save(&arrays, &config).unwrap();
        let (again, left) = load(&[&saved], &config).unwrap();
        assert_eq!(again, arrays);
        assert_eq!(left, Vec::<String>::new());
        assert_eq!(save(&again, &config).unwrap(), saved);
        let names = params::load(&saved).unwrap();
        let theirs: Vec<String> = golden_arrays_of(&config).into_iter().map(|(name, _)| name).collect();
        assert!(theirs.iter().all(|name| names.contains_key(name)), "every name is the hub's");
    }
}

#[test]
fn a_file_may_be_several() {
    let arrays = golden_arrays();
    let (front, back) = arrays.split_at(20);
    let apart = load(&[&file(back), &file(front)], &config()).unwrap();
    assert_eq!(apart, loaded(&arrays).unwrap());
}

/// A head may have a decoder that is not the table of word vectors.
#[test]
fn a_decoder_of_its_own() {
    for config in [config(), bert()] {
        let config = Config { tie_word_embeddings: false, ..config };
        let name = if config.is_bert() { "cls.predictions.decoder" } else { "lm_head.decoder" };
        let plain = golden_arrays_of(&config);
        let (tied, _) = load(&[&file(&plain)], &config).unwrap();
        let table = tied["encoder.embed.word.weight"].1.clone();
        let logits = |factor: f32| {
            let mut arrays = plain.clone();
            let decoder = table.iter().map(|x| factor * x).collect();
            arrays.push((format!("{name}.weight"), (vec![12, 8], decoder)));
            let (found, left) = load(&[&file(&arrays)], &config).unwrap();
            assert_eq!(left, Vec::<String>::new());
            assert!(tied.iter().all(|(name, array)| found[name] == *array), "the rest is the same");
            let saved = save(&found, &config).unwrap();
            assert_eq!(load(&[&saved], &config).unwrap().0, found, "and is saved");
            let mut params = Params::new(&Cpu::default(), 0);
            let encoder = Encoder::new(params.root().at("encoder"), config.sizes()).unwrap();
            let head = MaskedHead::new(params.root().at("masked"), &encoder).unwrap();
            let head = head.untied(params.root().at("masked"), &encoder).unwrap();
            params.load(&file(&found.into_iter().collect::<Vec<_>>())).unwrap();
            let pass = Pass::eval(&params);
            let hidden =
                encoder.forward::<Cpu, NoneTape>(&pass, &[0, 5, 6, 11, 7, 2], &Packed::new([6])).unwrap();
            Cpu::view(&head.logits(&pass, hidden, &[3]).unwrap()).into_owned()
        };
        let bias = &tied["masked.bias"].1;
        // As far as the bias the logits are those of the table, and grow with the decoder.
        let (one, two) = (logits(1.0), logits(2.0));
        for ((one, two), bias) in one.iter().zip(&two).zip(bias) {
            assert!((two - bias - 2.0 * (one - bias)).abs() < 1e-4, "{one} and {two}");
        }
    }
}

#[test]
fn other_names_mean_the_same() {
    let plain = loaded(&golden_arrays()).unwrap();
    let renamed = |f: &dyn Fn(&str) -> String| {
        golden_arrays().into_iter().map(|(name, array)| (f(&name), array)).collect::<Vec<_>>()
    };
    let old = renamed(&|name| {
        if !name.contains("LayerNorm") {
            return name.to_owned();
        }
        name.replace(".weight", ".gamma").replace(".bias", ".beta")
    });
    assert_eq!(loaded(&old).unwrap(), plain, "gamma and beta");
    assert_eq!(loaded(&renamed(&|name| name.replace("roberta.", ""))).unwrap(), plain, "no prefix");
    let tied = renamed(&|name| name.replace("roberta.embeddings.word_embeddings", "lm_head.decoder"));
    assert_eq!(loaded(&tied).unwrap(), plain, "the decoder's name for the tied table");
    let mut more = golden_arrays();
    more.push(("roberta.embeddings.position_ids".into(), (vec![1], vec![0.0])));
    more.push(("roberta.pooler.dense.bias".into(), (vec![8], vec![0.0; 8])));
    more.push(("something.else".into(), (vec![1], vec![0.0])));
    let (arrays, left) = loaded(&more).unwrap();
    assert_eq!((arrays, left), (plain.0, vec!["something.else".to_owned()]), "what means nothing is told");
}

#[test]
fn refused_files() {
    let without =
        |part: &str| golden_arrays().into_iter().filter(|(name, _)| !name.contains(part)).collect::<Vec<_>>();
    let refusal = |arrays: &[(String, Array)]| loaded(arrays).unwrap_err();
    assert_eq!(
        refusal(&without("layer.1.attention.self.key")),
        "`model.safetensors` has no `roberta.encoder.layer.1.attention.self.key.weight`, \
         `roberta.encoder.layer.1.attention.self.key.bias`"
    );
    let mut renamed = without("layer.0.output.dense.bias");
    renamed.push(("roberta.encoder.layer.0.out.bias".into(), (vec![8], vec![0.0; 8])));
    assert_eq!(
        refusal(&renamed),
        "`model.safetensors` has no `roberta.encoder.layer.0.output.dense.bias`; \
         what it has besides is `encoder.layer.0.out.bias`"
    );
    let mut narrow = without("intermediate");
    narrow.push(("roberta.encoder.layer.0.intermediate.dense.weight".into(), (vec![8, 8], vec![0.0; 64])));
    assert_eq!(
        refusal(&narrow),
        "`model.safetensors`: `roberta.encoder.layer.0.intermediate.dense.weight` must be [16, 8], found [8, 8]"
    );
    assert!(
        load(&[b"no"], &config())
            .unwrap_err()
            .to_string()
            .starts_with("`model.safetensors` is no whole safetensors file: ")
    );
    let view = TensorView::new(Dtype::I64, vec![1], &[0; 8]).unwrap();
    let whole = serialize([("a", view)], None).unwrap();
    assert_eq!(
        load(&[&whole], &config()).unwrap_err().to_string(),
        "`model.safetensors`: `a` holds I64, expected F32, F16 or BF16"
    );
}

#[test]
fn halves_are_read() {
    let check =
        |bits: u16, expected: f32| assert_eq!(from_half(bits).to_bits(), expected.to_bits(), "{bits:#06x}");
    check(0x3c00, 1.0);
    check(0xc000, -2.0);
    check(0x0001, 5.960_464_5e-8);
    check(0x03ff, 6.097_555e-5);
    check(0x7bff, 65504.0);
    check(0x8000, -0.0);
    check(0x7c00, f32::INFINITY);
    let arrays = golden_arrays();
    let brief: Vec<Vec<u8>> = arrays
        .iter()
        .map(|(_, (_, x))| x.iter().flat_map(|x| ((x.to_bits() >> 16) as u16).to_le_bytes()).collect())
        .collect();
    let views = arrays.iter().zip(&brief).map(|((name, (sizes, _)), data)| {
        (name.as_str(), TensorView::new(Dtype::BF16, sizes.clone(), data).unwrap())
    });
    let (short, _) = load(&[&serialize(views, None).unwrap()], &config()).unwrap();
    let (long, _) = loaded(&arrays).unwrap();
    for (name, (_, numbers)) in &short {
        // bfloat16 keeps eight bits, and the folded positions are sums of two such numbers.
        let near = numbers.iter().zip(&long[name].1).all(|(a, b)| (a - b).abs() <= 0.01 * b.abs() + 0.003);
        assert!(near, "`{name}` is read as bfloat16");
    }
}

#[test]
fn refused_configurations() {
    let check = |from: &str, to: &str, message: &str| {
        let json = config().print().unwrap().replace(from, to);
        assert_eq!(Config::parse(&json).unwrap_err().to_string(), message);
    };
    check(
        "\"roberta\"",
        "\"gpt2\"",
        "`config.json`: expected `bert`, `roberta`, `xlm-roberta` or `camembert` as `model_type`, found `gpt2`",
    );
    check(
        "\"gelu\"",
        "\"silu\"",
        "`config.json`: expected `gelu`, one of its approximations or `relu` as `hidden_act`, found `silu`",
    );
    check(
        "\"pad_token_id\"",
        "\"position_embedding_type\": \"relative_key\", \"pad_token_id\"",
        "`config.json`: expected `absolute` as `position_embedding_type`, found `relative_key`",
    );
    check(
        "heads\": 2",
        "heads\": 3",
        "`config.json`: `hidden_size` 8 is no multiple of `num_attention_heads` 3",
    );
    check(
        "embeddings\": 10",
        "embeddings\": 4",
        "`config.json`: `max_position_embeddings` 4 leaves no room for a word",
    );
    assert!(
        Config::parse("{}").unwrap_err().to_string().starts_with("`config.json`: missing field `model_type`")
    );
}
