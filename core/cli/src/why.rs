//! `runpipe why`.

use crate::args::Why;
use crate::exit::Exit;
use crate::open::{self, Failure};
use crate::term;

pub(crate) fn why(args: &Why) -> Result<Exit, Failure> {
    let registry = runpipe_stages::registry();
    let pipeline = open::pipeline(&args.reading, &registry)?;
    let store = open::store(&args.reading.store, &args.reading.file)?;
    let options = open::results(&args.results, &pipeline, &[])?;
    let ids = open::nodes(&pipeline, &args.node)?;
    for reason in runpipe_engine::why(&pipeline, &store, &options, &ids)? {
        term::data(format_args!("{reason}\n"));
    }
    Ok(Exit::Fine)
}
