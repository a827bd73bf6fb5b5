//! `runpipe params`: what a pipeline can be told.

use runpipe_base::ParamSpec;

use crate::args::Params;
use crate::exit::Exit;
use crate::open::Failure;
use crate::{open, stages, term};

pub(crate) fn params(args: &Params) -> Result<Exit, Failure> {
    let listing = runpipe_engine::describe(&args.file, &open::settings(&args.settings))?;
    let mut text = String::new();
    if !listing.doc.is_empty() {
        text.push_str(&listing.doc);
        text.push_str("\n\n");
    }
    if listing.params.is_empty() {
        text.push_str("it has no parameters\n");
    } else {
        let row =
            |param: &ParamSpec| vec![param.name.clone(), stages::param_type(param), one_line(&param.doc)];
        text.push_str(&term::columns(&listing.params.iter().map(row).collect::<Vec<_>>()));
    }
    if !listing.profiles.is_empty() {
        text.push_str("\nprofiles\n");
        let row = |(name, doc): &(String, String)| vec![format!("  {name}"), one_line(doc)];
        text.push_str(&term::columns(&listing.profiles.iter().map(row).collect::<Vec<_>>()));
    }
    term::data(text);
    Ok(Exit::Fine)
}

fn one_line(doc: &str) -> String {
    doc.split_whitespace().collect::<Vec<_>>().join(" ")
}
