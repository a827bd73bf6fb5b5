//! `runpipe check`.

use std::fmt::Write as _;

use crate::args::Check;
use crate::exit::Exit;
use crate::open::{self, Failure};
use crate::term;

#[expect(clippy::unnecessary_wraps, reason = "every verb returns the same")]
pub(crate) fn check(args: &Check) -> Result<Exit, Failure> {
    let registry = runpipe_stages::registry();
    let mut wrong = 0;
    for file in &args.files {
        match open::load(file, &registry, &args.settings) {
            Ok(pipeline) => {
                let (nodes, warnings) = (pipeline.nodes.len(), pipeline.warnings.len());
                let s = |n: usize| if n == 1 { "" } else { "s" };
                let mut line = format!("{}: no mistakes, {nodes} node{}", file.display(), s(nodes));
                if warnings > 0 {
                    let _ = write!(line, ", {warnings} warning{}", s(warnings));
                    wrong += usize::from(args.strict);
                }
                term::data(format_args!("{line}\n"));
            }
            Err(failure) => {
                failure.tell();
                wrong += 1;
            }
        }
    }
    Ok(if wrong == 0 { Exit::Fine } else { Exit::Usage })
}
