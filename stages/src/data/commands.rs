//! Commands and their actions, as SCAN has them: an artifact of kind `commands`. `data.scan`: reads its files.

use std::path::{Path, PathBuf};

use runpipe_base::{Ctx, Inputs, Kind, Output, Spec, Stage, StageError, View, params};

use super::files;
use crate::code;

/// The file of an artifact of kind `commands`.
pub const FILE: &str = "commands.txt";

/// A command and the actions that it means, both as words with one blank between them.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Command {
    /// `walk left twice`.
    pub command: String,
    /// `I_TURN_LEFT I_WALK I_TURN_LEFT I_WALK`.
    pub actions: String,
}

impl Command {
    /// Reads `IN: walk left OUT: I_TURN_LEFT I_WALK`.
    ///
    /// # Errors
    /// What was expected.
    pub fn parse(line: &str) -> Result<Self, String> {
        let halves = line.strip_prefix("IN: ").and_then(|rest| rest.split_once(" OUT: "));
        let (command, actions) = halves.ok_or_else(|| format!("expected `IN: … OUT: …`, found `{line}`"))?;
        let tidy = |words: &str| words.split_ascii_whitespace().collect::<Vec<_>>().join(" ");
        let (command, actions) = (tidy(command), tidy(actions));
        if command.is_empty() || actions.is_empty() {
            return Err(format!("expected a command and actions, found `{line}`"));
        }
        Ok(Self { command, actions })
    }
}

/// The commands of a text of such lines.
fn parse(text: &str) -> Result<Vec<Command>, (usize, String)> {
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim_ascii().is_empty());
    lines.map(|(i, line)| Command::parse(line.trim_ascii_end()).map_err(|e| (i + 1, e))).collect()
}

/// An artifact of kind `commands`.
pub fn output(commands: &[Command]) -> Output {
    let lines = commands.iter().map(|c| format!("IN: {} OUT: {}\n", c.command, c.actions));
    Output::new(Kind::of("commands")).file(FILE, lines.collect::<String>())
}

/// The commands of an artifact of kind `commands`.
///
/// # Errors
/// [`StageError::Input`] when a line is none.
pub fn read(view: &View<'_>) -> Result<Vec<Command>, StageError> {
    parse(&view.text(FILE)?)
        .map_err(|(line, message)| StageError::Input(format!("`{FILE}`, line {line}: {message}")))
}

params! {
    /// Parameters of [`Scan`].
    pub struct ScanParams {
        /// File of the commands to train on, such as `tasks_train_addprim_jump.txt`; a gzip file is unpacked.
        train: PathBuf;
        /// File of the commands to judge by.
        test: PathBuf;
    }
}

/// `data.scan`: reads the files of a split of SCAN.
pub struct Scan;

impl Stage for Scan {
    type Params = ScanParams;

    fn spec(&self) -> Spec {
        Spec::new("data.scan", code::DATA, "corpus/commands", "Reads the files of a split of SCAN.")
            .part("train", "commands", "commands to train on")
            .part("test", "commands", "commands to judge by")
            .metric("train_commands", "commands to train on, repeats counted")
            .metric("test_commands", "commands to judge by")
    }

    fn run(&self, p: &ScanParams, _: &Inputs<'_>, cx: &mut Ctx<'_>) -> Result<Output, StageError> {
        let mut output = Output::new(Kind::of("corpus/commands"));
        for (name, path) in [("train", &p.train), ("test", &p.test)] {
            let commands = from_file(path)?;
            cx.metric(&format!("{name}_commands"), commands.len() as f64);
            output = output.part(name, self::output(&commands));
        }
        Ok(output)
    }
}

/// The commands of a file.
///
/// # Errors
/// [`StageError`] when it cannot be read or a line is no command.
pub fn from_file(path: &Path) -> Result<Vec<Command>, StageError> {
    let wrong = |line, message| StageError::Data { path: path.display().to_string(), line, message };
    let commands = parse(&files::text(path)?).map_err(|(line, message)| wrong(line, message))?;
    if commands.is_empty() {
        return Err(wrong(0, "expected commands, found none".into()));
    }
    Ok(commands)
}

#[cfg(test)]
mod tests;
