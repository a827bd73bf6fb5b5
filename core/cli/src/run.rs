//! `runpipe run`.

use std::mem::ManuallyDrop;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use runpipe_base::{Blobs, Event, RunLog, Sink};
use runpipe_engine::Cancel;
use runpipe_reports::{JsonLines, Plain, Progress};

use crate::args::{Format, Run};
use crate::exit::Exit;
use crate::open::{self, Failure};
use crate::{plan, term};

pub(crate) fn run(args: &Run) -> Result<Exit, Failure> {
    let registry = runpipe_stages::registry();
    // The process ends with the run: to take many nodes apart piece by piece is a good part of finding them all in the store.
    let pipeline = ManuallyDrop::new(open::pipeline(&args.reading, &registry)?);
    let store = open::store(&args.reading.store, &args.reading.file)?;
    let mut options = open::options(&args.machine, &pipeline, &args.targets)?;
    options.keep_going = args.keep_going;
    options.audit = args.audit;
    options.memory = args.memory.map(|gib| gib << 30);
    options.gpus = args.gpus;
    if args.dry_run {
        return plan::show(&pipeline, &store, &options, false);
    }
    let sink: Arc<dyn Sink> = match args.format {
        Format::Json => Arc::new(JsonLines::new(std::io::stdout())),
        Format::Human if term::watched() => Arc::new(Progress::stderr()),
        Format::Human => Arc::new(Plain::new(std::io::stderr())),
    };
    let cancel = listen(Arc::clone(&sink))?;
    let bug = |log: &RunLog| {
        let panicked = |error: &String| error.starts_with(runpipe_engine::PANICKED);
        log.nodes.iter().filter_map(|node| node.error.as_ref()).any(panicked)
    };
    let ran = runpipe_engine::run(&pipeline, &store, &options, &registry, &cancel, sink.as_ref());
    for warning in store.take_warnings() {
        term::warning(warning);
    }
    let log = ManuallyDrop::new(ran?);
    term::say(runpipe_reports::summary(&log, args.audit));
    if log.summary.cancelled > 0 {
        term::say("stopped; the same command goes on from here");
        return Ok(Exit::Failed);
    }
    // Without a report block there is nothing that a person asked to see.
    let expected = if log.reports.is_empty() { Exit::Fine } else { report(&log, &store, &args.out)? };
    Ok(match log.summary.failed {
        0 => expected,
        _ if bug(&log) => Exit::Bug,
        _ => Exit::Failed,
    })
}

/// Writes the report of `log`, says where it is and which expectations broke.
pub(crate) fn report(log: &RunLog, blobs: &dyn Blobs, out: &Path) -> Result<Exit, Failure> {
    let written =
        runpipe_reports::write_all(log, blobs, out).map_err(|e| Failure::disk(&e.path, &e.source))?;
    let mut exit = Exit::Fine;
    for outcome in runpipe_reports::expectations(log).iter().filter(|outcome| !outcome.held()) {
        term::error(format_args!("{outcome}"), &[]);
        exit = Exit::Failed;
    }
    term::say(format_args!("report: {}", written.html.display()));
    Ok(exit)
}

/// Ctrl-C (and the polite signals) once: stop at the next checkpoint; twice: at once. `sink` tells it, for what is written
/// past a display of progress disturbs it.
fn listen(sink: Arc<dyn Sink>) -> Result<Cancel, Failure> {
    let cancel = Cancel::default();
    let (heard, times) = (cancel.clone(), Arc::new(AtomicU32::new(0)));
    ctrlc::set_handler(move || {
        if times.fetch_add(1, Ordering::SeqCst) == 0 {
            heard.stop();
            let message = "stopping at the next checkpoint; once more to stop at once".to_owned();
            sink.emit(&Event::Warning { message });
        } else {
            heard.stop_now();
            // Stages in this process cannot be stopped from outside; the store is sound at any instant.
            std::process::exit(1);
        }
    })
    .map_err(|e| Failure::Other(Exit::Disk, format!("cannot listen for Ctrl-C: {e}"), Vec::new()))?;
    Ok(cancel)
}
