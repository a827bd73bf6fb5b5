//! What the command line asks of the front.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use runpipe_base::{Record, Value};
use runpipe_engine::{FUNCTIONS, Pipeline, Rejected, Settings, describe, load};
use runpipe_grammar::Severity;

use super::{rendered, toy};

/// A pipeline of this text, with nothing given.
fn bound(text: &str) -> Result<Pipeline, Rejected> {
    let folder = tempfile::tempdir().expect("a folder for the file");
    let path = folder.path().join("x.pipe");
    fs::write(&path, text).expect("the file can be written");
    load(&path, &toy::registry(), &Settings::default())
}

#[test]
fn a_missing_file_names_its_neighbour() {
    let missing = |path: &str| {
        let rejected = load(Path::new(path), &toy::registry(), &Settings::default()).err();
        rendered(&rejected.expect("there is no such file"))
    };
    insta::assert_snapshot!(missing("tests/front/good/manre.pipe"), @r"
    error: there is no file `tests/front/good/manre.pipe`
     --> command line:1:1
      |
    1 | tests/front/good/manre.pipe
      | ^^^^^^^^^^^^^^^^^^^^^^^^^^^ did you mean `maner.pipe`?
    ");
    insta::assert_snapshot!(missing("tests/front/nowhere/maner.pipe"), @r"
    error: there is no file `tests/front/nowhere/maner.pipe`
     --> command line:1:1
      |
    1 | tests/front/nowhere/maner.pipe
      | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ there is no folder `tests/front/nowhere`
    ");
    insta::assert_snapshot!(missing("tests/front/good"), @r"
    error: `tests/front/good` is a folder, expected a file
     --> command line:1:1
      |
    1 | tests/front/good
      | ^^^^^^^^^^^^^^^^
    ");
    insta::assert_snapshot!(missing(""), @r"
    error: there is no file ``
     --> command line:1:1
      |
    1 |
      | ^
    ");
}

#[test]
fn many_mistakes_are_counted() {
    let lines: Vec<String> = (0..150).map(|i| format!("x{i} = toy.corpus(n = missing{i})")).collect();
    let rejected = bound(&lines.join("\n")).err().expect("every line is wrong");
    assert_eq!(rejected.diagnostics.len(), 100);
    assert_eq!(rejected.diagnostics[99].hints, ["50 more mistakes are not shown"]);
    assert_eq!(rejected.to_string(), "100 mistakes");
}

#[test]
fn warnings_ride_with_the_pipeline() {
    let pipeline =
        bound("param unused: int = 3\nfor seed in 0..2, k in [1, 1] {\n    a = toy.corpus(seed = seed)\n}\n");
    let pipeline = pipeline.expect("warnings refuse nothing");
    assert!(pipeline.warnings.iter().all(|warning| warning.severity == Severity::Warning));
    let messages: Vec<&str> = pipeline.warnings.iter().map(|warning| warning.message.as_str()).collect();
    assert_eq!(
        messages,
        [
            "parameter `unused` is used by nothing",
            "the index `k` is used by nothing in its loop",
            "int `1` stands twice in the values of `k`",
        ]
    );
}

#[test]
fn a_file_is_described_without_what_it_needs() {
    let listing =
        describe(Path::new("tests/front/good/maner.pipe"), &Settings::default()).expect("a sound file");
    assert_eq!(listing.doc, "A tagger against another\nwith 100 labelled sentences.");
    let shown: Vec<String> = listing
        .params
        .iter()
        .map(|p| {
            let interval = p.interval.map(|i| format!(" in {i}")).unwrap_or_default();
            let default = p.default.as_ref().map(|d| format!(" = {d}")).unwrap_or_default();
            format!("{}: {}{interval}{default} # {}", p.name, p.ty, p.doc)
        })
        .collect();
    assert_eq!(
        shown,
        [
            "data: path? = none # folder with CoNLL files",
            "sizes: [int] = [100, 20] # labelled sentences",
            "seeds: int in 1..=50 = 2 # ",
        ]
    );
    let settings = Settings {
        set: vec![("sizes".to_owned(), "[7]".to_owned())],
        profile: vec!["paper".to_owned()],
        ..Settings::default()
    };
    let told = describe(Path::new("tests/front/good/maner.pipe"), &settings).expect("sound settings");
    let values: Vec<String> =
        told.params[1..].iter().map(|p| p.default.as_ref().expect("they have one").to_string()).collect();
    assert_eq!(values, ["[7]", "5"]);
    let unknown = Settings { set: vec![("size".to_owned(), "[7]".to_owned())], ..Settings::default() };
    assert!(describe(Path::new("tests/front/good/maner.pipe"), &unknown).is_err());
    assert_eq!(listing.profiles, [("paper".to_owned(), String::new())]);

    let required = describe(Path::new("tests/front/good/set.pipe"), &Settings::default())
        .expect("required parameters are no mistake here");
    assert_eq!(required.params[0].default, None);
    assert!(describe(Path::new("tests/front/broken/param_wrong.pipe"), &Settings::default()).is_err());
    assert!(describe(Path::new("tests/front/broken/nowhere.pipe"), &Settings::default()).is_err());
}

#[test]
fn the_strongest_layer_wins() {
    let folder = tempfile::tempdir().expect("a folder for the files");
    let path = folder.path().join("x.pipe");
    let text = "param a: int = 1\nparam b: int = a + 1\nparam c: int = 1\nparam d: int = 1\n\
        profile p { b = a * 10; c = 2; d = 2 }\nprofile q { c = 3 }\nx = toy.corpus(langs = [\"{a}{b}{c}{d}\"])\n";
    fs::write(&path, text).expect("the file can be written");
    let params = folder.path().join("params.pipe");
    fs::write(&params, "d = 4").expect("the file can be written");
    let values = |settings: &Settings| -> Vec<Value> {
        let pipeline = load(&path, &toy::registry(), settings).expect("a sound pipeline");
        let params: Record = pipeline.params;
        params.into_values().collect()
    };
    let ints = |ints: [i64; 4]| ints.map(Value::Int).to_vec();
    let mut settings = Settings::default();
    assert_eq!(values(&settings), ints([1, 2, 1, 1]));
    settings.profile = vec!["p".to_owned(), "q".to_owned()];
    assert_eq!(values(&settings), ints([1, 10, 3, 2]), "a later profile wins, and may use a parameter above");
    settings.params_file = Some(params);
    assert_eq!(values(&settings), ints([1, 10, 3, 4]));
    settings.set = vec![("d".to_owned(), "5".to_owned()), ("d".to_owned(), "6".to_owned())];
    settings.set.push(("a".to_owned(), "7".to_owned()));
    assert_eq!(values(&settings), ints([7, 70, 3, 6]), "what is set is what the others see");
}

#[test]
fn nodes_share_what_is_equal() {
    let text = "for k in 0..3 {\n    a = toy.corpus(seed = k)\n    b = toy.copy(a)\n    c = data.take(a, 3)\n    d = data.take(a, 1 + 2)\n}\n";
    let pipeline = bound(text).expect("a sound pipeline");
    let of = |name: &str| pipeline.nodes.iter().filter(|node| *node.name == *name).collect::<Vec<_>>();
    let (a, b, c, d) = (of("a"), of("b"), of("c"), of("d"));
    for k in 0..3 {
        assert!(Arc::ptr_eq(&a[k].index, &b[k].index), "equal indices are one");
        assert!(Arc::ptr_eq(&c[0].params, &d[k].params), "equal parameters are one");
        assert!(!Arc::ptr_eq(&a[0].params, &a[(k + 1) % 3].params) || k == 2);
        assert!(Arc::ptr_eq(&a[0].stage, &a[k].stage) && Arc::ptr_eq(&a[0].name, &a[k].name));
    }
}

#[test]
fn a_link_and_its_target_are_one_file() {
    let folder = tempfile::tempdir().expect("a folder for the files");
    let lib = folder.path().join("lib.pipe");
    fs::write(&lib, "import \"main.pipe\"\n").expect("the file can be written");
    fs::write(folder.path().join("main.pipe"), "import \"link.pipe\"\n").expect("the file can be written");
    std::os::unix::fs::symlink(&lib, folder.path().join("link.pipe")).expect("a link can be made");
    let rejected = load(&folder.path().join("main.pipe"), &toy::registry(), &Settings::default()).err();
    let rejected = rejected.expect("the files import each other");
    assert!(
        rejected.diagnostics[0].message.starts_with("files import each other"),
        "{}",
        rendered(&rejected)
    );
}

#[test]
fn a_file_that_never_ends_is_refused() {
    let rejected = load(Path::new("/dev/zero"), &toy::registry(), &Settings::default()).err();
    let rejected = rejected.expect("nothing is that long");
    assert_eq!(rejected.diagnostics[0].message, "`/dev/zero` is larger than 64 MiB");
}

#[test]
fn a_path_begins_where_it_is_written() {
    let folder = tempfile::tempdir().expect("a folder for the files");
    fs::create_dir(folder.path().join("lib")).expect("a folder for the library");
    let lib = "param here: path = \"words\"\nfn f(dir: path = \"more\") -> c {\n    a = toy.corpus(dir = dir)\n    b = toy.corpus(dir = here)\n    _d = toy.corpus(dir = \"{here}/x\")\n    c = toy.copy(a)\n}\n";
    fs::write(folder.path().join("lib/lib.pipe"), lib).expect("the file can be written");
    let path = folder.path().join("x.pipe");
    fs::write(&path, "import \"lib/lib.pipe\"\nx = lib.f()\ny = lib.f(dir = \"own\")\n")
        .expect("the file can be written");
    let pipeline = load(&path, &toy::registry(), &Settings::default()).expect("a sound pipeline");
    let dirs: Vec<PathBuf> = pipeline
        .nodes
        .iter()
        .filter_map(|node| match node.params.get("dir") {
            Some(Value::Path(path)) => Some(PathBuf::from(path)),
            _ => None,
        })
        .collect();
    let expected = ["lib/more", "lib/words", "lib/words/x", "own", "lib/words", "lib/words/x"];
    assert_eq!(dirs, expected.map(|path| folder.path().join(path)));
}

#[test]
fn functions_are_listed_in_order() {
    assert!(FUNCTIONS.is_sorted_by_key(|function| function.name), "they are found by halving");
    assert!(
        FUNCTIONS
            .iter()
            .all(|function| function.usage.starts_with(function.name) && function.doc.ends_with('.'))
    );
}
