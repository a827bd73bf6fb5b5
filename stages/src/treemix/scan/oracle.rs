//! What makes a command of a spliced text, and what it means: the repair, and the strict and the lenient reading.

use runpipe_base::choice;

use super::grammar::{Action, Phrase, Sentence, is_direction, is_verb};

choice! {
    /// Which commands are accepted.
    pub enum Reading {
        /// Those of SCAN's grammar.
        Strict = "strict",
        /// Any row of clauses, read from left to right. Source: the released code.
        Lenient = "lenient",
    }
}

impl Reading {
    /// What `words` mean; none when they are no command.
    pub fn actions(self, words: &[&str]) -> Option<Vec<Action>> {
        match self {
            Self::Strict => Sentence::parse(words).map(Sentence::actions),
            Self::Lenient => lenient(words),
        }
    }
}

/// Puts `and` before every verb that follows a direction, `twice`, `thrice` or a verb.
///
/// # Source
/// The released code.
pub fn repair<'a>(words: &[&'a str]) -> Vec<&'a str> {
    let mut repaired: Vec<&str> = Vec::with_capacity(words.len() + 1);
    for word in words {
        let ends =
            |before: &&str| is_direction(before) || is_verb(before) || matches!(*before, "twice" | "thrice");
        if is_verb(word) && repaired.last().is_some_and(ends) {
            repaired.push("and");
        }
        repaired.push(word);
    }
    repaired
}

/// Reads clauses from left to right. A clause ends where the next verb or a conjunction stands; `after` puts the clause
/// before it off until the next one is done; `and` only parts clauses; a conjunction at the end means nothing; numbers
/// of times multiply.
///
/// # Source
/// The released code, whose "a after b and c" is b, a, c and whose "a after b after c" is c, a, b.
fn lenient(words: &[&str]) -> Option<Vec<Action>> {
    let (mut done, mut put_off): (Vec<Action>, Vec<Vec<Action>>) = (Vec::new(), Vec::new());
    let mut rest = words;
    while !rest.is_empty() {
        let ends = |word: &&str| is_verb(word) || matches!(*word, "and" | "after");
        let length = rest.iter().skip(1).position(ends).map_or(rest.len(), |at| at + 1);
        let clause = clause(&rest[..length])?;
        rest = &rest[length..];
        let joint = rest.first().filter(|word| matches!(**word, "and" | "after"));
        rest = &rest[usize::from(joint.is_some())..];
        if joint == Some(&"after") && !rest.is_empty() {
            put_off.push(clause);
        } else {
            done.extend(clause);
            done.extend(put_off.drain(..).flatten());
        }
    }
    (!done.is_empty()).then_some(done)
}

/// A phrase with any number of `twice` and `thrice` after it.
fn clause(words: &[&str]) -> Option<Vec<Action>> {
    let again = words.iter().rev().take_while(|word| matches!(**word, "twice" | "thrice")).count();
    let (phrase, again) = words.split_at(words.len() - again);
    let times = again.iter().map(|word| if *word == "twice" { 2 } else { 3 }).product();
    Some(Phrase::parse(phrase)?.actions().repeat(times))
}

#[cfg(test)]
mod tests;
