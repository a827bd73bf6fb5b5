//! What a failed rule waited for, in the user's words.

use super::grammar::Rule;

/// Whether a rule is punctuation or a keyword that only holds its statement together.
pub(super) fn is_mark(rule: Rule) -> bool {
    use Rule as R;
    matches!(
        rule,
        R::kw_import
            | R::kw_as
            | R::kw_param
            | R::kw_profile
            | R::kw_fn
            | R::kw_stage
            | R::kw_needs
            | R::kw_run
    ) || matches!(
        rule,
        R::kw_part
            | R::kw_metric
            | R::kw_report
            | R::kw_table
            | R::kw_plot
            | R::kw_by
            | R::kw_over
            | R::kw_expect
    ) || matches!(rule, R::kw_text | R::kw_figure | R::kw_for | R::kw_in | R::kw_if | R::kw_else)
        || matches!(
            rule,
            R::open_paren
                | R::close_paren
                | R::open_bracket
                | R::close_bracket
                | R::open_brace
                | R::close_brace
        )
        || matches!(rule, R::comma | R::colon | R::dot | R::arrow | R::at | R::bar | R::assign | R::str_end)
}

/// The rules in words, each once, in the order of the grammar.
pub(super) fn in_words(rules: &[Rule]) -> Vec<&'static str> {
    let mut words = Vec::new();
    for &rule in rules {
        // Where any value may stand, a named one needs no mention.
        let word = if rule == Rule::named && rules.contains(&Rule::expr) { "" } else { words_for(rule) };
        if !word.is_empty() && !words.contains(&word) {
            words.push(word);
        }
    }
    words
}

fn words_for(rule: Rule) -> &'static str {
    use Rule as R;
    match rule {
        R::name | R::clause | R::axis | R::setting | R::param | R::port | R::fn_entry => "a name",
        R::kind | R::many => "a kind",
        R::text | R::string | R::choices => "a text in double quotes",
        R::type_expr | R::type_name | R::list_type => "a type",
        R::expr | R::operation | R::number | R::list | R::if_expr | R::reference | R::parenthesised => {
            "a value"
        }
        R::named => "`name = value`",
        R::call => "a call",
        R::annotation | R::at => "`@`",
        R::arguments | R::open_paren => "`(`",
        R::close_paren => "`)`",
        R::open_bracket => "`[`",
        R::close_bracket => "`]`",
        R::open_brace => "`{`",
        R::close_brace => "`}`",
        R::comma => "`,`",
        R::colon => "`:`",
        R::arrow => "`->`",
        R::assign | R::default => "`=`",
        R::kw_in | R::allowed => "`in`",
        R::kw_else => "`else`",
        R::kw_if => "`if`",
        R::kw_by | R::by_clause => "`by`",
        R::kw_over | R::over_clause => "`over`",
        R::kw_as => "`as`",
        R::str_end | R::str_text | R::str_escape | R::str_brace | R::interpolation => "`\"`",
        // What could also follow a complete value says nothing of what is missing.
        _ => "",
    }
}
