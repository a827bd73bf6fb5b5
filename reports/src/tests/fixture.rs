//! A small run: a language, an encoder, two taggers by seed and size, their scores.

use std::collections::BTreeMap;
use std::sync::Arc;

use runpipe_base::{
    Artifact, Cell, Column, Compare, Device, Digest, Hasher, Key, Kind, MemoryBlobs, NodeRecord, NodeStatus,
    Output, Record, ReportBlock, ReportExpr, ReportFn, ReportItem, RunLog, RunSummary, Series, TableSpec,
    Value,
};

pub(super) const PICTURE: &str = "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"120\" height=\"60\">\
     <rect width=\"120\" height=\"60\" fill=\"#0072b2\"/><text x=\"12\" y=\"35\" fill=\"#fff\">matrix</text></svg>";

/// A number in [-0.5, 0.5) that is the same everywhere.
fn noise(seed: u64) -> f64 {
    let mixed = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(31).wrapping_mul(0xD6E8_FEB8_6659_FD93);
    (mixed >> 11) as f64 / (1_u64 << 53) as f64 - 0.5
}

pub(super) fn text(s: &str) -> Value {
    Value::Str(s.to_owned())
}

pub(super) fn index(axes: &[(&str, Value)]) -> Vec<(String, Value)> {
    axes.iter().map(|(axis, value)| ((*axis).to_owned(), value.clone())).collect()
}

pub(super) struct Maker {
    pub(super) log: RunLog,
    pub(super) blobs: MemoryBlobs,
}

impl Maker {
    pub(super) fn new() -> Self {
        let log = RunLog {
            pipeline: "pipelines/maner.pipe".to_owned(),
            doc: "MANER against plain *token classification* with few labelled sentences.".to_owned(),
            params: Record::from([
                ("data".to_owned(), Value::Path("/home/someone/data/yo".to_owned())),
                ("seeds".to_owned(), Value::Int(5)),
                ("sizes".to_owned(), Value::List(vec![Value::Int(50), Value::Int(100), Value::Int(400)])),
            ]),
            device: Device::Cpu,
            nodes: Vec::new(),
            reports: Vec::new(),
            summary: RunSummary::default(),
        };
        Self { log, blobs: MemoryBlobs::default() }
    }

    pub(super) fn node(
        &mut self,
        name: &str,
        stage: &str,
        at: &[(&str, Value)],
        params: &[(&str, Value)],
        inputs: &[(&str, usize, &str)],
    ) -> usize {
        let axes: Vec<String> = at.iter().map(|(axis, value)| format!("{axis}={}", value.plain())).collect();
        let label = if axes.is_empty() { name.to_owned() } else { format!("{name}[{}]", axes.join(",")) };
        let key: Key = Hasher::new("test").str(&label).finish_key();
        let artifact = Artifact {
            kind: Kind::named("any"),
            files: BTreeMap::from([(
                "data".to_owned(),
                runpipe_base::FileEntry { digest: Digest::of(label.as_bytes()), size: label.len() as u64 },
            )]),
            parts: BTreeMap::new(),
        };
        self.log.nodes.push(NodeRecord {
            label,
            name: name.to_owned(),
            index: index(at),
            stage: stage.to_owned(),
            params: Arc::new(params.iter().map(|(n, v)| ((*n).to_owned(), v.clone())).collect()),
            inputs: inputs
                .iter()
                .map(|(port, node, part)| ((*port).to_owned(), *node, (*part).to_owned()))
                .collect(),
            place: format!("pipelines/maner.pipe:{}", 10 + inputs.len()),
            status: NodeStatus::Ran,
            key: Some(key),
            artifact: Some(Arc::new(artifact)),
            metrics: BTreeMap::new(),
            series: Vec::new(),
            elapsed_s: 1.5,
            error: None,
        });
        self.log.nodes.len() - 1
    }
}

pub(super) fn column(label: &str, metric: &str, cells: &[(Vec<(String, Value)>, usize)]) -> Column {
    let cells = cells.iter().map(|(index, node)| Cell { index: index.clone(), node: *node }).collect();
    Column { label: label.to_owned(), metric: metric.to_owned(), cells }
}

pub(super) fn spec(columns: &[Column], by: &[&str], over: &[&str], options: &[(&str, Value)]) -> TableSpec {
    TableSpec {
        columns: columns.to_vec(),
        by: by.iter().map(|s| (*s).to_owned()).collect(),
        over: over.iter().map(|s| (*s).to_owned()).collect(),
        options: options.iter().map(|(n, v)| ((*n).to_owned(), v.clone())).collect(),
    }
}

#[expect(clippy::unnecessary_box_returns, reason = "all who call it need a box")]
pub(super) fn call(function: ReportFn, columns: &[Column]) -> Box<ReportExpr> {
    Box::new(ReportExpr::Call { function, columns: columns.to_vec() })
}

pub(super) fn expect(text: &str, expr: ReportExpr, message: Option<&str>) -> ReportItem {
    ReportItem::Expect {
        text: text.to_owned(),
        expr,
        message: message.map(str::to_owned),
        place: "pipelines/maner.pipe:31".to_owned(),
    }
}

/// The cells of `column` that stand at `axis` = `value`, that axis fixed.
pub(super) fn select(column: &Column, axis: &str, value: &Value) -> Column {
    let mut selected = column.clone();
    selected.label = format!("{}[{axis} = {value}]", column.label);
    selected.cells.retain(|cell| cell.index.iter().any(|(a, v)| a == axis && v == value));
    for cell in &mut selected.cells {
        cell.index.retain(|(a, _)| a != axis);
    }
    selected
}

/// A node and its place on the axes.
type Placed = (Vec<(String, Value)>, usize);

/// The whole run, everything computed.
pub(super) fn maner() -> Maker {
    let mut maker = Maker::new();
    let corpus = maker.node("corpus", "maner.language", &[], &[("seed", Value::Int(7))], &[]);
    let encoder = maker.node(
        "encoder",
        "maner.pretrain",
        &[],
        &[("layers", Value::Int(4)), ("lr", Value::Float(0.001)), ("width", Value::Int(128))],
        &[("text", corpus, "text")],
    );
    let (mut scores, mut taggers) = (Vec::new(), Vec::new());
    for seed in 0..5 {
        for (s, site) in ["tokcls", "prepend"].into_iter().enumerate() {
            for n in [50_i64, 100, 400] {
                let at = [("seed", Value::Int(seed)), ("site", text(site)), ("n", Value::Int(n))];
                let take = [("seed", Value::Int(seed)), ("n", Value::Int(n))];
                let few =
                    maker.log.nodes.iter().position(|node| node.name == "few" && node.index == index(&take));
                let few = few.unwrap_or_else(|| {
                    let params = [("n", Value::Int(n)), ("seed", Value::Int(seed))];
                    maker.node("few", "data.take", &take, &params, &[("corpus", corpus, "train")])
                });
                let params = [
                    ("epochs", Value::Int(10)),
                    ("lr", Value::Float(0.001)),
                    ("seed", Value::Int(seed)),
                    ("site", text(site)),
                ];
                let tagger = maker.node(
                    "tagger",
                    "maner.finetune",
                    &at,
                    &params,
                    &[("encoder", encoder, ""), ("corpus", few, "")],
                );
                let id = seed as u64 * 31 + s as u64 * 7 + n as u64;
                let points = (0..40_u64).map(|step| {
                    let fall = libm::exp(-(step as f64) / (9.0 + 3.0 * s as f64));
                    (step * 10, 0.35 + 1.6 * fall + 0.12 * noise(id * 100 + step))
                });
                maker.log.nodes[tagger].series =
                    vec![Series { name: "loss".to_owned(), points: points.collect() }];
                let score = maker.node(
                    "scores",
                    "maner.evaluate",
                    &at,
                    &[],
                    &[("tagger", tagger, ""), ("corpus", corpus, "test")],
                );
                let f1 = 0.42 + 0.07 * libm::log(n as f64 / 25.0) + 0.035 * s as f64 + 0.03 * noise(id);
                maker.log.nodes[score].metrics = BTreeMap::from([
                    ("f1".to_owned(), f1),
                    ("loss".to_owned(), 1.4 - f1 + 0.1 * noise(id + 1)),
                ]);
                let output = Output::new(Kind::named("scores"))
                    .part("confusion", Output::new(Kind::named("picture")).file("matrix.svg", PICTURE));
                maker.log.nodes[score].artifact = Some(Arc::new(maker.blobs.keep(output)));
                scores.push((index(&at), score));
                taggers.push((index(&at), tagger));
            }
        }
    }
    maker.log.reports = vec![ReportBlock { title: "MANER".to_owned(), items: items(&scores, &taggers) }];
    let nodes = maker.log.nodes.len();
    maker.log.summary =
        RunSummary { nodes, cached: 0, ran: nodes, failed: 0, skipped: 0, cancelled: 0, elapsed_s: 83.2 };
    maker
}

/// A report with everything in it.
fn items(scores: &[Placed], taggers: &[Placed]) -> Vec<ReportItem> {
    let f1 = column("scores.f1", "f1", scores);
    let loss = column("scores.loss", "loss", scores);
    let curve = column("tagger.loss", "loss", taggers);
    let (prepend, plain) = (select(&f1, "site", &text("prepend")), select(&f1, "site", &text("tokcls")));
    let first: Vec<Cell> = scores
        .iter()
        .take(6)
        .filter(|(at, _)| at[2].1 == Value::Int(50))
        .map(|(at, node)| Cell { index: at.clone(), node: *node })
        .collect();
    let higher = ReportExpr::Compare {
        op: Compare::Gt,
        left: call(ReportFn::Mean, std::slice::from_ref(&prepend)),
        right: call(ReportFn::Mean, std::slice::from_ref(&plain)),
    };
    let far = ReportExpr::Compare {
        op: Compare::Gt,
        left: call(ReportFn::Diff, &[prepend, plain]),
        right: Box::new(ReportExpr::Number(0.2)),
    };
    let paper = [41.0, 44.5, 52.25, 47.5, 50.0].map(Value::Float).into_iter().chain([Value::None]);
    let percent = [
        ("scale", Value::Int(100)),
        ("unit", text("%")),
        ("paper", Value::List(paper.collect())),
        ("caption", text("F1 on the test sentences.")),
    ];
    vec![
        ReportItem::Text(
            "Each tagger sees *n* labelled sentences; `prepend` puts a mask before each word.".to_owned(),
        ),
        ReportItem::Table(spec(std::slice::from_ref(&f1), &["site", "n"], &["seed"], &percent)),
        ReportItem::Table(spec(&[f1.clone(), loss], &["site"], &["seed", "n"], &[])),
        ReportItem::Plot {
            table: spec(std::slice::from_ref(&f1), &["n"], &["seed"], &[("log", text("x"))]),
            line: Some("site".to_owned()),
        },
        ReportItem::Plot { table: spec(&[f1], &["site"], &["seed"], &[]), line: Some("n".to_owned()) },
        ReportItem::Plot { table: spec(&[curve], &["step"], &["seed"], &[]), line: Some("site".to_owned()) },
        ReportItem::Figure {
            caption: "Confusion of the first seed.".to_owned(),
            cells: first,
            part: "confusion".to_owned(),
        },
        expect(
            "mean(scores.f1[site = \"prepend\"]) > mean(scores.f1[site = \"tokcls\"])",
            higher,
            Some("the mask helps"),
        ),
        expect("diff(scores.f1[site = \"prepend\"], scores.f1[site = \"tokcls\"]) > 0.2", far, None),
    ]
}

/// The run with the nodes in another order that the log allows too, every reference following.
pub(super) fn reordered(log: &RunLog, choice: u64) -> RunLog {
    let mut left: Vec<usize> = (0..log.nodes.len()).collect();
    let mut order = Vec::new();
    let mut state = choice;
    while !left.is_empty() {
        let ready: Vec<usize> = left
            .iter()
            .copied()
            .filter(|n| log.nodes[*n].inputs.iter().all(|(_, before, _)| order.contains(before)))
            .collect();
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let next = ready[(state >> 33) as usize % ready.len()];
        order.push(next);
        left.retain(|n| *n != next);
    }
    let mut place = vec![0; order.len()];
    for (new, old) in order.iter().enumerate() {
        place[*old] = new;
    }
    let mut other = log.clone();
    other.nodes = order
        .iter()
        .map(|old| {
            let mut node = log.nodes[*old].clone();
            node.inputs.iter_mut().for_each(|(_, before, _)| *before = place[*before]);
            node
        })
        .collect();
    for item in other.reports.iter_mut().flat_map(|block| &mut block.items) {
        each_cell(item, &mut |cell| cell.node = place[cell.node]);
    }
    other
}

fn each_cell(item: &mut ReportItem, visit: &mut dyn FnMut(&mut Cell)) {
    match item {
        ReportItem::Text(_) => {}
        ReportItem::Table(table) | ReportItem::Plot { table, .. } => {
            table.columns.iter_mut().flat_map(|c| &mut c.cells).for_each(visit);
        }
        ReportItem::Figure { cells, .. } => cells.iter_mut().for_each(visit),
        ReportItem::Expect { expr, .. } => each_in(expr, visit),
    }
}

fn each_in(expr: &mut ReportExpr, visit: &mut dyn FnMut(&mut Cell)) {
    match expr {
        ReportExpr::Number(_) | ReportExpr::Bool(_) => {}
        ReportExpr::Call { columns, .. } => columns.iter_mut().flat_map(|c| &mut c.cells).for_each(visit),
        ReportExpr::Negate(inner) | ReportExpr::Not(inner) => each_in(inner, visit),
        ReportExpr::Binary { left, right, .. } | ReportExpr::Compare { left, right, .. } => {
            each_in(left, visit);
            each_in(right, visit);
        }
    }
}
