//! `runpipe cache`.

use std::path::Path;

use runpipe_base::Key;
use runpipe_cache::{GcOptions, Store};

use crate::args::{Cache, StoreArgs};
use crate::exit::Exit;
use crate::open::{self, Failure};
use crate::runs;
use crate::term;

pub(crate) fn cache(args: &Cache) -> Result<Exit, Failure> {
    match args {
        Cache::Stat { store } => stat(&here(store)?),
        Cache::Gc { keep_runs, older_than, max_size, dry_run, store } => gc(
            &here(store)?,
            &GcOptions {
                max_size: *max_size,
                keep_runs: *keep_runs,
                older_than: *older_than,
                dry_run: *dry_run,
            },
        ),
        Cache::Verify { store } => verify(&here(store)?),
        Cache::Pin { name: None, store, .. } => pins(&here(store)?),
        Cache::Pin { name: Some(name), run, store } => pin(&here(store)?, name, run.as_deref()),
        Cache::Unpin { name, store } => unpin(&here(store)?, name),
    }
}

fn here(args: &StoreArgs) -> Result<Store, Failure> {
    open::store(args, Path::new("."))
}

fn stat(store: &Store) -> Result<Exit, Failure> {
    let stat = store.stat()?;
    let row = |what: &str, count: u64, bytes: Option<u64>| {
        vec![what.to_owned(), count.to_string(), bytes.map_or(String::new(), term::bytes)]
    };
    term::data(term::columns(&[
        vec!["store".to_owned(), store.root().display().to_string()],
        row("results", stat.manifests, Some(stat.manifest_bytes)),
        row("objects", stat.objects, Some(stat.object_bytes)),
        row("checkpoints", stat.checkpoints, Some(stat.checkpoint_bytes)),
        row("runs", stat.runs, None),
        row("damaged, set aside", stat.quarantined, None),
    ]));
    Ok(Exit::Fine)
}

fn gc(store: &Store, options: &GcOptions) -> Result<Exit, Failure> {
    let report = store.gc(options)?;
    let mut rows = vec![["what", "name", "size", "why it goes"].map(str::to_owned).to_vec()];
    rows.extend(report.removed.iter().map(|removed| {
        let mut name: String = removed.name.chars().take(12).collect();
        if !removed.note.is_empty() {
            name = format!("{name} ({})", removed.note);
        }
        vec![removed.what.to_owned(), name, term::bytes(removed.size), removed.reason.clone()]
    }));
    if rows.len() > 1 {
        term::data(term::columns(&rows));
    }
    let (would, count) = (if options.dry_run { "would free" } else { "freed" }, report.removed.len());
    term::say(format_args!(
        "{would} {} ({count} things); {} stay: {} results pinned, {} used by recent runs, {} in use now, {} within the budget",
        term::bytes(report.freed),
        term::bytes(report.kept),
        report.kept_by_pins,
        report.kept_by_runs,
        report.kept_by_use,
        report.kept_by_budget,
    ));
    Ok(Exit::Fine)
}

fn verify(store: &Store) -> Result<Exit, Failure> {
    let report = store.verify(true)?;
    for damage in &report.damaged {
        let aside =
            if damage.repaired { "set aside; the next run computes it anew" } else { "left where it is" };
        term::data(format_args!("{} {}: {} ({aside})\n", damage.what, damage.name, damage.problem));
    }
    term::say(format_args!(
        "{} objects ({}) and {} results read, {} damaged",
        report.objects,
        term::bytes(report.bytes),
        report.manifests,
        report.damaged.len()
    ));
    Ok(if report.damaged.is_empty() { Exit::Fine } else { Exit::Disk })
}

fn pins(store: &Store) -> Result<Exit, Failure> {
    let rows: Vec<Vec<String>> =
        store.pins()?.into_iter().map(|pin| vec![pin.name, format!("{} results", pin.keys.len())]).collect();
    if rows.is_empty() {
        term::say("no pins; `runpipe cache pin NAME RUN` keeps what a run made");
    }
    term::data(term::columns(&rows));
    Ok(Exit::Fine)
}

fn pin(store: &Store, name: &str, run: Option<&str>) -> Result<Exit, Failure> {
    let id = runs::named(store, run)?;
    let keys: Vec<Key> = store.load_run(id)?.nodes.iter().filter_map(|node| node.key).collect();
    store.pin(name, &keys)?;
    term::say(format_args!("pin `{name}` keeps {} results of run {id}", keys.len()));
    Ok(Exit::Fine)
}

fn unpin(store: &Store, name: &str) -> Result<Exit, Failure> {
    if store.unpin(name)? {
        term::say(format_args!("pin `{name}` removed"));
        Ok(Exit::Fine)
    } else {
        Err(Failure::usage(format!("there is no pin `{name}`")).hint("`runpipe cache pin` lists them"))
    }
}
