//! What the user says beside the file: `--set`, `--params`, `--profile`.
//!
//! Later layers win: the file's defaults, profiles in the order given, the parameter file, `--set`. A parameter file
//! is a JSON object when its name ends in `.json`; else it holds `name = value` lines as a `.pipe` file has them.

mod json;

use std::path::{Path, PathBuf};

use runpipe_base::{Type, Value};
use runpipe_grammar::ast::{Expr, ExprKind, File, Item, Profile, Stmt, StrPart};
use runpipe_grammar::{Diagnostic, Source, SourceId, Sources, Span, parse};

use crate::eval::{Fuel, NoNames, Stop, eval};
use crate::load::{self, Loader};
use crate::problems::{Problems, suggest};

/// What the user says beside the file.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Settings {
    /// Parameters by name, each with the text of its value.
    pub set: Vec<(String, String)>,
    /// A file of parameters.
    pub params_file: Option<PathBuf>,
    /// Names of profiles; a later one wins.
    pub profile: Vec<String>,
}

/// A pipeline that cannot be used, with all that is wrong with it.
#[derive(Debug, thiserror::Error)]
#[error("{}", counted(.diagnostics.iter().filter(|d| d.is_error()).count()))]
pub struct Rejected {
    /// Every mistake, and the warnings, in the order of the text.
    pub diagnostics: Vec<Diagnostic>,
    /// The texts that they point into.
    pub sources: Sources,
}

fn counted(errors: usize) -> String {
    if errors == 1 { "1 mistake".to_owned() } else { format!("{errors} mistakes") }
}

/// A parameter's value from one of the layers.
pub(crate) struct Given {
    pub(crate) name: String,
    pub(crate) name_span: Span,
    pub(crate) span: Span,
    how: How,
    /// Where relative paths begin; none: where the process stands.
    pub(crate) folder: Option<PathBuf>,
}

/// How a value was given.
enum How {
    /// An argument of the command line, and the expression that it may be.
    Text(String, Result<Expr, Vec<Diagnostic>>),
    /// An expression of a profile.
    Profile(Expr),
    /// An expression of a parameter file.
    File(Expr),
    /// A value of a JSON file; a text may be an expression.
    Json(Value, Option<Expr>),
}

/// Everything that was given.
#[derive(Default)]
pub(crate) struct Overrides {
    /// The strongest last.
    layers: Vec<Given>,
    device: Option<(String, Span)>,
}

impl Overrides {
    /// Reads the layers above the file's own.
    pub(crate) fn outer(settings: &Settings, loader: &mut Loader) -> Self {
        let mut overrides = Self::default();
        if let Some(path) = &settings.params_file {
            overrides.layers.extend(params_file(path, &mut loader.sources, &mut loader.problems));
        }
        for (name, text) in &settings.set {
            overrides.layers.push(argument(name, text, &mut loader.sources));
        }
        overrides
    }

    /// Puts the chosen profiles below what is there.
    pub(crate) fn add_profiles(
        &mut self,
        chosen: &[String],
        file: &File,
        folder: &Path,
        sources: &mut Sources,
        problems: &mut Problems,
    ) {
        let profiles: Vec<&Profile> = file.items.iter().filter_map(as_profile).collect();
        let has_device =
            file.items.iter().any(|item| matches!(item, Item::Param(p) if p.name.as_str() == "device"));
        let mut layer = Vec::new();
        for name in chosen {
            let Some(profile) = profiles.iter().find(|profile| profile.name.as_str() == name) else {
                problems.add(unknown_profile(name, &profiles, sources));
                continue;
            };
            for setting in &profile.settings {
                if setting.name.as_str() == "device" && !has_device {
                    self.device = device(&setting.value, problems).map(|device| (device, setting.value.span));
                    continue;
                }
                layer.push(Given {
                    name: setting.name.as_str().to_owned(),
                    name_span: setting.name.span,
                    span: setting.value.span,
                    how: How::Profile(setting.value.clone()),
                    folder: Some(folder.to_owned()),
                });
            }
        }
        self.layers.splice(0..0, layer);
    }

    /// What was given for a parameter; the strongest.
    pub(crate) fn get(&self, name: &str) -> Option<&Given> {
        self.layers.iter().rfind(|given| given.name == name)
    }

    /// Everything that was given.
    pub(crate) fn all(&self) -> &[Given] {
        &self.layers
    }

    /// The device that a profile chose.
    pub(crate) fn device(&self) -> Option<String> {
        self.device.as_ref().map(|(device, _)| device.clone())
    }
}

impl Given {
    /// The expression of a profile, which may use the parameters above.
    pub(crate) fn profile(&self) -> Option<&Expr> {
        if let How::Profile(expr) = &self.how { Some(expr) } else { None }
    }

    /// The bare word that it is, if it was given on the command line.
    pub(crate) fn bare_word(&self) -> Option<&str> {
        match &self.how {
            How::Text(text, Ok(expr)) if matches!(expr.kind, ExprKind::Name(_)) => Some(text),
            _ => None,
        }
    }

    /// The value, not yet checked, where it is none of a profile's.
    pub(crate) fn value(&self, ty: &Type, fuel: &Fuel) -> Result<Value, Vec<Stop>> {
        let one = |stop| vec![stop];
        match &self.how {
            How::Profile(expr) | How::File(expr) => eval(expr, &NoNames, fuel).map_err(one),
            How::Json(Value::Str(text), _) if is_text(ty) => Ok(Value::Str(text.clone())),
            How::Json(value, expr) => match expr.as_ref().map(|expr| eval(expr, &NoNames, fuel)) {
                Some(Ok(value)) => Ok(value),
                _ => Ok(value.clone()),
            },
            How::Text(text, expr) if is_text(ty) => {
                let literal = expr.as_ref().ok().filter(|expr| is_literal(expr, ty));
                match literal.map(|expr| eval(expr, &NoNames, fuel)) {
                    Some(Ok(value)) => Ok(value),
                    _ => Ok(Value::Str(text.clone())),
                }
            }
            How::Text(text, Ok(expr)) => match &expr.kind {
                ExprKind::List(items) => items
                    .iter()
                    .map(|item| word(item, fuel))
                    .collect::<Result<_, _>>()
                    .map(Value::List)
                    .map_err(one),
                ExprKind::Name(_) => Ok(Value::Str(text.trim().to_owned())),
                _ => eval(expr, &NoNames, fuel).map_err(one),
            },
            How::Text(_, Err(diagnostics)) => Err(diagnostics.iter().cloned().map(Stop::from).collect()),
        }
    }
}

/// A value of a list on the command line, where a bare word is text.
fn word(item: &Expr, fuel: &Fuel) -> Result<Value, Stop> {
    match &item.kind {
        ExprKind::Name(name) => Ok(Value::Str(name.to_string())),
        _ => eval(item, &NoNames, fuel),
    }
}

/// Whether a parameter of this type takes a bare text.
fn is_text(ty: &Type) -> bool {
    match ty {
        Type::Str | Type::Path | Type::Choice(_) => true,
        Type::Optional(inner) => is_text(inner),
        _ => false,
    }
}

/// Whether a text on the command line is the literal of a value, and not the value itself.
fn is_literal(expr: &Expr, ty: &Type) -> bool {
    match &expr.kind {
        ExprKind::Str(parts) => parts.iter().all(|part| matches!(part, StrPart::Text(_))),
        ExprKind::None => matches!(ty, Type::Optional(_)),
        _ => false,
    }
}

fn as_profile(item: &Item) -> Option<&Profile> {
    if let Item::Profile(profile) = item { Some(profile) } else { None }
}

fn unknown_profile(name: &str, profiles: &[&Profile], sources: &mut Sources) -> Diagnostic {
    let text = format!("--profile {name}");
    let source = load::add(sources, "command line", &text);
    let span = Span::new(source, "--profile ".len(), text.len());
    let diagnostic = Diagnostic::error(span, format!("there is no profile `{name}`"));
    let names: Vec<&str> = profiles.iter().map(|profile| profile.name.as_str()).collect();
    let diagnostic = suggest(diagnostic, name, names.iter().copied());
    match names.as_slice() {
        [] => diagnostic.hint("the file has no profiles"),
        names => diagnostic.hint(format!("the file has the profiles `{}`", names.join("`, `"))),
    }
}

/// What a run may compute on.
const DEVICES: [&str; 3] = ["auto", "cpu", "cuda"];

/// The device that a profile chooses.
pub(crate) fn device(value: &Expr, problems: &mut Problems) -> Option<String> {
    let name = match &value.kind {
        ExprKind::Name(name) => name.to_string(),
        ExprKind::Str(parts) => match parts.as_slice() {
            [StrPart::Text(name)] => name.to_string(),
            _ => String::new(),
        },
        _ => String::new(),
    };
    if DEVICES.contains(&name.as_str()) {
        return Some(name);
    }
    let diagnostic = Diagnostic::error(value.span, "`device` is `cpu`, `cuda` or `auto`");
    problems.add(suggest(diagnostic, &name, DEVICES));
    None
}

/// `--set name=text`.
fn argument(name: &str, text: &str, sources: &mut Sources) -> Given {
    const FLAG: &str = "--set ";
    let line = format!("{FLAG}{name}={text}");
    let id = load::add(sources, "command line", &line);
    // The flag is blanked out, so that what is parsed stands where the user sees it.
    let source = Source::new(id, "command line", &format!("{:width$}{name}={text}", "", width = FLAG.len()));
    let (start, end) = (FLAG.len(), FLAG.len() + name.len());
    Given {
        name: name.to_owned(),
        name_span: Span::new(id, start, end),
        span: Span::new(id, end + 1, line.len()),
        how: How::Text(text.to_owned(), literal(&source)),
        folder: None,
    }
}

/// The value in a text of the form `name = value`.
fn literal(source: &Source) -> Result<Expr, Vec<Diagnostic>> {
    let file = parse(source)?;
    match file.items.as_slice() {
        [Item::Stmt(Stmt::Binding(binding))] if binding.annotations.is_empty() => Ok(binding.value.clone()),
        items => {
            let span = items.get(1).map_or(Span::new(source.id, 0, source.text.len()), Item::span);
            Err(vec![Diagnostic::error(span, "expected one value")])
        }
    }
}

/// The parameters of a file.
fn params_file(path: &Path, sources: &mut Sources, problems: &mut Problems) -> Vec<Given> {
    let shown = path.to_string_lossy().into_owned();
    let bytes = match load::read(path) {
        Ok(bytes) => bytes,
        Err(trouble) => {
            let line = format!("--params {shown}");
            let id = load::add(sources, "command line", &line);
            problems.add(trouble.at(Span::new(id, "--params ".len(), line.len())));
            return Vec::new();
        }
    };
    let source = match Source::from_bytes(sources.next_id(), &shown, &bytes) {
        Ok(source) => source,
        Err(refused) => {
            sources.add(refused.shown);
            problems.add(refused.diagnostic);
            return Vec::new();
        }
    };
    sources.add(source.clone());
    let folder = path.parent().unwrap_or(Path::new(""));
    let is_json = path.extension().is_some_and(|e| e.eq_ignore_ascii_case("json"));
    let found = if is_json { json::params(&source, folder) } else { lines(&source, folder, problems) };
    found.unwrap_or_else(|diagnostics| {
        problems.extend(diagnostics);
        Vec::new()
    })
}

/// `name = value` lines.
fn lines(source: &Source, folder: &Path, problems: &mut Problems) -> Result<Vec<Given>, Vec<Diagnostic>> {
    let mut found = Vec::new();
    for item in &parse(source)?.items {
        match item {
            Item::Stmt(Stmt::Binding(binding)) if binding.annotations.is_empty() => found.push(Given {
                name: binding.name.as_str().to_owned(),
                name_span: binding.name.span,
                span: binding.value.span,
                how: How::File(binding.value.clone()),
                folder: Some(folder.to_owned()),
            }),
            other => {
                let span = other.span();
                let first_line = source.slice(span).lines().next().map_or(0, str::len);
                let span = Span::new(source.id, span.start as usize, span.start as usize + first_line);
                let message = "a parameter file holds `name = value` lines and nothing else";
                problems.add(Diagnostic::error(span, message));
            }
        }
    }
    Ok(found)
}

/// Parses `name = text` without a source of its own.
fn loose(text: &str) -> Option<Expr> {
    literal(&Source::new(SourceId::default(), "", &format!("value = {text}"))).ok()
}
