//! `data.constant`: a text that stands in the pipeline itself.

use runpipe_base::{Ctx, Inputs, Output, Spec, Stage, StageError, params};

use super::text::output;
use crate::code;

params! {
    /// Parameters of [`Constant`].
    pub struct ConstantParams {
        /// The text; a last line end is added when it has none.
        text: String;
    }
}

/// `data.constant`: makes a text of a parameter.
pub struct Constant;

impl Stage for Constant {
    type Params = ConstantParams;

    fn spec(&self) -> Spec {
        Spec::new("data.constant", code::DATA, "text", "Makes a text of a parameter.")
            .metric("lines", "lines of the text")
    }

    fn run(&self, p: &ConstantParams, _: &Inputs<'_>, cx: &mut Ctx<'_>) -> Result<Output, StageError> {
        let mut text = p.text.clone();
        if !text.is_empty() && !text.ends_with('\n') {
            text.push('\n');
        }
        cx.metric("lines", text.lines().count() as f64);
        Ok(output(text))
    }
}
