//! A grammar with probabilities, read off trees, and the files it lies in.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use runpipe_base::{Kind, Output, StageError, View};

use super::lexicon::{Lexicon, Tags};
use super::transform::{Branch, Census, Marks, binarise};
use crate::data::tree::Tree;

/// Rules with how often they occur, symbols by name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counts {
    /// Names of the symbols by id, in order.
    pub symbols: Vec<String>,
    /// Parent and child.
    pub unary: BTreeMap<[u32; 2], u32>,
    /// Parent, left and right child.
    pub binary: BTreeMap<[u32; 3], u32>,
    /// Tags of words.
    pub lexicon: Lexicon,
    /// How often each symbol is the root.
    pub roots: Tags,
}

impl Counts {
    /// Counts the rules of trees; also how many trees could not be used.
    pub fn of(trees: &[Tree], marks: Marks) -> (Self, usize) {
        let census = Census::of(trees, marks);
        let branches: Vec<(&Tree, Branch)> =
            trees.iter().filter_map(|tree| Some((tree, binarise(tree, &census, marks)?))).collect();
        let mut names: BTreeMap<String, u32> = BTreeMap::new();
        for (_, branch) in &branches {
            walk(branch, &mut |branch| {
                names.entry(branch.symbol().to_owned()).or_default();
            });
        }
        names.values_mut().zip(0..).for_each(|(id, place)| *id = place);
        let mut counts = Self { symbols: names.keys().cloned().collect(), ..Self::default() };
        let mut tagged: Vec<(&str, u32, bool)> = Vec::new();
        for (tree, branch) in &branches {
            let id = |branch: &Branch| names[branch.symbol()];
            *counts.roots.entry(id(branch)).or_default() += 1;
            walk(branch, &mut |branch| match branch {
                Branch::Tag(_, place) => tagged.push((&tree.words()[*place], id(branch), *place == 0)),
                Branch::One(_, only) => *counts.unary.entry([id(branch), id(only)]).or_default() += 1,
                Branch::Two(_, left, right) => {
                    *counts.binary.entry([id(branch), id(left), id(right)]).or_default() += 1;
                }
            });
        }
        counts.lexicon = Lexicon::of(tagged.iter().copied());
        (counts, trees.len() - branches.len())
    }

    /// The artifact: open tables of names and counts.
    pub fn write(&self) -> Output {
        let name = |id: &u32| self.symbols[*id as usize].as_str();
        let (mut rules, mut words) = (String::new(), String::new());
        let row = |out: &mut String, fields: &[&str], count: u32| {
            writeln!(out, "{}\t{count}", fields.join("\t")).expect("a String takes all");
        };
        for (root, count) in &self.roots {
            row(&mut rules, &["", name(root), ""], *count);
        }
        for ([parent, child], count) in &self.unary {
            row(&mut rules, &[name(parent), name(child), ""], *count);
        }
        for ([parent, left, right], count) in &self.binary {
            row(&mut rules, &[name(parent), name(left), name(right)], *count);
        }
        for (kind, table) in [("word", &self.lexicon.words), ("class", &self.lexicon.classes)] {
            for (word, tags) in table {
                tags.iter().for_each(|(tag, count)| row(&mut words, &[kind, word, name(tag)], *count));
            }
        }
        Output::new(Kind::of("grammar"))
            .file("rules.tsv", format!("parent\tleft\tright\tcount\n{rules}"))
            .file("lexicon.tsv", format!("kind\tword\ttag\tcount\n{words}"))
    }

    /// Reads an artifact.
    ///
    /// # Errors
    /// [`StageError::Input`] when a line is no rule.
    pub fn read(view: &View<'_>) -> Result<Self, StageError> {
        let [rules, words] = ["rules.tsv", "lexicon.tsv"].map(|file| rows(view, file));
        let (rules, words) = (rules?, words?);
        let mut names: BTreeMap<&str, u32> = BTreeMap::new();
        let named =
            rules.iter().flat_map(|([a, b, c], _)| [a, b, c]).chain(words.iter().map(|([_, _, tag], _)| tag));
        named.filter(|name| !name.is_empty()).for_each(|name| {
            names.entry(name).or_default();
        });
        names.values_mut().zip(0..).for_each(|(id, place)| *id = place);
        let mut counts =
            Self { symbols: names.keys().map(|name| (*name).to_owned()).collect(), ..Self::default() };
        for ([parent, left, right], count) in &rules {
            let id = |name: &String| names[name.as_str()];
            match (parent.is_empty(), right.is_empty()) {
                (true, _) => drop(counts.roots.insert(id(left), *count)),
                (_, true) => drop(counts.unary.insert([id(parent), id(left)], *count)),
                _ => drop(counts.binary.insert([id(parent), id(left), id(right)], *count)),
            }
        }
        for ([kind, word, tag], count) in &words {
            let lexicon = &mut counts.lexicon;
            let table = if kind == "word" { &mut lexicon.words } else { &mut lexicon.classes };
            table.entry(word.clone()).or_default().insert(names[tag.as_str()], *count);
        }
        if counts.roots.is_empty() || counts.lexicon.words.is_empty() {
            return Err(StageError::Input("expected a grammar with roots and words, found none".into()));
        }
        Ok(counts)
    }
}

/// The rows of a table of three names and a count.
fn rows(view: &View<'_>, file: &str) -> Result<Vec<([String; 3], u32)>, StageError> {
    let text = view.text(file)?;
    let parse = |line: &str| {
        let fields: Vec<&str> = line.split('\t').collect();
        let [a, b, c, count] = fields.as_slice() else { return None };
        let count: u32 = count.parse().ok()?;
        (count > 0 && !b.is_empty()).then(|| ([a, b, c].map(|field| (*field).to_owned()), count))
    };
    let rows = text.lines().enumerate().skip(1).map(|(i, line)| {
        parse(line).ok_or_else(|| StageError::Input(format!("`{file}`, line {}: no rule: `{line}`", i + 1)))
    });
    rows.collect()
}

/// Calls `f` for a branch and all below it.
fn walk<'a>(branch: &'a Branch, f: &mut impl FnMut(&'a Branch)) {
    let mut open = vec![branch];
    while let Some(branch) = open.pop() {
        f(branch);
        match branch {
            Branch::Tag(..) => {}
            Branch::One(_, only) => open.push(only),
            Branch::Two(_, left, right) => open.extend([&**right, &**left]),
        }
    }
}

/// A rule of two children, seen from its left one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Binary {
    /// The right child.
    pub right: u32,
    /// The parent.
    pub parent: u32,
    /// ln of its probability.
    pub score: f32,
}

/// A chain of rules of one child, seen from its lower end.
#[derive(Debug, Clone, PartialEq)]
pub struct Chain {
    /// The upper end.
    pub parent: u32,
    /// ln of its probability.
    pub score: f32,
    /// The symbols between, from above.
    pub between: Vec<u32>,
}

/// A grammar ready to parse with.
#[derive(Debug, Clone)]
pub struct Grammar {
    /// Names of the symbols.
    pub symbols: Vec<String>,
    /// Rules of two children by their left one.
    pub by_left: Vec<Vec<Binary>>,
    /// The best chain between each two symbols, by the lower one.
    pub chains: Vec<Vec<Chain>>,
    /// ln of how likely a symbol is at all.
    pub priors: Vec<f32>,
    /// ln of how likely a symbol is the root.
    pub roots: Vec<(u32, f32)>,
    /// The same for tags among words.
    tag_priors: Vec<f64>,
    lexicon: Lexicon,
}

impl Grammar {
    /// The grammar of relative frequencies.
    pub fn new(counts: Counts) -> Self {
        let size = counts.symbols.len();
        let mut totals = vec![0_u32; size];
        counts.unary.iter().for_each(|([parent, _], n)| totals[*parent as usize] += n);
        counts.binary.iter().for_each(|([parent, ..], n)| totals[*parent as usize] += n);
        let log = |n: u32, of: u32| libm::log(f64::from(n) / f64::from(of));
        let mut by_left = vec![Vec::new(); size];
        for ([parent, left, right], n) in &counts.binary {
            let score = log(*n, totals[*parent as usize]) as f32;
            by_left[*left as usize].push(Binary { right: *right, parent: *parent, score });
        }
        let unary = counts
            .unary
            .iter()
            .map(|([parent, child], n)| (*parent, *child, log(*n, totals[*parent as usize])));
        let chains = chains(size, &unary.collect::<Vec<_>>());
        let mut tags = vec![0_u32; size];
        for (tag, n) in counts.lexicon.words.values().flatten() {
            tags[*tag as usize] += n;
        }
        let words: u32 = tags.iter().sum();
        let nodes: u32 = totals.iter().chain(&tags).sum();
        let either = totals.iter().zip(&tags).map(|(a, b)| a + b);
        let priors = either.map(|n| log(n.max(1), nodes) as f32).collect();
        let tag_priors = tags.iter().map(|n| log((*n).max(1), words)).collect();
        let total: u32 = counts.roots.values().sum();
        let roots = counts.roots.iter().map(|(root, n)| (*root, log(*n, total) as f32)).collect();
        Self { symbols: counts.symbols, by_left, chains, priors, roots, tag_priors, lexicon: counts.lexicon }
    }

    /// The tags that a word may have, with ln P(word | tag) up to what is the same for all.
    pub fn tags(&self, word: &str, initial: bool) -> Vec<(u32, f32)> {
        self.lexicon.scores(word, initial, &self.tag_priors)
    }

    /// How many rules of two children there are.
    pub fn rules(&self) -> usize {
        self.by_left.iter().map(Vec::len).sum()
    }
}

/// The best chain of rules of one child between each two symbols that have one.
fn chains(size: usize, rules: &[(u32, u32, f64)]) -> Vec<Vec<Chain>> {
    let mut above: Vec<Vec<(u32, f64)>> = vec![Vec::new(); size];
    rules.iter().for_each(|(parent, child, score)| above[*child as usize].push((*parent, *score)));
    let closure = |low: u32| {
        // Probabilities are at most 1, so the best chain never meets a symbol twice: relax until nothing changes.
        let mut best: BTreeMap<u32, (f64, Vec<u32>)> = BTreeMap::new();
        let mut open = vec![(low, 0.0, Vec::new())];
        while let Some((top, score, path)) = open.pop() {
            for (parent, step) in &above[top as usize] {
                let total: f64 = score + step;
                let better = best.get(parent).is_none_or(|(old, _)| total > *old + 1e-12);
                if *parent != low && better {
                    best.insert(*parent, (total, path.clone()));
                    let longer = [&[*parent], path.as_slice()].concat();
                    open.push((*parent, total, longer));
                }
            }
        }
        let chain = |(parent, (score, between)): (u32, (f64, Vec<u32>))| Chain {
            parent,
            score: score as f32,
            between,
        };
        best.into_iter().map(chain).collect()
    };
    (0..size as u32).map(closure).collect()
}

#[cfg(test)]
mod tests;
