//! Names by how often they stand in a text: the words that a net reads, and the answers that it may give.

use std::collections::BTreeMap;

/// Names with their ids.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Names {
    list: Vec<String>,
    ids: BTreeMap<String, u32>,
}

impl Names {
    /// The names that stand at least `least` times, the most frequent first and at most `most` of them; of equally
    /// frequent ones the first in alphabetical order comes first.
    pub fn frequent<'a>(names: impl IntoIterator<Item = &'a str>, least: usize, most: usize) -> Self {
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        names.into_iter().for_each(|name| *counts.entry(name).or_default() += 1);
        let mut counted: Vec<(&str, usize)> =
            counts.into_iter().filter(|(_, count)| *count >= least).collect();
        counted.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        Self::of(counted.into_iter().take(most).map(|(name, _)| name.to_owned()).collect())
    }

    /// Names in order of their ids.
    pub fn of(list: Vec<String>) -> Self {
        let ids = list.iter().enumerate().map(|(id, name)| (name.clone(), id as u32)).collect();
        Self { list, ids }
    }

    /// Names, one a line in order of their ids.
    pub fn parse(text: &str) -> Self {
        Self::of(text.lines().map(str::to_owned).collect())
    }

    /// What [`parse`](Self::parse) reads.
    pub fn text(&self) -> String {
        self.list.iter().flat_map(|name| [name, "\n"]).collect()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// The id of a name.
    pub fn id(&self, name: &str) -> Option<u32> {
        self.ids.get(name).copied()
    }

    /// The name of an id.
    ///
    /// # Panics
    /// When there is none.
    pub fn name(&self, id: usize) -> &str {
        &self.list[id]
    }
}

#[cfg(test)]
mod tests;
