//! What the whole-command tests share: a scratch project and a way to run the binary in it.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// The root of the repository.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .ancestors()
        .nth(2)
        .expect("core/cli is two levels below the root")
        .to_path_buf()
}

/// Whether commands in Python can be tested; CI installs an interpreter.
pub(crate) fn has_python() -> bool {
    Command::new("python3").arg("--version").output().is_ok()
}

/// An empty project in a temporary folder, with a store of its own.
pub(crate) struct Project(tempfile::TempDir);

/// What a command printed and how it ended.
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Project {
    pub(crate) fn new() -> Self {
        let project = Self(tempfile::tempdir().expect("a temporary folder can be made"));
        project.write("runpipe.toml", "");
        project
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    pub(crate) fn write(&self, name: &str, text: impl AsRef<[u8]>) {
        let path = self.path().join(name);
        std::fs::create_dir_all(path.parent().expect("a file has a folder")).expect("the folder can be made");
        std::fs::write(path, text).expect("the file can be written");
    }

    pub(crate) fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path().join(name)).unwrap_or_else(|e| panic!("`{name}`: {e}"))
    }

    /// Runs `runpipe` with these words in the project's folder.
    pub(crate) fn run(&self, words: &[&str]) -> Ran {
        finish(self.command().args(words))
    }

    /// Runs it and expects success.
    #[track_caller]
    pub(crate) fn ok(&self, words: &[&str]) -> Ran {
        let ran = self.run(words);
        assert_eq!(ran.code, 0, "runpipe {words:?}\n{}\n{}", ran.stdout, ran.stderr);
        ran
    }

    /// `runpipe` in the project's folder.
    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_runpipe"));
        // A pipeline of the repository would otherwise use the repository's store.
        command
            .current_dir(self.path())
            .env("RUNPIPE_CACHE", self.path().join(".runpipe"))
            .env("NO_COLOR", "1");
        command
    }
}

fn finish(command: &mut Command) -> Ran {
    let Output { status, stdout, stderr } = command.output().expect("the binary is built before its tests");
    let text = |bytes| String::from_utf8(bytes).expect("runpipe prints UTF-8");
    Ran { code: status.code().unwrap_or(-1), stdout: text(stdout), stderr: text(stderr) }
}
