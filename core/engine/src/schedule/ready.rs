//! Nodes that have all they need and wait for room: the highest priority first, then the longest path.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BinaryHeap};

use super::budget::{Budget, Cores, Demand};
use crate::NodeId;
use crate::run::Job;

/// A ready node; the greatest starts first.
struct Ready {
    priority: i64,
    path_s: f64,
    job: Box<Job>,
}

impl Ord for Ready {
    fn cmp(&self, other: &Self) -> Ordering {
        let by_path = self.path_s.total_cmp(&other.path_s);
        self.priority.cmp(&other.priority).then(by_path).then(other.job.id.cmp(&self.job.id))
    }
}

impl PartialOrd for Ready {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Ready {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Ready {}

/// Ready nodes by what they ask for: whether any fits is seen from the first of each kind, however many wait.
#[derive(Default)]
pub(crate) struct Queue {
    kinds: BTreeMap<Demand, BinaryHeap<Ready>>,
    /// The first of all, when it did not fit, and how many began before it since.
    overtaken: Option<(NodeId, u32)>,
}

/// A node that does not fit lets smaller ones begin before it, but no more than this many: it is not put off for ever.
const MOST_OVERTAKES: u32 = 32;

impl Queue {
    pub(crate) fn push(&mut self, demand: Demand, priority: i64, path_s: f64, job: Box<Job>) {
        self.kinds.entry(demand).or_default().push(Ready { priority, path_s, job });
    }

    /// The next node that may begin, with what it holds taken out of `budget`.
    pub(crate) fn pop(&mut self, budget: &mut Budget) -> Option<Box<Job>> {
        if budget.is_spent() {
            return None;
        }
        let mut heads: Vec<(&Ready, Demand)> =
            self.kinds.iter().filter_map(|(demand, heap)| Some((heap.peek()?, *demand))).collect();
        heads.sort_unstable_by(|a, b| b.0.cmp(a.0));
        let first = heads.first()?.0.job.id;
        let patience = match self.overtaken {
            Some((id, count)) if id == first => MOST_OVERTAKES.saturating_sub(count),
            _ => MOST_OVERTAKES,
        };
        let tried = if patience == 0 { 1 } else { heads.len() };
        let sharing = self.sharing();
        let fits = |(ready, demand): &(&Ready, Demand)| {
            let rivals = sharing - usize::from(demand.cores == Cores::Share);
            Some((ready.job.id, *demand, budget.take(*demand, rivals)?))
        };
        let (id, demand, held) = heads[..tried].iter().find_map(fits)?;
        self.overtaken = (id != first).then_some((first, MOST_OVERTAKES - patience + 1));
        let mut job = self.kinds.get_mut(&demand)?.pop()?.job;
        job.held = held;
        Some(job)
    }

    /// How many ready nodes want a share of the cores.
    fn sharing(&self) -> usize {
        let share = |(demand, _): &(&Demand, &BinaryHeap<Ready>)| demand.cores == Cores::Share;
        self.kinds.iter().filter(share).map(|(_, heap)| heap.len()).sum()
    }
}
