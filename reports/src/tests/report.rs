//! Tables, plots and provenance as data.

use runpipe_base::{MemoryBlobs, NodeStatus, ReportBlock, ReportItem, TableSpec, Value};

use super::fixture::{Maker, column, index, maner, spec, text};
use crate::{Block, Plot, PlotKind, Report, Table, Vertex, compare, slug};

/// `scores` by site over seeds: the second site is better by 0.1, 0.2 and 0.3.
fn toy() -> (Maker, runpipe_base::Column) {
    let mut maker = Maker::new();
    let mut cells = Vec::new();
    for seed in 0..3 {
        for (site, more) in [("tokcls", 0.0), ("prepend", 0.1 * (seed + 1) as f64)] {
            let at = [("seed", Value::Int(seed)), ("site", text(site))];
            let node = maker.node("scores", "toy.score", &at, &[], &[]);
            maker.log.nodes[node].metrics.insert("f1".to_owned(), 0.5 + more);
            cells.push((index(&at), node));
        }
    }
    (maker, column("scores.f1", "f1", &cells))
}

fn report(maker: &mut Maker, item: ReportItem) -> Report {
    maker.log.reports = vec![ReportBlock { title: "toy".to_owned(), items: vec![item] }];
    Report::of(&maker.log, &maker.blobs)
}

fn table(maker: &mut Maker, spec: TableSpec) -> Table {
    match report(maker, ReportItem::Table(spec)).sections.remove(0).blocks.remove(0) {
        Block::Table(table) => table,
        other => panic!("{other:?}"),
    }
}

fn plot(maker: &mut Maker, table: TableSpec, line: Option<&str>) -> Plot {
    let item = ReportItem::Plot { table, line: line.map(str::to_owned) };
    match report(maker, item).sections.remove(0).blocks.remove(0) {
        Block::Plot(plot) => plot,
        other => panic!("{other:?}"),
    }
}

fn near(found: f64, expected: f64) {
    assert!((found - expected).abs() < 1e-12, "expected {expected}, found {found}");
}

#[test]
fn rows_are_compared_with_the_first() {
    let (mut maker, f1) = toy();
    let table = table(&mut maker, spec(&[f1], &["site"], &["seed"], &[]));
    assert_eq!(table.baseline, Some(("site".to_owned(), "tokcls".to_owned())));
    assert_eq!(table.rows[0].at, ["tokcls"]);
    assert!(table.rows[0].cells[0].against.is_none());
    let cell = &table.rows[1].cells[0];
    near(cell.summary.unwrap().mean, 0.7);
    assert!(cell.best);
    let against = cell.against.as_ref().unwrap();
    near(against.paired.summary.mean, 0.2);
    assert_eq!((against.paired.wins, against.paired.ties, against.paired.losses), (3, 0, 0));
    assert_eq!(against.p_holm, against.paired.p, "one test needs no correction");
    // t = 0.2 / (0.1 / sqrt 3), two degrees of freedom.
    assert!((against.paired.p.unwrap() - 0.074_179_9).abs() < 1e-6);
    assert!(!against.significant());
}

#[test]
fn the_baseline_can_be_any_value() {
    let (mut maker, f1) = toy();
    let wanted = |value| spec(std::slice::from_ref(&f1), &["site"], &["seed"], &[("baseline", text(value))]);
    let other = table(&mut maker, wanted("prepend"));
    near(other.rows[0].cells[0].against.as_ref().unwrap().paired.summary.mean, -0.2);
    let none = table(&mut maker, wanted("nobody"));
    assert!(none.baseline.is_none());
    assert!(none.notes.iter().any(|note| note.contains("`nobody`")));
}

#[test]
fn missing_values_are_counted_and_their_pairs_left_out() {
    let (mut maker, f1) = toy();
    maker.log.nodes[3].status = NodeStatus::Failed;
    let table = table(&mut maker, spec(&[f1], &["site"], &["seed"], &[]));
    let cell = &table.rows[1].cells[0];
    assert_eq!((cell.missing, cell.summary.unwrap().n), (1, 2));
    let against = cell.against.as_ref().unwrap();
    assert_eq!(against.paired.summary.n, 2);
    near(against.paired.summary.mean, 0.2);
    assert!(table.notes.contains(&"1 of 6 values are missing.".to_owned()));
}

#[test]
fn nothing_is_averaged_unasked() {
    let (mut maker, f1) = toy();
    let raw = table(&mut maker, spec(std::slice::from_ref(&f1), &["site"], &[], &[]));
    assert_eq!(raw.axes, ["site", "seed"]);
    assert_eq!(raw.rows.len(), 6);
    assert!(raw.baseline.is_none());
    let all = table(&mut maker, spec(&[f1], &[], &["seed", "site"], &[]));
    assert_eq!((all.axes.len(), all.rows.len()), (0, 1));
    assert_eq!(all.rows[0].cells[0].summary.unwrap().n, 6);
}

#[test]
fn a_number_without_the_axis_stands_in_every_row() {
    let (mut maker, f1) = toy();
    let size = maker.node("corpus", "toy.corpus", &[], &[], &[]);
    maker.log.nodes[size].metrics.insert("size".to_owned(), 12.0);
    let size = column("corpus.size", "size", &[(Vec::new(), size)]);
    let table = table(&mut maker, spec(&[f1, size], &["site"], &["seed"], &[]));
    assert_eq!(table.rows.len(), 2);
    assert!(table.rows.iter().all(|row| row.cells[1].summary.is_some_and(|s| s.mean == 12.0)));
}

#[test]
fn the_papers_figures_stand_beside_ours() {
    let (mut maker, f1) = toy();
    let paper = |values: Vec<Value>| {
        spec(std::slice::from_ref(&f1), &["site"], &["seed"], &[("paper", Value::List(values))])
    };
    let fits = table(&mut maker, paper(vec![Value::Float(0.48), Value::None]));
    assert_eq!([fits.rows[0].cells[0].paper, fits.rows[1].cells[0].paper], [Some(0.48), None]);
    let short = table(&mut maker, paper(vec![Value::Float(0.48)]));
    assert!(short.notes.contains(&"`paper` has 1 figure for 2 rows.".to_owned()));
}

#[test]
fn one_metric_over_two_axes_is_crossed() {
    let (mut maker, f1) = toy();
    let percent = [("scale", Value::Int(100)), ("unit", text("%"))];
    let crossed = spec(std::slice::from_ref(&f1), &["site", "seed"], &[], &percent);
    let page = crate::markdown::render(&report(&mut maker, ReportItem::Table(crossed.clone())));
    let shown: Vec<&str> = page.lines().filter(|line| line.starts_with('|')).take(4).collect();
    assert_eq!(
        shown,
        [
            "| site    | seed = 0 | seed = 1 | seed = 2 |",
            "| ------- | -------: | -------: | -------: |",
            "| tokcls  |       50 |       50 |       50 |",
            "| prepend |   **60** |   **70** |   **80** |",
        ]
    );
    assert!(page.contains("scores.f1 (%)."), "{page}");
    // With a hole, or with the paper's figures beside ours, each has a row.
    let mut holed = crossed.clone();
    holed.columns[0].cells.pop();
    let mut paper = crossed;
    paper.options.insert("paper".to_owned(), Value::List(vec![Value::Int(48); 6]));
    for spec in [holed, paper] {
        let page = crate::markdown::render(&report(&mut maker, ReportItem::Table(spec)));
        assert!(page.contains("| site    | seed |"), "{page}");
    }
}

#[test]
fn the_command_of_a_run_is_one_for_a_shell() {
    let mut maker = maner();
    let params = [("site", text("it's")), ("n", Value::Int(3)), ("none", Value::None)];
    maker.log.params.extend(params.map(|(name, value)| (name.to_owned(), value)));
    assert_eq!(
        Report::of(&maker.log, &maker.blobs).command,
        "runpipe run maner.pipe --set data=…/yo --set n=3 --set seeds=5 --set 'site=it'\\''s' \
         --set 'sizes=[50, 100, 400]' --device cpu"
    );
}

/// Code in captions is code on both pages; a backtick alone is one.
#[test]
fn captions_may_hold_code() {
    let (mut maker, f1) = toy();
    let mut pages = |caption: &str| {
        let options = [("caption", text(caption))];
        let item = ReportItem::Table(spec(std::slice::from_ref(&f1), &["site"], &["seed"], &options));
        let report = report(&mut maker, item);
        [crate::html::render(&report), crate::markdown::render(&report)]
    };
    let [html, markdown] = pages("Against `a_b*`, *not* code");
    assert!(html.contains("Against <code>a_b*</code>, *not* code"), "{html}");
    assert!(markdown.contains("Against `a_b*`, \\*not\\* code"), "{markdown}");
    let [html, markdown] = pages("one ` alone");
    assert!(html.contains("one ` alone") && markdown.contains("one \\` alone"), "{markdown}");
}

/// `baseline = none` compares nothing, also where a row is called so.
#[test]
fn a_row_named_none_is_no_baseline_by_itself() {
    let mut maker = Maker::new();
    let mut cells = Vec::new();
    for (seed, site) in [(0, "none"), (1, "none"), (0, "norm"), (1, "norm")] {
        let at = [("seed", Value::Int(seed)), ("site", text(site))];
        let node = maker.node("scores", "toy.score", &at, &[], &[]);
        maker.log.nodes[node].metrics.insert("f1".to_owned(), 0.5);
        cells.push((index(&at), node));
    }
    let f1 = column("scores.f1", "f1", &cells);
    let with = |value| spec(std::slice::from_ref(&f1), &["site"], &["seed"], &[("baseline", value)]);
    assert_eq!(table(&mut maker, with(Value::None)).baseline, None);
    let named = table(&mut maker, with(text("none"))).baseline;
    assert_eq!(named, Some(("site".to_owned(), "none".to_owned())));
}

#[test]
fn what_is_not_made_is_left_out_and_named() {
    let (mut maker, f1) = toy();
    let common = || column("common.loss", "loss", &[]);
    let scatter = spec(&[f1.clone(), common()], &["alpha"], &[], &[("kind", text("scatter"))]);
    maker.log.reports = vec![ReportBlock {
        title: "Whole".to_owned(),
        items: vec![
            ReportItem::Table(spec(&[common()], &["alpha"], &[], &[])),
            ReportItem::Table(spec(&[f1], &["site"], &["seed"], &[])),
            ReportItem::Plot { table: scatter, line: None },
        ],
    }];
    let report = Report::of(&maker.log, &maker.blobs);
    let [Block::Table(table), Block::Text(left_out)] = report.sections[0].blocks.as_slice() else {
        panic!("{:?}", report.sections[0].blocks)
    };
    assert_eq!((table.number, table.rows.len()), (1, 2), "what is shown is numbered without gaps");
    assert_eq!(
        left_out,
        "Left out, for this run has none of their nodes: common.loss; scores.f1, common.loss."
    );
    for page in [crate::html::render(&report), crate::markdown::render(&report)] {
        assert!(page.contains("Left out, for this run") && !page.contains("no values"), "{page}");
    }
}

#[test]
fn kinds_of_plots() {
    let (mut maker, f1) = toy();
    let one = std::slice::from_ref(&f1);
    let bars = plot(&mut maker, spec(one, &["site"], &["seed"], &[]), None);
    assert_eq!((bars.kind, bars.x.categories.len()), (PlotKind::Bar, 2));
    assert_eq!(bars.lines[0].points.iter().map(|p| p.n).collect::<Vec<_>>(), [3, 3]);

    let lines = plot(&mut maker, spec(one, &["seed"], &[], &[]), Some("site"));
    assert_eq!(lines.kind, PlotKind::Line);
    assert_eq!(lines.lines.iter().map(|l| l.name.as_str()).collect::<Vec<_>>(), ["tokcls", "prepend"]);
    near(lines.lines[1].points[2].y, 0.8);

    let side_by_side = plot(&mut maker, spec(one, &["seed"], &[], &[("kind", text("bar"))]), Some("site"));
    assert_eq!(side_by_side.x.categories, ["0", "1", "2"], "bars of numbers stand side by side too");

    let logarithmic = plot(&mut maker, spec(one, &["seed"], &[], &[("log", text("xy"))]), Some("site"));
    let drawn = crate::svg::plot(&logarithmic);
    let ticks = drawn.matches("class=\"rp-grid\"").count();
    assert!(ticks >= 3, "{ticks} ticks between 0.5 and 0.8 on a logarithmic axis");
    assert!(!logarithmic.x.log && logarithmic.y.log, "seed 0 has no logarithm");
    assert_eq!(logarithmic.notes.len(), 1);

    let scattered = plot(&mut maker, spec(one, &["seed"], &[], &[("kind", text("scatter"))]), None);
    assert_eq!(scattered.lines[0].points.len(), 6);
    assert!(scattered.lines[0].points.iter().all(|p| p.interval.is_none()));

    let mut cost = f1.clone();
    cost.label = "scores.cost".to_owned();
    let cloud = spec(&[cost.clone(), f1.clone()], &["site"], &[], &[("kind", text("scatter"))]);
    let cloud = plot(&mut maker, cloud, None);
    let names: Vec<&str> = cloud.lines.iter().map(|line| line.name.as_str()).collect();
    assert_eq!(names, ["prepend", "tokcls"], "several points a site: colours tell sites apart");
    let pair = spec(&[cost, f1], &["site"], &["seed"], &[("kind", text("scatter"))]);
    let pair = plot(&mut maker, pair, None);
    assert_eq!((pair.x.label.as_str(), pair.y.label.as_str()), ("scores.cost", "scores.f1"));
    assert_eq!(
        pair.lines[0].points.iter().map(|p| p.name.as_str()).collect::<Vec<_>>(),
        ["prepend", "tokcls"]
    );
}

#[test]
fn curves_are_means_with_bands() {
    let maker = maner();
    let report = Report::of(&maker.log, &maker.blobs);
    let curve = report.blocks().find_map(|block| match block {
        Block::Plot(plot) if plot.kind == PlotKind::Curve => Some(plot),
        _ => None,
    });
    let curve = curve.unwrap();
    assert_eq!(curve.lines.len(), 2);
    assert_eq!(curve.lines[0].points.len(), 40);
    assert!(curve.lines[0].points.iter().all(|p| p.interval.is_some() && p.n == 15));
}

#[test]
fn no_folder_of_the_machine_is_shown() {
    let maker = maner();
    let report = Report::of(&maker.log, &maker.blobs);
    assert_eq!(report.params[0], ("data".to_owned(), "\"yo\"".to_owned()));
    let page = crate::html::render(&report) + &crate::markdown::render(&report);
    assert!(!page.contains("/home") && !page.contains("someone"));
}

#[test]
fn slugs_are_safe() {
    for (text, expected) in [
        ("scores.f1 by site, n", "scores-f1-by-site-n"),
        ("../../etc/passwd", "etc-passwd"),
        ("", "report"),
        ("..", "report"),
        ("a\u{0}b\nc", "a-b-c"),
        ("Größe", "Größe"),
    ] {
        assert_eq!(slug(text), expected);
    }
    assert!(slug(&"ä".repeat(500)).len() <= 64);
}

#[test]
fn a_log_without_anything_makes_a_report() {
    let mut log = Maker::new().log;
    log.pipeline = String::new();
    log.params.clear();
    log.doc.clear();
    let report = Report::of(&log, &MemoryBlobs::default());
    assert!(crate::html::render(&report).contains("</html>"));
    assert!(crate::markdown::render(&report).starts_with("# \n"));
}

#[test]
fn families_in_a_circle_are_drawn() {
    let vertex = |name: &str, inputs: &[usize]| Vertex {
        name: name.to_owned(),
        stage: "s".to_owned(),
        axes: Vec::new(),
        inputs: inputs.iter().map(|i| ("in".to_owned(), *i, String::new())).collect(),
    };
    let graph = crate::Graph::of(&[vertex("a", &[]), vertex("b", &[0]), vertex("a", &[1])]);
    assert_eq!(graph.boxes.len(), 2);
    assert!(graph.svg().contains("</svg>"));
    assert_eq!(graph.tree().lines().count(), 3);
}

#[test]
fn runs_side_by_side() {
    let left = maner().log;
    assert!(compare(&left, &left).is_same());
    let mut right = left.clone();
    right.params.insert("seeds".to_owned(), Value::Int(4));
    let last = right.nodes.pop().unwrap();
    let changed = right.nodes.iter_mut().rfind(|node| node.name == "scores").unwrap();
    changed.metrics.insert("f1".to_owned(), 0.5);
    let found = compare(&left, &right);
    assert_eq!(found.params.len(), 1);
    assert_eq!(found.nodes.len(), 1);
    assert_eq!((found.nodes[0].name.as_str(), found.nodes[0].right.as_ref()), (last.label.as_str(), None));
    assert_eq!(found.metrics.len(), 1);
    insta::assert_snapshot!(found);
}
