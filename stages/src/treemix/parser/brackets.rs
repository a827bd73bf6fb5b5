//! Labelled brackets of trees, counted as `evalb` does.

use std::collections::BTreeMap;

use crate::data::tree::Tree;
use crate::data::trees::is_punctuation;

/// Brackets of gold trees and of parses, and how many they share.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Score {
    /// Brackets of gold trees.
    pub gold: usize,
    /// Brackets of parses.
    pub parsed: usize,
    /// Brackets in both.
    pub shared: usize,
    /// Sentences.
    pub sentences: usize,
    /// Sentences whose brackets are all right.
    pub exact: usize,
    /// Sentences without a parse; their gold brackets count as missed.
    pub failed: usize,
    /// Words that are scored, by gold tags.
    pub words: usize,
    /// Words with the right tag.
    pub tagged: usize,
}

impl Score {
    /// Adds a sentence.
    ///
    /// # Errors
    /// When both trees do not have the same number of words.
    pub fn add(&mut self, gold: &Tree, parsed: Option<&Tree>) -> Result<(), String> {
        let wanted = brackets(gold, gold);
        let count = |brackets: &BTreeMap<_, usize>| brackets.values().sum::<usize>();
        self.sentences += 1;
        self.gold += count(&wanted);
        let tags = tags(gold);
        self.words += tags.iter().flatten().count();
        let Some(parsed) = parsed else {
            self.failed += 1;
            return Ok(());
        };
        let (expected, found) = (gold.words().len(), parsed.words().len());
        if expected != found {
            return Err(format!("expected a parse of {expected} words, found {found}"));
        }
        let made = brackets(parsed, gold);
        let shared: usize =
            wanted.iter().map(|(bracket, n)| (*n).min(made.get(bracket).copied().unwrap_or(0))).sum();
        self.parsed += count(&made);
        self.shared += shared;
        self.exact += usize::from(wanted == made);
        let found = self::tags(parsed);
        self.tagged +=
            tags.iter().zip(found).filter(|(gold, found)| gold.is_some() && **gold == *found).count();
        Ok(())
    }

    /// Shared over parsed brackets, in percent.
    pub fn precision(&self) -> f64 {
        percent(self.shared, self.parsed)
    }

    /// Shared over gold brackets, in percent.
    pub fn recall(&self) -> f64 {
        percent(self.shared, self.gold)
    }

    /// The harmonic mean of both, in percent.
    pub fn f1(&self) -> f64 {
        percent(2 * self.shared, self.gold + self.parsed)
    }

    /// Words with the right tag, in percent.
    pub fn tag_accuracy(&self) -> f64 {
        percent(self.tagged, self.words)
    }

    /// Sentences whose brackets are all right, in percent.
    pub fn exact_match(&self) -> f64 {
        percent(self.exact, self.sentences)
    }
}

fn percent(part: usize, of: usize) -> f64 {
    100.0 * part as f64 / of.max(1) as f64
}

/// Label, start and end of every node over more than a tag, words of punctuation not counted.
///
/// # Source
/// `evalb` with `COLLINS.prm`: the root is left out, punctuation by the gold tags is deleted, `PRT` is `ADVP`.
fn brackets<'a>(tree: &'a Tree, gold: &Tree) -> BTreeMap<(&'a str, usize, usize), usize> {
    let mut place = vec![0];
    for word in tags(gold) {
        place.push(place.last().copied().unwrap_or(0) + usize::from(word.is_some()));
    }
    let mut brackets = BTreeMap::new();
    for (at, node) in tree.nodes().iter().enumerate() {
        let (start, end) = (place[node.start], place[node.end]);
        let counts =
            start < end && !tree.is_tag(at) && !matches!(node.label.as_str(), "" | "ROOT" | "TOP" | "S1");
        if counts {
            let label = if node.label == "PRT" { "ADVP" } else { node.label.as_str() };
            *brackets.entry((label, start, end)).or_default() += 1;
        }
    }
    brackets
}

/// The tag of every word; none for punctuation and for words without one.
fn tags(tree: &Tree) -> Vec<Option<&str>> {
    let mut tags = vec![None; tree.words().len()];
    for (_, node) in tree.nodes().iter().enumerate().filter(|(at, _)| tree.is_tag(*at)) {
        tags[node.start] = (!is_punctuation(node)).then_some(node.label.as_str());
    }
    tags
}

#[cfg(test)]
mod tests;
