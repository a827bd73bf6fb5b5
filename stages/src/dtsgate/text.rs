//! `dtsgate.text`: running text as characters, bytes or byte pairs, its end kept to judge by.

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;

use runpipe_base::{Ctx, Inputs, Kind, Output, Spec, Stage, StageError, choice, params};

use super::PAPER;
use super::tokens::{CORPUS, KIND, Tokens};
use crate::code;
use crate::data::{files, text};
use crate::maner::tokenizer::Subwords;

choice! {
    /// What a token is.
    pub enum Unit {
        /// A character; those beyond the vocabulary are one.
        Character = "character",
        /// A byte.
        Byte = "byte",
        /// Merged pairs of characters within a word; blanks in a row are one.
        Pair = "pair",
    }
}

params! {
    /// Parameters of [`Text`].
    pub struct TextParams {
        /// A file, or a folder whose files are read in order of their names; gzip files are unpacked. A file is a domain.
        path: PathBuf;
        /// Which files of the folder: `*` stands for any characters, `?` for one.
        names: String = "*.txt*".to_owned();
        /// What a token is.
        unit: Unit = Unit::Character;
        /// Tokens of the vocabulary, at most; bytes are 256.
        vocabulary: usize = 1000, in 16..=65_536, unit "tokens";
        /// Share of each file, at its end, that is kept to judge by.
        valid: f64 = 0.1, in 0.001..=0.9;
        /// Bytes that are read of each file, at most.
        most: Option<usize> = None, in 100.., unit "bytes";
    }
}

/// `dtsgate.text`: reads running text.
pub struct Text;

impl Stage for Text {
    type Params = TextParams;

    fn spec(&self) -> Spec {
        Spec::new(
            "dtsgate.text",
            code::DTSGATE,
            CORPUS,
            "Reads running text as characters, bytes or byte pairs; the end of each file is kept to judge by.",
        )
        .part("train", KIND, "text to train on")
        .part("valid", KIND, "text to judge by")
        .metric("tokens", "tokens to train on")
        .metric("valid_tokens", "tokens to judge by")
        .metric("vocabulary", "tokens of the vocabulary")
        .metric("unknown", "tokens to judge by that the vocabulary lacks, in percent")
        .metric("bytes_per_token", "bytes of a token to judge by, on average")
        .paper(&PAPER)
    }

    fn run(&self, p: &TextParams, _: &Inputs<'_>, cx: &mut Ctx<'_>) -> Result<Output, StageError> {
        let mut domains = Vec::new();
        let (mut train, mut valid) = (Vec::new(), Vec::new());
        for path in text::select(&p.path, &p.names, false)? {
            let whole = files::text(&path)?;
            let whole = &whole[..boundary(&whole, p.most.unwrap_or(whole.len()))];
            let (before, after) =
                whole.split_at(boundary(whole, ((1.0 - p.valid) * whole.len() as f64) as usize));
            let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            domains.push(name.split('.').next().unwrap_or_default().to_owned());
            train.push(before.to_owned());
            valid.push(after.to_owned());
        }
        let coder = Coder::learn(&train, p)?;
        let unknown = coder.unknown();
        let [train, valid] = [train, valid].map(|parts| coder.tokens(&parts, &domains));
        let (train, valid) = (train?, valid?);
        if train.ids.len() < 2 || valid.ids.len() < 2 {
            let message = "expected a text of a few tokens at least, to train on and to judge by".to_owned();
            return Err(StageError::Data { path: p.path.display().to_string(), line: 0, message });
        }
        let missed = valid.ids.iter().filter(|id| Some(**id) == unknown).count();
        cx.metric("tokens", train.ids.len() as f64);
        cx.metric("valid_tokens", valid.ids.len() as f64);
        cx.metric("vocabulary", train.vocabulary.len() as f64);
        cx.metric("unknown", 100.0 * missed as f64 / valid.ids.len() as f64);
        cx.metric("bytes_per_token", valid.bytes as f64 / valid.ids.len() as f64);
        Ok(Output::new(Kind::of(CORPUS)).part("train", train.write()?).part("valid", valid.write()?))
    }
}

/// The first boundary between characters at or after byte `at`.
fn boundary(text: &str, at: usize) -> usize {
    (at.min(text.len())..=text.len()).find(|i| text.is_char_boundary(*i)).unwrap_or(text.len())
}

/// The stand-in for characters that the vocabulary lacks.
const UNKNOWN: &str = "<unk>";

/// How a text becomes ids.
enum Coder {
    Bytes,
    Characters { names: Vec<String>, ids: HashMap<char, u32> },
    Pairs { names: Vec<String>, subwords: Box<Subwords> },
}

impl Coder {
    fn learn(texts: &[String], p: &TextParams) -> Result<Self, StageError> {
        Ok(match p.unit {
            Unit::Byte => Self::Bytes,
            Unit::Character => {
                let mut counts: BTreeMap<char, u64> = BTreeMap::new();
                texts.iter().flat_map(|text| text.chars()).for_each(|c| *counts.entry(c).or_default() += 1);
                let mut letters: Vec<(char, u64)> = counts.into_iter().collect();
                letters.sort_by_key(|(c, n)| (std::cmp::Reverse(*n), *c));
                letters.truncate(p.vocabulary - 1);
                letters.sort_unstable();
                let names =
                    std::iter::once(UNKNOWN.to_owned()).chain(letters.iter().map(|(c, _)| c.to_string()));
                let names = names.collect();
                let ids = letters.iter().map(|(c, _)| *c).zip(1..).collect();
                Self::Characters { names, ids }
            }
            Unit::Pair => {
                let lines = texts.iter().flat_map(|text| text.lines());
                let words: Vec<String> =
                    lines.map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
                let subwords = Subwords::learn(words.iter().map(String::as_str), p.vocabulary)?;
                Self::Pairs { names: pieces(&subwords)?, subwords: Box::new(subwords) }
            }
        })
    }

    /// The id of what the vocabulary lacks.
    fn unknown(&self) -> Option<u32> {
        match self {
            Self::Bytes => None,
            Self::Characters { .. } => Some(0),
            Self::Pairs { subwords, .. } => Some(subwords.special.unknown),
        }
    }

    fn names(&self) -> Vec<String> {
        match self {
            Self::Bytes => (0..256).map(|b| format!("{b:02x}")).collect(),
            Self::Characters { names, .. } | Self::Pairs { names, .. } => names.clone(),
        }
    }

    /// Texts one after the other, each of its domain.
    fn tokens(&self, texts: &[String], domains: &[String]) -> Result<Tokens, StageError> {
        let (mut ids, mut starts, mut bytes) = (Vec::new(), Vec::new(), 0);
        let mut known = HashMap::new();
        for (domain, text) in texts.iter().enumerate() {
            let start = ids.len();
            bytes += self.encode(text, &mut ids, &mut known)?;
            if ids.len() > start {
                starts.push((start, domain));
            }
        }
        let domains = domains.to_vec();
        Ok(Tokens { vocabulary: self.names(), sentence: None, bytes, domains, starts, ids })
    }

    /// Adds the ids of a text and tells its bytes.
    fn encode<'a>(
        &self,
        text: &'a str,
        ids: &mut Vec<u32>,
        known: &mut HashMap<&'a str, Vec<u32>>,
    ) -> Result<u64, StageError> {
        let Self::Pairs { subwords, .. } = self else {
            match self {
                Self::Characters { ids: table, .. } => {
                    ids.extend(text.chars().map(|c| table.get(&c).copied().unwrap_or(0)));
                }
                _ => ids.extend(text.bytes().map(u32::from)),
            }
            return Ok(text.len() as u64);
        };
        let mut bytes = 0;
        for line in text.lines() {
            for word in line.split_whitespace() {
                if !known.contains_key(word) {
                    known.insert(word, subwords.word(word)?);
                }
                ids.extend(&known[word]);
                // The word and the blank or line end behind it.
                bytes += word.len() as u64 + 1;
            }
            ids.push(subwords.special.end);
            bytes += u64::from(line.trim().is_empty());
        }
        Ok(bytes)
    }
}

/// The pieces in order of their ids.
fn pieces(subwords: &Subwords) -> Result<Vec<String>, StageError> {
    let other = |e: serde_json::Error| StageError::Other(e.to_string());
    let mut json: serde_json::Value = serde_json::from_str(&subwords.save()?).map_err(other)?;
    let ids: BTreeMap<String, usize> =
        serde_json::from_value(json["model"]["vocab"].take()).map_err(other)?;
    let mut names = vec![String::new(); subwords.size];
    for (name, id) in ids {
        if let Some(place) = names.get_mut(id) {
            *place = name;
        }
    }
    Ok(names)
}

#[cfg(test)]
mod tests;
