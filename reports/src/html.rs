//! A report as one HTML page: no scripts, nothing fetched, light and dark, good on paper.

use base64::Engine as _;
use maud::{DOCTYPE, Markup, PreEscaped, html};
use pulldown_cmark::{Event, Options, Parser, Tag};

use crate::expect::{Outcome, Verdict};
use crate::figure::{Figure, FigureFile, Show};
use crate::format;
use crate::grid::{Grid, Words};
use crate::plot::Plot;
use crate::provenance::Provenance;
use crate::report::{Block, Report};
use crate::table::Table;
use crate::{markdown, svg};

const STYLE: &str = include_str!("report.css");

/// The report as a page.
pub fn render(report: &Report) -> String {
    let all = report.expectations().count();
    let held = report.expectations().filter(|outcome| outcome.held()).count();
    let mut claims = 0;
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="generator" content="runpipe";
                title { (report.title()) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                header {
                    h1 { (report.title()) }
                    @if !report.doc.is_empty() { div.doc { (prose(&report.doc)) } }
                    p.facts {
                        span { (format::count(report.provenance.nodes.len(), "node")) }
                        span { "device class " (report.device) }
                        @if all > 0 {
                            a.held[held == all].broken[held < all] href="#claim-1" {
                                (held) " of " (all) " expectations hold"
                            }
                        }
                    }
                    (contents(report))
                    (broken(report))
                }
                main {
                    (lost(&report.provenance))
                    @for (i, section) in report.sections.iter().enumerate() {
                        section id={ "section-" (i + 1) } {
                            @if report.sections.len() > 1 || section.title != report.title() { h2 { (section.title) } }
                            @for block in &section.blocks { (self::block(block, report, &mut claims)) }
                        }
                    }
                    (parameters(report))
                    section #graph {
                        h2 { "Graph" }
                        div.scroll.graph { (PreEscaped(report.graph.svg())) }
                    }
                    (provenance(&report.provenance))
                }
            }
        }
    };
    let mut page = page.into_string();
    page.push('\n');
    page
}

fn contents(report: &Report) -> Markup {
    html! {
        nav {
            @if report.sections.len() > 1 {
                @for (i, section) in report.sections.iter().enumerate() {
                    a href={ "#section-" (i + 1) } { (section.title) }
                }
            }
            a href="#parameters" { "Parameters" }
            a href="#graph" { "Graph" }
            a href="#provenance" { "Provenance" }
        }
    }
}

/// The claims that do not hold: whoever reads only the first lines must know of them.
fn broken(report: &Report) -> Markup {
    let numbered = report.expectations().enumerate();
    let broken: Vec<(usize, &Outcome)> = numbered.filter(|(_, outcome)| !outcome.held()).collect();
    html! {
        @if !broken.is_empty() {
            div.lost {
                p { strong { "What does not hold" } }
                ul { @for (i, outcome) in broken {
                    li { a href={ "#claim-" (i + 1) } {
                        @if let Some(message) = &outcome.message { (message) } @else { code { (outcome.text) } }
                    } }
                } }
            }
        }
    }
}

fn lost(provenance: &Provenance) -> Markup {
    let count = provenance.lost().count();
    html! {
        @if count > 0 {
            div.lost {
                p { strong {
                    (count) " of " (format::count(provenance.nodes.len(), "node"))
                    " have no result; what needs them is missing below."
                } }
                ul { @for (label, words) in provenance.lost_lines() {
                    li { @if let Some(label) = label { code { (label) } ": " } (words) }
                } }
            }
        }
    }
}

fn block(block: &Block, report: &Report, claims: &mut usize) -> Markup {
    match block {
        Block::Text(text) => prose(text),
        Block::Table(table) => self::table(table, &report.provenance),
        Block::Plot(plot) => self::plot(plot),
        Block::Expect(outcome) => {
            *claims += 1;
            expectation(outcome, *claims)
        }
        Block::Figure(figure) => self::figure(figure),
    }
}

fn table(table: &Table, provenance: &Provenance) -> Markup {
    let (cells, values) = (Grid::of(table), Grid::values(table, provenance));
    html! {
        figure.table id={ "table-" (table.number) } {
            figcaption { b { "Table " (table.number) "." } " " (caption(&table.caption)) }
            div.scroll { (grid(&cells, "")) }
            (notes(&cells.notes(table)))
            @if let (Some(comparison), Some((axis, value))) = (Grid::comparison(table), &table.baseline) {
                p.against { "Against " b { (axis) " = " (value) } ", paired by " (table.over.join(", ")) "; + / = / − counts pairs above, equal and below" }
                div.scroll { (grid(&comparison, "comparison")) }
            }
            @if !values.rows.is_empty() {
                details {
                    summary { "All " (format::count(values.rows.len(), "value")) }
                    div.scroll { (grid(&values, "values")) }
                }
            }
        }
    }
}

/// A caption, which may hold code between backticks.
fn caption(text: &str) -> Markup {
    html! {
        @for (is_code, span) in format::spans(text) {
            @if is_code { code { (span) } } @else { (span) }
        }
    }
}

fn notes(notes: &[String]) -> Markup {
    html! { @if !notes.is_empty() { p.notes { (notes.join(" ")) } } }
}

fn grid(grid: &Grid, class: &str) -> Markup {
    let words = |words: &Words| {
        let text = html! { @if words.bold { strong { (words.text) } } @else { (words.text) } };
        match words.node {
            Some(node) => html! { a href={ "#node-" (node) } { (text) } },
            None => text,
        }
    };
    html! {
        table class=[Some(class).filter(|class| !class.is_empty())] {
            thead { tr {
                @for (name, numeric) in grid.header.iter().zip(&grid.numeric) {
                    th.number[*numeric] scope="col" { (name) }
                }
            } }
            tbody {
                @for row in &grid.rows {
                    tr { @for (cell, numeric) in row.iter().zip(&grid.numeric) { td.number[*numeric] { (words(cell)) } } }
                }
            }
        }
    }
}

fn plot(plot: &Plot) -> Markup {
    html! {
        figure id={ "figure-" (plot.number) } {
            div.scroll { (PreEscaped(svg::plot(plot))) }
            figcaption { b { "Figure " (plot.number) "." } " " (caption(&plot.caption)) }
            (notes(&plot.notes))
        }
    }
}

fn expectation(outcome: &Outcome, number: usize) -> Markup {
    let (class, mark, word) = match &outcome.verdict {
        Verdict::Held => ("expect held", "✓", "holds"),
        Verdict::Broken => ("expect broken", "✗", "is broken"),
        Verdict::Open(_) => ("expect open", "?", "cannot be decided"),
    };
    html! {
        div class=(class) id={ "claim-" (number) } {
            span.mark title=(word) { (mark) }
            div {
                @if let Some(message) = &outcome.message { p.message { (message) } }
                p { code { (outcome.text) } }
                @if let Verdict::Open(reason) = &outcome.verdict { p.why { "cannot be decided: " (reason) } }
                @for side in &outcome.sides { p.why { (side) } }
            }
            span.place { (outcome.place) }
        }
    }
}

fn figure(figure: &Figure) -> Markup {
    html! {
        figure id={ "figure-" (figure.number) } {
            div.panels {
                @for panel in &figure.panels {
                    div.panel {
                        @if !panel.label.is_empty() {
                            p.label {
                                @if let Some(node) = panel.node { a href={ "#node-" (node) } { (panel.label) } }
                                @else { (panel.label) }
                            }
                        }
                        @if panel.files.is_empty() { p.why { "missing" } }
                        @for file in &panel.files { (self::file(file)) }
                    }
                }
            }
            figcaption { b { "Figure " (figure.number) "." } " " (caption(&figure.caption)) }
        }
    }
}

fn file(file: &FigureFile) -> Markup {
    let bytes = match &file.bytes {
        Ok(bytes) => bytes,
        Err(why) => return html! { p.why { code { (file.name) } ": " (why) } },
    };
    let text = || String::from_utf8_lossy(bytes);
    match file.show {
        // As an image: a stage's SVG cannot run scripts or reach the page's styles.
        Show::Picture(media) => {
            let data = base64::engine::general_purpose::STANDARD.encode(bytes);
            html! { img alt=(file.name) src={ "data:" (media) ";base64," (data) }; }
        }
        Show::Plain => html! { pre { (text()) } },
        Show::Markdown => prose(&text()),
        Show::Table(separator) => sheet(bytes, separator),
        Show::Link => {
            html! { p { a href=(file.path) { (file.name) } " (" (format::bytes(file.size)) ")" } }
        }
    }
}

/// A CSV file as a table; a long one is cut.
fn sheet(bytes: &[u8], separator: u8) -> Markup {
    const MOST_ROWS: usize = 100;
    let mut reader =
        ::csv::ReaderBuilder::new().has_headers(false).flexible(true).delimiter(separator).from_reader(bytes);
    let rows: Vec<Vec<String>> = reader
        .byte_records()
        .map_while(Result::ok)
        .map(|row| row.iter().map(|field| String::from_utf8_lossy(field).into_owned()).collect())
        .collect();
    html! {
        div.scroll { table {
            @if let Some(header) = rows.first() { thead { tr { @for field in header { th scope="col" { (field) } } } } }
            tbody {
                @for row in rows.iter().skip(1).take(MOST_ROWS) { tr { @for field in row { td { (field) } } } }
            }
        } }
        @if rows.len() > MOST_ROWS + 1 { p.notes { (rows.len() - 1 - MOST_ROWS) " more rows." } }
    }
}

fn parameters(report: &Report) -> Markup {
    html! {
        section #parameters {
            h2 { "Parameters" }
            @if !report.params.is_empty() {
                table {
                    thead { tr { th scope="col" { "parameter" } th scope="col" { "value" } } }
                    tbody { @for (name, value) in &report.params { tr { td { (name) } td { code { (value) } } } } }
                }
            }
            p.again { "The same run again: " code { (report.command) } }
        }
    }
}

fn provenance(provenance: &Provenance) -> Markup {
    html! {
        section #provenance {
            h2 { "Provenance" }
            p.notes {
                "A key names a computation: stage, code, parameters and the content of its inputs. A result names bytes."
            }
            @for family in &provenance.families {
                details {
                    summary {
                        b { (family.name) } " " code { (family.stage) } " "
                        span.place { (format::count(family.nodes.len(), "node")) " · " (family.place) }
                    }
                    @if !family.shared.is_empty() {
                        p.shared { @for (name, value) in &family.shared { code { (name) " = " (value) } " " } }
                    }
                    div.scroll { (nodes(&markdown::nodes(family, provenance))) }
                }
            }
        }
    }
}

/// The table of a family's nodes; each row is what links to that node point at.
fn nodes(grid: &Grid) -> Markup {
    html! {
        table.values {
            thead { tr { @for name in &grid.header { th scope="col" { (name) } } } }
            tbody {
                @for row in &grid.rows {
                    tr id=[row.first().and_then(|words| words.node).map(|node| format!("node-{node}"))] {
                        @for cell in row { td { (cell.text) } }
                    }
                }
            }
        }
    }
}

/// Markdown of the pipeline's author; what is HTML in it is shown as text, and links go where links go.
fn prose(text: &str) -> Markup {
    let safe = |url: &str| {
        let scheme = url.split_once(':').map(|(scheme, _)| scheme.to_ascii_lowercase());
        scheme
            .is_none_or(|s| matches!(s.as_str(), "http" | "https" | "mailto") || s.contains(['/', '#', '?']))
    };
    let options = Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH | Options::ENABLE_FOOTNOTES;
    let events = Parser::new_ext(text, options).map(|event| match event {
        Event::Html(html) | Event::InlineHtml(html) => Event::Text(html),
        Event::Start(Tag::Link { link_type, dest_url, title, id }) if !safe(&dest_url) => {
            Event::Start(Tag::Link { link_type, dest_url: "#".into(), title, id })
        }
        // A page that fetches pictures is not self-contained.
        Event::Start(Tag::Image { dest_url, title, .. }) => Event::Start(Tag::Link {
            link_type: pulldown_cmark::LinkType::Inline,
            dest_url: if safe(&dest_url) { dest_url } else { "#".into() },
            title,
            id: "".into(),
        }),
        Event::End(pulldown_cmark::TagEnd::Image) => Event::End(pulldown_cmark::TagEnd::Link),
        event => event,
    });
    let mut out = String::new();
    pulldown_cmark::html::push_html(&mut out, events);
    PreEscaped(out)
}
