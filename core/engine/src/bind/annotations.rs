//! `@(gpu = 1, memory = 8 GiB)`: how to run what a binding makes.

use std::rc::Rc;
use std::sync::LazyLock;

use runpipe_base::{Interval, ParamSpec, Type};
use runpipe_grammar::ast::Named;
use runpipe_grammar::{Diagnostic, Span};

use super::Binder;
use super::check::check;
use super::names::Frame;
use crate::expand::{Column, Data, Place, Space};
use crate::problems::suggest;

/// What annotations say, each for the combinations that it depends on.
pub(crate) struct HintColumns(pub(super) Vec<HintColumn>);

/// One annotation.
#[derive(Clone)]
pub(super) struct HintColumn {
    pub(super) name: &'static str,
    pub(super) column: Column,
    pub(super) span: Span,
}

/// What annotations there are.
static ANNOTATIONS: LazyLock<[ParamSpec; 6]> = LazyLock::new(|| {
    let spec = |name: &str, ty, min: f64, max: f64, doc: &str| ParamSpec {
        name: name.to_owned(),
        ty,
        default: None,
        interval: Some(Interval { min, max, open: false }),
        allowed: Vec::new(),
        unit: None,
        doc: doc.to_owned(),
    };
    [
        spec("gpu", Type::Int, 0.0, 1024.0, "GPUs that it holds while it runs."),
        spec("cores", Type::Int, 1.0, 4096.0, "Cores that it holds while it runs."),
        spec("memory", Type::Size, 0.0, f64::INFINITY, "Memory that it holds while it runs."),
        spec("retries", Type::Int, 0.0, 1000.0, "How often it is tried again after a failure."),
        spec("timeout", Type::Duration, 0.001, f64::INFINITY, "How long one try may take."),
        spec("priority", Type::Int, -1e9, 1e9, "Among ready nodes a higher one starts first."),
    ]
});

const NAMES: [&str; 6] = ["gpu", "cores", "memory", "retries", "timeout", "priority"];

impl<'a> Binder<'a> {
    /// The annotations of a binding, checked.
    pub(crate) fn annotations(
        &mut self,
        annotations: &'a [Named],
        frame: &Frame<'a>,
        space: &Space,
    ) -> Option<Rc<HintColumns>> {
        if annotations.is_empty() {
            return None;
        }
        self.refuse_twice(annotations.iter().map(|named| &named.name), "annotation");
        let mut columns = Vec::new();
        for named in annotations {
            let Some(place) = NAMES.iter().position(|name| *name == named.name.as_str()) else {
                let message = format!("there is no annotation `{}`", named.name);
                let diagnostic = Diagnostic::error(named.name.span, message);
                let diagnostic = suggest(diagnostic, named.name.as_str(), NAMES);
                self.problems.add(diagnostic.hint(format!("the annotations are `{}`", NAMES.join("`, `"))));
                continue;
            };
            let here = Place { space, naming: None, root: false };
            let Some(column) = self.values(&named.value, frame, here) else { continue };
            let Data::Values(values) = &column.data else { continue };
            let checked: Result<Vec<_>, _> = values
                .iter()
                .map(|value| {
                    check(&ANNOTATIONS[place], value.clone(), None, named.value.span, &|| {
                        format!("annotation `{}`", NAMES[place])
                    })
                })
                .collect();
            match checked {
                Ok(values) => {
                    let column = Column::values(column.domain, values);
                    columns.push(HintColumn { name: NAMES[place], column, span: named.value.span });
                }
                Err(diagnostic) => self.problems.add(*diagnostic),
            }
        }
        Some(Rc::new(HintColumns(columns)))
    }
}

/// A binding's own annotations over those of the call around it.
pub(crate) fn join_hints(
    own: Option<Rc<HintColumns>>,
    outer: Option<&Rc<HintColumns>>,
) -> Option<Rc<HintColumns>> {
    let (Some(own), Some(outer)) = (&own, outer) else { return own.or_else(|| outer.cloned()) };
    let mut all = own.0.clone();
    all.extend(outer.0.iter().filter(|hint| own.0.iter().all(|mine| mine.name != hint.name)).cloned());
    Some(Rc::new(HintColumns(all)))
}
