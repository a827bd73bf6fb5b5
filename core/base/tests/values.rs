//! Values, types, parameters and digests, as the rest of the house relies on them.

use std::collections::BTreeMap;

use proptest::prelude::*;
use runpipe_base::{
    Artifact, Ctx, Device, Digest, Hasher, Host, Kind, MemoryBlobs, Output, ParamError, ParamSpec, Params,
    Record, StageError, Type, Value, View, choice, params,
};

choice! {
    /// Where to read.
    pub enum Site {
        /// At the word.
        Word = "word",
        /// At the mask.
        Mask = "mask",
    }
}

params! {
    /// A trainer's parameters.
    pub struct Train {
        /// Peak learning rate.
        lr: f32 = 1e-3, in 0.0..=1.0;
        /// Passes over the corpus.
        epochs: u32 = 10, in 1..=1000, unit "epochs";
        /// Where the tag is read.
        site: Site = Site::Word;
        /// A label, if any.
        label: Option<String> = None;
        /// Sizes.
        sizes: Vec<usize> = vec![1, 2], in 1..;
        /// Seed.
        seed: u64;
    }
}

fn record(pairs: &[(&str, Value)]) -> Record {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect()
}

#[test]
fn defaults_fill_what_is_not_given() {
    let train = Train::decode(&record(&[("seed", Value::Int(7)), ("lr", Value::Int(1))])).unwrap();
    assert_eq!(
        train,
        Train { lr: 1.0, epochs: 10, site: Site::Word, label: None, sizes: vec![1, 2], seed: 7 }
    );
}

#[test]
fn every_mistake_is_told_at_once() {
    let given = record(&[
        ("lr", Value::Float(2.0)),
        ("site", Value::Str("words".into())),
        ("epoch", Value::Int(3)),
        ("sizes", Value::List(vec![Value::Int(0)])),
    ]);
    let messages: Vec<String> = Train::decode(&given).unwrap_err().iter().map(ToString::to_string).collect();
    assert_eq!(
        messages,
        [
            "parameter `lr` must be in `0..=1`, found `2.0`",
            "parameter `site`: expected \"word\" | \"mask\", found `\"words\"`",
            "parameter `sizes` must be in `1..`, found `0`",
            "parameter `seed` must be given",
            "no parameter `epoch`",
        ]
    );
}

#[test]
fn a_negative_number_for_an_unsigned_parameter_is_an_error_not_a_wrap() {
    let errors = Train::decode(&record(&[("seed", Value::Int(-1))])).unwrap_err();
    assert!(matches!(&errors[..], [ParamError::Range { name, .. }] if name == "seed"), "{errors:?}");
}

#[test]
fn the_schema_is_documentation() {
    let schema = Train::schema();
    let lr = &schema[0];
    assert_eq!((lr.name.as_str(), lr.doc.as_str()), ("lr", "Peak learning rate."));
    assert_eq!(lr.default, Some(Value::Float(0.001)), "an f32 default shows the digits that were written");
    assert_eq!(schema[2].ty.to_string(), "\"word\" | \"mask\"");
    assert_eq!(schema[1].unit.as_deref(), Some("epochs"));
    assert_eq!(schema[5].default, None);
}

#[test]
fn nothing_converts_but_what_loses_nothing() {
    let list = Type::List(Box::new(Type::Int));
    assert_eq!(
        list.coerce(Value::Range { start: 1, end: 3 }).unwrap(),
        Value::List(vec![Value::Int(1), Value::Int(2)])
    );
    assert!(Type::Int.coerce(Value::Float(1.0)).is_err());
    assert!(Type::Str.coerce(Value::Int(1)).is_err());
    assert_eq!(Type::Optional(Box::new(Type::Path)).coerce(Value::None).unwrap(), Value::None);
}

#[test]
fn units_print_in_the_largest_that_is_exact() {
    let shown = |v: Value| v.to_string();
    assert_eq!(shown(Value::Duration(90_000)), "90 s");
    assert_eq!(shown(Value::Duration(7_200_000)), "2 h");
    assert_eq!(shown(Value::Duration(1)), "1 ms");
    assert_eq!(shown(Value::Size(8 << 30)), "8 GiB");
    assert_eq!(shown(Value::Size(1000)), "1000 B");
    assert_eq!(shown(Value::Float(1.0)), "1.0");
}

#[test]
fn a_digest_is_blake3_and_reads_back() {
    let digest = Digest::of(b"");
    assert_eq!(digest.hex(), "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262");
    assert_eq!(digest.hex().parse(), Ok(digest));
    assert!("af13".parse::<Digest>().is_err());
    assert!(digest.hex().to_uppercase().parse::<Digest>().is_err());
}

#[test]
fn fields_do_not_run_together() {
    let name = |parts: &[&str]| {
        let mut hasher = Hasher::new("test");
        for part in parts {
            hasher.str(part);
        }
        hasher.finish_key()
    };
    assert_ne!(name(&["ab", "c"]), name(&["a", "bc"]));
    assert_ne!(name(&["ab"]), name(&["ab", ""]));
}

#[test]
fn an_artifacts_digest_covers_kind_paths_contents_and_parts() {
    let mut blobs = MemoryBlobs::default();
    let base = || {
        Output::new(Kind::of("corpus")).part("train", Output::new(Kind::of("text")).file("text.txt", "a\n"))
    };
    let one = blobs.keep(base());
    assert_eq!(one, blobs.keep(base()));
    let variants = [
        Output::new(Kind::of("other")).part("train", Output::new(Kind::of("text")).file("text.txt", "a\n")),
        Output::new(Kind::of("corpus")).part("train", Output::new(Kind::of("text")).file("text.txt", "b\n")),
        Output::new(Kind::of("corpus")).part("train", Output::new(Kind::of("text")).file("t.txt", "a\n")),
        Output::new(Kind::of("corpus")).part("dev", Output::new(Kind::of("text")).file("text.txt", "a\n")),
        base().file("readme", ""),
    ];
    for variant in variants {
        assert_ne!(blobs.keep(variant.clone()).digest(), one.digest(), "{variant:?}");
    }
    let train = View::new(&one, &blobs).part("train").unwrap();
    assert_eq!(train.text("text.txt").unwrap(), "a\n");
    assert_eq!(train.bytes("x").unwrap_err().to_string(), "an artifact of kind `text` has no file `x`");
    let paths: Vec<String> = one.entries().into_iter().map(|(p, _)| p).collect();
    assert_eq!(paths, ["train/text.txt"]);
    assert_eq!(one.part("train").map(Artifact::size), Some(2));
}

/// Keeps a checkpoint in memory.
#[derive(Default)]
struct Memory(std::sync::Mutex<Option<Vec<u8>>>);

impl Host for Memory {
    fn cancelled(&self) -> bool {
        false
    }
    fn progress(&self, _: u64, _: u64, _: &str, _: &str) {}
    fn save(&self, state: &[u8]) -> Result<(), StageError> {
        *self.0.lock().expect("no test panics while it holds the lock") = Some(state.to_vec());
        Ok(())
    }
    fn load(&self) -> Option<Vec<u8>> {
        self.0.lock().expect("no test panics while it holds the lock").clone()
    }
}

#[test]
fn a_resumed_stage_has_its_curves_back() {
    let host = Memory::default();
    let mut cx = Ctx::new(&host, Device::Cpu);
    cx.point("loss", 0, 2.0);
    cx.point("loss", 10, 1.0);
    cx.checkpoint(b"step 10").unwrap();
    cx.point("loss", 20, 0.5);

    let mut again = Ctx::new(&host, Device::Cpu);
    assert_eq!(again.resume().as_deref(), Some(&b"step 10"[..]));
    again.point("loss", 10, 1.0);
    again.point("loss", 20, 0.5);
    assert_eq!(again.into_reported(), cx.into_reported());
}

fn any_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::None),
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(Value::Int),
        (-1e9..1e9).prop_map(Value::Float),
        ".{0,12}".prop_map(Value::Str),
        any::<u64>().prop_map(Value::Size),
        any::<u64>().prop_map(Value::Duration),
        (any::<i64>(), any::<i64>()).prop_map(|(start, end)| Value::Range { start, end }),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| prop::collection::vec(inner, 0..4).prop_map(Value::List))
}

fn hash(value: &Value) -> Digest {
    let mut hasher = Hasher::new("test");
    value.hash_into(&mut hasher);
    hasher.finish_digest()
}

proptest! {
    #[test]
    fn unlike_values_have_unlike_hashes(a in any_value(), b in any_value()) {
        prop_assert_eq!(hash(&a) == hash(&b), a == b);
    }

    #[test]
    fn values_survive_json(value in any_value()) {
        let text = serde_json::to_string(&value).unwrap();
        prop_assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), value);
    }

    #[test]
    fn filling_is_idempotent(lr in 0.0..=1.0f64, epochs in 1..=1000i64) {
        let given = BTreeMap::from([
            ("lr".to_owned(), Value::Float(lr)),
            ("epochs".to_owned(), Value::Int(epochs)),
            ("seed".to_owned(), Value::Int(0)),
        ]);
        let once = ParamSpec::fill(&Train::schema(), given).unwrap();
        prop_assert_eq!(ParamSpec::fill(&Train::schema(), once.clone()).unwrap(), once);
    }
}
