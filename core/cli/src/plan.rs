//! `runpipe plan` and `run --dry-run`.

use std::collections::BTreeMap;

use runpipe_cache::Store;
use runpipe_engine::{Pipeline, RunOptions, Status};

use crate::args::Plan;
use crate::exit::Exit;
use crate::open::{self, Failure};
use crate::term;

pub(crate) fn plan(args: &Plan) -> Result<Exit, Failure> {
    let registry = runpipe_stages::registry();
    let pipeline = open::pipeline(&args.reading, &registry)?;
    let store = open::store(&args.reading.store, &args.reading.file)?;
    let options = open::options(&args.machine, &pipeline, &args.targets)?;
    show(&pipeline, &store, &options, args.all)
}

/// What became of the nodes of one family.
#[derive(Default)]
struct Family {
    stage: String,
    counts: [usize; 3],
    expected_s: f64,
    unknown: bool,
}

/// Prints what would run: a line a family, or with `all` a line a node.
pub(crate) fn show(
    pipeline: &Pipeline,
    store: &Store,
    options: &RunOptions,
    all: bool,
) -> Result<Exit, Failure> {
    let plan = runpipe_engine::plan(pipeline, store, options)?;
    let mut order = Vec::new();
    let mut families: BTreeMap<String, Family> = BTreeMap::new();
    for node in &plan.nodes {
        let of = &pipeline.nodes[node.id as usize];
        let name = if all { of.label() } else { of.name.to_string() };
        let family = families.entry(name.clone()).or_insert_with(|| {
            order.push(name);
            Family { stage: of.stage.spec.name.clone(), ..Family::default() }
        });
        let (column, waits) = match node.status {
            Status::Hit => (0, false),
            Status::Run => (1, true),
            Status::Pending => (2, true),
        };
        family.counts[column] += 1;
        match node.expected_s {
            Some(seconds) if waits => family.expected_s += seconds,
            None if waits => family.unknown = true,
            _ => {}
        }
    }
    let mut rows = vec![["node", "stage", "cached", "run", "pending", "time"].map(str::to_owned).to_vec()];
    for name in order {
        let family = &families[&name];
        let mut row = vec![name, family.stage.clone()];
        row.extend(family.counts.map(|n| if n == 0 { "·".to_owned() } else { n.to_string() }));
        row.push(match (family.counts[1] + family.counts[2], family.unknown, family.expected_s) {
            (0, ..) => String::new(),
            (_, true, 0.0) => "?".to_owned(),
            (_, true, seconds) => format!("{} + ?", term::time(seconds)),
            (_, false, seconds) => term::time(seconds),
        });
        rows.push(row);
    }
    term::data(term::columns(&rows));
    let totals: [usize; 3] = std::array::from_fn(|i| families.values().map(|f| f.counts[i]).sum());
    if totals[1] + totals[2] == 0 {
        term::say(format_args!("nothing to do: {} nodes are cached", totals[0]));
    } else {
        term::say(format_args!(
            "{} cached, {} to run, {} pending (they run unless what they need comes out as before)",
            totals[0], totals[1], totals[2]
        ));
    }
    Ok(Exit::Fine)
}
