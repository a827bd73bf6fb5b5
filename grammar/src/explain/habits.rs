//! What people write out of habit from other languages, and slips of one character.

use super::{Spot, describe};
use crate::ast::TypeKind;
use crate::diagnostic::Diagnostic;
use crate::recover::{Place, begins_item};
use crate::source::Span;
use crate::suggest::nearest;
use crate::token::{Token, TokenKind, is_reserved, token};

/// The types a user may write, for a hint.
pub(super) const TYPES: &str = "types are `int`, `float`, `str`, `bool`, `path`, `duration`, `size`, `range`, a list such \
                                as `[int]`, choices such as `\"a\" | \"b\"`, and any of these with `?`";

/// The mistake at the spot, if it is a common one.
pub(super) fn explain(spot: &Spot<'_>) -> Option<Diagnostic> {
    let checks = [
        foreign_word,
        fat_arrow,
        annotation,
        head,
        empty_line,
        dotted_binding,
        unknown_type,
        assign,
        colon,
        arrow,
        foreign_operator,
        select,
        braces,
        comma,
        missing_value,
        setting_comma,
    ];
    checks.iter().find_map(|check: &fn(&Spot<'_>) -> Option<Diagnostic>| check(spot))
}

/// `def`, `let`, `while`: a statement that begins like one of another language.
fn foreign_word(spot: &Spot<'_>) -> Option<Diagnostic> {
    let first = spot.first.filter(Token::is_name)?;
    let second_fails = spot.last.is_some_and(|last| last.start == first.start);
    if !second_fails || spot.found_text() == "=" {
        return None;
    }
    let hint = match first.text {
        "def" | "func" | "function" | "fun" => "a sub-pipeline is `fn name(input: kind) -> result { … }`",
        "let" | "var" | "const" | "val" => "a binding is `name = value`, without a word before it",
        "while" | "loop" | "foreach" => "the only loop is `for name in values { … }`",
        "from" | "use" | "include" | "require" => "other files are taken in with `import \"lib/file.pipe\"`",
        "return" => "a `fn` names its result after `->`: `fn name(…) -> result { … }`",
        "print" | "echo" => "a pipeline prints nothing; a `report` shows numbers",
        "class" | "struct" | "type" => "a `stage` or a `fn` is what can be defined",
        "parameter" | "option" | "config" => "a parameter is `param name: type = default`",
        "elif" | "elseif" => "write `else if`",
        _ => return None,
    };
    let message = format!("nothing begins with `{}`", first.text);
    Some(Diagnostic::error(spot.span(&first), message).hint(hint))
}

/// An annotation before something that is not a binding.
fn annotation(spot: &Spot<'_>) -> Option<Diagnostic> {
    if spot.first_text() != "@"
        || !spot.inside().is_empty()
        || !spot.expects("a name")
        || spot.last_text() != ")"
    {
        return None;
    }
    let found = spot.found.map_or_else(|| "the end of the file".to_owned(), |found| describe(&found));
    Some(
        spot.error(format!("expected a binding after an annotation, found {found}"))
            .hint("`@(…)` says how to run one node: put it before each binding it is for"),
    )
}

/// The head of a `fn`, a `stage` or a `for` without what belongs there.
fn head(spot: &Spot<'_>) -> Option<Diagnostic> {
    let found = spot.found.map_or_else(|| "the end of the file".to_owned(), |found| describe(&found));
    let wants = match spot.first_text() {
        "fn" if spot.expects("`->`") => "`->` and the name of the result",
        "stage" if spot.expects("`->`") => "`->` and the kind of the output",
        "for"
            if spot.expects("`in`")
                && spot.last.is_some_and(|last| last.is_name())
                && !spot.expects("`,`") =>
        {
            "`in` after the name of an index"
        }
        _ => return None,
    };
    spot.inside().is_empty().then(|| spot.error(format!("expected {wants}, found {found}")))
}

/// `table` with nothing after it: the next line was taken for what it shows.
fn empty_line(spot: &Spot<'_>) -> Option<Diagnostic> {
    let first = spot.first.filter(|first| spot.fault.place == Place::Report && first.is_name())?;
    let second = token(spot.text, first.end())?;
    let begins_next = second.first && spot.fault.place.words().contains(&second.text);
    let begins_axes = matches!(second.text, "by" | "over") && matches!(first.text, "table" | "plot");
    let given = [spot.last, spot.found].iter().flatten().any(|token| token.start == second.start);
    (given && (begins_next || begins_axes)).then(|| {
        let span = spot.span(&first).after();
        Diagnostic::error(span, format!("expected what `{}` is about", first.text))
            .hint("for example `table scores.f1 by n`")
    })
}

/// `a.b = 1`, and a value that no name is given to.
fn dotted_binding(spot: &Spot<'_>) -> Option<Diagnostic> {
    let first = spot.first.filter(|first| first.is_name() && spot.fault.place.takes_bindings())?;
    let second_fails = spot.last.is_some_and(|last| last.start == first.start);
    if !second_fails || !spot.expects("`=`") {
        return None;
    }
    match (spot.found_text(), spot.next_text()) {
        ("+" | "-" | "*" | "/" | "%", "=") => Some(
            spot.error(format!("unexpected `{}=`", spot.found_text()))
                .hint("a name is bound once and never changed: give the new value a new name"),
        ),
        ("." | "(" | "->" | "[", _) => {
            let statement = spot.text[first.start..spot.fault.end].trim_end();
            let dotted =
                statement.trim_start_matches(|c: char| c.is_ascii_alphanumeric() || c == '_' || c == '.');
            if dotted.trim_start().starts_with('=') {
                return Some(spot.error("the name of a binding is a single word, without dots"));
            }
            let line = statement.lines().next().unwrap_or(statement).len();
            let span = Span::new(spot.file, first.start, first.start + line);
            Some(Diagnostic::error(span, "this value has no name").label("write `name = …`"))
        }
        _ => None,
    }
}

/// `profile p { a = 1, b = 2 }`.
fn setting_comma(spot: &Spot<'_>) -> Option<Diagnostic> {
    let between = spot.fault.place == Place::Profile && spot.found_text() == "," && spot.inside().is_empty();
    between.then(|| spot.error("expected `;` or a new line between settings, found `,`").label("write `;`"))
}

/// `=>`, the arrow of other languages.
fn fat_arrow(spot: &Spot<'_>) -> Option<Diagnostic> {
    let (found, next) = (spot.found?, spot.next?);
    let arrow = found.text == "=" && next.text == ">" && next.start == found.end();
    arrow.then(|| {
        let span = spot.span(&found).to(spot.span(&next));
        Diagnostic::error(span, "unexpected `=>`").label("an arrow is written `->`")
    })
}

/// `=` and `==` in each other's place.
fn assign(spot: &Spot<'_>) -> Option<Diagnostic> {
    match spot.found_text() {
        "==" if spot.expects("`=`") => {
            Some(spot.error("expected `=`, found `==`").label("`==` compares, `=` gives a value"))
        }
        "=" if spot.last_text() == "=" => Some(spot.error("unexpected `=`").label("one `=` is enough")),
        "=" if matches!(spot.last_text(), "+" | "-" | "*" | "/" | "%") => {
            let message = format!("unexpected `{}=`", spot.last_text());
            Some(
                spot.error(message)
                    .hint("a name is bound once and never changed: give the new value a new name"),
            )
        }
        "=" if spot.last_text() == "!" => Some(spot.error("unexpected `=`").hint("`!=` has no blank inside")),
        "=" if !spot.expects("`=`")
            && !spot.expects("`:`")
            && spot.last.is_some_and(|last| last.ends_value()) =>
        {
            if spot.inside() == "(" && spot.before_last.is_some_and(|token| token.text == ".") {
                return Some(spot.error("the name of an argument is a single word, without dots"));
            }
            Some(spot.error("unexpected `=`").label("to compare, write `==`"))
        }
        _ => None,
    }
}

/// `:` where `=` or `{` should stand.
fn colon(spot: &Spot<'_>) -> Option<Diagnostic> {
    if spot.found_text() != ":" {
        return None;
    }
    if spot.inside() == "(" && spot.last.is_some_and(|last| last.is_name()) {
        let name = spot.last_text();
        return Some(
            spot.error("expected `=` after the name of an argument, found `:`")
                .label(format!("write `{name} = …`")),
        );
    }
    if spot.expects("`{`") || spot.last_text() == "else" {
        let after = describe(&spot.last?);
        return Some(
            spot.error(format!("expected `{{` after {after}, found `:`"))
                .hint("what belongs together stands in braces: `for n in sizes { … }`"),
        );
    }
    if spot.expects("`=`") && spot.last.is_some_and(|last| last.is_name()) {
        if spot.fault.place == Place::Profile {
            return Some(spot.error("expected `=` after the name of a setting, found `:`"));
        }
        let message = "expected `=` after the name of a binding, found `:`";
        let next_is_type = TypeKind::NAMED.iter().any(|(name, _)| *name == spot.next_text());
        let hint =
            if next_is_type { "a parameter begins with `param`" } else { "a binding is `name = value`" };
        return Some(spot.error(message).hint(hint));
    }
    None
}

/// An arrow to something that is not a call, or that leads nowhere.
fn arrow(spot: &Spot<'_>) -> Option<Diagnostic> {
    let hint = "`a -> f(x)` passes `a` as the first input of `f`";
    if spot.expects("`(`") && is_arrow_target(spot) {
        let name = spot.last_text();
        let span = spot.span(&spot.last?);
        return Some(
            Diagnostic::error(span, "the right side of `->` is not a call")
                .label(format!("write `{name}(…)`"))
                .hint(hint),
        );
    }
    let in_head = matches!(spot.first_text(), "fn" | "stage") && spot.inside().is_empty();
    if spot.last_text() == "->" && !in_head {
        let after = spot.span(&spot.last?).after();
        let span = if spot.on_line_of_last() { spot.found_span() } else { after };
        return Some(Diagnostic::error(span, "expected a call after `->`").hint(hint));
    }
    let after_call = spot.last_text() == ")" && spot.inside().is_empty();
    if spot.found_text() == "." && after_call && has_arrow(spot) {
        return Some(
            spot.error("a part of a chain's result needs parentheses")
                .hint("write `(a -> f(x)).part`, or give the chain a name"),
        );
    }
    None
}

/// Whether nothing but a dotted name stands between an arrow and the mistake.
fn is_arrow_target(spot: &Spot<'_>) -> bool {
    let end = spot.last.map_or(spot.fault.start, |last| last.end());
    let before = spot.text[spot.fault.start..end]
        .trim_end_matches(|c: char| c.is_ascii_alphanumeric() || " \t\r\n_.".contains(c));
    before.ends_with("->")
}

fn has_arrow(spot: &Spot<'_>) -> bool {
    let end = spot.found.map_or(spot.text.len(), |found| found.start);
    spot.text[spot.fault.start..end].contains("->")
}

/// Operators of other languages.
fn foreign_operator(spot: &Spot<'_>) -> Option<Diagnostic> {
    let instead = match spot.found_text() {
        "&&" => "`and`",
        "||" => "`or`",
        "!" if spot.next_text() != "=" => "`not`",
        "**" => "a product: there is no power operator",
        "?" => "`if a { x } else { y }`",
        _ => return None,
    };
    Some(spot.error(format!("unexpected `{}`", spot.found_text())).label(format!("write {instead}")))
}

/// A type that is none, and a default where an input takes none.
fn unknown_type(spot: &Spot<'_>) -> Option<Diagnostic> {
    let found = spot.found?;
    if spot.expects("a type") && found.kind == TokenKind::Word && !is_reserved(found.text) {
        let diagnostic = spot.error(format!("unknown type `{}`", found.text)).hint(TYPES);
        return Some(match type_meant(found.text) {
            Some(name) => diagnostic.label(format!("did you mean `{name}`?")),
            None => diagnostic,
        });
    }
    let last = spot.last?;
    let in_ports = matches!(spot.first_text(), "fn" | "stage") && spot.inside() == "(";
    if in_ports
        && matches!(found.text, "=" | "in" | "?")
        && spot.before_last.is_some_and(|token| token.text == ":")
    {
        if spot.first_text() == "stage" && TypeKind::NAMED.iter().any(|(name, _)| *name == last.text) {
            return None;
        }
        let message = format!("`{}` is a kind of artifact, and an input has no default", last.text);
        let diagnostic = Diagnostic::error(spot.span(&last), message).hint(TYPES);
        return Some(match type_meant(last.text) {
            Some(name) => diagnostic.label(format!("for a parameter: did you mean `{name}`?")),
            None => diagnostic,
        });
    }
    let is_type = TypeKind::NAMED.iter().any(|(name, _)| *name == found.text);
    (in_ports && is_type && last.text == ":").then(|| {
        spot.error(format!("`{}` is a type, and a stage's inputs are artifacts", found.text))
            .hint("parameters of a stage are lines in its braces: `param vocab: int = 8000`")
    })
}

fn type_meant(word: &str) -> Option<&'static str> {
    match word.to_lowercase().as_str() {
        "integer" | "i32" | "i64" | "u32" | "u64" | "usize" | "long" => Some("int"),
        "string" | "text" => Some("str"),
        "boolean" => Some("bool"),
        "number" | "double" | "real" | "f32" | "f64" => Some("float"),
        "file" | "dir" | "folder" => Some("path"),
        "time" => Some("duration"),
        "bytes" => Some("size"),
        _ => nearest(word, TypeKind::NAMED.map(|(name, _)| name)),
    }
}

/// `xs[0]`: what stands in the brackets after a value is `name = value`.
fn select(spot: &Spot<'_>) -> Option<Diagnostic> {
    let named = spot.expects("a name") || spot.expects("`name = value`");
    let in_select = spot.inside() == "[" && spot.last_text() == "[" && named && !spot.expects("a value");
    let selected = in_select && spot.before_last.is_some_and(|token| token.ends_value());
    selected.then(|| {
        spot.error(format!(
            "expected the name of a loop, found {}",
            spot.found.map_or_else(String::new, |found| describe(&found))
        ))
        .hint("brackets after a name choose by the loop's names: `scores[site = \"prepend\", n = 10]`")
    })
}

/// A block without its `{`.
fn braces(spot: &Spot<'_>) -> Option<Diagnostic> {
    if !spot.expects("`{`") || !spot.last.is_some_and(|last| last.ends_value()) {
        return None;
    }
    let what = match spot.first_text() {
        "for" => "the loop's body",
        "fn" => "the body of the `fn`",
        "stage" => "the stage",
        "report" => "the report",
        "profile" => "the profile",
        _ => return None,
    };
    let found = spot.found.map_or_else(|| "the end of the file".to_owned(), |found| describe(&found));
    Some(spot.error(format!("expected `{{` to open {what}, found {found}")))
}

/// Two values in a list of things without a comma between them.
fn comma(spot: &Spot<'_>) -> Option<Diagnostic> {
    let (last, found) = (spot.last?, spot.found?);
    let starts_value = match found.kind {
        TokenKind::Word => {
            !is_reserved(found.text) || matches!(found.text, "true" | "false" | "none" | "if" | "not")
        }
        TokenKind::Number | TokenKind::Str => true,
        TokenKind::Open => found.text != "{",
        _ => false,
    };
    let in_list =
        matches!(spot.inside(), "(" | "[") && last.ends_value() && starts_value && spot.expects("`,`");
    let item = begins_item(found.text);
    (in_list && !item).then(|| {
        let closing = if spot.inside() == "(" { ")" } else { "]" };
        spot.error(format!("expected `,` or `{closing}`, found {}", describe(&found)))
            .label("is a comma missing before this?")
    })
}

/// An operator or `=` without a value after it.
fn missing_value(spot: &Spot<'_>) -> Option<Diagnostic> {
    let last = spot.last?;
    let wants_value = last.kind == TokenKind::Mark && spot.expects("a value") && last.text != ",";
    let ends_here = spot.found.is_none_or(|found| {
        found.first || found.kind == TokenKind::Close || found.text == ";" || found.text == ","
    });
    (wants_value && ends_here).then(|| {
        let span = spot.span(&last).after();
        Diagnostic::error(span, format!("expected a value after `{}`", last.text))
    })
}
