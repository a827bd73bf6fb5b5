//! Constituency trees and the brackets they are written in.

use std::fmt;

/// A node of a [`Tree`]: a label over a span of words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// Category, such as `NP`; empty for the outer brackets of a treebank, whose first child is a node.
    pub label: String,
    /// First word.
    pub start: usize,
    /// One past the last word.
    pub end: usize,
    /// Nodes of the subtree, this one included.
    pub size: usize,
}

impl Node {
    /// Words below the node; never 0.
    #[expect(clippy::len_without_is_empty, reason = "a node without words cannot be made")]
    pub fn len(&self) -> usize {
        self.end - self.start
    }
}

/// A constituency tree: its words and its nodes in pre-order, the root first.
///
/// Words are no nodes. A word at a place of a node's span that no child node covers is that node's own child, so spans
/// and subtree sizes say all there is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tree {
    words: Vec<String>,
    nodes: Vec<Node>,
}

/// What is wrong with a bracketed text, and in which line.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {message}")]
pub struct TreeError {
    /// Line, from 1.
    pub line: usize,
    /// Expected, then found.
    pub message: String,
}

impl Tree {
    /// Reads the one tree of a text.
    ///
    /// # Errors
    /// [`TreeError`] when there is none or more than one, or its brackets are wrong.
    pub fn parse(text: &str) -> Result<Self, TreeError> {
        let mut reader = Reader::new(text);
        let tree = reader.tree()?.ok_or_else(|| reader.wrong("expected a tree, found nothing".into()))?;
        match reader.token() {
            None => Ok(tree),
            Some(_) => Err(reader.wrong("expected one tree, found more after it".into())),
        }
    }

    /// Reads all trees of a text, over as many lines as they like, each with the line it begins in.
    ///
    /// # Errors
    /// [`TreeError`] at the first place where the brackets are wrong.
    pub fn parse_all(text: &str) -> Result<Vec<(usize, Self)>, TreeError> {
        let mut reader = Reader::new(text);
        let mut trees = Vec::new();
        while let Some(tree) = reader.tree()? {
            trees.push((reader.began, tree));
        }
        Ok(trees)
    }

    /// A tree of words and nodes in pre-order.
    ///
    /// # Panics
    /// When spans do not nest, a node is empty, or sizes do not fit: callers build trees, they do not read them here.
    pub fn new(words: Vec<String>, nodes: Vec<Node>) -> Self {
        let tree = Self { words, nodes };
        assert!(!tree.nodes.is_empty() && tree.root().size == tree.nodes.len(), "one root over all nodes");
        assert_eq!((tree.root().start, tree.root().end), (0, tree.words.len()), "the root spans all words");
        for at in 0..tree.nodes.len() {
            let node = &tree.nodes[at];
            assert!(node.start < node.end, "a node has words");
            let named = !node.label.is_empty() || (node.size > 1 && tree.nodes[at + 1].start == node.start);
            assert!(named, "a node without a label begins with another node");
            let mut free = node.start;
            for child in tree.children(at) {
                let child = &tree.nodes[child];
                assert!(
                    free <= child.start && child.end <= node.end,
                    "children lie in order in their parent"
                );
                free = child.end;
            }
        }
        tree
    }

    /// The words.
    pub fn words(&self) -> &[String] {
        &self.words
    }

    /// The nodes in pre-order.
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// The root.
    pub fn root(&self) -> &Node {
        &self.nodes[0]
    }

    /// The child nodes of the node at `at`, in order.
    pub fn children(&self, at: usize) -> impl Iterator<Item = usize> + '_ {
        let end = at + self.nodes[at].size;
        let first = (self.nodes[at].size > 1).then_some(at + 1);
        std::iter::successors(first, move |child| {
            Some(child + self.nodes[*child].size).filter(|next| *next < end)
        })
    }

    /// Children of the node at `at`: nodes, and words that are its own.
    pub fn arity(&self, at: usize) -> usize {
        let (mut count, mut covered) = (0, 0);
        for child in self.children(at) {
            count += 1;
            covered += self.nodes[child].len();
        }
        count + self.nodes[at].len() - covered
    }

    /// Whether the node at `at` is a tag over one word.
    pub fn is_tag(&self, at: usize) -> bool {
        self.nodes[at].size == 1 && self.nodes[at].len() == 1
    }

    /// The tree without the words and nodes that `drop` names, and without nodes left empty; `rename` gives labels.
    /// Nothing when no word is left.
    pub fn pruned(&self, drop: impl Fn(&Node) -> bool, rename: impl Fn(&str) -> String) -> Option<Self> {
        let mut gone = vec![false; self.words.len()];
        for node in self.nodes.iter().filter(|node| drop(node)) {
            gone[node.start..node.end].fill(true);
        }
        let mut place = Vec::with_capacity(self.words.len() + 1);
        let mut next = 0;
        for gone in &gone {
            place.push(next);
            next += usize::from(!gone);
        }
        place.push(next);
        let kept = |node: &Node| place[node.start] < place[node.end];
        let nodes = self.nodes.iter().enumerate().filter(|(_, node)| kept(node)).map(|(at, node)| Node {
            label: rename(&node.label),
            start: place[node.start],
            end: place[node.end],
            size: self.nodes[at..at + node.size].iter().filter(|node| kept(node)).count(),
        });
        let words = self.words.iter().zip(&gone).filter(|(_, gone)| !**gone).map(|(word, _)| word.clone());
        let (words, nodes): (Vec<_>, Vec<_>) = (words.collect(), nodes.collect());
        (!nodes.is_empty()).then(|| Self::new(words, nodes))
    }
}

impl fmt::Display for Tree {
    /// One line: `(S (NP (PRP They)) (VP (VBP find)))`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut open: Vec<usize> = Vec::new();
        let mut next = 0;
        for (at, word) in self.words.iter().enumerate() {
            while let Some(node) = self.nodes.get(next).filter(|node| node.start == at) {
                write!(f, "{}({}", if next > 0 { " " } else { "" }, node.label)?;
                open.push(next);
                next += 1;
            }
            write!(f, " {}", escape(word))?;
            while open.last().is_some_and(|node| self.nodes[*node].end == at + 1) {
                f.write_str(")")?;
                open.pop();
            }
        }
        Ok(())
    }
}

/// A word as it stands in brackets: `-LRB-` and `-RRB-` for its own.
pub fn escape(word: &str) -> std::borrow::Cow<'_, str> {
    if word.contains(['(', ')']) {
        word.replace('(', "-LRB-").replace(')', "-RRB-").into()
    } else {
        word.into()
    }
}

/// Reads brackets without recursion: a text may nest as deep as it likes.
struct Reader<'a> {
    rest: &'a str,
    line: usize,
    /// The line in which the last tree began.
    began: usize,
}

enum Token<'a> {
    Open,
    Close,
    Atom(&'a str),
}

impl<'a> Reader<'a> {
    fn new(text: &'a str) -> Self {
        Self { rest: text, line: 1, began: 1 }
    }

    fn wrong(&self, message: String) -> TreeError {
        TreeError { line: self.line, message }
    }

    /// The next token. Only ASCII blanks part tokens: treebanks have other blanks inside words.
    fn token(&mut self) -> Option<Token<'a>> {
        let text = self.rest.trim_start_matches(|c: char| c.is_ascii_whitespace());
        let skipped = &self.rest[..self.rest.len() - text.len()];
        self.line += skipped.bytes().filter(|b| *b == b'\n').count();
        let length = match text.bytes().next()? {
            b'(' | b')' => 1,
            _ => text.find(|c: char| c.is_ascii_whitespace() || matches!(c, '(' | ')')).unwrap_or(text.len()),
        };
        let (token, rest) = text.split_at(length);
        self.rest = rest;
        Some(match token {
            "(" => Token::Open,
            ")" => Token::Close,
            atom => Token::Atom(atom),
        })
    }

    /// The next tree, or none at the end of the text.
    fn tree(&mut self) -> Result<Option<Tree>, TreeError> {
        let (mut words, mut nodes): (Vec<String>, Vec<Node>) = (Vec::new(), Vec::new());
        let mut open: Vec<usize> = Vec::new();
        // Right after a bracket an atom is its label, anywhere else it is a word.
        let mut labels = false;
        while let Some(token) = self.token() {
            let fresh = std::mem::take(&mut labels);
            match token {
                Token::Open => {
                    if open.is_empty() {
                        self.began = self.line;
                    }
                    open.push(nodes.len());
                    let start = words.len();
                    nodes.push(Node { label: String::new(), start, end: start, size: 0 });
                    labels = true;
                }
                Token::Atom(label) if fresh => nodes.last_mut().expect("just opened").label = label.into(),
                Token::Atom(word) if open.is_empty() => {
                    return Err(self.wrong(format!("expected `(`, found `{}`", shown(word))));
                }
                Token::Atom(word) => words.push(word.to_owned()),
                Token::Close => {
                    let Some(at) = open.pop() else {
                        return Err(self.wrong("expected `(`, found `)`".into()));
                    };
                    let (end, size) = (words.len(), nodes.len() - at);
                    let node = &mut nodes[at];
                    (node.end, node.size) = (end, size);
                    if node.start == end {
                        let label = shown(&node.label).to_owned();
                        return Err(self.wrong(format!("expected a word in `({label})`, found none")));
                    }
                    if open.is_empty() {
                        return Ok(Some(Tree { words, nodes }));
                    }
                }
            }
        }
        if open.is_empty() {
            return Ok(None);
        }
        let (n, began) = (open.len(), self.began);
        let brackets = if n == 1 { "1 bracket".to_owned() } else { format!("{n} brackets") };
        Err(self.wrong(format!("the text ends while {brackets} of the tree from line {began} are open")))
    }
}

/// The beginning of an atom, for messages.
fn shown(atom: &str) -> &str {
    let end = atom.char_indices().nth(40).map_or(atom.len(), |(i, _)| i);
    &atom[..end]
}

#[cfg(test)]
mod tests;
