//! Statements and the heads of blocks: pairs to items.

use pest::iterators::Pair;

use super::grammar::Rule;
use super::{Context, Failure, Lower, Parsed, next, nodes, only, parse};
use crate::ast::{
    Binding, Clause, Expect, Figure, FnDef, For, Import, MetricDef, Named, Needs, Param, PartDef, Port,
    Profile, Remark, Report, Run, Selection, StageDef, TypeExpr, TypeKind,
};
use crate::diagnostic::Diagnostic;
use crate::source::Span;

type Lowered<T> = Result<Parsed<T>, Failure>;

/// `import "lib/ner.pipe" as ner`
pub(crate) fn import(cx: &mut Context<'_>, at: usize) -> Lowered<Import> {
    parse(cx, Rule::import_item, at, |lower, pair| {
        let span = lower.span(&pair);
        let mut parts = nodes(pair);
        let path = lower.text(next(&mut parts));
        Import { doc: lower.doc(span), path, alias: parts.next().map(|name| lower.ident(&name)), span }
    })
}

/// `param seeds: int in 1..=50 = 5`
pub(crate) fn param(cx: &mut Context<'_>, at: usize) -> Lowered<Param> {
    parse(cx, Rule::param_item, at, |lower, pair| {
        let span = lower.span(&pair);
        let param = lower.param(only(pair));
        Param { doc: lower.doc(span), span, ..param }
    })
}

/// `profile paper {`
pub(crate) fn profile_head(cx: &mut Context<'_>, at: usize) -> Lowered<Profile> {
    parse(cx, Rule::profile_head, at, |lower, pair| {
        let span = lower.span(&pair);
        Profile { doc: None, name: lower.ident(&only(pair)), settings: Vec::new(), span }
    })
}

/// `seeds = 5`
pub(crate) fn setting(cx: &mut Context<'_>, at: usize) -> Lowered<Named> {
    parse(cx, Rule::setting, at, |lower, pair| lower.named(only(pair)))
}

/// `fn train(corpus: corpus/ner, steps: int = 100) -> model {`
pub(crate) fn fn_head(cx: &mut Context<'_>, at: usize) -> Lowered<FnDef> {
    parse(cx, Rule::fn_head, at, |lower, pair| {
        let head = lower.span(&pair);
        let mut parts = nodes(pair);
        let name = lower.ident(&next(&mut parts));
        let (mut ports, mut params, mut result) = (Vec::new(), Vec::new(), None);
        for part in parts {
            match part.as_rule() {
                Rule::port => {
                    let port = lower.port(part);
                    if !params.is_empty() {
                        lower.report(
                            Diagnostic::error(
                                port.span,
                                format!("input `{}` stands after a parameter", port.name),
                            )
                            .hint("inputs come first, parameters (with a type such as `int`) after them"),
                        );
                    }
                    ports.push(port);
                }
                Rule::param => {
                    let mut param = lower.param(part);
                    param.doc = lower.doc(param.span);
                    params.push(param);
                }
                _ => result = Some(lower.ident(&part)),
            }
        }
        let result = result.expect("a `fn` names its result");
        FnDef { doc: None, name, ports, params, result, body: Vec::new(), head, span: head }
    })
}

/// `stage tokenize(text: text) -> tokens {`
pub(crate) fn stage_head(cx: &mut Context<'_>, at: usize) -> Lowered<StageDef> {
    parse(cx, Rule::stage_head, at, |lower, pair| {
        let head = lower.span(&pair);
        let mut parts = nodes(pair);
        let name = lower.ident(&next(&mut parts));
        let (mut ports, mut output) = (Vec::new(), None);
        for part in parts {
            if part.as_rule() == Rule::port {
                ports.push(lower.port(part));
            } else {
                output = Some(lower.kind(&part));
            }
        }
        let output = output.expect("a `stage` has a kind");
        StageDef { doc: None, name, ports, output, body: Vec::new(), head, span: head }
    })
}

/// `needs "scripts/tok.py", "data"`
pub(crate) fn needs(cx: &mut Context<'_>, at: usize) -> Lowered<Needs> {
    parse(cx, Rule::needs_line, at, |lower, pair| {
        let span = lower.span(&pair);
        Needs { files: nodes(pair).map(|file| lower.text(file)).collect(), span }
    })
}

/// `run "python scripts/tok.py --out {out}"`
pub(crate) fn run(cx: &mut Context<'_>, at: usize) -> Lowered<Run> {
    parse(cx, Rule::run_line, at, |lower, pair| Run {
        span: lower.span(&pair),
        command: lower.template(only(pair)),
    })
}

/// `part train: corpus/ner`
pub(crate) fn part(cx: &mut Context<'_>, at: usize) -> Lowered<PartDef> {
    parse(cx, Rule::part_line, at, |lower, pair| {
        let span = lower.span(&pair);
        let mut parts = nodes(pair);
        let name = lower.ident(&next(&mut parts));
        PartDef { doc: lower.doc(span), name, kind: lower.kind(&next(&mut parts)), span }
    })
}

/// `metric f1`
pub(crate) fn metric(cx: &mut Context<'_>, at: usize) -> Lowered<MetricDef> {
    parse(cx, Rule::metric_line, at, |lower, pair| {
        let span = lower.span(&pair);
        MetricDef { doc: lower.doc(span), name: lower.ident(&only(pair)), span }
    })
}

/// `report "MANER" {`
pub(crate) fn report_head(cx: &mut Context<'_>, at: usize) -> Lowered<Report> {
    parse(cx, Rule::report_head, at, |lower, pair| {
        let head = lower.span(&pair);
        Report { doc: None, title: lower.text(only(pair)), items: Vec::new(), head, span: head }
    })
}

/// `table scores.f1 by site`
pub(crate) fn table(cx: &mut Context<'_>, at: usize) -> Lowered<Selection> {
    parse(cx, Rule::table_line, at, |lower, pair| {
        let span = lower.span(&pair);
        lower.selection(pair, span)
    })
}

/// `plot scores.f1 by n, line = site`
pub(crate) fn plot(cx: &mut Context<'_>, at: usize) -> Lowered<Selection> {
    parse(cx, Rule::plot_line, at, |lower, pair| {
        let span = lower.span(&pair);
        lower.selection(pair, span)
    })
}

/// `expect mean(scores.f1) > 0.5 "better than chance"`
pub(crate) fn expect(cx: &mut Context<'_>, at: usize) -> Lowered<Expect> {
    parse(cx, Rule::expect_line, at, |lower, pair| {
        let span = lower.span(&pair);
        let mut parts = nodes(pair);
        let claim = lower.expr(next(&mut parts));
        Expect { claim, message: parts.next().map(|text| lower.template(text)), span }
    })
}

/// `text "What the table shows."`
pub(crate) fn remark(cx: &mut Context<'_>, at: usize) -> Lowered<Remark> {
    parse(cx, Rule::text_line, at, |lower, pair| Remark {
        span: lower.span(&pair),
        text: lower.template(only(pair)),
    })
}

/// `figure model.filters "the first layer"`
pub(crate) fn figure(cx: &mut Context<'_>, at: usize) -> Lowered<Figure> {
    parse(cx, Rule::figure_line, at, |lower, pair| {
        let span = lower.span(&pair);
        let mut parts = nodes(pair);
        let picture = lower.expr(next(&mut parts));
        Figure { picture, caption: parts.next().map(|text| lower.template(text)), span }
    })
}

/// `for seed in 0..seeds, n in sizes if n > 10 {`
pub(crate) fn for_head(cx: &mut Context<'_>, at: usize) -> Lowered<For> {
    parse(cx, Rule::for_head, at, |lower, pair| {
        let head = lower.span(&pair);
        let (mut clauses, mut filter) = (Vec::new(), None);
        for part in nodes(pair) {
            if part.as_rule() == Rule::clause {
                let Named { name, value } = lower.named(part);
                clauses.push(Clause { name, values: value });
            } else {
                filter = Some(lower.expr(part));
            }
        }
        For { doc: None, clauses, filter, body: Vec::new(), head, span: head }
    })
}

/// `@(gpu = 1) scores = tagger -> maner.evaluate(corpus.test)`
pub(crate) fn binding(cx: &mut Context<'_>, at: usize) -> Lowered<Binding> {
    parse(cx, Rule::binding, at, |lower, pair| {
        let span = lower.span(&pair);
        let mut parts = nodes(pair).peekable();
        let annotation = parts.next_if(|part| part.as_rule() == Rule::annotation);
        let annotations =
            annotation.map_or_else(Vec::new, |pair| nodes(pair).map(|named| lower.named(named)).collect());
        let name = lower.ident(&next(&mut parts));
        let value = lower.expr(next(&mut parts));
        Binding { doc: lower.doc(span), annotations, name, value, span }
    })
}

impl Lower<'_, '_> {
    /// A parameter without its doc comment.
    fn param(&mut self, pair: Pair<'_, Rule>) -> Param {
        let span = self.span(&pair);
        let mut parts = nodes(pair);
        let name = self.ident(&next(&mut parts));
        let ty = self.type_expr(next(&mut parts));
        let (mut allowed, mut default) = (None, None);
        for part in parts {
            if part.as_rule() == Rule::allowed {
                allowed = Some(self.operation(only(part)));
            } else {
                default = Some(self.expr(only(part)));
            }
        }
        Param { doc: None, name, ty, allowed, default, span }
    }

    fn port(&mut self, pair: Pair<'_, Rule>) -> Port {
        let span = self.span(&pair);
        let mut parts = nodes(pair);
        let name = self.ident(&next(&mut parts));
        let kind = next(&mut parts);
        let many = kind.as_rule() == Rule::many;
        let kind = if many { self.kind(&only(kind)) } else { self.kind(&kind) };
        Port { doc: self.doc(span), name, kind, many, span }
    }

    fn type_expr(&mut self, pair: Pair<'_, Rule>) -> TypeExpr {
        let span = self.span(&pair);
        let mut parts = nodes(pair);
        let ty = next(&mut parts);
        let kind = match ty.as_rule() {
            Rule::list_type => TypeKind::List(Box::new(self.type_expr(only(ty)))),
            Rule::choices => TypeKind::Choices(nodes(ty).map(|text| self.text(text)).collect()),
            _ => {
                let named = TypeKind::NAMED.into_iter().find(|(name, _)| *name == ty.as_str());
                named.expect("the grammar's types are the tree's").1
            }
        };
        TypeExpr { kind, optional: parts.next().is_some(), span }
    }

    /// What follows `table` or `plot`.
    fn selection(&mut self, pair: Pair<'_, Rule>, span: Span) -> Selection {
        let (mut values, mut options): (Vec<_>, Vec<Named>) = (Vec::new(), Vec::new());
        let (mut by, mut over) = (Vec::new(), Vec::new());
        for part in nodes(pair) {
            match part.as_rule() {
                Rule::named => options.push(self.named(part)),
                Rule::by_clause | Rule::over_clause => {
                    let axes = if part.as_rule() == Rule::by_clause { &mut by } else { &mut over };
                    for axis in nodes(part) {
                        if axis.as_rule() == Rule::named {
                            options.push(self.named(axis));
                        } else {
                            axes.push(self.ident(&axis));
                        }
                    }
                }
                _ => values.push(self.expr(part)),
            }
        }
        Selection { values, by, over, options, span }
    }
}
