//! The front of the engine: from text to a typed pipeline, and everything that can be wrong on the way.
//!
//! `good/*.pipe` are pipelines with their nodes as snapshots; `broken/*.pipe` are wrong, with the whole text that a
//! user reads. A line `# $ --set n=3 --profile p --params FILE` at the top says how a file is called.

mod api;
mod laws;
mod speed;
mod toy;

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use runpipe_base::{ReportExpr, ReportItem};
use runpipe_engine::{Node, Pipeline, Rejected, Settings, StageCode, load};
use runpipe_grammar::render;

#[test]
fn good() {
    suite("good", |path, settings| match load(path, &toy::registry(), &settings) {
        Ok(pipeline) => listing(&pipeline),
        Err(rejected) => panic!("{} is refused:\n{}", path.display(), rendered(&rejected)),
    });
}

#[test]
fn broken() {
    suite("broken", |path, settings| match load(path, &toy::registry(), &settings) {
        Ok(_) => panic!("{} is accepted", path.display()),
        Err(rejected) => rendered(&rejected),
    });
}

/// Holds every file of a folder against its snapshot.
fn suite(name: &str, run: impl Fn(&Path, Settings) -> String) {
    let folder = Path::new("tests/front").join(name);
    let mut files: Vec<PathBuf> = std::fs::read_dir(&folder)
        .expect("the suite is there")
        .map(|entry| entry.expect("a readable folder").path())
        .filter(|path| path.extension().is_some_and(|e| e == "pipe"))
        .collect();
    files.sort();
    assert!(files.len() > 10, "the suite `{name}` has files");
    for path in files {
        let text = String::from_utf8_lossy(&std::fs::read(&path).expect("a readable file")).into_owned();
        let stem = path.file_stem().expect("a file has a name").to_string_lossy().into_owned();
        let shown = run(&path, settings(&text));
        insta::with_settings!({
            snapshot_path => folder.join("snapshots").strip_prefix("tests/front").expect("it is below"),
            prepend_module_to_snapshot => false,
            omit_expression => true,
        }, {
            insta::assert_snapshot!(stem, shown);
        });
    }
}

/// What the first lines of a file say about its call.
fn settings(text: &str) -> Settings {
    let mut settings = Settings::default();
    for line in text.lines().map_while(|line| line.strip_prefix("# $ ")) {
        let (flag, value) = line.split_once(' ').expect("a flag has a value");
        match flag {
            "--set" => {
                let (name, text) = value.split_once('=').expect("`--set` has a `=`");
                settings.set.push((name.to_owned(), text.to_owned()));
            }
            "--profile" => settings.profile.push(value.to_owned()),
            "--params" => settings.params_file = Some(PathBuf::from(value)),
            other => panic!("no flag {other}"),
        }
    }
    settings
}

fn rendered(rejected: &Rejected) -> String {
    render(&rejected.diagnostics, &rejected.sources, false)
}

/// Everything in a pipeline, a line a node.
fn listing(pipeline: &Pipeline) -> String {
    let mut out = String::new();
    if !pipeline.doc.is_empty() {
        let _ = writeln!(out, "doc: {}", pipeline.doc.replace('\n', " / "));
    }
    for (name, value) in &pipeline.params {
        let _ = writeln!(out, "param {name} = {value}");
    }
    if let Some(device) = &pipeline.device {
        let _ = writeln!(out, "device {device}");
    }
    for node in &pipeline.nodes {
        let _ = writeln!(out, "{}", line(pipeline, node));
    }
    for report in &pipeline.reports {
        let _ = writeln!(out, "report {:?}", report.title);
        for item in &report.items {
            let _ = writeln!(out, "  {}", item_line(pipeline, item));
        }
    }
    out + &render(&pipeline.warnings, &pipeline.sources, false)
}

fn line(pipeline: &Pipeline, node: &Node) -> String {
    let spec = &node.stage.spec;
    let mut args: Vec<String> = node
        .inputs
        .iter()
        .map(|input| {
            let dot = if input.part.is_empty() { "" } else { "." };
            let from = pipeline.nodes[input.node as usize].label();
            format!("{}: {from}{dot}{}", spec.inputs[usize::from(input.port)].name, input.part)
        })
        .collect();
    args.extend(node.params.iter().map(|(name, value)| format!("{name} = {value}")));
    let mut line = format!("{} = {}({})", node.label(), spec.name, args.join(", "));
    if let StageCode::Command(command) = &node.stage.code {
        let _ = write!(line, " {:?} needs {:?}", command.command, command.needs);
    }
    if *node.hints != runpipe_engine::Hints::default() {
        let _ = write!(line, " {:?}", node.hints);
    }
    line
}

fn item_line(pipeline: &Pipeline, item: &ReportItem) -> String {
    let cells = |cells: &[runpipe_base::Cell]| {
        let cell = |cell: &runpipe_base::Cell| {
            let index: Vec<String> =
                cell.index.iter().map(|(axis, value)| format!("{axis}={}", value.plain())).collect();
            format!("[{}]→{}", index.join(","), pipeline.nodes[cell.node].label())
        };
        cells.iter().map(cell).collect::<Vec<_>>().join(" ")
    };
    let table = |spec: &runpipe_base::TableSpec| {
        let columns: Vec<String> =
            spec.columns.iter().map(|c| format!("{} ({}): {}", c.label, c.metric, cells(&c.cells))).collect();
        let options: Vec<String> =
            spec.options.iter().map(|(name, value)| format!("{name} = {value}")).collect();
        format!("{} by {:?} over {:?} {{{}}}", columns.join("; "), spec.by, spec.over, options.join(", "))
    };
    match item {
        ReportItem::Text(text) => format!("text {text:?}"),
        ReportItem::Table(spec) => format!("table {}", table(spec)),
        ReportItem::Plot { table: spec, line } => format!("plot {} line {line:?}", table(spec)),
        ReportItem::Expect { text, expr, message, place } => {
            format!("expect {text} = {} {message:?} at {place}", claim(expr))
        }
        ReportItem::Figure { caption, cells: shown, part } => {
            format!("figure {caption:?} part {part:?}: {}", cells(shown))
        }
    }
}

fn claim(expr: &ReportExpr) -> String {
    match expr {
        ReportExpr::Number(x) => format!("{x}"),
        ReportExpr::Bool(b) => format!("{b}"),
        ReportExpr::Call { function, columns } => {
            let columns: Vec<String> =
                columns.iter().map(|c| format!("{}:{}", c.metric, c.cells.len())).collect();
            format!("{function:?}({})", columns.join(", "))
        }
        ReportExpr::Negate(x) => format!("-{}", claim(x)),
        ReportExpr::Not(x) => format!("not {}", claim(x)),
        ReportExpr::Binary { op, left, right } => format!("({} {op:?} {})", claim(left), claim(right)),
        ReportExpr::Compare { op, left, right } => format!("({} {op:?} {})", claim(left), claim(right)),
    }
}
