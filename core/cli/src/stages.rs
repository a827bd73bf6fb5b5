//! `runpipe stages`: the reference, printed from what the stages say of themselves.

use std::fmt::Write;

use runpipe_base::{ParamSpec, Port, Registry, Spec, Value};

use crate::args::Stages;
use crate::exit::Exit;
use crate::open::Failure;
use crate::term;

pub(crate) fn stages(args: &Stages) -> Result<Exit, Failure> {
    let registry = runpipe_stages::registry();
    match args {
        Stages::List { word } => list(&registry, word.as_deref()),
        Stages::Describe { all: true, .. } => {
            term::data(reference(&registry));
            Ok(Exit::Fine)
        }
        Stages::Describe { stage, .. } => describe(&registry, stage.as_deref().unwrap_or_default()),
    }
}

fn list(registry: &Registry, word: Option<&str>) -> Result<Exit, Failure> {
    let word = word.unwrap_or_default().to_lowercase();
    let rows: Vec<Vec<String>> = registry
        .stage_names()
        .filter_map(|name| registry.stage(name))
        .filter(|(_, spec, _)| spec.name.contains(&word) || spec.summary.to_lowercase().contains(&word))
        .map(|(_, spec, _)| vec![spec.name.clone(), spec.summary.clone()])
        .collect();
    if rows.is_empty() {
        return Err(
            Failure::usage(format!("no stage speaks of `{word}`")).hint("`runpipe stages list` shows all")
        );
    }
    term::data(term::columns(&rows));
    Ok(Exit::Fine)
}

fn describe(registry: &Registry, name: &str) -> Result<Exit, Failure> {
    if let Some((_, spec, schema)) = registry.stage(name) {
        term::data(page(spec, schema));
        return Ok(Exit::Fine);
    }
    if let Some(kind) = registry.kind(name) {
        term::data(format_args!("# {}\n\n{}\n", kind.name, kind.layout));
        return Ok(Exit::Fine);
    }
    let failure = Failure::usage(format!("there is no stage `{name}`"));
    Err(match runpipe_grammar::nearest(name, registry.stage_names()) {
        Some(nearest) => failure.hint(format!("did you mean `{nearest}`?")),
        None => failure.hint("`runpipe stages list` shows all"),
    })
}

/// The whole reference page, as `stages/REFERENCE.md` holds it.
fn reference(registry: &Registry) -> String {
    let mut text =
        String::from("# Stages\n\nWhat a `.pipe` file can call. Made by `runpipe stages describe --all`.\n");
    for name in registry.stage_names() {
        if let Some((_, spec, schema)) = registry.stage(name) {
            text.push('\n');
            text.push_str(&page(spec, schema).replacen("# ", "## ", 1));
        }
    }
    text.push_str(
        "\n# Kinds\n\nWhat artifacts are made of. All are open files: `runpipe get` copies them out.\n",
    );
    for kind in registry.kinds() {
        let _ = write!(text, "\n## {}\n\n{}\n", kind.name, kind.layout);
    }
    text
}

fn page(spec: &Spec, schema: &[ParamSpec]) -> String {
    let mut text = format!(
        "# {}\n\n{}\n\n```pipe fragment\n{}\n```\n",
        spec.name,
        spec.summary,
        signature(spec, schema)
    );
    section(
        &mut text,
        "input",
        spec.inputs.iter().map(|port| (port.name.to_string(), port_type(port), port.doc.to_string())),
    );
    section(
        &mut text,
        "parameter",
        schema.iter().map(|param| (param.name.clone(), param_type(param), param.doc.clone())),
    );
    section(
        &mut text,
        "part",
        spec.parts.iter().map(|part| (part.name.to_string(), part.kind.to_string(), part.doc.to_string())),
    );
    section(
        &mut text,
        "metric",
        spec.metrics.iter().map(|m| {
            (m.name.to_string(), if m.series { "curve" } else { "number" }.to_owned(), m.doc.to_string())
        }),
    );
    if let Some(paper) = spec.paper {
        let _ = write!(text, "\nSource: {}, {} <{}>\n", paper.title, paper.cite, paper.url);
    }
    text
}

fn section(text: &mut String, title: &str, rows: impl Iterator<Item = (String, String, String)>) {
    let mut table = vec![vec![title.to_owned(), "type".to_owned(), "what".to_owned()]];
    table.extend(
        rows.map(|(name, ty, doc)| vec![format!("`{name}`"), format!("`{ty}`").replace('|', "\\|"), doc]),
    );
    if table.len() == 1 {
        return;
    }
    let width = |c: usize| table.iter().map(|row| row[c].chars().count()).max().unwrap_or(0);
    let widths = [width(0), width(1), width(2)];
    text.push('\n');
    for (i, row) in table.iter().enumerate() {
        let cells: Vec<String> = row.iter().zip(widths).map(|(cell, w)| format!("{cell:<w$}")).collect();
        let _ = writeln!(text, "| {} |", cells.join(" | "));
        if i == 0 {
            let _ = writeln!(text, "|{}|", widths.map(|w| "-".repeat(w + 2)).join("|"));
        }
    }
}

fn signature(spec: &Spec, schema: &[ParamSpec]) -> String {
    let ports = spec.inputs.iter().map(|port| format!("{}: {}", port.name, port_type(port)));
    let required = schema.iter().filter(|p| p.default.is_none()).map(|p| format!("{} = …", p.name));
    let arguments: Vec<String> = ports.chain(required).collect();
    format!("{}({}) -> {}", spec.name, arguments.join(", "), spec.output)
}

fn port_type(port: &Port) -> String {
    match (port.many, port.optional) {
        (true, _) => format!("[{}]", port.kind),
        (false, true) => format!("{}?", port.kind),
        (false, false) => port.kind.to_string(),
    }
}

/// Type, range, unit and default of a parameter, as a file writes them.
pub(crate) fn param_type(param: &ParamSpec) -> String {
    let mut text = param.ty.to_string();
    if let Some(interval) = &param.interval {
        let _ = write!(text, " in {interval}");
    }
    if !param.allowed.is_empty() {
        let _ = write!(text, " in {}", Value::List(param.allowed.clone()));
    }
    if let Some(unit) = &param.unit {
        let _ = write!(text, " {unit}");
    }
    match &param.default {
        Some(Value::Float(x)) if *x != 0.0 && (x.abs() < 1e-2 || x.abs() >= 1e6) => {
            let _ = write!(text, " = {x:e}");
        }
        Some(default) => {
            let _ = write!(text, " = {default}");
        }
        None => {}
    }
    text
}
