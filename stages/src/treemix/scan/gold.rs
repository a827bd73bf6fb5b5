//! Trees of commands by their own grammar.

use super::grammar::{is_direction, is_verb};
use crate::data::tree::{Node, Tree};

/// The label of verbs.
pub const VERB: &str = "VB";
/// The label of phrases and clauses.
pub const PHRASE: &str = "VP";

/// The tree of a command: `VB` over its verbs, `VP` over a verb with its direction, and `VP` over a clause that is done
/// several times; other words under tags of their own, `C` over all.
///
/// None when a word is none of SCAN's, or stands where no clause can have it.
///
/// # Source
/// The authors parse commands with CoreNLP and take its `VB` and `VP` nodes; these stand where the grammar has V and S.
pub fn tree(words: &[&str]) -> Option<Tree> {
    let mut nodes = vec![Node { label: "C".into(), start: 0, end: words.len(), size: 0 }];
    let mut at = 0;
    while at < words.len() {
        if matches!(words[at], "and" | "after") {
            nodes.push(tag("CC", at));
            at += 1;
            continue;
        }
        if !is_verb(words[at]) {
            return None;
        }
        let ends = |word: &&str| is_verb(word) || matches!(*word, "and" | "after");
        let end = words[at + 1..].iter().position(ends).map_or(words.len(), |length| at + 1 + length);
        let again =
            words[at..end].iter().rev().take_while(|word| matches!(**word, "twice" | "thrice")).count();
        let phrase = end - again;
        let mut stops = vec![end, phrase];
        stops.dedup();
        stops.retain(|stop| *stop > at + 1);
        let open = nodes.len()..nodes.len() + stops.len();
        nodes.extend(stops.iter().map(|stop| Node { label: PHRASE.into(), start: at, end: *stop, size: 0 }));
        for (place, word) in words.iter().enumerate().take(end).skip(at) {
            nodes.push(tag(label(word)?, place));
        }
        for node in open {
            nodes[node].size = nodes[node..].iter().filter(|inner| inner.end <= nodes[node].end).count();
        }
        at = end;
    }
    nodes[0].size = nodes.len();
    (!words.is_empty()).then(|| Tree::new(words.iter().map(|word| (*word).to_owned()).collect(), nodes))
}

fn tag(label: &str, at: usize) -> Node {
    Node { label: label.into(), start: at, end: at + 1, size: 1 }
}

fn label(word: &str) -> Option<&'static str> {
    Some(match word {
        verb if is_verb(verb) => VERB,
        direction if is_direction(direction) => "DIR",
        "opposite" | "around" => "MAN",
        "twice" | "thrice" => "NUM",
        _ => return None,
    })
}

#[cfg(test)]
mod tests;
