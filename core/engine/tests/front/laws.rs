//! What holds of every program: nothing panics, and the order of independent lines means nothing.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;

use proptest::prelude::*;
use runpipe_engine::{Pipeline, Rejected, Settings, load};
use runpipe_grammar::render;

use super::{line, toy};

fn bound(text: &str) -> Result<Pipeline, Rejected> {
    let folder = tempfile::tempdir().expect("a folder for the file");
    let path = folder.path().join("x.pipe");
    fs::write(&path, text).expect("the file can be written");
    load(&path, &toy::registry(), &Settings::default())
}

/// Words that programs are made of, many of them at a place where they make no sense.
fn word() -> impl Strategy<Value = String> {
    let names = prop::sample::select(vec!["a", "b", "c", "seed", "site", "n", "corpus", "step", "missing"]);
    let values = prop::sample::select(vec![
        "1",
        "0",
        "-3",
        "0.5",
        "\"prepend\"",
        "\"{a}\"",
        "[1, 2]",
        "none",
        "true",
        "0..3",
        "90 s",
    ]);
    prop_oneof![names.prop_map(str::to_owned), values.prop_map(str::to_owned)]
}

fn expr() -> impl Strategy<Value = String> {
    word().prop_recursive(4, 24, 3, |inner| {
        let stages = prop::sample::select(vec![
            "toy.corpus",
            "data.take",
            "toy.pretrain",
            "toy.finetune",
            "toy.evaluate",
            "toy.merge",
            "toy.continue",
            "toy.copy",
            "f",
            "g",
            "len",
            "max",
            "mean",
            "toy.nothing",
        ]);
        let params = prop::sample::select(vec!["n", "seed", "site", "corpus", "from", "x"]);
        let ops = prop::sample::select(vec!["+", "-", "*", "/", "%", "==", "<", "and", "or", "in", ".."]);
        let parts = prop::sample::select(vec!["train", "test", "text", "f1", "loss", "x"]);
        prop_oneof![
            (stages.clone(), inner.clone()).prop_map(|(stage, a)| format!("{stage}({a})")),
            (stages.clone(), inner.clone(), params.clone(), inner.clone())
                .prop_map(|(stage, a, name, b)| format!("{stage}({a}, {name} = {b})")),
            (inner.clone(), stages).prop_map(|(a, stage)| format!("({a} -> {stage}())")),
            (inner.clone(), ops, inner.clone()).prop_map(|(a, op, b)| format!("({a} {op} {b})")),
            (inner.clone(), parts).prop_map(|(a, part)| format!("({a}).{part}")),
            (inner.clone(), params, inner.clone()).prop_map(|(a, axis, v)| format!("({a})[{axis} = {v}]")),
            (inner.clone(), inner.clone(), inner.clone())
                .prop_map(|(c, a, b)| format!("if {c} {{ {a} }} else {{ {b} }}")),
            (inner.clone(), inner).prop_map(|(a, b)| format!("[{a}, {b}]")),
        ]
    })
}

fn statement() -> impl Strategy<Value = String> {
    let name = prop::sample::select(vec!["a", "b", "c", "d", "corpus"]);
    let binding = (name, expr()).prop_map(|(name, value)| format!("{name} = {value}\n"));
    binding.prop_recursive(2, 8, 3, |inner| {
        let axis = prop::sample::select(vec!["seed", "site", "n"]);
        prop_oneof![
            3 => inner.clone(),
            1 => (axis, expr(), prop::collection::vec(inner, 1..3))
                .prop_map(|(axis, values, body)| format!("for {axis} in {values} {{\n{}}}\n", body.concat())),
        ]
    })
}

fn program() -> impl Strategy<Value = String> {
    let body = || prop::collection::vec(statement(), 0..3).prop_map(|body| body.concat());
    let head = (body(), body()).prop_map(|(f, g)| {
        format!(
            "param n: int = 2\nfn f(c: corpus/ner, seed: int = 1) -> a {{\n{f}a = toy.copy(c)\n}}\n\
            fn g(m: [weights], x: float = 1) -> a {{\n{g}a = toy.merge(m)\n}}\n"
        )
    });
    (head, prop::collection::vec(statement(), 1..8), prop::collection::vec((expr(), expr()), 0..3)).prop_map(
        |(head, body, items)| {
            let items: Vec<String> = items
                .iter()
                .map(|(a, b)| format!("    table {a} by seed over n\n    expect {b}\n"))
                .collect();
            format!("{head}{}report \"R\" {{\n{}}}\n", body.concat(), items.concat())
        },
    )
}

/// A sweep: how many values each loop has, and for each binding which indices and which bindings it uses.
type Sweep = (Vec<usize>, Vec<(Vec<bool>, Vec<bool>)>, u8);

fn sweep() -> impl Strategy<Value = Sweep> {
    let sizes = prop::collection::vec(1..4usize, 1..4);
    let bindings = prop::collection::vec(
        (
            prop::collection::vec(prop::bool::weighted(0.3), 4),
            prop::collection::vec(prop::bool::weighted(0.3), 6),
        ),
        1..6,
    );
    (sizes, bindings, 1..4u8)
}

/// The text of a sweep, and the labels that its nodes must have: worked out combination by combination.
fn unrolled((sizes, bindings, modulus): &Sweep) -> (String, BTreeSet<String>) {
    let clauses: Vec<String> =
        sizes.iter().enumerate().map(|(i, size)| format!("i{i} in 0..{size}")).collect();
    let sum: Vec<String> = (0..sizes.len()).map(|i| format!("i{i}")).collect();
    let mut text = format!("for {} if ({}) % {modulus} == 0 {{\n", clauses.join(", "), sum.join(" + "));
    let mut uses: Vec<BTreeSet<usize>> = Vec::new();
    for (b, (axes, names)) in bindings.iter().enumerate() {
        let own: BTreeSet<usize> = (0..sizes.len()).filter(|i| axes[*i]).collect();
        let before: Vec<usize> = (0..b).filter(|name| names[*name]).collect();
        let seed: Vec<String> = own.iter().map(|i| format!("{{i{i}}}")).collect();
        let list: Vec<String> = before.iter().map(|name| format!("b{name}")).collect();
        let _ = writeln!(text, "b{b} = toy.all([{}], langs = [\"{}\"])", list.join(", "), seed.join("-"));
        let all = before.iter().flat_map(|name| uses[*name].iter().copied()).chain(own).collect();
        uses.push(all);
    }
    text.push_str("}\n");
    let mut labels = BTreeSet::new();
    let rows = sizes.iter().fold(vec![Vec::new()], |rows, size| {
        rows.iter()
            .flat_map(|row: &Vec<usize>| (0..*size).map(move |v| [row.as_slice(), &[v]].concat()))
            .collect()
    });
    for row in rows.iter().filter(|row| row.iter().sum::<usize>() % usize::from(*modulus) == 0) {
        for (b, uses) in uses.iter().enumerate() {
            let index: Vec<String> = uses.iter().map(|i| format!("i{i}={}", row[*i])).collect();
            let index = if index.is_empty() { String::new() } else { format!("[{}]", index.join(",")) };
            labels.insert(format!("b{b}{index}"));
        }
    }
    (text, labels)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    /// Anything is a pipeline whose nodes stand after those they use, or is refused with a reason.
    #[test]
    fn nothing_panics(text in program()) {
        match bound(&text) {
            Ok(pipeline) => {
                for (place, node) in pipeline.nodes.iter().enumerate() {
                    prop_assert!(node.inputs.iter().all(|input| (input.node as usize) < place));
                    prop_assert_eq!(node.params.len(), node.stage.schema.len());
                }
                let labels: BTreeSet<String> = pipeline.nodes.iter().map(runpipe_engine::Node::label).collect();
                prop_assert_eq!(labels.len(), pipeline.nodes.len(), "labels are unique in\n{}", text);
            }
            Err(rejected) => {
                prop_assert!(rejected.diagnostics.iter().any(runpipe_grammar::Diagnostic::is_error));
                prop_assert!(!render(&rejected.diagnostics, &rejected.sources, false).is_empty());
            }
        }
    }

    /// A binding has one node for each combination of the indices that it uses, itself or through others.
    #[test]
    fn a_sweep_is_what_unrolling_by_hand_gives(sweep in sweep()) {
        let (text, expected) = unrolled(&sweep);
        let pipeline = bound(&text).expect("a sound sweep");
        let labels: Vec<String> = pipeline.nodes.iter().map(runpipe_engine::Node::label).collect();
        prop_assert_eq!(labels.len(), expected.len(), "{}", text);
        prop_assert_eq!(labels.into_iter().collect::<BTreeSet<_>>(), expected);
        for node in &pipeline.nodes {
            for input in &node.inputs {
                let from = &pipeline.nodes[input.node as usize];
                prop_assert!(from.index.iter().all(|at| node.index.contains(at)), "{} from {}", node.label(), from.label());
            }
        }
    }

    /// Lines that do not use each other may stand in any order.
    #[test]
    fn order_means_nothing(order in Just((0..6).collect::<Vec<usize>>()).prop_shuffle(), seeds in 1..4i64) {
        let lines = [
            "x = data.take(corpus, 3)".to_owned(),
            format!("for seed in 0..{seeds} {{\n    y = data.take(corpus, 1, seed = seed)\n    z = toy.copy(y)\n}}"),
            "k = 3 + 4".to_owned(),
            "m = toy.merge([corpus.text -> toy.pretrain(layers = 3), corpus.text -> toy.pretrain()])".to_owned(),
            "q = if 1 < 2 { f(corpus) } else { corpus }".to_owned(),
            "for site in [\"a\", \"b\"] {\n    r = toy.corpus(langs = [site])\n}".to_owned(),
        ];
        let head = "corpus = toy.corpus()\nfn f(c: any) -> d {\n    e = toy.copy(c)\n    d = toy.copy(e)\n}\n";
        let program = |order: &[usize]| {
            let body: Vec<&str> = order.iter().map(|place| lines[*place].as_str()).collect();
            format!("{head}{}\n", body.join("\n"))
        };
        let nodes = |order: &[usize]| -> BTreeSet<String> {
            let pipeline = bound(&program(order)).expect("a sound program");
            pipeline.nodes.iter().map(|node| line(&pipeline, node)).collect()
        };
        prop_assert_eq!(nodes(&order), nodes(&[0, 1, 2, 3, 4, 5]));
    }

    /// What is given on the command line is its value or a mistake, never a panic.
    #[test]
    fn any_text_can_be_set(text in "\\PC{0,12}") {
        for ty in ["str", "int", "[str]", "path?", "\"a\" | \"b\"", "duration", "range"] {
            let folder = tempfile::tempdir().expect("a folder for the file");
            let path = folder.path().join("x.pipe");
            fs::write(&path, format!("param p: {ty}\nx = toy.corpus(langs = [\"{{p}}\"])\n")).expect("the file can be written");
            let settings = Settings { set: vec![("p".to_owned(), text.clone())], ..Settings::default() };
            match load(&path, &toy::registry(), &settings) {
                Ok(pipeline) => prop_assert_eq!(pipeline.nodes.len(), 1),
                Err(rejected) => prop_assert!(!render(&rejected.diagnostics, &rejected.sources, false).is_empty()),
            }
            if ty == "str" && !text.starts_with('"') {
                let pipeline = load(&path, &toy::registry(), &settings).expect("any text is a text");
                prop_assert_eq!(&pipeline.params["p"], &runpipe_base::Value::Str(text.clone()));
            }
        }
    }
}
