//! All that is wrong, each thing once.

use std::collections::HashSet;

use runpipe_grammar::{Diagnostic, Span, nearest};

use crate::eval::Stop;

/// More mistakes than these are counted and not shown.
const MAX_SHOWN: usize = 100;

/// The mistakes found so far.
#[derive(Default)]
pub(crate) struct Problems {
    list: Vec<Diagnostic>,
    seen: HashSet<(Span, String)>,
    errors: usize,
    /// The calls of `fn`s whose bodies are being bound, outermost first.
    calls: Vec<Span>,
}

impl Problems {
    /// What follows is found in the body of a `fn` that is called at `call`.
    pub(crate) fn enter(&mut self, call: Span) {
        self.calls.push(call);
    }

    /// The body is over.
    pub(crate) fn leave(&mut self) {
        self.calls.pop();
    }

    /// Adds a mistake unless it was told before: a loop finds the same one again and again.
    pub(crate) fn add(&mut self, diagnostic: Diagnostic) {
        if self.seen.insert((diagnostic.span, diagnostic.message.clone())) {
            self.errors += usize::from(diagnostic.is_error());
            let call = self.calls.last().filter(|_| diagnostic.is_error());
            let diagnostic = match call {
                Some(call) => diagnostic.related(*call, "in this call"),
                None => diagnostic,
            };
            self.list.push(diagnostic);
        }
    }

    pub(crate) fn extend(&mut self, diagnostics: impl IntoIterator<Item = Diagnostic>) {
        for diagnostic in diagnostics {
            self.add(diagnostic);
        }
    }

    /// Tells of a failed evaluation.
    pub(crate) fn stop(&mut self, stop: Stop) {
        if let Stop::Fault(diagnostic) = stop {
            self.add(*diagnostic);
        }
    }

    /// The value, or `None` after telling why there is none.
    pub(crate) fn told<T>(&mut self, result: Result<T, Stop>) -> Option<T> {
        result.map_err(|stop| self.stop(stop)).ok()
    }

    /// How many errors there are.
    pub(crate) fn errors(&self) -> usize {
        self.errors
    }

    /// Everything in the order of the text; of very many mistakes the first.
    pub(crate) fn into_sorted(mut self) -> Vec<Diagnostic> {
        self.list.sort_by_key(|d| (d.span.file, d.span.start, d.span.end));
        let mut shown = 0;
        let mut hidden = 0;
        self.list.retain(|diagnostic| {
            shown += usize::from(diagnostic.is_error());
            let keep = !diagnostic.is_error() || shown <= MAX_SHOWN;
            hidden += usize::from(!keep);
            keep
        });
        if hidden > 0
            && let Some(last) = self.list.iter_mut().rfind(|d| d.is_error())
        {
            last.hints.push(format!("{hidden} more mistakes are not shown"));
        }
        self.list
    }
}

/// The diagnostic with "did you mean" at its caret, if a name is near.
pub(crate) fn suggest<'c>(
    diagnostic: Diagnostic,
    name: &str,
    candidates: impl IntoIterator<Item = &'c str>,
) -> Diagnostic {
    match nearest(name, candidates) {
        Some(near) => diagnostic.label(format!("did you mean `{near}`?")),
        None => diagnostic,
    }
}
