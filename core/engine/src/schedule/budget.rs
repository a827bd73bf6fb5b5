//! What running nodes may hold together: cores, memory, GPUs.

use runpipe_base::{Device, Wants};

use crate::{Node, RunOptions};

/// What one node asks for. More than there is at all counts as all there is, so that every node fits an idle machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Demand {
    pub(crate) cores: Cores,
    memory: u64,
    gpus: usize,
}

/// How many cores.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Cores {
    /// So many.
    Some(usize),
    /// A share of those that are free, at least one: stages with tensors.
    Share,
}

/// What a running node holds.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Held {
    pub(crate) cores: usize,
    pub(crate) gpus: Vec<u32>,
    memory: u64,
}

/// What is free, and what there is in all.
#[derive(Debug)]
pub(crate) struct Budget {
    free: Held,
    cores: usize,
    memory: u64,
    gpus: usize,
}

impl Budget {
    pub(crate) fn new(options: &RunOptions) -> Self {
        let cores = options.jobs.max(1);
        let memory = options.memory.unwrap_or_else(installed_memory);
        let count = options.gpus.unwrap_or(u32::from(options.device == Device::Cuda));
        // The last is taken first.
        let gpus: Vec<u32> = (0..count).rev().collect();
        Self { cores, memory, gpus: gpus.len(), free: Held { cores, gpus, memory } }
    }

    /// What `node` asks for.
    pub(crate) fn demand(&self, node: &Node, device: Device) -> Demand {
        let tensors = node.stage.spec.wants == Wants::Tensors;
        let cores = match node.hints.cores {
            Some(cores) => Cores::Some((cores as usize).clamp(1, self.cores)),
            None if tensors => Cores::Share,
            None => Cores::Some(1),
        };
        let on_gpu = u32::from(tensors && device == Device::Cuda);
        Demand {
            cores,
            memory: node.hints.memory.unwrap_or(0).min(self.memory),
            gpus: (node.hints.gpu.unwrap_or(on_gpu) as usize).min(self.gpus),
        }
    }

    /// Whether anything can be taken at all.
    pub(crate) fn is_spent(&self) -> bool {
        self.free.cores == 0
    }

    /// Takes what `demand` says, if it is free; `rivals` other nodes want a share of the cores as well.
    pub(crate) fn take(&mut self, demand: Demand, rivals: usize) -> Option<Held> {
        let free = &mut self.free;
        let cores = match demand.cores {
            Cores::Some(cores) => cores,
            Cores::Share => (free.cores / (rivals.min(free.cores) + 1)).max(1),
        };
        if cores > free.cores || demand.memory > free.memory || demand.gpus > free.gpus.len() {
            return None;
        }
        free.cores -= cores;
        free.memory -= demand.memory;
        let gpus = free.gpus.split_off(free.gpus.len() - demand.gpus);
        Some(Held { cores, gpus, memory: demand.memory })
    }

    pub(crate) fn give_back(&mut self, held: &Held) {
        self.free.cores += held.cores;
        self.free.memory += held.memory;
        self.free.gpus.extend(&held.gpus);
    }
}

/// The machine's memory in bytes; without an answer there is no limit.
fn installed_memory() -> u64 {
    let info = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let line = info.lines().find_map(|line| line.strip_prefix("MemTotal:"));
    let kib = line.and_then(|line| line.trim().trim_end_matches("kB").trim().parse::<u64>().ok());
    kib.map_or(u64::MAX, |kib| kib << 10)
}
