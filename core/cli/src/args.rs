//! Every flag, documented. What clap prints is the manual.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum, ValueHint};

use crate::examples;

/// For what stands after a group of flags and is none of it.
const NONE: Option<&str> = None;

/// Declarative, content-addressed pipelines for machine-learning experiments.
///
/// A `.pipe` file describes an experiment as a graph of stages. `run` computes what is not in the store yet and
/// writes a report; nothing is computed twice, and the same inputs give the same bytes.
#[derive(Debug, Parser)]
#[command(name = "runpipe", version, max_term_width = 110, arg_required_else_help = true, after_help = examples::START)]
pub(crate) struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub(crate) verb: Verb,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Run a pipeline and write its report
    ///
    /// Only what is not in the store is computed. Ctrl-C once stops at the next checkpoint, twice at once; either way the
    /// next run goes on from there.
    #[command(after_help = examples::RUN)]
    Run(Run),
    /// Find every mistake without running anything
    ///
    /// Names, kinds, parameter types and ranges, report axes and metrics are all checked; all mistakes are told at once.
    #[command(after_help = examples::CHECK)]
    Check(Check),
    /// Write files in the one canonical form
    ///
    /// Comments are kept. Without files, standard input is formatted to standard output.
    #[command(after_help = examples::FMT)]
    Fmt(Fmt),
    /// List the parameters and profiles of a pipeline
    ///
    /// With types, what they may be, values and what the file says of them: what `--set` and `--profile` take. Values are
    /// defaults, or what they are under the settings given.
    #[command(after_help = examples::PARAMS)]
    Params(Params),
    /// Show what would run, what is cached and how long it takes
    ///
    /// `run` nodes must run; `pending` ones are decided by what comes out before them: equal bytes stop there. Times are
    /// those of earlier runs.
    #[command(after_help = examples::PLAN)]
    Plan(Plan),
    /// Say why a node would run, or not
    ///
    /// A key holds what a result is made of: stage, code, parameters, the content of inputs. What differs from the last
    /// run is named, part by part, with its value before and now.
    #[command(after_help = examples::WHY)]
    Why(Why),
    /// Draw the graph: a text tree, DOT or SVG
    ///
    /// A box is a binding, however many nodes a loop makes of it.
    #[command(after_help = examples::GRAPH)]
    Graph(Graph),
    /// List and describe the stages that a pipeline can call
    #[command(subcommand, after_help = examples::STAGES)]
    Stages(Stages),
    /// Rebuild the report of an earlier run from its log
    ///
    /// Nothing runs; the bytes are those that the run itself wrote.
    #[command(after_help = examples::REPORT)]
    Report(Report),
    /// List, show and compare earlier runs
    #[command(subcommand, after_help = examples::RUNS)]
    Runs(Runs),
    /// Copy the files that a node made
    ///
    /// They are open formats: safetensors, CSV, JSON, CoNLL, plain text.
    #[command(after_help = examples::GET)]
    Get(Get),
    /// Look after the store
    #[command(subcommand, after_help = examples::CACHE)]
    Cache(Cache),
    /// Write a starter pipeline
    ///
    /// It runs as it stands and shows a parameter, a command stage, a loop and a report.
    #[command(after_help = examples::NEW)]
    New(New),
    /// Print completions for a shell
    ///
    /// The script goes to standard output; where it belongs, each shell says.
    #[command(after_help = examples::COMPLETIONS)]
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
}

/// Which pipeline, with which parameters, over which store.
#[derive(Debug, Args)]
pub(crate) struct Reading {
    /// The pipeline
    #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) file: PathBuf,
    #[command(flatten)]
    pub(crate) settings: SettingArgs,
    #[command(flatten)]
    pub(crate) store: StoreArgs,
}

/// Values for a pipeline's parameters.
#[derive(Debug, Args)]
#[command(next_help_heading = "Parameters of the pipeline")]
pub(crate) struct SettingArgs {
    /// Set a parameter: `--set seeds=10 --set data=../corpus`. Overrides everything else
    #[arg(long, value_name = "NAME=VALUE", value_parser = assignment)]
    pub(crate) set: Vec<(String, String)>,
    /// Use a profile of the file; may be given more than once, later ones win
    #[arg(long, value_name = "NAME")]
    pub(crate) profile: Vec<String>,
    /// Read parameters from a file: JSON, or `name = value` lines
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) params: Option<PathBuf>,
}

/// Where the store is.
#[derive(Debug, Args)]
#[command(next_help_heading = "Store")]
pub(crate) struct StoreArgs {
    /// The store [default: $RUNPIPE_CACHE, or `.runpipe` beside `runpipe.toml` or at the git root]
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(crate) cache: Option<PathBuf>,
}

/// Which results count.
#[derive(Debug, Args)]
#[command(next_help_heading = "Results")]
pub(crate) struct Results {
    /// Device for tensors; results of different device classes have different keys
    #[arg(long, value_enum, value_name = "DEVICE")]
    pub(crate) device: Option<DeviceArg>,
    /// Take results of an older build of the same stage version; the report says so
    #[arg(long)]
    pub(crate) trust_version: bool,
}

/// How the graph is computed.
#[derive(Debug, Args)]
#[command(next_help_heading = "How to run")]
pub(crate) struct Machine {
    /// Cores to use [default: all]
    #[arg(long, short = 'j', value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) jobs: Option<u32>,
    /// Compute these nodes again, and what follows from changed results; `all` means every node
    #[arg(long, value_name = "NODE")]
    pub(crate) force: Vec<String>,
    #[command(flatten)]
    pub(crate) results: Results,
}

/// `--device`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum DeviceArg {
    /// A GPU when the program is built for it and one is there, else the processor
    Auto,
    /// The processor
    Cpu,
    /// An NVIDIA GPU
    Cuda,
}

/// `runpipe run`.
#[derive(Debug, Args)]
pub(crate) struct Run {
    #[command(flatten)]
    pub(crate) reading: Reading,
    /// Only these nodes and what they need: `scores` or `scores[seed=0]` [default: all]
    #[arg(value_name = "TARGET", help_heading = NONE)]
    pub(crate) targets: Vec<String>,
    #[command(flatten)]
    pub(crate) machine: Machine,
    /// After a failure go on with all that does not depend on it
    #[arg(long, short = 'k', help_heading = "How to run")]
    pub(crate) keep_going: bool,
    /// Show the plan and stop
    #[expect(clippy::struct_field_names, reason = "it is the flag's name")]
    #[arg(long, short = 'n', help_heading = "How to run")]
    pub(crate) dry_run: bool,
    /// Compute cached nodes again and compare the bytes
    #[arg(long, help_heading = "How to run")]
    pub(crate) audit: bool,
    /// How to tell what happens: for people, or one JSON event a line on standard output
    #[arg(long, value_enum, default_value_t = Format::Human, value_name = "FORMAT", help_heading = "What is told")]
    pub(crate) format: Format,
    /// Where reports go
    #[arg(long, value_name = "DIR", default_value = "reports", value_hint = ValueHint::DirPath, help_heading = "What is told")]
    pub(crate) out: PathBuf,
    /// Memory that stages with `@(memory = …)` may hold together, in GiB [default: what the machine has]
    #[arg(long, value_name = "GIB", help_heading = "How to run")]
    pub(crate) memory: Option<u64>,
    /// GPUs that stages with `@(gpu = …)` may hold together
    #[arg(long, value_name = "N", help_heading = "How to run")]
    pub(crate) gpus: Option<u32>,
}

/// `--format`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// Bars on a terminal, plain lines in a pipe
    Human,
    /// One event a line
    Json,
}

/// `runpipe check`.
#[derive(Debug, Args)]
pub(crate) struct Check {
    /// The pipelines
    #[arg(value_name = "FILE", required = true, value_hint = ValueHint::FilePath)]
    pub(crate) files: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) settings: SettingArgs,
    /// Warnings count as mistakes
    #[arg(long, help_heading = NONE)]
    pub(crate) strict: bool,
}

/// `runpipe params`.
#[derive(Debug, Args)]
pub(crate) struct Params {
    /// The pipeline
    #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) file: PathBuf,
    #[command(flatten)]
    pub(crate) settings: SettingArgs,
}

/// `runpipe fmt`.
#[derive(Debug, Args)]
pub(crate) struct Fmt {
    /// The files to rewrite in place
    #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) files: Vec<PathBuf>,
    /// Change nothing; fail when a file is not in canonical form
    #[arg(long)]
    pub(crate) check: bool,
}

/// `runpipe plan`.
#[derive(Debug, Args)]
pub(crate) struct Plan {
    #[command(flatten)]
    pub(crate) reading: Reading,
    /// Only these nodes and what they need
    #[arg(value_name = "TARGET", help_heading = NONE)]
    pub(crate) targets: Vec<String>,
    #[command(flatten)]
    pub(crate) machine: Machine,
    /// A line for every node, not one a family
    #[arg(long, help_heading = NONE)]
    pub(crate) all: bool,
}

/// `runpipe why`.
#[derive(Debug, Args)]
pub(crate) struct Why {
    #[command(flatten)]
    pub(crate) reading: Reading,
    /// The node: `scores` or `scores[seed=0,site=prepend]`
    #[arg(value_name = "NODE", help_heading = NONE)]
    pub(crate) node: String,
    #[command(flatten)]
    pub(crate) results: Results,
}

/// `runpipe graph`.
#[derive(Debug, Args)]
pub(crate) struct Graph {
    #[command(flatten)]
    pub(crate) reading: Reading,
    /// How to draw it
    #[arg(long, value_enum, default_value_t = Drawing::Tree, value_name = "FORMAT", help_heading = NONE)]
    pub(crate) format: Drawing,
}

/// `runpipe graph --format`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Drawing {
    /// A tree of lines
    Tree,
    /// Graphviz
    Dot,
    /// A picture
    Svg,
}

/// `runpipe stages`.
#[derive(Debug, Subcommand)]
pub(crate) enum Stages {
    /// One line a stage
    List {
        /// Only stages whose name or summary holds this word
        #[arg(value_name = "WORD")]
        word: Option<String>,
    },
    /// Inputs, parameters, parts and metrics of a stage
    Describe {
        /// The stage, such as `maner.finetune`
        #[arg(value_name = "STAGE", required_unless_present = "all")]
        stage: Option<String>,
        /// All stages and kinds, as the reference page
        #[arg(long, conflicts_with = "stage")]
        all: bool,
    },
}

/// `runpipe report`.
#[derive(Debug, Args)]
pub(crate) struct Report {
    /// The run, as `runpipe runs list` names it [default: the last]
    #[arg(value_name = "RUN")]
    pub(crate) run: Option<String>,
    /// Where reports go
    #[arg(long, value_name = "DIR", default_value = "reports", value_hint = ValueHint::DirPath)]
    pub(crate) out: PathBuf,
    #[command(flatten)]
    pub(crate) store: StoreArgs,
}

/// `runpipe runs`.
#[derive(Debug, Subcommand)]
pub(crate) enum Runs {
    /// One line a run, the newest first
    List {
        /// At most so many
        #[arg(long, short = 'n', default_value_t = 20, value_name = "N")]
        limit: usize,
        #[command(flatten)]
        store: StoreArgs,
    },
    /// Parameters, nodes and metrics of a run
    Show {
        /// The run [default: the last]
        #[arg(value_name = "RUN")]
        run: Option<String>,
        #[command(flatten)]
        store: StoreArgs,
    },
    /// Two runs side by side: parameters and metrics that differ
    Diff {
        /// The earlier run
        #[arg(value_name = "A")]
        a: String,
        /// The later run [default: the last]
        #[arg(value_name = "B")]
        b: Option<String>,
        #[command(flatten)]
        store: StoreArgs,
    },
}

/// `runpipe get`.
#[derive(Debug, Args)]
pub(crate) struct Get {
    #[command(flatten)]
    pub(crate) reading: Reading,
    /// The node, with a part if only that is wanted: `corpus.train`, `tagger[seed=0,site=prepend]`
    #[arg(value_name = "NODE[.PART]", help_heading = NONE)]
    pub(crate) node: String,
    /// The folder to copy into
    #[arg(value_name = "DIR", value_hint = ValueHint::DirPath, help_heading = NONE)]
    pub(crate) dir: PathBuf,
    #[command(flatten)]
    pub(crate) results: Results,
}

/// `runpipe cache`.
#[derive(Debug, Subcommand)]
pub(crate) enum Cache {
    /// What the store holds
    Stat {
        #[command(flatten)]
        store: StoreArgs,
    },
    /// Delete what no recent run and no pin needs
    Gc {
        /// Keep what the last N runs of each pipeline used
        #[arg(long, default_value_t = 5, value_name = "N")]
        keep_runs: usize,
        /// Then delete only what was not used for this long, such as `30d` or `12h`
        #[arg(long, value_name = "TIME", value_parser = age)]
        older_than: Option<std::time::Duration>,
        /// Then delete the oldest results until the store is at most this large, such as `20GiB`
        #[arg(long, value_name = "SIZE", value_parser = size)]
        max_size: Option<u64>,
        /// Say what would be deleted, and why, and delete nothing
        #[arg(long, short = 'n')]
        dry_run: bool,
        #[command(flatten)]
        store: StoreArgs,
    },
    /// Hash everything again; damaged objects are set aside and computed anew by the next run
    Verify {
        #[command(flatten)]
        store: StoreArgs,
    },
    /// Keep what a run made, whatever `gc` is told; without arguments, list the pins
    Pin {
        /// The name of the pin, such as `paper`
        #[arg(value_name = "NAME")]
        name: Option<String>,
        /// The run [default: the last]
        #[arg(value_name = "RUN")]
        run: Option<String>,
        #[command(flatten)]
        store: StoreArgs,
    },
    /// Take a pin back
    Unpin {
        /// The name of the pin
        #[arg(value_name = "NAME")]
        name: String,
        #[command(flatten)]
        store: StoreArgs,
    },
}

/// `runpipe new`.
#[derive(Debug, Args)]
pub(crate) struct New {
    /// The file to write, such as `pipelines/mine.pipe`
    #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) file: PathBuf,
}

fn assignment(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.trim().is_empty() => Ok((name.trim().to_owned(), value.to_owned())),
        _ => Err("expected NAME=VALUE".to_owned()),
    }
}

fn size(text: &str) -> Result<u64, String> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic() || c == ' ');
    let number: f64 = digits.parse().map_err(|_| "expected a size such as 20GiB".to_owned())?;
    let factor: u64 = match text[digits.len()..].trim().to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "k" | "kib" => 1 << 10,
        "m" | "mib" => 1 << 20,
        "g" | "gib" => 1 << 30,
        "t" | "tib" => 1 << 40,
        unit => return Err(format!("unknown unit `{unit}`: use KiB, MiB, GiB or TiB")),
    };
    if number.is_finite() && number >= 0.0 {
        Ok((number * factor as f64) as u64)
    } else {
        Err("a size is not negative".to_owned())
    }
}

fn age(text: &str) -> Result<std::time::Duration, String> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic() || c == ' ');
    let number: u64 = digits.parse().map_err(|_| "expected a time such as 30d".to_owned())?;
    let seconds = match text[digits.len()..].trim() {
        "s" => 1,
        "min" | "m" => 60,
        "h" => 3600,
        "d" => 86_400,
        unit => return Err(format!("unknown unit `{unit}`: use s, min, h or d")),
    };
    Ok(std::time::Duration::from_secs(number.saturating_mul(seconds)))
}
