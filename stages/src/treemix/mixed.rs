//! Mixed examples as they lie in an artifact of kind `mixed`: texts with two classes and the share of each.

use rayon::prelude::*;
use runpipe_base::{Kind, Output, StageError, View};

use super::augment::Mixture;
use super::draw::Splice;
use crate::data::labelled::{CLASSES, Labelled, Sentence};

/// The file that holds the mixtures.
pub const FILE: &str = "mixed.tsv";
/// The columns of its first line; pairs have `second` besides.
pub const COLUMNS: &str = "receiver\tdonor\tkept\tpasted\tinserted\tlength\tsentence";

/// A mixed example. Its label ȳ gives `inserted / length` to one class and the rest to the other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mixed {
    /// Id of the receiver's class.
    pub kept: usize,
    /// Id of the donor's class.
    pub pasted: usize,
    /// Words that came from the donor, both sentences together.
    pub inserted: usize,
    /// Words in all, both sentences together.
    pub length: usize,
    /// The words.
    pub first: Vec<String>,
    /// The words of the second sentence of a pair.
    pub second: Option<Vec<String>>,
}

impl Mixed {
    /// The weight of the donor's class.
    pub fn weight(&self) -> f64 {
        self.inserted as f64 / self.length as f64
    }

    /// ȳ: a share for each of `classes` classes; all of it for one where receiver and donor agree.
    pub fn label(&self, classes: usize) -> Vec<f32> {
        let mut label = vec![0.0_f64; classes];
        label[self.kept] += (self.length - self.inserted) as f64 / self.length as f64;
        label[self.pasted] += self.weight();
        label.into_iter().map(|share| share as f32).collect()
    }
}

/// Sentences laid end to end, to be cut without looking for words.
struct Store {
    text: String,
    /// Where each word begins, with a blank between words; one more at the end, behind a blank that is not there.
    bounds: Vec<u32>,
    /// The first bound of each sentence.
    first: Vec<u32>,
}

impl Store {
    fn of<'a>(sentences: impl Iterator<Item = &'a Sentence>) -> Self {
        let mut store = Self { text: String::new(), bounds: Vec::new(), first: Vec::new() };
        for sentence in sentences {
            store.first.push(store.bounds.len() as u32);
            for word in &sentence.words {
                store.bounds.push(store.text.len() as u32);
                store.text.push_str(word);
                store.text.push(' ');
            }
            store.bounds.push(store.text.len() as u32);
        }
        store
    }

    /// Words `[start, end)` of a sentence, with a blank behind each.
    fn words(&self, sentence: u32, start: u32, end: u32) -> &str {
        let first = self.first[sentence as usize];
        let [start, end] = [start, end].map(|at| self.bounds[(first + at) as usize] as usize);
        &self.text[start..end]
    }

    fn length(&self, sentence: u32) -> u32 {
        let next = self.first.get(sentence as usize + 1).copied().unwrap_or(self.bounds.len() as u32);
        next - self.first[sentence as usize] - 1
    }

    /// Adds the spliced sentence to `out` and returns its length.
    fn splice(&self, receiver: u32, donor: u32, splice: &Splice, out: &mut String) -> usize {
        out.push_str(self.words(receiver, 0, splice.cut.0));
        out.push_str(self.words(donor, splice.paste.0, splice.paste.1));
        let length = self.length(receiver);
        out.push_str(self.words(receiver, splice.cut.1, length));
        out.pop();
        splice.length(length as usize)
    }
}

/// The artifact: the classes of `labelled` and its examples, mixed.
pub fn write(labelled: &Labelled, mixtures: &[Mixture]) -> Output {
    let mut classes = String::new();
    labelled.classes.iter().for_each(|class| classes.extend([class, "\n"]));
    let paired = labelled.paired();
    let mut text = format!("{COLUMNS}{}\n", if paired { "\tsecond" } else { "" });
    text.push_str(&rows(labelled, mixtures));
    Output::new(Kind::of("mixed")).file(CLASSES, classes).file(FILE, text)
}

/// The mixtures, one a line.
pub fn rows(labelled: &Labelled, mixtures: &[Mixture]) -> String {
    /// Mixtures of one task.
    const BLOCK: usize = 4096;
    let examples = &labelled.examples;
    let first = Store::of(examples.iter().map(|example| &example.first));
    let second = Store::of(examples.iter().filter_map(|example| example.second.as_ref()));
    let blocks = mixtures.par_chunks(BLOCK).map(|block| {
        let (mut text, mut one, mut two) =
            (String::with_capacity(block.len() * 160), String::new(), String::new());
        for mixture in block {
            let Mixture { receiver, donor, .. } = *mixture;
            one.clear();
            two.clear();
            let mut length = first.splice(receiver, donor, &mixture.first, &mut one);
            let mut inserted = mixture.first.pasted();
            if let Some(splice) = &mixture.second {
                length += second.splice(receiver, donor, splice, &mut two);
                inserted += splice.pasted();
            }
            let class = |row: u32| labelled.classes[examples[row as usize].class].as_str();
            for number in [receiver as usize + 1, donor as usize + 1] {
                push(&mut text, number);
            }
            for class in [class(receiver), class(donor)] {
                text.extend([class, "\t"]);
            }
            push(&mut text, inserted);
            push(&mut text, length);
            text.push_str(&one);
            if mixture.second.is_some() {
                text.push('\t');
                text.push_str(&two);
            }
            text.push('\n');
        }
        text
    });
    blocks.collect::<Vec<_>>().concat()
}

/// A number and a tab.
fn push(text: &mut String, number: usize) {
    let mut digits = [0_u8; 20];
    let mut at = digits.len();
    let mut rest = number;
    loop {
        at -= 1;
        digits[at] = b'0' + (rest % 10) as u8;
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    text.extend(digits[at..].iter().map(|digit| char::from(*digit)));
    text.push('\t');
}

/// The classes and mixtures of an artifact of kind `mixed`.
///
/// # Errors
/// [`StageError::Input`] when a line does not fit.
pub fn read(view: &View<'_>) -> Result<(Vec<String>, Vec<Mixed>), StageError> {
    let classes: Vec<String> = view.text(CLASSES)?.lines().map(str::to_owned).collect();
    let text = view.text(FILE)?;
    let mut lines = text.lines();
    let head = lines.next().unwrap_or_default();
    let paired = head.strip_prefix(COLUMNS) == Some("\tsecond");
    if !paired && head != COLUMNS {
        return Err(StageError::Input(format!(
            "`{FILE}`, line 1: expected the columns of a mixed set, found `{head}`"
        )));
    }
    let mixed = lines.enumerate().map(|(i, line)| {
        row(line, &classes, paired)
            .ok_or_else(|| StageError::Input(format!("`{FILE}`, line {}: no mixed example: `{line}`", i + 2)))
    });
    let mixed = mixed.collect::<Result<_, _>>()?;
    Ok((classes, mixed))
}

fn row(line: &str, classes: &[String], paired: bool) -> Option<Mixed> {
    let fields: Vec<&str> = line.split('\t').collect();
    let class = |name: &str| classes.iter().position(|class| class == name);
    let words = |text: &str| Sentence::of(text).words;
    let (&[_, _, kept, pasted, inserted, length, sentence], rest) = fields.split_first_chunk()?;
    let mixed = Mixed {
        kept: class(kept)?,
        pasted: class(pasted)?,
        inserted: inserted.parse().ok()?,
        length: length.parse().ok()?,
        first: words(sentence),
        second: rest.first().map(|text| words(text)),
    };
    let found = mixed.first.len() + mixed.second.as_ref().map_or(0, Vec::len);
    let sound = mixed.length == found && mixed.inserted <= found && found > 0;
    (sound && rest.len() == usize::from(paired)).then_some(mixed)
}

#[cfg(test)]
mod tests;
