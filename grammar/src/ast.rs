//! The syntax tree: what a file says, with the place of every part, before any name is looked up.
//!
//! A tree holds only what the grammar promises. Whether names exist, kinds fit and values make sense is not known here.

mod display;
mod expr;
mod types;

pub use expr::{Arg, BinaryOp, Branch, Call, Expr, ExprKind, Named, Number, StrPart, UnaryOp, Unit};
pub use types::{Kind, Port, TypeExpr, TypeKind};

use std::fmt;
use std::sync::Arc;

use crate::source::{SourceId, Span};

/// A name and its place.
#[derive(Clone, Debug, PartialEq)]
pub struct Ident {
    /// The name; equal names of one file share their bytes.
    pub name: Arc<str>,
    /// Where it stands.
    pub span: Span,
}

impl Ident {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.name
    }
}

impl fmt::Display for Ident {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

/// A dotted name such as `maner.finetune`; never empty.
#[derive(Clone, Debug, PartialEq)]
pub struct Path {
    /// The names between the dots.
    pub segments: Vec<Ident>,
}

impl Path {
    /// From the first name to the last.
    pub fn span(&self) -> Span {
        match self.segments.as_slice() {
            [first, .., last] => first.span.to(last.span),
            [only] => only.span,
            [] => Span::default(),
        }
    }
}

/// A quoted text without interpolation, decoded.
#[derive(Clone, Debug, PartialEq)]
pub struct Text {
    /// What it says.
    pub value: Arc<str>,
    /// The literal with its quotes.
    pub span: Span,
}

/// A quoted text with interpolation, such as a stage's command.
#[derive(Clone, Debug, PartialEq)]
pub struct Template {
    /// The pieces in order; no two texts side by side, none empty.
    pub parts: Vec<StrPart>,
    /// The literal with its quotes.
    pub span: Span,
}

/// A doc comment: the `##` lines before an item and the one after it on its line.
#[derive(Clone, Debug, PartialEq)]
pub struct Doc {
    /// The lines without `##` and one blank after it.
    pub text: Arc<str>,
    /// From the first line to the last.
    pub span: Span,
}

/// A comment, `# …` or `## …`, from its `#` to the end of its line.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Comment {
    /// Where it stands.
    pub span: Span,
    /// Nothing but blanks stands before it on its line.
    pub own_line: bool,
    /// It begins with `##`.
    pub doc: bool,
}

/// One `.pipe` file.
#[derive(Clone, Debug, PartialEq)]
pub struct File {
    /// The text it was made from.
    pub source: SourceId,
    /// The `##` lines at its top, when a blank line or an import follows.
    pub doc: Option<Doc>,
    /// What it says, in order.
    pub items: Vec<Item>,
    /// Every comment, doc comments too, in order.
    pub comments: Vec<Comment>,
}

/// What can stand at the top of a file.
#[derive(Clone, Debug, PartialEq)]
pub enum Item {
    /// `import "lib/ner.pipe" as ner`
    Import(Import),
    /// `param seeds: int in 1..=50 = 5`
    Param(Param),
    /// `profile paper { seeds = 5 }`
    Profile(Profile),
    /// `fn train(corpus: corpus/ner) -> tagger { … }`
    Fn(FnDef),
    /// `stage tokenize(text: text) -> tokens { … }`
    Stage(StageDef),
    /// A binding or a loop.
    Stmt(Stmt),
    /// `report "MANER" { … }`
    Report(Report),
}

impl Item {
    /// The whole item, from its first word (or annotation) to its last character.
    pub fn span(&self) -> Span {
        match self {
            Self::Import(item) => item.span,
            Self::Param(item) => item.span,
            Self::Profile(item) => item.span,
            Self::Fn(item) => item.span,
            Self::Stage(item) => item.span,
            Self::Stmt(item) => item.span(),
            Self::Report(item) => item.span,
        }
    }
}

/// What makes nodes and values: at the top of a file, in a `fn`, in a `for`.
#[derive(Clone, Debug, PartialEq)]
pub enum Stmt {
    /// `scores = tagger -> maner.evaluate(corpus.test)`
    Binding(Binding),
    /// `for seed in 0..seeds { … }`
    For(For),
}

impl Stmt {
    /// The whole statement.
    pub fn span(&self) -> Span {
        match self {
            Self::Binding(stmt) => stmt.span,
            Self::For(stmt) => stmt.span,
        }
    }
}

/// `import "lib/ner.pipe" as ner`: another file's `fn`s and `stage`s under a name.
#[derive(Clone, Debug, PartialEq)]
pub struct Import {
    /// Its doc comment.
    pub doc: Option<Doc>,
    /// The file, relative to this one.
    pub path: Text,
    /// The name after `as`; without one it is the file's stem.
    pub alias: Option<Ident>,
    /// The whole item.
    pub span: Span,
}

/// `NAME: TYPE in RANGE = DEFAULT`: a parameter of a file, a `fn` or a command stage.
#[derive(Clone, Debug, PartialEq)]
pub struct Param {
    /// Its doc comment.
    pub doc: Option<Doc>,
    /// Its name.
    pub name: Ident,
    /// What it holds.
    pub ty: TypeExpr,
    /// The allowed values, a range or a list.
    pub allowed: Option<Expr>,
    /// The value when none is given; without one it must be given.
    pub default: Option<Expr>,
    /// The whole parameter (with the word `param` where there is one).
    pub span: Span,
}

/// `profile paper { seeds = 5; device = cuda }`: values for parameters and run settings, chosen by name.
#[derive(Clone, Debug, PartialEq)]
pub struct Profile {
    /// Its doc comment.
    pub doc: Option<Doc>,
    /// Its name.
    pub name: Ident,
    /// What it sets.
    pub settings: Vec<Named>,
    /// The whole item.
    pub span: Span,
}

/// `fn name(ports, params) -> result { … }`: a sub-pipeline.
#[derive(Clone, Debug, PartialEq)]
pub struct FnDef {
    /// Its doc comment.
    pub doc: Option<Doc>,
    /// Its name.
    pub name: Ident,
    /// Its inputs; they stand before its parameters.
    pub ports: Vec<Port>,
    /// Its parameters.
    pub params: Vec<Param>,
    /// The binding of its body that it gives back.
    pub result: Ident,
    /// Its bindings and loops.
    pub body: Vec<Stmt>,
    /// From `fn` to `{`.
    pub head: Span,
    /// The whole item.
    pub span: Span,
}

/// `stage name(ports) -> kind { … }`: a stage that is a command.
#[derive(Clone, Debug, PartialEq)]
pub struct StageDef {
    /// Its doc comment.
    pub doc: Option<Doc>,
    /// Its name.
    pub name: Ident,
    /// Its inputs.
    pub ports: Vec<Port>,
    /// The kind of what it leaves in `{out}`.
    pub output: Kind,
    /// Its lines, in order; exactly one is a `run`.
    pub body: Vec<StageItem>,
    /// From `stage` to `{`.
    pub head: Span,
    /// The whole item.
    pub span: Span,
}

impl StageDef {
    /// Its parameters, in order.
    pub fn params(&self) -> impl Iterator<Item = &Param> {
        self.body
            .iter()
            .filter_map(|item| if let StageItem::Param(param) = item { Some(param) } else { None })
    }

    /// The files and folders its key holds, in order.
    pub fn needs(&self) -> impl Iterator<Item = &Text> {
        self.body
            .iter()
            .filter_map(|item| if let StageItem::Needs(needs) = item { Some(&needs.files) } else { None })
            .flatten()
    }

    /// Its command.
    ///
    /// # Panics
    /// On a tree that was not made by `parse` and has no `run` line.
    pub fn command(&self) -> &Template {
        let mut runs = self
            .body
            .iter()
            .filter_map(|item| if let StageItem::Run(run) = item { Some(&run.command) } else { None });
        runs.next().expect("a parsed stage has one `run` line")
    }

    /// Its named parts, in order.
    pub fn parts(&self) -> impl Iterator<Item = &PartDef> {
        self.body.iter().filter_map(|item| if let StageItem::Part(part) = item { Some(part) } else { None })
    }

    /// Its metrics, in order.
    pub fn metrics(&self) -> impl Iterator<Item = &MetricDef> {
        self.body
            .iter()
            .filter_map(|item| if let StageItem::Metric(metric) = item { Some(metric) } else { None })
    }
}

/// One line of a command stage.
#[derive(Clone, Debug, PartialEq)]
pub enum StageItem {
    /// `param vocab: int = 8000`
    Param(Param),
    /// `needs "scripts/tok.py", "data"`
    Needs(Needs),
    /// `run "python scripts/tok.py --out {out}"`
    Run(Run),
    /// `part train: corpus/ner`
    Part(PartDef),
    /// `metric f1 ## doc`
    Metric(MetricDef),
}

impl StageItem {
    /// The whole line.
    pub fn span(&self) -> Span {
        match self {
            Self::Param(item) => item.span,
            Self::Needs(item) => item.span,
            Self::Run(item) => item.span,
            Self::Part(item) => item.span,
            Self::Metric(item) => item.span,
        }
    }
}

/// `needs "file", "folder"`: what a command reads beside its inputs.
#[derive(Clone, Debug, PartialEq)]
pub struct Needs {
    /// Files and folders, relative to this file; never empty.
    pub files: Vec<Text>,
    /// The whole line.
    pub span: Span,
}

/// `run "command"`.
#[derive(Clone, Debug, PartialEq)]
pub struct Run {
    /// The command; its interpolations name ports, parameters and `out`.
    pub command: Template,
    /// The whole line.
    pub span: Span,
}

/// `part train: corpus/ner`: a sub-folder of `{out}` with a kind of its own.
#[derive(Clone, Debug, PartialEq)]
pub struct PartDef {
    /// Its doc comment.
    pub doc: Option<Doc>,
    /// Its name, also the sub-folder's.
    pub name: Ident,
    /// Its kind.
    pub kind: Kind,
    /// The whole line.
    pub span: Span,
}

/// `metric f1`: a number that `{out}/metrics.json` must hold.
#[derive(Clone, Debug, PartialEq)]
pub struct MetricDef {
    /// Its doc comment.
    pub doc: Option<Doc>,
    /// Its name.
    pub name: Ident,
    /// The whole line.
    pub span: Span,
}

/// `@(gpu = 1) name = value`.
#[derive(Clone, Debug, PartialEq)]
pub struct Binding {
    /// Its doc comment.
    pub doc: Option<Doc>,
    /// How to run it: what stands in `@(…)`.
    pub annotations: Vec<Named>,
    /// The name it binds.
    pub name: Ident,
    /// What the name stands for.
    pub value: Expr,
    /// The whole binding, annotations too.
    pub span: Span,
}

/// `for seed in 0..seeds, n in sizes if n > 10 { … }`.
#[derive(Clone, Debug, PartialEq)]
pub struct For {
    /// Its doc comment.
    pub doc: Option<Doc>,
    /// The names and what they run over, the slowest first; never empty.
    pub clauses: Vec<Clause>,
    /// Which combinations count.
    pub filter: Option<Expr>,
    /// What is made for each.
    pub body: Vec<Stmt>,
    /// From `for` to `{`.
    pub head: Span,
    /// The whole loop.
    pub span: Span,
}

/// `n in sizes`: one index of a loop.
#[derive(Clone, Debug, PartialEq)]
pub struct Clause {
    /// The index.
    pub name: Ident,
    /// What it runs over.
    pub values: Expr,
}

/// `report "title" { … }`.
#[derive(Clone, Debug, PartialEq)]
pub struct Report {
    /// Its doc comment.
    pub doc: Option<Doc>,
    /// Its title.
    pub title: Text,
    /// What it shows, in order.
    pub items: Vec<ReportItem>,
    /// From `report` to `{`.
    pub head: Span,
    /// The whole item.
    pub span: Span,
}

/// One entry of a report.
#[derive(Clone, Debug, PartialEq)]
pub enum ReportItem {
    /// `table scores.f1 by site, n over seed, caption = "F1"`
    Table(Selection),
    /// `plot scores.f1 by n, line = site`
    Plot(Selection),
    /// `expect mean(scores.f1) > 0.5 "better than chance"`
    Expect(Expect),
    /// `text "What the table shows."`
    Text(Remark),
    /// `figure model.filters "the first layer"`
    Figure(Figure),
}

impl ReportItem {
    /// The whole entry.
    pub fn span(&self) -> Span {
        match self {
            Self::Table(item) | Self::Plot(item) => item.span,
            Self::Expect(item) => item.span,
            Self::Text(item) => item.span,
            Self::Figure(item) => item.span,
        }
    }
}

/// What a `table` or a `plot` shows: `EXPR, … by AXIS, … over AXIS, …, option = EXPR, …`.
#[derive(Clone, Debug, PartialEq)]
pub struct Selection {
    /// The metrics; never empty.
    pub values: Vec<Expr>,
    /// The loop names that give rows and columns.
    pub by: Vec<Ident>,
    /// The loop names that are aggregated.
    pub over: Vec<Ident>,
    /// `caption = "…"`, `line = site`, …
    pub options: Vec<Named>,
    /// The whole entry.
    pub span: Span,
}

/// `expect EXPR "message"`: a claim about the numbers.
#[derive(Clone, Debug, PartialEq)]
pub struct Expect {
    /// What must be true.
    pub claim: Expr,
    /// What the claim is called.
    pub message: Option<Template>,
    /// The whole entry.
    pub span: Span,
}

/// `text "…"`: words of the author.
#[derive(Clone, Debug, PartialEq)]
pub struct Remark {
    /// The words.
    pub text: Template,
    /// The whole entry.
    pub span: Span,
}

/// `figure REF "caption"`: a picture that a node made.
#[derive(Clone, Debug, PartialEq)]
pub struct Figure {
    /// The artifact or part that is the picture.
    pub picture: Expr,
    /// What stands under it.
    pub caption: Option<Template>,
    /// The whole entry.
    pub span: Span,
}
