//! Stopping a run, politely or at once, with all that it started.

use std::io;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command};
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use rustix::process::{Pid, Signal, kill_process_group};

use crate::command::Watchdog;

/// Tells a run to stop. Clones speak of the same run.
#[derive(Debug, Clone, Default)]
pub struct Cancel(Arc<State>);

#[derive(Debug, Default)]
struct State {
    level: AtomicU8,
    /// Closed while a signal is on its way: between its start and its entry below a command would not hear it.
    gate: RwLock<()>,
    groups: Mutex<Groups>,
}

/// Process groups of the commands that run now.
#[derive(Debug, Default)]
struct Groups {
    running: Vec<Pid>,
    watchdog: Watchdog,
}

impl Cancel {
    /// Stages stop at their next checkpoint or stop point, commands are asked to end; nothing new begins.
    pub fn stop(&self) {
        self.raise(1, Signal::TERM);
    }

    /// Commands are killed. What runs in this process ends with the process, which is the caller's to end; finished work and
    /// checkpoints are in the store.
    pub fn stop_now(&self) {
        self.raise(2, Signal::KILL);
    }

    /// 0: go on, 1: stop politely, 2: stop at once.
    pub fn level(&self) -> u8 {
        self.0.level.load(Ordering::SeqCst)
    }

    fn raise(&self, level: u8, signal: Signal) {
        self.0.level.fetch_max(level, Ordering::SeqCst);
        let _closed = self.0.gate.write().unwrap_or_else(PoisonError::into_inner);
        for group in &self.groups().running {
            // A group that has just ended needs no signal.
            let _ = kill_process_group(*group, signal);
        }
    }

    /// Starts a command as the head of a process group of its own, which ends with the run however the run ends; `None` when
    /// the run is being stopped.
    pub(crate) fn start(&self, command: &mut Command) -> io::Result<Option<Running<'_>>> {
        let _open = self.0.gate.read().unwrap_or_else(PoisonError::into_inner);
        if self.level() > 0 {
            return Ok(None);
        }
        self.groups().watchdog.wake();
        let child = command.process_group(0).spawn()?;
        let group = Pid::from_child(&child);
        let mut groups = self.groups();
        groups.running.push(group);
        groups.watchdog.begin(group);
        drop(groups);
        Ok(Some(Running { cancel: self, group, child }))
    }

    fn groups(&self) -> std::sync::MutexGuard<'_, Groups> {
        self.0.groups.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A command that runs, and all that it started.
pub(crate) struct Running<'a> {
    cancel: &'a Cancel,
    group: Pid,
    child: Child,
}

impl Running<'_> {
    /// The process group.
    pub(crate) fn group(&self) -> Pid {
        self.group
    }

    /// The command, that has ended; what it started and left running ends too.
    pub(crate) fn end(&mut self) -> io::Result<std::process::ExitStatus> {
        // Before it is waited for: until then nobody else can get its number.
        let _ = kill_process_group(self.group, Signal::KILL);
        self.forget();
        self.child.wait()
    }

    fn forget(&self) {
        let mut groups = self.cancel.groups();
        if let Some(at) = groups.running.iter().position(|group| *group == self.group) {
            groups.running.swap_remove(at);
            groups.watchdog.end(self.group);
        }
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.forget();
    }
}
