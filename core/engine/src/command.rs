//! Stages that are commands: an empty folder, inputs read-only, a process group of their own, and only what they leave in
//! `{out}` comes back.
//!
//! The folder holds `in/<port>` (or `in/<port>/<n>` for a port that takes many), `out`, and the files that the stage needs, at
//! the paths as written. Paths in the command are relative to it, so that they are the same on every machine. The environment
//! is small: `PATH`, `HOME`, `USER`, `LD_LIBRARY_PATH`, `VIRTUAL_ENV` as they are, and `LANG`, `TMPDIR`, `PYTHONHASHSEED`,
//! `OMP_NUM_THREADS` and `CUDA_VISIBLE_DEVICES` as the run says.

mod watchdog;

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use runpipe_base::{StageError, Value};
use runpipe_cache::{Slot, StoreError};
use rustix::process::{Signal, WaitId, WaitIdOptions, kill_process_group, waitid};

pub(crate) use self::watchdog::Watchdog;

use crate::cancel::Running;
use crate::run::{Fault, Job, Made, Shared, scratch};
use crate::{CommandStage, Node, Piece};

/// How long a command may take to end after it was asked to.
const GRACE: Duration = Duration::from_secs(5);

/// How many last lines of stderr a failure shows.
const STDERR_LINES: usize = 20;

impl CommandStage {
    /// The command as the `.pipe` file has it.
    pub(crate) fn text(&self) -> String {
        let piece = |piece: &Piece| match piece {
            Piece::Text(text) => text.clone(),
            Piece::Port(name) | Piece::Param(name) => format!("{{{name}}}"),
            Piece::Out => "{out}".to_owned(),
        };
        self.command.iter().map(piece).collect()
    }
}

/// Runs the command of `job` and stores what it leaves.
pub(crate) fn run(
    stage: &CommandStage,
    job: &Job,
    shared: &Shared<'_>,
    slot: &Slot,
    deadline: Option<Instant>,
) -> Result<Made, Fault> {
    let node = &shared.pipeline.nodes[job.id as usize];
    let top = scratch(shared.store);
    let top = tempfile::Builder::new().prefix("run-").tempdir_in(&top).map_err(|e| disk("make", &top, e))?;
    let work = top.path().join("work");
    let out = work.join("out");
    fs::create_dir_all(&out).map_err(|e| disk("make", &out, e))?;
    let ports = lay_out(stage, job, node, shared, &work)?;

    let mut command = assemble(stage, node, &ports);
    let log = |name: &str| {
        let path = top.path().join(name);
        File::create(&path).map_err(|e| disk("write", &path, e))
    };
    command
        .current_dir(&work)
        .stdin(Stdio::null())
        .stdout(log("stdout")?)
        .stderr(log("stderr")?)
        .env_clear()
        .envs(environment(job, top.path()));
    let running = shared.cancel.start(&mut command).map_err(|error| {
        let program = command.get_program().to_string_lossy().into_owned();
        failed(format!("cannot start `{program}`: {error}"), String::new())
    })?;
    let Some(mut running) = running else { return Err(Fault::Cancelled) };
    let status = wait(&mut running, shared, deadline)?;
    if !status.success() {
        let mut stderr = tail(&top.path().join("stderr"));
        if stderr.is_empty() {
            stderr = tail(&top.path().join("stdout"));
        }
        return Err(failed(format!("the command {}", ended(status)), stderr));
    }
    let metrics = read_metrics(&out, node)?;
    let artifact = slot.import(&out, node.stage.spec.output.clone(), &node.stage.spec.parts)?;
    if artifact.files.is_empty() && artifact.parts.is_empty() && metrics.is_empty() {
        return Err(failed(
            "the command ended well but left nothing in {out}".to_owned(),
            tail(&top.path().join("stderr")),
        ));
    }
    Ok(Made { artifact, metrics, series: Vec::new() })
}

fn disk(action: &'static str, path: &Path, source: io::Error) -> Fault {
    match source.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => {
            Fault::Store(StoreError::Full { path: path.to_owned(), source })
        }
        _ => Fault::Store(StoreError::Io { action, path: path.to_owned(), source }),
    }
}

fn failed(message: String, stderr: String) -> Fault {
    Fault::Stage(StageError::Command { message, stderr })
}

/// Puts inputs and needed files into the folder; returns the paths by port.
fn lay_out(
    stage: &CommandStage,
    job: &Job,
    node: &Node,
    shared: &Shared<'_>,
    work: &Path,
) -> Result<BTreeMap<String, Vec<String>>, Fault> {
    let mut ports = BTreeMap::new();
    for port in &node.stage.spec.inputs {
        let artifacts = job.inputs.get(port.name.as_ref()).map_or(&[][..], Vec::as_slice);
        let mut paths = Vec::with_capacity(artifacts.len());
        for (number, artifact) in artifacts.iter().enumerate() {
            let path =
                if port.many { format!("in/{}/{number}", port.name) } else { format!("in/{}", port.name) };
            let folder = work.join(&path);
            fs::create_dir_all(&folder).map_err(|e| disk("make", &folder, e))?;
            shared.store.materialise(artifact, &folder, true)?;
            paths.push(path);
        }
        ports.insert(port.name.to_string(), paths);
    }
    for (written, from) in &stage.needs {
        // `../tok.py` is needed as `tok.py` beside the folder's other files: a scratch folder has no parent of its own.
        let inside: std::path::PathBuf = Path::new(written)
            .components()
            .filter(|c| matches!(c, std::path::Component::Normal(_)))
            .collect();
        copy(Path::new(from), &work.join(inside)).map_err(|e| disk("copy", Path::new(from), e))?;
    }
    Ok(ports)
}

fn copy(from: &Path, to: &Path) -> io::Result<()> {
    if from.is_dir() {
        fs::create_dir_all(to)?;
        for entry in fs::read_dir(from)? {
            let entry = entry?;
            copy(&entry.path(), &to.join(entry.file_name()))?;
        }
        return Ok(());
    }
    if let Some(folder) = to.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::copy(from, to).map(drop)
}

/// The process: the program itself when the command is plain words, else `sh -c` with every value quoted.
fn assemble(stage: &CommandStage, node: &Node, ports: &BTreeMap<String, Vec<String>>) -> Command {
    let values = |piece: &Piece| match piece {
        Piece::Text(text) => vec![text.clone()],
        Piece::Port(name) => ports.get(name).cloned().unwrap_or_default(),
        Piece::Param(name) => vec![node.params.get(name).map(written).unwrap_or_default()],
        Piece::Out => vec!["out".to_owned()],
    };
    if needs_shell(&stage.command) {
        let mut line = String::new();
        for piece in &stage.command {
            match piece {
                Piece::Text(text) => line.push_str(text),
                piece => {
                    line.push_str(&values(piece).iter().map(|v| quoted(v)).collect::<Vec<_>>().join(" "));
                }
            }
        }
        let mut command = Command::new(program("sh"));
        command.arg("-c").arg(line);
        return command;
    }
    let (mut words, mut open): (Vec<String>, bool) = (Vec::new(), false);
    let push = |text: &str, open: &mut bool, words: &mut Vec<String>| {
        if let Some(word) = words.last_mut().filter(|_| *open) {
            word.push_str(text);
        } else {
            words.push(text.to_owned());
            *open = true;
        }
    };
    for piece in &stage.command {
        if let Piece::Text(text) = piece {
            for (number, part) in text.split(char::is_whitespace).enumerate() {
                open &= number == 0;
                if !part.is_empty() {
                    push(part, &mut open, &mut words);
                }
            }
        } else {
            for (number, value) in values(piece).iter().enumerate() {
                open &= number == 0;
                push(value, &mut open, &mut words);
            }
        }
    }
    let mut words = words.into_iter();
    let mut command = Command::new(program(&words.next().unwrap_or_else(|| "true".to_owned())));
    command.args(words);
    command
}

/// Where a program is, looked for in `PATH`; as it stands when it has a folder or is nowhere. One that is known need not be
/// looked for in a copy of this process, which costs as much as the start itself.
fn program(name: &str) -> PathBuf {
    let path = if name.contains('/') { None } else { std::env::var_os("PATH") };
    // What is relative would be sought from the folder that the command runs in.
    let folders = path.iter().flat_map(|path| std::env::split_paths(path)).filter(|path| path.is_absolute());
    let may_run =
        |path: &PathBuf| rustix::fs::access(path, rustix::fs::Access::EXEC_OK).is_ok() && path.is_file();
    folders.map(|folder| folder.join(name)).find(may_run).unwrap_or_else(|| name.into())
}

/// A parameter as a command sees it: a list with commas between, `none` as nothing.
fn written(value: &Value) -> String {
    match value {
        Value::None => String::new(),
        Value::List(items) => items.iter().map(written).collect::<Vec<_>>().join(","),
        Value::Duration(ms) => format!("{}", *ms as f64 / 1000.0),
        Value::Size(bytes) => bytes.to_string(),
        // The work folder is elsewhere: a path must not depend on where the command runs.
        Value::Path(path) => {
            std::path::absolute(path).map_or_else(|_| path.clone(), |p| p.to_string_lossy().into_owned())
        }
        other => other.plain(),
    }
}

/// Whether the words mean something only to a shell.
fn needs_shell(command: &[Piece]) -> bool {
    let special = |c: char| "|&;<>()$`\\\"'*?[]#~!{}\n".contains(c);
    let texts =
        command.iter().filter_map(|piece| if let Piece::Text(text) = piece { Some(text) } else { None });
    let first = match command.first() {
        Some(Piece::Text(text)) => text.split_whitespace().next().unwrap_or_default(),
        _ => "",
    };
    let own = [
        ".", ":", "cd", "eval", "exec", "exit", "export", "set", "source", "trap", "ulimit", "umask", "unset",
    ];
    texts.into_iter().any(|text| text.contains(special)) || first.contains('=') || own.contains(&first)
}

fn quoted(value: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+=:,@%".contains(c);
    if !value.is_empty() && value.chars().all(plain) {
        value.to_owned()
    } else {
        format!("'{}'", value.replace('\'', r"'\''"))
    }
}

fn environment(job: &Job, temporary: &Path) -> Vec<(&'static str, std::ffi::OsString)> {
    let kept = ["PATH", "HOME", "USER", "LD_LIBRARY_PATH", "VIRTUAL_ENV"];
    let mut all: Vec<_> = kept.into_iter().filter_map(|name| Some((name, std::env::var_os(name)?))).collect();
    let gpus: Vec<String> = job.held.gpus.iter().map(ToString::to_string).collect();
    all.extend([
        ("LANG", "C.UTF-8".into()),
        ("TMPDIR", temporary.into()),
        // Python's sets and dicts of text keep one order from run to run.
        ("PYTHONHASHSEED", "0".into()),
        ("OMP_NUM_THREADS", job.held.cores.to_string().into()),
        ("CUDA_VISIBLE_DEVICES", gpus.join(",").into()),
    ]);
    all
}

/// Waits for the command, its time limit or the end of the run, and leaves no process of its group behind.
fn wait(
    running: &mut Running<'_>,
    shared: &Shared<'_>,
    deadline: Option<Instant>,
) -> Result<ExitStatus, Fault> {
    let lost = |error: io::Error| failed(format!("cannot wait for the command: {error}"), String::new());
    let group = running.group();
    // Seen to end but not yet taken note of, it keeps its number.
    let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
    let ended = |options| loop {
        match waitid(WaitId::Pid(group), options) {
            Err(rustix::io::Errno::INTR) => {}
            done => return done.map(|status| status.is_some()).map_err(io::Error::from),
        }
    };
    let mut asked = false;
    match deadline {
        None => _ = ended(options).map_err(lost)?,
        Some(deadline) => {
            let mut pause = Duration::from_millis(1);
            while !ended(options | WaitIdOptions::NOHANG).map_err(lost)? {
                let late = Instant::now().saturating_duration_since(deadline);
                if late > GRACE {
                    let _ = kill_process_group(group, Signal::KILL);
                } else if late > Duration::ZERO && !std::mem::replace(&mut asked, true) {
                    let _ = kill_process_group(group, Signal::TERM);
                }
                std::thread::sleep(pause);
                pause = (pause * 2).min(Duration::from_millis(20));
            }
        }
    }
    let status = running.end().map_err(lost)?;
    // Asked to end it may say that all is well, and what it left may still be half of it.
    if asked || shared.cancel.level() > 0 { Err(Fault::Cancelled) } else { Ok(status) }
}

fn ended(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("ended with exit code {code}"),
        (None, Some(signal)) => format!("was killed by signal {signal}"),
        (None, None) => "did not end well".to_owned(),
    }
}

/// The last lines of a log; a log may be long, so only its end is read.
fn tail(path: &Path) -> String {
    use std::io::{Read, Seek, SeekFrom};
    let read = || -> io::Result<Vec<u8>> {
        let mut file = File::open(path)?;
        let length = file.metadata()?.len();
        file.seek(SeekFrom::Start(length.saturating_sub(16 << 10)))?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    let text = String::from_utf8_lossy(&read().unwrap_or_default()).into_owned();
    let lines: Vec<&str> = text.trim_end().lines().collect();
    lines[lines.len().saturating_sub(STDERR_LINES)..].join("\n")
}

/// Reads and removes `metrics.json`: a flat object of numbers, exactly those that the stage declares.
fn read_metrics(out: &Path, node: &Node) -> Result<BTreeMap<String, f64>, Fault> {
    let path = out.join("metrics.json");
    let declared = &node.stage.spec.metrics;
    let text = match fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound && declared.is_empty() => {
            return Ok(BTreeMap::new());
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let names: Vec<&str> = declared.iter().map(|m| m.name.as_ref()).collect();
            return Err(failed(
                format!("the command left no {{out}}/metrics.json, which must hold `{}`", names.join("`, `")),
                String::new(),
            ));
        }
        Err(error) => return Err(disk("read", &path, error)),
    };
    let metrics: BTreeMap<String, f64> = serde_json::from_str(&text).map_err(|e| {
        failed(format!("{{out}}/metrics.json is not a flat object of numbers: {e}"), String::new())
    })?;
    if let Some(missing) = declared.iter().find(|metric| !metrics.contains_key(metric.name.as_ref())) {
        return Err(failed(format!("{{out}}/metrics.json has no number `{}`", missing.name), String::new()));
    }
    fs::remove_file(&path).map_err(|e| disk("remove", &path, e))?;
    Ok(metrics)
}
