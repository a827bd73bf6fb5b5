//! Stopping a run, politely or at once.

use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use rustix::process::{Pid, Signal, kill_process_group};

/// Tells a run to stop. Clones speak of the same run.
#[derive(Debug, Clone, Default)]
pub struct Cancel(Arc<State>);

#[derive(Debug, Default)]
struct State {
    level: AtomicU8,
    /// Process groups of the commands that run now.
    groups: Mutex<Vec<Pid>>,
}

impl Cancel {
    /// Stages stop at their next checkpoint or stop point, commands are asked to end; nothing new begins.
    pub fn stop(&self) {
        self.0.level.fetch_max(1, Ordering::SeqCst);
        self.signal(Signal::TERM);
    }

    /// Commands are killed. What runs in this process ends with the process, which is the caller's to end; finished work and
    /// checkpoints are in the store.
    pub fn stop_now(&self) {
        self.0.level.store(2, Ordering::SeqCst);
        self.signal(Signal::KILL);
    }

    /// 0: go on, 1: stop politely, 2: stop at once.
    pub fn level(&self) -> u8 {
        self.0.level.load(Ordering::SeqCst)
    }

    /// Notes a command's process group for as long as the guard lives.
    pub(crate) fn guard(&self, group: Pid) -> Guard<'_> {
        self.0.groups.lock().unwrap_or_else(PoisonError::into_inner).push(group);
        Guard(self, group)
    }

    fn signal(&self, signal: Signal) {
        for group in self.0.groups.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            // A group that has just ended needs no signal.
            let _ = kill_process_group(*group, signal);
        }
    }
}

/// Forgets a process group when it is dropped.
pub(crate) struct Guard<'a>(&'a Cancel, Pid);

impl Drop for Guard<'_> {
    fn drop(&mut self) {
        self.0.0.groups.lock().unwrap_or_else(PoisonError::into_inner).retain(|group| *group != self.1);
    }
}
