//! `data.text`: raw text from files, one sentence a line.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use runpipe_base::{Ctx, Digest, Inputs, Kind, Output, Spec, Stage, StageError, View, choice, params};

use super::files;
use crate::code;

/// The file of an artifact of kind `text`.
pub const TEXT: &str = "text.txt";

choice! {
    /// What becomes of punctuation at the edges of words.
    pub enum Punctuation {
        /// It stays where it is.
        Keep = "keep",
        /// Every mark at the beginning or end of a word becomes a word of its own, as in tagged corpora.
        Detach = "detach",
    }
}

params! {
    /// Parameters of [`Text`].
    pub struct TextParams {
        /// A file, or a folder whose files are read in order of their names; gzip files are unpacked.
        path: PathBuf;
        /// Which files of the folder: `*` stands for any characters, `?` for one.
        names: String = "*".to_owned();
        /// Whether a folder may have no such file; the text is then empty.
        optional: bool = false;
        /// Drop lines that came before.
        unique: bool = true;
        /// What becomes of punctuation at the edges of words.
        punctuation: Punctuation = Punctuation::Keep;
    }
}

/// `data.text`: reads raw text, one sentence a line.
pub struct Text;

impl Stage for Text {
    type Params = TextParams;

    fn spec(&self) -> Spec {
        Spec::new("data.text", code::DATA, "text", "Reads raw text from files, one sentence a line.")
            .metric("lines", "lines kept")
            .metric("words", "words kept")
            .metric("repeats", "lines dropped because they came before")
    }

    fn run(&self, p: &TextParams, _: &Inputs<'_>, cx: &mut Ctx<'_>) -> Result<Output, StageError> {
        let mut lines = Vec::new();
        let mut seen = HashSet::new();
        let mut all = 0;
        let paths = select(&p.path, &p.names, p.optional)?;
        for path in &paths {
            for line in files::lines(path)? {
                let line = words(&line?, p.punctuation).join(" ");
                if line.is_empty() {
                    continue;
                }
                all += 1;
                if !p.unique || seen.insert(Digest::of(line.as_bytes())) {
                    lines.push(line);
                }
            }
        }
        if lines.is_empty() && !paths.is_empty() {
            let message = "expected lines of text, found none".to_owned();
            return Err(StageError::Data { path: p.path.display().to_string(), line: 0, message });
        }
        cx.metric("lines", lines.len() as f64);
        cx.metric("words", lines.iter().map(|line| line.split(' ').count()).sum::<usize>() as f64);
        cx.metric("repeats", (all - lines.len()) as f64);
        Ok(output(lines.into_iter().fold(String::new(), |text, line| text + &line + "\n")))
    }
}

/// An artifact of kind `text`.
pub fn output(text: String) -> Output {
    Output::new(Kind::of("text")).file(TEXT, text)
}

/// The lines of an artifact of kind `text`.
///
/// # Errors
/// [`StageError`] when its file is missing or not UTF-8.
pub fn lines(view: &View<'_>) -> Result<Vec<String>, StageError> {
    Ok(view.text(TEXT)?.lines().map(str::to_owned).collect())
}

/// A file itself, or the files of a folder whose names are of the form `pattern`, in order.
///
/// # Errors
/// [`StageError`] when the folder cannot be read, or has no such file and they are not `optional`.
pub fn select(path: &Path, pattern: &str, optional: bool) -> Result<Vec<PathBuf>, StageError> {
    if !path.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let names = files::names(path)?;
    let chosen: Vec<PathBuf> =
        names.iter().filter(|name| matches(pattern, name)).map(|name| path.join(name)).collect();
    if chosen.is_empty() && !optional {
        let message = match names.as_slice() {
            [] => "expected files, found none".to_owned(),
            [first, ..] => {
                format!("expected files named `{pattern}`, found {} others such as `{first}`", names.len())
            }
        };
        return Err(StageError::Data { path: path.display().to_string(), line: 0, message });
    }
    Ok(chosen)
}

/// Whether `name` is of the form `pattern`, where `*` stands for any characters and `?` for one.
pub(crate) fn matches(pattern: &str, name: &str) -> bool {
    let (pattern, name): (Vec<char>, Vec<char>) = (pattern.chars().collect(), name.chars().collect());
    let (mut at, mut read) = (0, 0);
    // Behind the last `*`, and how much of the name is tried as what it stands for.
    let mut star: Option<(usize, usize)> = None;
    while read < name.len() {
        match pattern.get(at) {
            Some('*') => {
                at += 1;
                star = Some((at, read));
            }
            Some(c) if *c == '?' || *c == name[read] => {
                at += 1;
                read += 1;
            }
            _ => {
                // An earlier `*` need not stand for more: the last one can stand for all that it would.
                let Some((behind, tried)) = star else { return false };
                star = Some((behind, tried + 1));
                (at, read) = (behind, tried + 1);
            }
        }
    }
    pattern[at..].iter().all(|c| *c == '*')
}

/// The words of a line, each a slice of it.
pub fn words(line: &str, punctuation: Punctuation) -> Vec<&str> {
    let mut words = Vec::new();
    for word in line.split_whitespace() {
        match punctuation {
            Punctuation::Keep => words.push(word),
            Punctuation::Detach => detach(word, &mut words),
        }
    }
    words
}

/// Cuts marks off at both ends, one by one. An apostrophe that has no partner at the other end belongs to the word,
/// and a word of marks alone stays whole.
fn detach<'a>(word: &'a str, words: &mut Vec<&'a str>) {
    let core = word.trim_matches(is_mark);
    if core.is_empty() {
        words.push(word);
        return;
    }
    let mut start = word.len() - word.trim_start_matches(is_mark).len();
    let mut end = start + core.len();
    let (before, after) = (word[..start].chars().next_back(), word[end..].chars().next());
    match (before.filter(|c| is_apostrophe(*c)), after.filter(|c| is_apostrophe(*c))) {
        (Some(c), None) => start -= c.len_utf8(),
        (None, Some(c)) => end += c.len_utf8(),
        _ => {}
    }
    let marks = |text: &'a str| text.char_indices().map(move |(i, c)| &text[i..i + c.len_utf8()]);
    words.extend(marks(&word[..start]));
    words.push(&word[start..end]);
    words.extend(marks(&word[end..]));
}

/// Whether `c` is punctuation or a sign, of ASCII, Latin-1, the general block, CJK or Ethiopic.
fn is_mark(c: char) -> bool {
    let block = matches!(c, '\u{a1}'..='\u{bf}' | '\u{2010}'..='\u{205e}' | '\u{3001}'..='\u{3011}' | '\u{1361}'..='\u{1368}');
    c.is_ascii_punctuation() || (block && !c.is_alphanumeric())
}

fn is_apostrophe(c: char) -> bool {
    matches!(c, '\'' | '\u{2018}' | '\u{2019}')
}

#[cfg(test)]
mod tests;
