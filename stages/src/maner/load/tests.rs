use std::fs;

use runpipe_base::StageError;

use crate::testing::{Bench, int, path};

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
        refusal()
            .contains("`config.json`: expected `roberta` or `xlm-roberta` as `model_type`, found `gpt2`")
    );
    fs::write(dir.path().join("config.json"), config.replace("layers\": 1", "layers\": 2")).unwrap();
    assert!(refusal().contains("has no `roberta.encoder.layer.1.attention.self.query.weight`"));
    fs::write(dir.path().join("model.safetensors.index.json"), "{}").unwrap();
    assert!(refusal().contains("expected one `model.safetensors`, found an index of several"));
}

#[test]
fn a_file_that_is_missing_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let e = Bench::new().attempt("maner.load", &[("dir", path(dir.path()))], &[]).unwrap_err();
    assert!(matches!(&e, StageError::Io { path, .. } if path.ends_with("config.json")), "{e}");
}
