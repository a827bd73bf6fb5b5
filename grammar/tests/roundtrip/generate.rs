//! Programs by chance: syntax trees that a source could have, at no particular place.

use std::sync::Arc;

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use runpipe_grammar::ast::{
    Arg, BinaryOp, Binding, Branch, Call, Clause, Doc, Expect, Expr, ExprKind, Figure, File, FnDef, For,
    Ident, Import, Item, Kind, MetricDef, Named, Needs, Number, Param, PartDef, Path, Port, Profile, Remark,
    Report, ReportItem, Run, Selection, StageDef, StageItem, Stmt, StrPart, Template, Text, TypeExpr,
    TypeKind, UnaryOp, Unit,
};
use runpipe_grammar::{SourceId, Span};

/// A place that no comparison looks at.
fn span() -> Span {
    Span::default()
}

const RESERVED: [&str; 16] = [
    "import", "param", "profile", "fn", "stage", "for", "in", "if", "else", "report", "and", "or", "not",
    "true", "false", "none",
];

fn name() -> impl Strategy<Value = Arc<str>> {
    // Words that are keywords only where they stand first, and units, are names like any other.
    let tricky = prop::sample::select(vec![
        "text", "by", "over", "run", "table", "as", "s", "min", "GiB", "_", "fnord", "in_",
    ]);
    let plain = "[a-z_][a-zA-Z0-9_]{0,7}".prop_filter("reserved", |name| !RESERVED.contains(&name.as_str()));
    prop_oneof![3 => plain.prop_map(Arc::from), 1 => tricky.prop_map(Arc::from)]
}

fn ident() -> impl Strategy<Value = Ident> {
    name().prop_map(|name| Ident { name, span: span() })
}

fn words() -> impl Strategy<Value = Arc<str>> {
    "[ -~éß漢\n\t\"{}\\\\#']{0,9}".prop_map(Arc::from)
}

fn text() -> impl Strategy<Value = Text> {
    words().prop_map(|value| Text { value, span: span() })
}

fn doc_line() -> impl Strategy<Value = String> {
    "([a-z#\"{(]( ?[a-z:;,#]){0,12})?"
}

fn doc() -> impl Strategy<Value = Option<Doc>> {
    let lines = vec(doc_line(), 1..3).prop_map(|lines| Doc { text: lines.join("\n").into(), span: span() });
    option::weighted(0.2, lines)
}

fn kind() -> impl Strategy<Value = Kind> {
    let types = ["int", "float", "str", "bool", "path", "duration", "size", "range"];
    let first = name().prop_filter("a type", move |name| !types.contains(&&**name));
    (first, option::of("[a-z0-9]{1,4}")).prop_map(|(first, second)| {
        let name = second.map_or_else(|| first.to_string(), |second| format!("{first}/{second}"));
        Kind { name: name.into(), span: span() }
    })
}

fn number() -> impl Strategy<Value = Number> {
    let float = prop::num::f64::POSITIVE.prop_map(Number::Float);
    prop_oneof![(0..=i64::MAX).prop_map(Number::Int), (0_i64..100).prop_map(Number::Int), float]
}

fn expr_of(kind: ExprKind) -> Expr {
    Expr { kind, span: span() }
}

fn leaf() -> impl Strategy<Value = Expr> {
    let number_expr = number().prop_map(|number| match number {
        Number::Int(value) => ExprKind::Int(value),
        Number::Float(value) => ExprKind::Float(value),
    });
    let quantity = (number(), prop::sample::select(Unit::ALL.to_vec()));
    prop_oneof![
        1 => Just(ExprKind::None),
        1 => any::<bool>().prop_map(ExprKind::Bool),
        2 => number_expr,
        1 => quantity.prop_map(|(number, unit)| ExprKind::Quantity { number, unit }),
        4 => name().prop_map(ExprKind::Name),
        1 => words().prop_map(|text| ExprKind::Str(if text.is_empty() { vec![] } else { vec![StrPart::Text(text)] })),
    ]
    .prop_map(expr_of)
}

fn call(expr: impl Strategy<Value = Expr> + Clone) -> impl Strategy<Value = Call> {
    let named = (ident(), expr.clone()).prop_map(|(name, value)| Arg { name: Some(name), value });
    let plain = expr.prop_map(|value| Arg { name: None, value });
    (vec(ident(), 1..3), vec(plain, 0..3), vec(named, 0..4)).prop_map(|(segments, plain, named)| Call {
        callee: Path { segments },
        args: plain.into_iter().chain(named).collect(),
        span: span(),
    })
}

/// Text and values by turns: two texts side by side would be one.
fn parts(expr: impl Strategy<Value = Expr> + Clone) -> impl Strategy<Value = Vec<StrPart>> {
    vec((words(), option::of(expr)), 0..3).prop_map(|pieces| {
        let mut parts: Vec<StrPart> = Vec::new();
        for (text, expr) in pieces {
            if !text.is_empty() && !matches!(parts.last(), Some(StrPart::Text(_))) {
                parts.push(StrPart::Text(text));
            }
            parts.extend(expr.map(StrPart::Expr));
        }
        parts
    })
}

pub(crate) fn expr() -> impl Strategy<Value = Expr> + Clone {
    leaf().prop_recursive(4, 24, 4, |inner| {
        let boxed = || inner.clone().prop_map(Box::new);
        let named = (ident(), inner.clone()).prop_map(|(name, value)| Named { name, value });
        let branch = (inner.clone(), inner.clone()).prop_map(|(condition, value)| Branch { condition, value });
        let unary = prop_oneof![Just(UnaryOp::Neg), Just(UnaryOp::Not)];
        let binary = prop::sample::select(BinaryOp::ALL.to_vec());
        prop_oneof![
            1 => vec(inner.clone(), 0..4).prop_map(ExprKind::List),
            1 => parts(inner.clone()).prop_map(ExprKind::Str),
            1 => (boxed(), boxed(), any::<bool>())
                .prop_map(|(start, end, inclusive)| ExprKind::Range { start, end, inclusive }),
            1 => (boxed(), ident()).prop_map(|(base, field)| ExprKind::Field { base, field }),
            1 => (boxed(), vec(named, 1..3)).prop_map(|(base, at)| ExprKind::Index { base, at }),
            2 => call(inner.clone()).prop_map(ExprKind::Call),
            2 => (boxed(), call(inner.clone())).prop_map(|(input, call)| ExprKind::Arrow { input, call }),
            1 => (vec(branch, 1..3), boxed()).prop_map(|(branches, otherwise)| ExprKind::If { branches, otherwise }),
            1 => (unary, boxed()).prop_map(|(op, operand)| ExprKind::Unary { op, operand }),
            3 => (binary, boxed(), boxed()).prop_map(|(op, left, right)| ExprKind::Binary { op, left, right }),
        ]
        .prop_map(expr_of)
    })
}

fn template() -> impl Strategy<Value = Template> {
    parts(expr()).prop_map(|parts| Template { parts, span: span() })
}

fn named() -> impl Strategy<Value = Named> {
    (ident(), expr()).prop_map(|(name, value)| Named { name, value })
}

fn ty() -> impl Strategy<Value = TypeExpr> {
    let named = prop::sample::select(TypeKind::NAMED.map(|(_, kind)| kind).to_vec());
    let leaf = prop_oneof![named, vec(text(), 1..3).prop_map(TypeKind::Choices)];
    let leaf = (leaf, any::<bool>()).prop_map(|(kind, optional)| TypeExpr { kind, optional, span: span() });
    leaf.prop_recursive(2, 4, 1, |inner| {
        let list = inner.prop_map(|item| TypeKind::List(Box::new(item)));
        (list, any::<bool>()).prop_map(|(kind, optional)| TypeExpr { kind, optional, span: span() })
    })
}

fn param() -> impl Strategy<Value = Param> {
    // What is allowed is an operation: a chain in it would need parentheses, which `expr` puts there.
    (doc(), ident(), ty(), option::of(expr()), option::of(expr()))
        .prop_map(|(doc, name, ty, allowed, default)| Param { doc, name, ty, allowed, default, span: span() })
}

fn port() -> impl Strategy<Value = Port> {
    (doc(), ident(), kind(), any::<bool>()).prop_map(|(doc, name, kind, many)| Port {
        doc,
        name,
        kind,
        many,
        span: span(),
    })
}

fn binding() -> impl Strategy<Value = Binding> {
    (doc(), prop_oneof![4 => Just(vec![]), 1 => vec(named(), 1..3)], ident(), expr())
        .prop_map(|(doc, annotations, name, value)| Binding { doc, annotations, name, value, span: span() })
}

fn stmt() -> impl Strategy<Value = Stmt> {
    let leaf = binding().prop_map(Stmt::Binding);
    leaf.prop_recursive(2, 6, 3, |inner| {
        let clause = (ident(), expr()).prop_map(|(name, values)| Clause { name, values });
        (doc(), vec(clause, 1..3), option::of(expr()), vec(inner, 0..4)).prop_map(
            |(doc, clauses, filter, body)| {
                Stmt::For(For { doc, clauses, filter, body, head: span(), span: span() })
            },
        )
    })
}

fn import() -> impl Strategy<Value = Import> {
    // A longer doc comment at the top of a file would be the file's.
    let doc = option::weighted(0.2, doc_line())
        .prop_map(|line| line.map(|text| Doc { text: text.into(), span: span() }));
    (doc, text(), option::of(ident())).prop_map(|(doc, path, alias)| Import {
        doc,
        path,
        alias,
        span: span(),
    })
}

fn profile() -> impl Strategy<Value = Profile> {
    (doc(), ident(), vec(named(), 0..4)).prop_map(|(doc, name, settings)| Profile {
        doc,
        name,
        settings,
        span: span(),
    })
}

fn fn_def() -> impl Strategy<Value = FnDef> {
    (doc(), ident(), vec(port(), 0..3), vec(param(), 0..3), ident(), vec(stmt(), 0..4)).prop_map(
        |(doc, name, ports, params, result, body)| FnDef {
            doc,
            name,
            ports,
            params,
            result,
            body,
            head: span(),
            span: span(),
        },
    )
}

fn stage() -> impl Strategy<Value = StageDef> {
    let needs = vec(text(), 1..3).prop_map(|files| StageItem::Needs(Needs { files, span: span() }));
    let part = (doc(), ident(), kind())
        .prop_map(|(doc, name, kind)| StageItem::Part(PartDef { doc, name, kind, span: span() }));
    let metric =
        (doc(), ident()).prop_map(|(doc, name)| StageItem::Metric(MetricDef { doc, name, span: span() }));
    let line = prop_oneof![param().prop_map(StageItem::Param), needs, part, metric];
    let run = template().prop_map(|command| StageItem::Run(Run { command, span: span() }));
    (doc(), ident(), vec(port(), 0..3), kind(), vec(line, 0..4), run, any::<prop::sample::Index>()).prop_map(
        |(doc, name, ports, output, mut body, run, at)| {
            body.insert(at.index(body.len() + 1), run);
            StageDef { doc, name, ports, output, body, head: span(), span: span() }
        },
    )
}

fn selection() -> impl Strategy<Value = Selection> {
    (vec(expr(), 1..3), vec(ident(), 0..3), vec(ident(), 0..3), vec(named(), 0..3))
        .prop_map(|(values, by, over, options)| Selection { values, by, over, options, span: span() })
}

fn report() -> impl Strategy<Value = Report> {
    let item = prop_oneof![
        selection().prop_map(ReportItem::Table),
        selection().prop_map(ReportItem::Plot),
        (expr(), option::of(template())).prop_map(|(claim, message)| ReportItem::Expect(Expect {
            claim,
            message,
            span: span()
        })),
        template().prop_map(|text| ReportItem::Text(Remark { text, span: span() })),
        (expr(), option::of(template())).prop_map(|(picture, caption)| ReportItem::Figure(Figure {
            picture,
            caption,
            span: span()
        })),
    ];
    (doc(), text(), vec(item, 0..4)).prop_map(|(doc, title, items)| Report {
        doc,
        title,
        items,
        head: span(),
        span: span(),
    })
}

/// A whole file.
pub(crate) fn file() -> impl Strategy<Value = File> {
    let item = prop_oneof![
        1 => import().prop_map(Item::Import),
        2 => param().prop_map(Item::Param),
        1 => profile().prop_map(Item::Profile),
        1 => fn_def().prop_map(Item::Fn),
        1 => stage().prop_map(Item::Stage),
        4 => stmt().prop_map(Item::Stmt),
        1 => report().prop_map(Item::Report),
    ];
    (doc(), vec(item, 0..6)).prop_map(|(doc, items)| File {
        source: SourceId(0),
        doc,
        items,
        comments: vec![],
    })
}
