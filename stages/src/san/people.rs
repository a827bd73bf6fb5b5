//! Answers of several people: how texts are brought to one form, and how many of them an answer agrees with.

use std::collections::BTreeMap;
use std::sync::LazyLock;

/// People whose agreement makes an answer right.
const ENOUGH: f64 = 3.0;

/// Marks that are left out or parted at.
const MARKS: &str = ";/[]\"{}()=+\\_-><@`,?!";
const ARTICLES: [&str; 3] = ["a", "an", "the"];
const NUMBERS: [(&str, &str); 12] = [
    ("none", "0"),
    ("zero", "0"),
    ("one", "1"),
    ("two", "2"),
    ("three", "3"),
    ("four", "4"),
    ("five", "5"),
    ("six", "6"),
    ("seven", "7"),
    ("eight", "8"),
    ("nine", "9"),
    ("ten", "10"),
];
/// Contractions that people write without their apostrophe and that are no other word then.
const CONTRACTED: &str = "ain't aren't can't could've couldn't didn't doesn't don't hadn't hasn't haven't he'd've he's how'd \
    how'll how's i'd've i'm i've isn't it'd it'd've it'll ma'am might've mightn't must've mustn't needn't not've o'clock oughtn't \
    shan't she'd've should've shouldn't somebody'd somebody's someone'd someone'll someone's something'd something'll that'd \
    that's there'd there're there's they'd they'd've they'll they're they've 'twas wasn't we'd've we've weren't what'll what're \
    what's what've when's where'd where's where've who'd who'll who's who've why'll why're why's won't would've wouldn't y'all \
    y'all'd've you'd you'd've you'll you're you've";

static CONTRACTIONS: LazyLock<BTreeMap<String, &'static str>> = LazyLock::new(|| {
    CONTRACTED.split_ascii_whitespace().map(|word| (word.replace('\'', ""), word)).collect()
});

/// A text without marks, in lower case, with the apostrophes of contractions. A mark beside a blank is left out, another one
/// becomes a blank; where a comma stands between digits all marks are left out; a full stop stays before a digit only.
///
/// Source: the evaluation tools of VQA.
pub fn plain(text: &str) -> String {
    let text = text.replace(['\n', '\t', '\r'], " ");
    let text = text.trim();
    let letters: Vec<char> = text.chars().collect();
    let thousands = letters.windows(3).any(|w| w[0].is_ascii_digit() && w[1] == ',' && w[2].is_ascii_digit());
    let beside = |mark: char| text.contains(&format!("{mark} ")) || text.contains(&format!(" {mark}"));
    let mut marked = text.to_owned();
    for mark in MARKS.chars().filter(|mark| text.contains(*mark)) {
        marked = marked.replace(mark, if thousands || beside(mark) { "" } else { " " });
    }
    let letters: Vec<char> = marked.chars().collect();
    let digit = |i: usize| letters.get(i).is_some_and(char::is_ascii_digit);
    let kept = letters.iter().enumerate().filter(|(i, c)| **c != '.' || digit(i + 1)).map(|(_, c)| *c);
    let lower = kept.collect::<String>().to_lowercase();
    let words = lower.split_whitespace().map(|word| CONTRACTIONS.get(word).copied().unwrap_or(word));
    words.collect::<Vec<_>>().join(" ")
}

/// An answer's plain form: [`plain`] without articles, numbers up to ten as digits.
pub fn answer(text: &str) -> String {
    let plain = plain(text);
    let words = plain.split(' ').filter(|word| !ARTICLES.contains(word));
    let words =
        words.map(|word| NUMBERS.iter().find(|(name, _)| *name == word).map_or(word, |(_, digits)| digits));
    words.collect::<Vec<_>>().join(" ")
}

/// How far people agree with an answer: the mean, over leaving one of them out, of the smaller of 1 and a third of the others
/// who gave it. Answers are compared in their plain form unless people all gave the same one.
///
/// # Units
/// A share from 0 to 1; of ten people 0.3 for one that gave the answer, 0.6, 0.9, and 1 for four and more.
///
/// # Source
/// The evaluation tools of VQA.
pub fn agreement(people: &[String], given: &str) -> f64 {
    let same = people.windows(2).all(|pair| pair[0] == pair[1]);
    let form = |text: &str| if same { text.to_owned() } else { answer(text) };
    let given = form(given);
    let gave: Vec<bool> = people.iter().map(|person| form(person) == given).collect();
    let count = gave.iter().filter(|gave| **gave).count();
    let left = gave.iter().map(|gave| ((count - usize::from(*gave)) as f64 / ENOUGH).min(1.0));
    left.sum::<f64>() / people.len().max(1) as f64
}

#[cfg(test)]
mod tests;
