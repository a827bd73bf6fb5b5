use std::fmt::Write as _;
use std::fs;

use dfdx::prelude::{Cpu, NoneTape};
use runpipe_base::StageError;

use crate::kit::backend::Backend as _;
use crate::kit::nn::encoder::{Encoder, MaskedHead};
use crate::kit::ops::attention::Packed;
use crate::kit::ops::rows::rows;
use crate::kit::params::{Params, Pass};
use crate::maner::layout::{Layout, Long, Places, Pool, Site, Visibility};
use crate::maner::model::Model;
use crate::testing::{Bench, int, path, text};

const FILES: [&str; 3] = ["config.json", "tokenizer.json", "model.safetensors"];

#[test]
fn what_a_folder_holds_is_an_encoder() {
    let mut bench = Bench::new();
    let corpus = bench.run("maner.language", &[("raw", int(100)), ("test", int(5))], &[]);
    let sizes = [("vocabulary", int(300)), ("layers", int(1)), ("width", int(16)), ("steps", int(2))];
    let encoder = bench.run("maner.pretrain", &sizes, &[("text", corpus.part("text"))]).artifact;
    let dir = tempfile::tempdir().unwrap();
    for file in FILES {
        fs::write(dir.path().join(file), &*bench.view(&encoder).bytes(file).unwrap()).unwrap();
    }
    let loaded = bench.run("maner.load", &[("dir", path(dir.path()))], &[]);
    assert_eq!(loaded.artifact, encoder, "the same bytes");
    assert!(loaded.metrics["unused"].abs() < f64::EPSILON);

    let mut refusal = || {
        let e = bench.attempt("maner.load", &[("dir", path(dir.path()))], &[]).unwrap_err();
        e.to_string().replace(&dir.path().display().to_string(), "DIR")
    };
    let config = fs::read_to_string(dir.path().join("config.json")).unwrap();
    fs::write(dir.path().join("config.json"), config.replace("\"roberta\"", "\"gpt2\"")).unwrap();
    assert!(
        refusal().contains(
            "`config.json`: expected `bert`, `roberta`, `xlm-roberta` or `camembert` as `model_type`"
        )
    );
    fs::write(dir.path().join("config.json"), config.replace("layers\": 1", "layers\": 2")).unwrap();
    assert!(refusal().contains("has no `roberta.encoder.layer.1.attention.self.query.weight`"));
    fs::write(dir.path().join("config.json"), &config).unwrap();
    let mut index = |text: &str| {
        fs::write(dir.path().join("model.safetensors.index.json"), text).unwrap();
        bench.attempt("maner.load", &[("dir", path(dir.path()))], &[])
    };
    let shard = r#"{ "metadata": {}, "weight_map": { "a": "model.safetensors", "b": "model.safetensors" } }"#;
    assert_eq!(index(shard).unwrap().artifact, encoder, "an index of one file");
    assert!(index("{}").unwrap_err().to_string().contains("missing field `weight_map`"));
    let outside = index(r#"{ "weight_map": { "a": "../model.safetensors" } }"#).unwrap_err().to_string();
    assert!(outside.ends_with("expected names of files in the same folder, found `../model.safetensors`"));
    let missing = index(r#"{ "weight_map": { "a": "model-2.safetensors" } }"#).unwrap_err();
    assert!(matches!(missing, StageError::Io { path, .. } if path.ends_with("model-2.safetensors")));
}

#[test]
fn a_file_that_is_missing_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let e = Bench::new().attempt("maner.load", &[("dir", path(dir.path()))], &[]).unwrap_err();
    assert!(matches!(&e, StageError::Io { path, .. } if path.ends_with("config.json")), "{e}");
}

/// What PyTorch computes with a model of `golden/`.
#[derive(serde::Deserialize)]
struct Expected {
    words: Vec<String>,
    units: Vec<Vec<u32>>,
    sequence: Vec<u32>,
    hidden: Vec<f32>,
    logits: Vec<f32>,
}

/// PyTorch's f32 and ours differ in the order of sums.
const TOLERANCE: f32 = 1e-4;

/// Each family as hubs have it: vocabulary and pieces, files of weights, hidden states and masked head.
#[test]
fn every_family_computes_what_pytorch_does() {
    let golden = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/maner/load/golden");
    for family in ["bert", "roberta", "xlm-roberta"] {
        let dir = golden.join(family);
        let mut bench = Bench::new();
        let ran = bench.run("maner.load", &[("dir", path(&dir))], &[]);
        assert!(ran.metrics["unused"].abs() < f64::EPSILON, "{family}: {:?}", ran.metrics);
        let model = Model::read(&bench.view(&ran.artifact)).unwrap();
        let cases: Vec<Expected> =
            serde_json::from_str(&fs::read_to_string(dir.join("expected.json")).unwrap()).unwrap();
        let mut params = Params::new(&Cpu::default(), 0);
        let encoder = Encoder::new(params.root().at("encoder"), model.config.sizes())
            .unwrap()
            .acting(model.config.act());
        let head =
            MaskedHead::new(params.root().at("masked"), &encoder).unwrap().acting(model.config.head_act());
        model.fill(&mut params, |_| true).unwrap();
        for case in cases {
            let units = model.subwords.words(case.words.iter().map(String::as_str)).unwrap();
            assert_eq!(units, case.units, "{family}: {:?}", case.words);
            let layout = Layout {
                site: Site::Prepend,
                pool: Pool::First,
                visibility: Visibility::Full,
                places: Places::Consecutive,
                filler: model.subwords.special.mask,
                special: model.subwords.special,
                max_len: model.config.sizes().positions,
                long: Long::Windows,
            };
            let sequence = layout.sequences(&units, 0..units.len()).remove(0);
            assert_eq!(sequence.ids, case.sequence, "{family}");
            let pass = Pass::eval(&params);
            let packed = Packed::new([sequence.ids.len()]);
            let states = encoder.forward::<Cpu, NoneTape>(&pass, &sequence.ids, &packed).unwrap();
            let sites: Vec<u32> = sequence.sites.iter().map(|site| *site as u32).collect();
            let hidden = rows(states.clone(), &sites).unwrap();
            let logits = head.logits(&pass, states, &sites[..1]).unwrap();
            let near = |found: &[f32], expected: &[f32]| {
                let pairs = found.iter().zip(expected);
                found.len() >= expected.len() && pairs.into_iter().all(|(a, b)| (a - b).abs() < TOLERANCE)
            };
            assert!(near(&Cpu::view(&hidden), &case.hidden), "{family}: hidden states");
            assert!(near(&Cpu::view(&logits)[..8], &case.logits), "{family}: logits");
        }
        // Words that are spelled like special tokens are words.
        for word in ["<mask>", "[MASK]", "</s>", "\u{200d}", ""] {
            let pieces = model.subwords.word(word).unwrap();
            let special = model.subwords.special;
            let odd = pieces.iter().any(|id| special.contains(*id) && *id != special.unknown);
            assert!(!pieces.is_empty() && !odd, "{family}: `{word}` is {pieces:?}");
        }
    }
}

/// A tagger on a loaded encoder is saved under the names of its family and read again.
#[test]
fn every_family_can_be_tuned() {
    let golden = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/maner/load/golden");
    let mut bench = Bench::new();
    let corpus = bench.run("maner.language", &[("raw", int(20)), ("train", int(6)), ("test", int(4))], &[]);
    for (family, prefix) in [("bert", "bert."), ("roberta", "roberta."), ("xlm-roberta", "roberta.")] {
        let encoder = bench.run("maner.load", &[("dir", path(&golden.join(family)))], &[]).artifact;
        let brief =
            [("epochs", int(1)), ("min_steps", int(3)), ("head", text("mlm_mlp")), ("retries", int(0))];
        let inputs = [("encoder", &encoder), ("sentences", corpus.part("train"))];
        let tagger = bench.run("maner.finetune", &brief, &inputs).artifact;
        let weights =
            crate::kit::params::load(&bench.view(&tagger).bytes("model.safetensors").unwrap()).unwrap();
        let table = format!("{prefix}embeddings.word_embeddings.weight");
        assert!(weights.contains_key(&table), "{family}: {:?}", weights.keys());
        bench.run("maner.evaluate", &[], &[("tagger", &tagger), ("sentences", corpus.part("test"))]);
        let more = [("steps", int(2)), ("max_len", int(32))];
        let inputs = [("text", corpus.part("text")), ("start", &encoder)];
        let learned = bench.run("maner.pretrain", &more, &inputs).artifact;
        let (old, new) = (bench.text(&encoder, "tokenizer.json"), bench.text(&learned, "tokenizer.json"));
        assert_eq!(old, new, "{family} learns on with its own vocabulary");
    }
}

/// Old folders tell in `tokenizer_config.json` alone whether words are lowered.
#[test]
fn a_bert_lowers_words_as_told() {
    let golden = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/maner/load/golden/bert");
    let mut bench = Bench::new();
    let mut pieces = |normalizer: &str, told: Option<&str>| {
        let dir = tempfile::tempdir().unwrap();
        for file in FILES {
            fs::copy(golden.join(file), dir.path().join(file)).unwrap();
        }
        let place = dir.path().join("tokenizer.json");
        let mut json: serde_json::Value = serde_json::from_slice(&fs::read(&place).unwrap()).unwrap();
        json["normalizer"] = serde_json::from_str(normalizer).unwrap();
        fs::write(&place, json.to_string()).unwrap();
        if let Some(told) = told {
            fs::write(dir.path().join("tokenizer_config.json"), told).unwrap();
        }
        let ran = bench.attempt("maner.load", &[("dir", path(dir.path()))], &[])?;
        let model = Model::read(&bench.view(&ran.artifact)).unwrap();
        let word = |word: &str| model.subwords.word(word).unwrap();
        Ok::<_, StageError>(word("THE") == word("the"))
    };
    let cased = r#"{ "type": "BertNormalizer", "clean_text": true, "handle_chinese_chars": true,
                     "strip_accents": null, "lowercase": false }"#;
    for normalizer in [cased, "null"] {
        assert!(!pieces(normalizer, None).unwrap(), "as `tokenizer.json` says");
        assert!(pieces(normalizer, Some(r#"{ "do_lower_case": true, "model_max_length": 512 }"#)).unwrap());
        assert!(!pieces(normalizer, Some("{}")).unwrap());
    }
    let lowered = cased.replace("false", "true");
    assert!(pieces(&lowered, None).unwrap());
    assert!(!pieces(&lowered, Some(r#"{ "do_lower_case": false }"#)).unwrap());
    let refused = pieces(cased, Some("[")).unwrap_err().to_string();
    assert!(refused.contains("`tokenizer_config.json`: EOF"), "{refused}");
}

/// What becomes of a file's bytes.
type Break = Box<dyn Fn(&[u8]) -> Vec<u8>>;

/// What is broken, the file, and how.
type Case = (&'static str, &'static str, Break);

/// `from` becomes `to` in a file of text; it must be there.
fn edit(from: &'static str, to: &'static str) -> Break {
    Box::new(move |bytes| {
        let text = std::str::from_utf8(bytes).unwrap();
        assert!(text.contains(from), "no `{from}` in {text}");
        text.replacen(from, to, 1).into_bytes()
    })
}

fn whole(bytes: &'static [u8]) -> Break {
    Box::new(move |_| bytes.to_vec())
}

/// The header of a safetensors file, edited; what follows it stays.
fn header(from: &'static str, to: &'static str) -> Break {
    Box::new(move |bytes| {
        let length = u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
        let text = std::str::from_utf8(&bytes[8..8 + length]).unwrap();
        assert!(text.contains(from), "no `{from}` in {text}");
        let text = text.replacen(from, to, 1);
        [&(text.len() as u64).to_le_bytes(), text.as_bytes(), &bytes[8 + length..]].concat()
    })
}

fn cases() -> Vec<Case> {
    let (config, tokenizer, weights) = ("config.json", "tokenizer.json", "model.safetensors");
    vec![
        ("a configuration that is empty", config, whole(b"")),
        ("a configuration that is no JSON", config, whole(b"{\"vocab_size\": 3,,}")),
        ("a configuration of bytes", config, whole(b"\xff\xfe")),
        ("a configuration without a size", config, edit("\"hidden_size\"", "\"hidden\"")),
        ("a size in words", config, edit("\"num_hidden_layers\": 1", "\"num_hidden_layers\": \"one\"")),
        ("a negative size", config, edit("\"num_hidden_layers\": 1", "\"num_hidden_layers\": -1")),
        ("no heads", config, edit("\"num_attention_heads\": 4", "\"num_attention_heads\": 0")),
        ("no width", config, edit("\"hidden_size\": 16", "\"hidden_size\": 0")),
        ("padding beyond all", config, edit("\"pad_token_id\": 1", "\"pad_token_id\": 18446744073709551615")),
        (
            "a vocabulary beyond all",
            config,
            edit("\"vocab_size\": 300", "\"vocab_size\": 1152921504606846976"),
        ),
        ("a vocabulary that is too small", config, edit("\"vocab_size\": 300", "\"vocab_size\": 30")),
        ("a tokenizer that is empty", tokenizer, whole(b"")),
        ("a tokenizer that is no JSON", tokenizer, whole(b"<html>not found</html>")),
        ("a tokenizer of another kind", tokenizer, whole(b"{\"version\": \"1.0\"}")),
        ("a tokenizer without a mask", tokenizer, edit("\"<mask>\"", "\"[MASK]\"")),
        ("weights that are empty", weights, whole(b"")),
        ("weights that are a page", weights, whole(b"<html>404: not found</html>")),
        ("weights of another program", weights, whole(b"PK\x03\x04\x00\x00\x00\x00pickled")),
        ("weights cut in the header", weights, Box::new(|bytes| bytes[..40].to_vec())),
        ("weights cut in the numbers", weights, Box::new(|bytes| bytes[..bytes.len() - 4].to_vec())),
        (
            "an array that is missing",
            weights,
            header("roberta.embeddings.LayerNorm.bias", "roberta.embeddings.LayerNorm.bass"),
        ),
        ("an array of integers", weights, header("\"F32\"", "\"I32\"")),
        ("sizes that hold more than there is", weights, header("\"shape\":[16]", "\"shape\":[17]")),
        (
            "a type table that is too narrow",
            weights,
            header(
                "token_type_embeddings.weight\":{\"dtype\":\"F32\",\"shape\":[1,16]",
                "token_type_embeddings.weight\":{\"dtype\":\"F32\",\"shape\":[2,8]",
            ),
        ),
    ]
}

/// Every broken model folder and the whole message it gets.
#[test]
fn broken_model_folders() {
    let mut bench = Bench::new();
    let corpus = bench.run("maner.language", &[("raw", int(100)), ("test", int(5))], &[]);
    let sizes = [("vocabulary", int(300)), ("layers", int(1)), ("width", int(16)), ("steps", int(1))];
    let encoder = bench.run("maner.pretrain", &sizes, &[("text", corpus.part("text"))]).artifact;
    let good = FILES.map(|file| bench.view(&encoder).bytes(file).unwrap());
    let mut shown = String::new();
    let mut attempt = |name: &str, file: &str, bytes: Option<Vec<u8>>| {
        let dir = tempfile::tempdir().unwrap();
        for (name, good) in FILES.iter().zip(&good) {
            match &bytes {
                None if *name == file => {}
                Some(bytes) if *name == file => fs::write(dir.path().join(name), bytes).unwrap(),
                _ => fs::write(dir.path().join(name), good).unwrap(),
            }
        }
        let refused = bench.attempt("maner.load", &[("dir", path(dir.path()))], &[]);
        let message = refused.map(|_| ()).expect_err(name).to_string();
        writeln!(shown, "{name}\n    {}", message.replace(&dir.path().display().to_string(), "DIR")).unwrap();
    };
    for file in FILES {
        attempt(&format!("no {file}"), file, None);
    }
    for (name, file, breaks) in cases() {
        let place = FILES.iter().position(|other| *other == file).unwrap();
        attempt(name, file, Some(breaks(&good[place])));
    }
    insta::assert_snapshot!(shown);
}
