//! `data.concat`: several texts as one.

use runpipe_base::{Ctx, Inputs, Output, Port, Spec, Stage, StageError, params};

use super::text::{lines, output};
use crate::code;

params! {
    /// Parameters of [`Concat`].
    pub struct ConcatParams {
        /// The share of each text is its lines to the power of this: at 1 each text is there once; below, small texts
        /// are repeated and large ones cut, and at 0 all have the same share. Source: multilingual pre-training;
        /// XLM-R has 0.3.
        alpha: f64 = 1.0, in 0.0..=1.0;
    }
}

/// `data.concat`: puts texts one after the other.
pub struct Concat;

impl Stage for Concat {
    type Params = ConcatParams;

    fn spec(&self) -> Spec {
        Spec::new("data.concat", code::DATA, "text", "Puts texts one after the other.")
            .input(Port::many("texts", "text", "texts, in order"))
            .metric("lines", "lines in all")
    }

    fn run(&self, p: &ConcatParams, inputs: &Inputs<'_>, cx: &mut Ctx<'_>) -> Result<Output, StageError> {
        let texts = inputs.many("texts").iter().map(lines).collect::<Result<Vec<_>, _>>()?;
        let counts: Vec<usize> = texts.iter().map(Vec::len).collect();
        let mut all = String::new();
        for (text, count) in texts.iter().zip(shares(&counts, p.alpha)) {
            for line in text.iter().cycle().take(count) {
                all.push_str(line);
                all.push('\n');
            }
        }
        cx.metric("lines", all.lines().count() as f64);
        Ok(output(all))
    }
}

/// How many lines each text gives, of about as many in all as there are.
fn shares(counts: &[usize], alpha: f64) -> Vec<usize> {
    // Without a change of shares no rounding either.
    if alpha >= 1.0 {
        return counts.to_vec();
    }
    let weight = |count: usize| if count == 0 { 0.0 } else { libm::pow(count as f64, alpha) };
    let all: f64 = counts.iter().map(|count| weight(*count)).sum();
    let lines = counts.iter().sum::<usize>() as f64;
    counts.iter().map(|count| (lines * weight(*count) / all.max(1.0)).round() as usize).collect()
}

#[cfg(test)]
mod tests;
