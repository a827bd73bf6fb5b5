//! What most verbs begin with: the pipeline, the store, the device. And how a verb fails.

use std::path::{Path, PathBuf};

use runpipe_base::{Device, Registry};
use runpipe_cache::{Store, StoreError};
use runpipe_engine::{EngineError, Pipeline, Rejected, RunOptions, Settings};

use crate::args::{DeviceArg, Machine, Reading, Results, SettingArgs, StoreArgs};
use crate::exit::Exit;
use crate::term;

/// Why a verb ended early.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The pipeline is wrong: all that is wrong with it.
    Rejected(Box<Rejected>),
    /// Anything else: the exit code, what is wrong, what to do.
    Other(Exit, String, Vec<String>),
}

impl Failure {
    /// The flags are wrong.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::Other(Exit::Usage, message.into(), Vec::new())
    }

    /// The disk refused.
    pub(crate) fn disk(path: &Path, error: &std::io::Error) -> Self {
        Self::Other(Exit::Disk, format!("`{}`: {error}", path.display()), Vec::new())
    }

    /// Adds advice.
    #[must_use]
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        if let Self::Other(_, _, hints) = &mut self {
            hints.push(hint.into());
        }
        self
    }

    /// Says it and gives the exit code.
    pub(crate) fn tell(self) -> Exit {
        match self {
            Self::Rejected(rejected) => {
                let text = runpipe_grammar::render(&rejected.diagnostics, &rejected.sources, term::colour());
                term::say(text.trim_end());
                Exit::Usage
            }
            Self::Other(exit, message, hints) => {
                term::error(message, &hints);
                exit
            }
        }
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        let hints = error.hint().into_iter().map(str::to_owned).collect();
        Self::Other(Exit::Disk, with_causes(&error), hints)
    }
}

impl From<EngineError> for Failure {
    fn from(error: EngineError) -> Self {
        match error {
            EngineError::Store(error) => error.into(),
            error => Self::Other(Exit::Usage, with_causes(&error), Vec::new()),
        }
    }
}

impl From<Rejected> for Failure {
    fn from(rejected: Rejected) -> Self {
        Self::Rejected(Box::new(rejected))
    }
}

fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let next = error.to_string();
        if !text.contains(&next) {
            text.push_str(": ");
            text.push_str(&next);
        }
        cause = error.source();
    }
    text
}

/// The pipeline of `reading`, with its warnings said.
pub(crate) fn pipeline(reading: &Reading, registry: &Registry) -> Result<Pipeline, Failure> {
    load(&reading.file, registry, &reading.settings)
}

/// The pipeline in `file`, with its warnings said.
pub(crate) fn load(file: &Path, registry: &Registry, settings: &SettingArgs) -> Result<Pipeline, Failure> {
    let pipeline = runpipe_engine::load(file, registry, &self::settings(settings))?;
    if !pipeline.warnings.is_empty() {
        let text = runpipe_grammar::render(&pipeline.warnings, &pipeline.sources, term::colour());
        term::say(text.trim_end());
    }
    Ok(pipeline)
}

/// What the command line says of parameters.
pub(crate) fn settings(args: &SettingArgs) -> Settings {
    Settings { set: args.set.clone(), params_file: args.params.clone(), profile: args.profile.clone() }
}

/// Opens the store that `args` name, or the project's own; `near` is the file or folder the project is looked for
/// from.
pub(crate) fn store(args: &StoreArgs, near: &Path) -> Result<Store, Failure> {
    Ok(Store::open(&store_path(args, near))?)
}

fn store_path(args: &StoreArgs, near: &Path) -> PathBuf {
    if let Some(dir) = &args.cache {
        return dir.clone();
    }
    if let Some(dir) = crate::environment("RUNPIPE_CACHE").filter(|dir| !dir.is_empty()) {
        return PathBuf::from(dir);
    }
    let near = std::path::absolute(near).unwrap_or_else(|_| near.to_path_buf());
    let above = || near.ancestors().filter(|folder| folder.is_dir());
    let project = above()
        .find(|folder| folder.join("runpipe.toml").is_file())
        .or_else(|| above().find(|folder| folder.join(".git").exists()))
        .or_else(|| above().next())
        .unwrap_or(Path::new("."));
    project.join(".runpipe")
}

/// Options for planning and running on this machine.
pub(crate) fn options(
    machine: &Machine,
    pipeline: &Pipeline,
    targets: &[String],
) -> Result<RunOptions, Failure> {
    for name in machine.force.iter().filter(|name| *name != "all") {
        nodes(pipeline, name)?;
    }
    Ok(RunOptions {
        jobs: machine.jobs.map_or_else(cores, |jobs| jobs as usize),
        force: machine.force.clone(),
        ..results(&machine.results, pipeline, targets)?
    })
}

/// Options for asking what is in the store.
pub(crate) fn results(
    results: &Results,
    pipeline: &Pipeline,
    targets: &[String],
) -> Result<RunOptions, Failure> {
    for name in targets {
        nodes(pipeline, name)?;
    }
    Ok(RunOptions {
        device: device(results.device, pipeline)?,
        targets: targets.to_vec(),
        trust_version: results.trust_version,
        ..RunOptions::default()
    })
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}

/// The flag, else the profile, else what is there.
fn device(flag: Option<DeviceArg>, pipeline: &Pipeline) -> Result<Device, Failure> {
    let wanted = match (flag, pipeline.device.as_deref()) {
        (Some(DeviceArg::Cpu), _) | (None, Some("cpu")) => Some(Device::Cpu),
        (Some(DeviceArg::Cuda), _) | (None, Some("cuda")) => Some(Device::Cuda),
        _ => None,
    };
    match (wanted, runpipe_stages::cuda()) {
        (Some(Device::Cuda), Err(why)) => Err(Failure::usage(format!("device `cuda` cannot be used: {why}"))
            .hint("`--device cpu` runs it on the processor")),
        (Some(device), _) => Ok(device),
        (None, Ok(())) => Ok(Device::Cuda),
        (None, Err(_)) => Ok(Device::Cpu),
    }
}

/// The nodes that `name` means: a binding's whole family, or `scores[seed=0,site=prepend]`, in any order of the axes, with
/// any of them left out.
pub(crate) fn nodes(pipeline: &Pipeline, name: &str) -> Result<Vec<runpipe_engine::NodeId>, Failure> {
    let found = runpipe_engine::select(pipeline, name);
    if !found.is_empty() {
        return Ok(found);
    }
    let failure = Failure::usage(format!("there is no node `{name}` in `{}`", pipeline.path));
    let base = name.split('[').next().unwrap_or(name);
    let names: std::collections::BTreeSet<&str> =
        pipeline.nodes.iter().map(|node| node.name.as_ref()).collect();
    Err(if names.contains(base) {
        let label =
            pipeline.nodes.iter().find(|node| node.name.as_ref() == base).map(runpipe_engine::Node::label);
        failure.hint(format!("its nodes are named as `{}`", label.unwrap_or_default()))
    } else {
        match runpipe_grammar::nearest(base, names.iter().copied()) {
            Some(nearest) => failure.hint(format!("did you mean `{nearest}`?")),
            None => failure.hint(format!("`runpipe graph {}` shows them", pipeline.path)),
        }
    })
}
