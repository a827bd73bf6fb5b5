//! `runpipe runs`, and how runs are named.

use std::path::Path;

use runpipe_base::{NodeStatus, RunLog, RunSummary};
use runpipe_cache::{RunId, Store};

use crate::args::Runs;
use crate::exit::Exit;
use crate::open::{self, Failure};
use crate::term;

pub(crate) fn runs(args: &Runs) -> Result<Exit, Failure> {
    let here = Path::new(".");
    match args {
        Runs::List { limit, store } => list(&open::store(store, here)?, *limit),
        Runs::Show { run, store } => {
            let store = open::store(store, here)?;
            let id = named(&store, run.as_deref())?;
            show(id, &store.load_run(id)?);
            Ok(Exit::Fine)
        }
        Runs::Diff { a, b, store } => {
            let store = open::store(store, here)?;
            let (a, b) = (named(&store, Some(a))?, named(&store, b.as_deref())?);
            term::data(runpipe_reports::compare(&store.load_run(a)?, &store.load_run(b)?));
            Ok(Exit::Fine)
        }
    }
}

/// The run that a person names; the last one without a name.
pub(crate) fn named(store: &Store, name: Option<&str>) -> Result<RunId, Failure> {
    match name {
        Some("last") | None => match store.runs()?.last() {
            Some(run) => Ok(run.id),
            None => Err(Failure::usage(format!("no run is recorded in `{}`", store.root().display()))
                .hint("`runpipe run FILE` makes one")),
        },
        Some(name) => {
            let id: RunId = name.parse().map_err(|_| unknown(name))?;
            if store.runs()?.iter().any(|run| run.id == id) { Ok(id) } else { Err(unknown(name)) }
        }
    }
}

fn unknown(name: &str) -> Failure {
    Failure::usage(format!("there is no run `{name}`")).hint("`runpipe runs list` shows them")
}

fn list(store: &Store, limit: usize) -> Result<Exit, Failure> {
    let mut rows = vec![
        ["run", "when (UTC)", "pipeline", "nodes", "ran", "cached", "failed", "time"]
            .map(str::to_owned)
            .to_vec(),
    ];
    for run in store.runs()?.iter().rev().take(limit) {
        let RunSummary { nodes, cached, ran, failed, skipped, cancelled, elapsed_s } = run.summary;
        let mut row = vec![run.id.to_string(), date(run.created), run.pipeline.clone()];
        row.extend([nodes, ran, cached, failed + skipped + cancelled].map(|n| n.to_string()));
        row.push(term::time(elapsed_s));
        rows.push(row);
    }
    term::data(term::columns(&rows));
    Ok(Exit::Fine)
}

fn show(id: RunId, log: &RunLog) {
    let mut text = format!("run {id} of {} on {}\n", log.pipeline, log.device);
    if !log.params.is_empty() {
        text.push_str("\nparameters\n");
        let rows: Vec<Vec<String>> =
            log.params.iter().map(|(name, value)| vec![format!("  {name}"), value.to_string()]).collect();
        text.push_str(&term::columns(&rows));
    }
    text.push_str("\nnodes\n");
    let rows: Vec<Vec<String>> = log
        .nodes
        .iter()
        .map(|node| {
            let metrics: Vec<String> =
                node.metrics.iter().map(|(name, value)| format!("{name} {}", term::number(*value))).collect();
            let said = node.error.clone().unwrap_or_else(|| metrics.join("  "));
            vec![
                format!("  {}", node.label),
                status(node.status).to_owned(),
                term::time(node.elapsed_s),
                said,
            ]
        })
        .collect();
    text.push_str(&term::columns(&rows));
    term::data(text);
}

fn status(status: NodeStatus) -> &'static str {
    match status {
        NodeStatus::Cached => "cached",
        NodeStatus::Ran => "ran",
        NodeStatus::Joined => "joined",
        NodeStatus::Failed => "failed",
        NodeStatus::Skipped => "skipped",
        NodeStatus::Cancelled => "stopped",
    }
}

/// Seconds since 1970 as a date, after the civil-calendar arithmetic of the proleptic Gregorian calendar.
fn date(seconds: u64) -> String {
    let (days, rest) = (seconds / 86_400 + 719_468, seconds % 86_400);
    let era = days / 146_097;
    let day_of_era = days % 146_097;
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let (day, month) =
        (day_of_year - (153 * shifted + 2) / 5 + 1, if shifted < 10 { shifted + 3 } else { shifted - 9 });
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    format!("{year}-{month:02}-{day:02} {:02}:{:02}", rest / 3600, rest % 3600 / 60)
}

#[cfg(test)]
mod tests {
    use super::date;

    #[test]
    fn dates() {
        assert_eq!(date(0), "1970-01-01 00:00");
        assert_eq!(date(951_782_399), "2000-02-28 23:59");
        assert_eq!(date(951_782_400), "2000-02-29 00:00");
        assert_eq!(date(1_893_456_000), "2030-01-01 00:00");
    }
}
