//! What the writers make of the small run, and that equal results make equal bytes.

use std::fs;
use std::path::Path;

use proptest::prelude::*;
use runpipe_base::{NodeStatus, ReportBlock, ReportItem, RunLog, Value};

use super::fixture::{Maker, column, index, maner, reordered, spec, text};
use crate::{Block, Report, csv, html, markdown, svg, write_all};

/// All bytes of a report but those of `run.json`.
fn bytes(log: &RunLog, maker: &Maker) -> Vec<(String, String)> {
    let report = Report::of(log, &maker.blobs);
    let mut files = csv::files(&report);
    files.push(("html".to_owned(), html::render(&report)));
    files.push(("md".to_owned(), markdown::render(&report)));
    files.push(("dot".to_owned(), report.graph.dot()));
    files
}

#[test]
fn page() {
    let maker = maner();
    insta::assert_snapshot!(html::render(&Report::of(&maker.log, &maker.blobs)));
}

#[test]
fn markdown_page() {
    let maker = maner();
    insta::assert_snapshot!(markdown::render(&Report::of(&maker.log, &maker.blobs)));
}

#[test]
fn tables() {
    let maker = maner();
    let files = csv::files(&Report::of(&maker.log, &maker.blobs));
    let texts: Vec<String> = files.iter().map(|(name, text)| format!("{name}\n{text}")).collect();
    insta::assert_snapshot!(texts.join("\n"));
}

#[test]
fn graphs() {
    let maker = maner();
    let graph = Report::of(&maker.log, &maker.blobs).graph;
    insta::assert_snapshot!("graph_tree", graph.tree());
    insta::assert_snapshot!("graph_dot", graph.dot());
}

#[test]
fn failures_are_shown() {
    let mut maker = maner();
    let failed = maker.log.nodes.iter().position(|node| node.name == "tagger").unwrap();
    maker.log.nodes[failed].status = NodeStatus::Failed;
    maker.log.nodes[failed].error = Some("out of memory in /home/someone".to_owned());
    maker.log.nodes[failed + 1].status = NodeStatus::Skipped;
    maker.log.nodes[failed + 1].metrics.clear();
    let report = Report::of(&maker.log, &maker.blobs);
    let page = markdown::render(&report);
    let head: Vec<&str> = page.lines().take(34).collect();
    insta::assert_snapshot!(head.join("\n"));
    assert!(html::render(&report).contains("have no result"));
    assert!(!page.contains("someone"), "why a node failed stands in run.json");
}

#[test]
fn markup_of_users_stays_text() {
    let mut maker = Maker::new();
    let bad = "<script>alert(1)</script> | `x` \"]";
    let at = [("site", text(bad))];
    let node = maker.node(bad, bad, &at, &[("p", text(bad))], &[]);
    maker.log.nodes[node].metrics.insert("f1".to_owned(), 0.5);
    let f1 = column(bad, "f1", &[(index(&at), node)]);
    let table = spec(&[f1], &["site"], &[], &[("caption", text(bad)), ("unit", text(bad))]);
    maker.log.reports = vec![ReportBlock {
        title: bad.to_owned(),
        items: vec![
            ReportItem::Text(format!("{bad}\n\nLinks: [x](javascript:alert(1)), [y](https://example.org).")),
            ReportItem::Plot { table: table.clone(), line: None },
            ReportItem::Table(table),
        ],
    }];
    let report = Report::of(&maker.log, &maker.blobs);
    let page = html::render(&report);
    assert!(!page.contains("<script") && !page.contains("href=\"javascript"));
    assert!(page.contains("href=\"https://example.org\""));
    for block in report.blocks() {
        if let Block::Plot(plot) = block {
            assert!(!svg::plot(plot).contains("<script"));
        }
    }
    let text = markdown::render(&report);
    let row = text.lines().find(|line| line.starts_with("| \\<script")).unwrap();
    assert_eq!(row.replace("\\|", "").matches('|').count(), 3, "two fields: {row}");
}

fn read(folder: &Path, name: &str) -> String {
    fs::read_to_string(folder.join(name)).unwrap()
}

#[test]
fn the_folder_of_a_report() {
    let maker = maner();
    let dir = tempfile::tempdir().unwrap();
    let written = write_all(&maker.log, &maker.blobs, dir.path()).unwrap();
    assert_eq!(written.folder, dir.path().join("maner"));
    insta::assert_snapshot!(written.files.join("\n"));
    for name in &written.files {
        assert!(written.folder.join(name).is_file(), "{name}");
    }
    assert_eq!(read(&written.folder, "report.html"), html::render(&written.report));
    let run: serde_json::Value = serde_json::from_str(&read(&written.folder, "run.json")).unwrap();
    assert_eq!(run["v"], 1);
    assert_eq!(run["summary"]["elapsed_s"], 83.2);
    assert_eq!(run["params"]["data"]["path"], "/home/someone/data/yo");
    assert_eq!(run["expectations"][1]["held"], false);
}

#[test]
fn only_what_a_report_wrote_is_removed() {
    let mut maker = maner();
    let dir = tempfile::tempdir().unwrap();
    let folder = write_all(&maker.log, &maker.blobs, dir.path()).unwrap().folder;
    fs::write(folder.join("tables/mine.csv"), "mine").unwrap();
    fs::write(folder.join("notes.txt"), "mine").unwrap();
    let outside = dir.path().join("outside");
    fs::write(&outside, "mine").unwrap();
    // A list that somebody changed must not lead out of the folder.
    let list =
        read(&folder, "run.json").replacen("\"report.md\"", "\"tables/../../outside\", \"notes.txt\"", 1);
    fs::write(folder.join("run.json"), list).unwrap();

    maker.log.reports[0].items.truncate(2);
    let written = write_all(&maker.log, &maker.blobs, dir.path()).unwrap();
    let mut tables: Vec<String> = fs::read_dir(folder.join("tables"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    tables.sort();
    assert_eq!(tables, ["01-scores-f1-by-site-n-cells.csv", "01-scores-f1-by-site-n.csv", "mine.csv"]);
    assert!(folder.join("notes.txt").is_file() && outside.is_file());
    assert!(!folder.join("figures/04-scores-confusion").exists());
    assert!(written.files.contains(&"figures/graph.svg".to_owned()));
}

#[test]
fn a_folder_that_cannot_be_written_is_named() {
    let maker = maner();
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("file");
    fs::write(&file, "").unwrap();
    let error = write_all(&maker.log, &maker.blobs, &file).unwrap_err();
    assert!(error.path.starts_with(&file));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn the_same_results_make_the_same_bytes(choice in any::<u64>(), cached in prop::collection::vec(any::<bool>(), 80)) {
        let maker = maner();
        let mut other = reordered(&maker.log, choice);
        other.pipeline = "/elsewhere/maner.pipe".to_owned();
        other.params.insert("data".to_owned(), Value::Path("/mnt/other/yo".to_owned()));
        for (node, cached) in other.nodes.iter_mut().zip(cached.iter().cycle()) {
            node.status = if *cached { NodeStatus::Cached } else { NodeStatus::Joined };
            node.elapsed_s *= 3.0;
            node.place = node.place.replace("pipelines/", "/elsewhere/");
        }
        for item in &mut other.reports[0].items {
            if let ReportItem::Expect { place, .. } = item {
                *place = place.replace("pipelines/", "/elsewhere/");
            }
        }
        other.summary.cached = 7;
        other.summary.elapsed_s = 0.1;
        prop_assert_eq!(bytes(&maker.log, &maker), bytes(&other, &maker));
    }

    /// Whatever numbers and holes: nothing panics, and the pages are whole.
    #[test]
    fn any_numbers_make_a_page(
        values in prop::collection::vec(prop::option::of(any::<f64>()), 1..12),
        options in (prop::option::of(-3_i64..400), prop::bool::ANY, prop::bool::ANY, -4_i64..12),
    ) {
        let mut maker = Maker::new();
        let (scale, log, seeds_as_x, precision) = options;
        let mut cells = Vec::new();
        for (i, value) in values.into_iter().enumerate() {
            let at = [("seed", Value::Int(i as i64 / 2)), ("site", Value::Bool(i % 2 == 0))];
            let node = maker.node("scores", "toy.score", &at, &[], &[]);
            if let Some(value) = value {
                maker.log.nodes[node].metrics.insert("loss".to_owned(), value);
            }
            cells.push((index(&at), node));
        }
        let loss = column("scores.loss", "loss", &cells);
        let mut options = vec![("precision", Value::Int(precision)), ("log", if log { text("xy") } else { Value::None })];
        options.extend(scale.map(|scale| ("scale", Value::Int(scale))));
        let by = if seeds_as_x { "seed" } else { "site" };
        let table = spec(&[loss], &[by], &["seed"], &options);
        maker.log.reports = vec![ReportBlock {
            title: "any".to_owned(),
            items: vec![
                ReportItem::Table(table.clone()),
                ReportItem::Plot { table: table.clone(), line: Some("site".to_owned()) },
                ReportItem::Plot { table, line: None },
            ],
        }];
        let files = bytes(&maker.log, &maker);
        prop_assert!(files.iter().all(|(_, text)| !text.contains("NaN") && !text.contains("\"inf")));
    }
}
