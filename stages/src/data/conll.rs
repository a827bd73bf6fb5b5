//! `data.conll`: reads files of tagged words as they circulate.

mod record;
mod row;
mod split;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use runpipe_base::{Ctx, Inputs, Kind, Output, Spec, Stage, StageError, choice, params};

use self::split::Split;
use super::files;
use super::tagged::{Sentence, Tagged};
use super::tags::Tag;
use crate::code;

choice! {
    /// What becomes of an `I-X` that continues no entity of type `X`.
    pub enum Orphans {
        /// It stays as it is.
        Keep = "keep",
        /// It becomes `B-X`.
        Repair = "repair",
        /// It is a mistake.
        Reject = "reject",
    }
}

choice! {
    /// What a word without a tag is.
    pub enum Untagged {
        /// A mistake.
        Reject = "reject",
        /// In no entity.
        Outside = "outside",
    }
}

choice! {
    /// What becomes of sentences of `dev` and `test` that stand in `train` too.
    pub enum Repeats {
        /// They stay.
        Keep = "keep",
        /// They are left out.
        Drop = "drop",
    }
}

params! {
    /// Parameters of [`Conll`].
    pub struct ConllParams {
        /// Folder with the files `train`, `dev` (or `valid`, `validation`) and `test`, each with the ending `.txt`,
        /// `.conll`, `.tsv`, `.bio`, `.jsonl` or none, perhaps after a language as in `train-yo.tsv`. A line of
        /// `.jsonl` is a sentence `{"tokens": […], "ner_tags": […]}`, whose tags are names or, in the order of
        /// `labels.txt`, numbers. That file, if there is one, also tells the entity types.
        dir: PathBuf;
        /// Language of the files, where the folder holds those of several.
        lang: Option<String> = None;
        /// What becomes of an `I-X` that continues no entity of type `X`.
        orphans: Orphans = Orphans::Keep;
        /// What a word without a tag is.
        untagged: Untagged = Untagged::Reject;
        /// What becomes of sentences of `dev` and `test` that stand in `train` too.
        repeats: Repeats = Repeats::Keep;
        /// Entity types that may occur, such as `PER`; empty: those of `labels.txt`, or of the training sentences.
        types: Vec<String> = Vec::new();
    }
}

/// `data.conll`: reads tagged sentences from a folder of CoNLL files.
pub struct Conll;

impl Stage for Conll {
    type Params = ConllParams;

    fn spec(&self) -> Spec {
        Spec::new(
            "data.conll",
            code::DATA,
            "corpus/tagged",
            "Reads tagged sentences from a folder of CoNLL, WikiAnn or MasakhaNER files.",
        )
        .part("train", "tagged", "sentences to train on")
        .part("dev", "tagged", "sentences to choose by")
        .part("test", "tagged", "sentences to judge by")
        .part("text", "text", "the training sentences without their tags")
        .metric("train_sentences", "sentences to train on")
        .metric("dev_sentences", "sentences to choose by")
        .metric("test_sentences", "sentences to judge by")
        .metric("repaired", "tags that were repaired")
        .metric("repeats", "sentences of `dev` and `test` that stand in `train` too")
    }

    fn run(&self, p: &ConllParams, _: &Inputs<'_>, cx: &mut Ctx<'_>) -> Result<Output, StageError> {
        let labels = labels(&p.dir)?;
        let mut splits = Vec::new();
        let mut repaired = 0;
        for names in [&["train"][..], &["dev", "valid", "validation"], &["test"]] {
            let path = find(&p.dir, names, p.lang.as_deref())?;
            let mut split = Split::read(&path, p.untagged, labels.as_deref())?;
            repaired += split.settle(p.orphans)?;
            splits.push(split);
        }
        let kinds = |tags: &[Tag]| tags.iter().filter_map(Tag::kind).map(str::to_owned).collect();
        let types: BTreeSet<String> = match &labels {
            _ if !p.types.is_empty() => p.types.iter().cloned().collect(),
            Some(labels) => kinds(labels),
            None => splits[0].rows().filter_map(|row| row.tag.kind()).map(str::to_owned).collect(),
        };
        let source = match labels {
            _ if !p.types.is_empty() => "in `types`",
            Some(_) => "of `labels.txt`",
            None => "of the training sentences",
        };
        let types: Vec<String> = types.into_iter().collect();
        let mut known: BTreeSet<Vec<String>> = BTreeSet::new();
        let mut repeats = 0;
        let mut output = Output::new(Kind::of("corpus/tagged"));
        for (split, name) in splits.into_iter().zip(["train", "dev", "test"]) {
            split.allow(&types, source)?;
            let mut sentences = split.sentences();
            if name == "train" {
                known.extend(sentences.iter().map(|s| s.words.clone()));
            } else {
                let all = sentences.len();
                let is_new = |s: &Sentence| !known.contains(&s.words);
                let new = sentences.iter().filter(|s| is_new(s)).count();
                repeats += all - new;
                if p.repeats == Repeats::Drop {
                    sentences.retain(is_new);
                }
            }
            let tagged = Tagged { sentences, types: types.clone() };
            cx.metric(&format!("{name}_sentences"), tagged.sentences.len() as f64);
            if name == "train" {
                output = output.part("text", super::text::output(tagged.text()));
            }
            output = output.part(name, tagged.write());
        }
        cx.metric("repaired", repaired as f64);
        cx.metric("repeats", repeats as f64);
        Ok(output)
    }
}

/// The labels that the folder lists, in order, if it does.
fn labels(dir: &Path) -> Result<Option<Vec<Tag>>, StageError> {
    let path = dir.join("labels.txt");
    if !path.is_file() {
        return Ok(None);
    }
    let wrong =
        |line: usize, message: String| StageError::Data { path: path.display().to_string(), line, message };
    let mut labels = Vec::new();
    for (i, line) in files::lines(&path)?.enumerate() {
        let line = line?;
        if !line.trim().is_empty() {
            labels.push(Tag::parse(line.trim()).map_err(|message| wrong(i + 1, message))?);
        }
    }
    if labels.is_empty() {
        return Err(wrong(0, "expected labels, found none".to_owned()));
    }
    Ok(Some(labels))
}

/// The one file that holds a split.
fn find(dir: &Path, names: &[&str], lang: Option<&str>) -> Result<PathBuf, StageError> {
    let endings = ["", ".txt", ".conll", ".tsv", ".bio", ".jsonl"];
    let is_language = |code: &str| {
        let letters = code.bytes().all(|b| b.is_ascii_lowercase() || b == b'-') && !code.is_empty();
        lang.map_or(letters, |lang| code == lang)
    };
    let is_split = |file: &str| {
        let stem = endings.iter().filter_map(|end| file.strip_suffix(end)).min_by_key(|stem| stem.len());
        stem.is_some_and(|stem| {
            names.iter().any(|name| match stem.strip_prefix(name) {
                Some("") => true,
                Some(rest) => rest.strip_prefix('-').is_some_and(is_language),
                None => false,
            })
        })
    };
    let found = files::names(dir)?.into_iter().filter(|file| is_split(file)).collect::<Vec<_>>();
    let refuse = |message: String| StageError::Data { path: dir.display().to_string(), line: 0, message };
    match found.as_slice() {
        [file] => Ok(dir.join(file)),
        [] => Err(refuse(format!(
            "expected a file `{}` with the ending `.txt`, `.conll`, `.tsv`, `.bio`, `.jsonl` or none",
            names.join("` or `")
        ))),
        [first, second, ..] => {
            Err(refuse(format!("expected one file for `{}`, found `{first}` and `{second}`", names[0])))
        }
    }
}

#[cfg(test)]
pub(crate) mod tests;
