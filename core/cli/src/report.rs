//! `runpipe report`: a report from the log of an earlier run, without running anything.

use std::path::Path;

use crate::args::Report;
use crate::exit::Exit;
use crate::open::{self, Failure};
use crate::{run, runs};

pub(crate) fn report(args: &Report) -> Result<Exit, Failure> {
    let store = open::store(&args.store, Path::new("."))?;
    let log = store.load_run(runs::named(&store, args.run.as_deref())?)?;
    run::report(&log, &store, &args.out)
}
