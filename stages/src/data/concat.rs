//! `data.concat`: several texts as one.

use runpipe_base::{Ctx, Inputs, Output, Port, Spec, Stage, StageError};

use super::text::{TEXT, output};
use crate::code;

/// `data.concat`: puts texts one after the other.
pub struct Concat;

impl Stage for Concat {
    type Params = ();

    fn spec(&self) -> Spec {
        Spec::new("data.concat", code::DATA, "text", "Puts texts one after the other.")
            .input(Port::many("texts", "text", "texts, in order"))
            .metric("lines", "lines in all")
    }

    fn run(&self, (): &(), inputs: &Inputs<'_>, cx: &mut Ctx<'_>) -> Result<Output, StageError> {
        let mut all = String::new();
        for view in inputs.many("texts") {
            all.push_str(&view.text(TEXT)?);
            if !all.is_empty() && !all.ends_with('\n') {
                all.push('\n');
            }
        }
        cx.metric("lines", all.lines().count() as f64);
        Ok(output(all))
    }
}
