//! A small process that outlives a run which is killed, long enough to kill the commands that it left behind.

use std::io::Write;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};

use rustix::process::Pid;

/// Hears which process groups run; when the run is gone, its pipe ends and what still runs is killed.
const SCRIPT: &str = r#"
trap '' HUP INT TERM
running=
while read -r what group; do
    case $what in
    begin) running="$running $group" ;;
    end)
        left=
        for other in $running; do [ "$other" = "$group" ] || left="$left $other"; done
        running=$left
        ;;
    esac
done
for group in $running; do kill -s KILL -- "-$group"; done
"#;

/// The watchdog of a run, started with its first command. Without a shell there is none, and commands of a killed run go on
/// to their end; nothing else depends on it.
#[derive(Debug, Default)]
pub(crate) enum Watchdog {
    /// No command ran yet.
    #[default]
    Asleep,
    /// It listens.
    Awake(Child),
    /// It could not be started, or is gone.
    Gone,
}

impl Watchdog {
    /// A process group is about to begin.
    pub(crate) fn wake(&mut self) {
        if matches!(self, Self::Asleep) {
            let mut command = Command::new("sh");
            // A group of its own: what is sent to the run's does not reach it.
            command.args(["-c", SCRIPT]).process_group(0);
            command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
            *self = command.spawn().map_or(Self::Gone, Self::Awake);
        }
    }

    /// A process group has begun. Only a kill between its start and this is not made good.
    pub(crate) fn begin(&mut self, group: Pid) {
        self.tell("begin", group);
    }

    /// A process group has ended.
    pub(crate) fn end(&mut self, group: Pid) {
        self.tell("end", group);
    }

    fn tell(&mut self, what: &str, group: Pid) {
        let Self::Awake(child) = self else { return };
        let line = format!("{what} {}\n", group.as_raw_nonzero());
        let told = child.stdin.as_mut().map(|pipe| pipe.write_all(line.as_bytes()));
        if !matches!(told, Some(Ok(()))) {
            *self = Self::Gone;
        }
    }
}

impl Drop for Watchdog {
    fn drop(&mut self) {
        if let Self::Awake(child) = self {
            drop(child.stdin.take());
            // It ends with its pipe.
            let _ = child.wait();
        }
    }
}
