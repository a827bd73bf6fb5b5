//! `runpipe`: the binary. It sees everything, prints and exits; each verb has one file.

mod args;
mod cache;
mod check;
mod examples;
mod exit;
mod fmt;
mod get;
mod graph;
mod new;
mod open;
mod params;
mod plan;
mod report;
mod run;
mod runs;
mod stages;
mod term;
mod why;

use std::process::ExitCode;

use clap::{CommandFactory, Parser};

use crate::args::{Cli, Verb};
use crate::exit::Exit;
use crate::open::Failure;

/// Planning makes many small values, with which the system's allocator is slow. Training gains nothing from it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    std::panic::set_hook(Box::new(|info| {
        term::error(
            format_args!("a bug in runpipe: {info}"),
            &["please report it with the command and the pipeline; finished work is safe in the store"
                .to_owned()],
        );
    }));
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            let asked = !error.use_stderr();
            let _ = error.print();
            return if asked { Exit::Fine } else { Exit::Usage }.into();
        }
    };
    let outcome = std::panic::catch_unwind(|| dispatch(&cli.verb)).unwrap_or(Ok(Exit::Bug));
    outcome.unwrap_or_else(open::Failure::tell).into()
}

fn dispatch(verb: &Verb) -> Result<Exit, Failure> {
    match verb {
        Verb::Run(args) => run::run(args),
        Verb::Check(args) => check::check(args),
        Verb::Fmt(args) => fmt::fmt(args),
        Verb::Params(args) => params::params(args),
        Verb::Plan(args) => plan::plan(args),
        Verb::Why(args) => why::why(args),
        Verb::Graph(args) => graph::graph(args),
        Verb::Stages(args) => stages::stages(args),
        Verb::Report(args) => report::report(args),
        Verb::Runs(args) => runs::runs(args),
        Verb::Get(args) => get::get(args),
        Verb::Cache(args) => cache::cache(args),
        Verb::New(args) => new::new(args),
        Verb::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(*shell, &mut Cli::command(), "runpipe", &mut script);
            term::data(String::from_utf8_lossy(&script));
            Ok(Exit::Fine)
        }
    }
}

/// A variable of the environment. Read here and nowhere else: it may choose places and colours, never a result.
#[expect(clippy::disallowed_methods, reason = "the one place that reads the environment")]
fn environment(name: &str) -> Option<String> {
    std::env::var(name).ok()
}
