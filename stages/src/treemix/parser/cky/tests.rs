use super::{Grammar, Parser};
use crate::data::tree::Tree;
use crate::kit::rng::Stream;
use crate::treemix::parser::grammar::Counts;
use crate::treemix::parser::transform::{Branch, Census, Marks, binarise};

const MARKS: Marks = Marks { parents: true, tag_parents: false, siblings: 1, least: 1 };

fn trees() -> Vec<Tree> {
    [
        "(ROOT (S (NP (DT the) (NN dog)) (VP (VBZ sees) (NP (NP (DT a) (NN man)) (PP (IN with) (NP (NNS stars)))))))",
        "(ROOT (S (NP (NNS stars)) (VP (VBZ sees) (NP (DT the) (NN dog)) (PP (IN with) (NP (DT a) (NN man))))))",
        "(ROOT (S (NP (DT the) (JJ old) (NN man)) (VP (VBZ sees))))",
        "(ROOT (NP (NNS dogs)))",
    ]
    .map(|text| Tree::parse(text).unwrap())
    .to_vec()
}

fn words(text: &str) -> Vec<String> {
    text.split(' ').map(str::to_owned).collect()
}

#[test]
fn trees_that_were_seen_are_found() {
    let grammar = Grammar::new(Counts::of(&trees(), MARKS).0);
    let parser = Parser { grammar: &grammar, beam: f32::INFINITY };
    for tree in &trees()[2..] {
        assert_eq!(parser.parse(tree.words()).as_ref(), Some(tree));
    }
    assert_eq!(parser.parse(&words("the the the")), None, "there is no such sentence");
    assert_eq!(parser.parse(&[]), None);
    // An unknown word gets a tag by its look.
    let parsed = parser.parse(&words("cats sees the dog")).unwrap();
    assert_eq!(parsed.to_string(), "(ROOT (S (NP (NNS cats)) (VP (VBZ sees) (NP (DT the) (NN dog)))))");
}

/// ln of the probability of a branch, or none when a rule of it does not exist.
fn score(grammar: &Grammar, branch: &Branch, words: &[String]) -> Option<f32> {
    let id = |branch: &Branch| grammar.symbols.iter().position(|s| s == branch.symbol()).map(|i| i as u32);
    match branch {
        Branch::Tag(_, place) => {
            let tag = id(branch)?;
            grammar.tags(&words[*place], *place == 0).iter().find(|(t, _)| *t == tag).map(|(_, s)| *s)
        }
        Branch::One(_, only) => {
            let (parent, child) = (id(branch)?, id(only)?);
            // A rule of one child is a chain with nothing between, unless a longer chain is likelier.
            let chain =
                grammar.chains[child as usize].iter().find(|c| c.parent == parent && c.between.is_empty())?;
            Some(chain.score + score(grammar, only, words)?)
        }
        Branch::Two(_, left, right) => {
            let (parent, right_id) = (id(branch)?, id(right)?);
            let rule = grammar.by_left[id(left)? as usize]
                .iter()
                .find(|r| r.parent == parent && r.right == right_id)?;
            Some(rule.score + score(grammar, left, words)? + score(grammar, right, words)?)
        }
    }
}

/// Every binary branching of words under every pair of symbols, by brute force.
fn best_of_all(grammar: &Grammar, words: &[String]) -> f32 {
    fn inside(grammar: &Grammar, words: &[String], start: usize, end: usize, symbol: u32) -> f32 {
        let own = |low: u32| -> f32 {
            if end == start + 1 {
                let tags = grammar.tags(&words[start], start == 0);
                return tags.iter().find(|(t, _)| *t == low).map_or(f32::NEG_INFINITY, |(_, s)| *s);
            }
            let mut best = f32::NEG_INFINITY;
            for (left, rules) in grammar.by_left.iter().enumerate() {
                for rule in rules.iter().filter(|rule| rule.parent == low) {
                    for middle in start + 1..end {
                        let one = inside(grammar, words, start, middle, left as u32);
                        let two = inside(grammar, words, middle, end, rule.right);
                        best = best.max(one + two + rule.score);
                    }
                }
            }
            best
        };
        let mut best = own(symbol);
        for (low, chains) in grammar.chains.iter().enumerate() {
            for chain in chains.iter().filter(|chain| chain.parent == symbol) {
                best = best.max(own(low as u32) + chain.score);
            }
        }
        best
    }
    let whole = |(root, prior): &(u32, f32)| inside(grammar, words, 0, words.len(), *root) + prior;
    grammar.roots.iter().map(whole).fold(f32::NEG_INFINITY, f32::max)
}

#[test]
fn no_tree_is_likelier() {
    let marks = Marks { parents: false, tag_parents: false, siblings: 0, least: 1 };
    let grammar = Grammar::new(Counts::of(&trees(), marks).0);
    let parser = Parser { grammar: &grammar, beam: f32::INFINITY };
    for text in ["the dog sees stars", "stars sees a man", "dogs", "the old dog sees"] {
        let words = words(text);
        let parsed = parser.parse(&words).unwrap();
        let census = Census::of(std::slice::from_ref(&parsed), marks);
        let branch = binarise(&parsed, &census, marks).unwrap();
        let found = score(&grammar, &branch, &words).unwrap() + grammar.roots[0].1;
        let best = best_of_all(&grammar, &words);
        assert!((found - best).abs() < 1e-4, "{text}: {parsed} has {found}, the best {best}");
    }
}

#[test]
fn a_narrow_beam_still_finds_a_tree() {
    let grammar = Grammar::new(Counts::of(&trees(), MARKS).0);
    let all = Parser { grammar: &grammar, beam: f32::INFINITY };
    let narrow = Parser { grammar: &grammar, beam: 0.0 };
    let vocabulary = words("the dog sees a man with stars old dogs");
    let mut stream = Stream::new(1, "test");
    for _ in 0..200 {
        let length = 1 + stream.below(7);
        let sentence: Vec<String> = (0..length).map(|_| vocabulary[stream.below(9)].clone()).collect();
        assert_eq!(all.parse(&sentence).is_some(), narrow.parse(&sentence).is_some(), "{sentence:?}");
    }
}
