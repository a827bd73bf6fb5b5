//! Trees as a grammar has them, of one child or two, every label marked with its surroundings; and back.
//!
//! A node `NP` below `S` becomes `NP^S`, a tag `DT` below `NP` becomes `DT^NP`. A node of more than two children hands
//! the rest of them to nodes of its own, `@NP^S|DT JJ`, that remember the last children only.

use std::collections::BTreeMap;

use crate::data::tree::{Node, Tree};

/// How much of its surroundings a label is marked with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Marks {
    /// Whether labels bear their parent's.
    pub parents: bool,
    /// Whether tags do.
    pub tag_parents: bool,
    /// How many of the last children a row of children remembers.
    pub siblings: usize,
    /// A mark that occurs less often is shortened, or left out.
    pub least: u32,
}

/// A tree whose nodes have one child or two; a tag has none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Branch {
    /// A tag over the word at a place.
    Tag(String, usize),
    /// A node of one child.
    One(String, Box<Branch>),
    /// A node of two children.
    Two(String, Box<Branch>, Box<Branch>),
}

impl Branch {
    /// The symbol.
    pub fn symbol(&self) -> &str {
        match self {
            Self::Tag(symbol, _) | Self::One(symbol, _) | Self::Two(symbol, ..) => symbol,
        }
    }
}

/// How often each mark occurs, by which rare ones are known.
#[derive(Debug, Clone, Default)]
pub struct Census(BTreeMap<String, u32>);

impl Census {
    /// Counts all marks of trees.
    pub fn of(trees: &[Tree], marks: Marks) -> Self {
        let mut census = Self::default();
        for tree in trees {
            for at in 0..tree.nodes().len() {
                let parent = parent(tree, at);
                *census.0.entry(marked(tree, at, parent)).or_default() += 1;
            }
        }
        // Rows of children hang on the labels as they will be marked.
        let mut counts: BTreeMap<String, u32> = BTreeMap::new();
        for tree in trees {
            for at in 0..tree.nodes().len() {
                let labels: Vec<&str> =
                    tree.children(at).map(|child| tree.nodes()[child].label.as_str()).collect();
                let symbol = census.symbol(tree, at, marks);
                for done in 1..labels.len().saturating_sub(1) {
                    for kept in 1..=marks.siblings.min(done) {
                        *counts.entry(row(&symbol, &labels[done - kept..done])).or_default() += 1;
                    }
                }
            }
        }
        census.0.append(&mut counts);
        census
    }

    fn count(&self, mark: &str) -> u32 {
        self.0.get(mark).copied().unwrap_or(0)
    }

    /// The symbol of a node: its label, with its parent's where that is wanted and common.
    fn symbol(&self, tree: &Tree, at: usize, marks: Marks) -> String {
        let label = &tree.nodes()[at].label;
        let wanted = if tree.is_tag(at) { marks.tag_parents } else { marks.parents };
        let marked = marked(tree, at, parent(tree, at));
        if wanted && self.count(&marked) >= marks.least { marked } else { label.clone() }
    }

    /// The symbol of what is left of a row of children, after those with these labels: as many of the last ones as are
    /// common together.
    fn rest(&self, symbol: &str, before: &[&str], marks: Marks) -> String {
        let most = marks.siblings.min(before.len());
        let kept = (1..=most)
            .rev()
            .find(|kept| self.count(&row(symbol, &before[before.len() - kept..])) >= marks.least);
        row(symbol, &before[before.len() - kept.unwrap_or(0)..])
    }
}

fn marked(tree: &Tree, at: usize, parent: Option<usize>) -> String {
    let label = &tree.nodes()[at].label;
    match parent {
        Some(parent) => format!("{label}^{}", tree.nodes()[parent].label),
        None => label.clone(),
    }
}

fn row(symbol: &str, before: &[&str]) -> String {
    format!("@{symbol}|{}", before.join(" "))
}

/// The parent of a node: the last one before it that holds it.
fn parent(tree: &Tree, at: usize) -> Option<usize> {
    (0..at).rev().find(|up| up + tree.nodes()[*up].size > at)
}

/// A tree with its labels marked and all nodes of one child or two; none when a word stands beside nodes, or a label
/// begins with `@`, which here means something else.
pub fn binarise(tree: &Tree, census: &Census, marks: Marks) -> Option<Branch> {
    let nodes = tree.nodes();
    if nodes.iter().any(|node| node.label.starts_with('@') || node.label.contains(['^', '|', '\t'])) {
        return None;
    }
    // Children before parents, from the last node to the first.
    let mut done: Vec<Option<Branch>> = vec![None; nodes.len()];
    for at in (0..nodes.len()).rev() {
        let symbol = census.symbol(tree, at, marks);
        if tree.is_tag(at) {
            done[at] = Some(Branch::Tag(symbol, nodes[at].start));
            continue;
        }
        let children: Vec<usize> = tree.children(at).collect();
        let covered: usize = children.iter().map(|child| nodes[*child].len()).sum();
        if covered != nodes[at].len() {
            return None;
        }
        let labels: Vec<&str> = children.iter().map(|child| nodes[*child].label.as_str()).collect();
        let mut branches: Vec<Branch> = children
            .iter()
            .map(|child| done[*child].take().expect("children stand behind their parent"))
            .collect();
        let mut rest = branches.pop().expect("a node that is no tag has children");
        let count = branches.len();
        if count == 0 {
            // A node below a like node with nothing beside it says nothing.
            done[at] = Some(if rest.symbol() == symbol { rest } else { Branch::One(symbol, Box::new(rest)) });
            continue;
        }
        for (place, branch) in branches.into_iter().enumerate().rev() {
            let name =
                if place == 0 { symbol.clone() } else { census.rest(&symbol, &labels[..place], marks) };
            rest = Branch::Two(name, Box::new(branch), Box::new(rest));
        }
        debug_assert!(count > 0, "at least two children");
        done[at] = Some(rest);
    }
    done[0].take()
}

/// The tree that a binarised one stands for, over its words.
pub fn restore(branch: &Branch, words: &[String]) -> Tree {
    /// What is still to be written: a branch, or the end of the node at a place.
    enum Step<'a> {
        Down(&'a Branch),
        Up(usize),
    }
    let mut nodes: Vec<Node> = Vec::new();
    let (mut steps, mut word) = (vec![Step::Down(branch)], 0);
    while let Some(step) = steps.pop() {
        match step {
            Step::Up(at) => {
                (nodes[at].end, nodes[at].size) = (word, nodes.len() - at);
            }
            Step::Down(branch) => {
                if let Some(label) = label(branch.symbol()) {
                    steps.push(Step::Up(nodes.len()));
                    nodes.push(Node { label: label.to_owned(), start: word, end: 0, size: 0 });
                }
                match branch {
                    Branch::Tag(..) => word += 1,
                    Branch::One(_, only) => steps.push(Step::Down(only)),
                    Branch::Two(_, left, right) => steps.extend([Step::Down(right), Step::Down(left)]),
                }
            }
        }
    }
    Tree::new(words.to_vec(), nodes)
}

/// The label of a symbol; none for the rest of a row of children.
pub fn label(symbol: &str) -> Option<&str> {
    (!symbol.starts_with('@')).then(|| symbol.split('^').next().unwrap_or(symbol))
}

#[cfg(test)]
mod tests;
