//! `data.stats`: what is in a tagged corpus.

use std::collections::{BTreeMap, BTreeSet};

use runpipe_base::{Ctx, Inputs, Kind, Output, Port, Spec, Stage, StageError};

use super::tagged::{Sentence, Tagged};
use super::tags;
use crate::code;

/// `data.stats`: counts sentences, words and entities, and what the splits share.
pub struct Stats;

impl Stage for Stats {
    type Params = ();

    fn spec(&self) -> Spec {
        Spec::new(
            "data.stats",
            code::DATA,
            "table",
            "Counts sentences, words and entities, and what the splits share.",
        )
        .input(Port::one("corpus", "corpus/tagged", "the corpus"))
        .metric("sentences", "sentences in all splits")
        .metric("words", "words in all splits")
        .metric("entities", "entities in all splits")
        .metric("words_per_sentence", "words in a sentence, on average")
        .metric("entity_words", "words in entities, in percent of all words")
        .metric("test_repeats", "test sentences that are training sentences too, in percent")
        .metric("test_unseen", "test entities whose words are no training entity, in percent")
    }

    fn run(&self, (): &(), inputs: &Inputs<'_>, cx: &mut Ctx<'_>) -> Result<Output, StageError> {
        let corpus = inputs.one("corpus")?;
        let mut splits: BTreeMap<&str, Tagged> = BTreeMap::new();
        for (name, part) in &corpus.artifact().parts {
            if part.kind == Kind::of("tagged") {
                let view = corpus.part(name).ok_or_else(|| StageError::Input(format!("no part `{name}`")))?;
                splits.insert(name, Tagged::read(&view)?);
            }
        }
        let counts: Vec<(&str, Counts)> =
            splits.iter().map(|(name, tagged)| (*name, Counts::of(tagged))).collect();
        let total = |f: fn(&Counts) -> usize| counts.iter().map(|(_, c)| f(c)).sum::<usize>() as f64;
        cx.metric("sentences", total(|c| c.sentences));
        cx.metric("words", total(|c| c.words));
        cx.metric("entities", total(|c| c.kinds.values().sum()));
        cx.metric("words_per_sentence", total(|c| c.words) / total(|c| c.sentences).max(1.0));
        cx.metric("entity_words", 100.0 * total(|c| c.entity_words) / total(|c| c.words).max(1.0));
        if let (Some(train), Some(test)) = (splits.get("train"), splits.get("test")) {
            cx.metric("test_repeats", repeats(train, test));
            cx.metric("test_unseen", unseen(train, test));
        }
        Ok(Output::new(Kind::of("table")).file("table.csv", table(&counts)?))
    }
}

struct Counts {
    sentences: usize,
    words: usize,
    entity_words: usize,
    kinds: BTreeMap<String, usize>,
}

impl Counts {
    fn of(tagged: &Tagged) -> Self {
        let mut kinds: BTreeMap<String, usize> = tagged.types.iter().map(|kind| (kind.clone(), 0)).collect();
        let mut entity_words = 0;
        for entity in tagged.sentences.iter().flat_map(|s| tags::lenient(&s.tags)) {
            entity_words += entity.end - entity.start;
            *kinds.entry(entity.kind).or_default() += 1;
        }
        Self { sentences: tagged.sentences.len(), words: tagged.words(), entity_words, kinds }
    }
}

/// The surfaces of all entities: their words apart by one blank.
pub fn surfaces(sentences: &[Sentence]) -> BTreeSet<String> {
    let of = |s: &Sentence| {
        tags::lenient(&s.tags).iter().map(|e| s.words[e.start..e.end].join(" ")).collect::<Vec<_>>()
    };
    sentences.iter().flat_map(of).collect()
}

fn repeats(train: &Tagged, test: &Tagged) -> f64 {
    let known: BTreeSet<&[String]> = train.sentences.iter().map(|s| s.words.as_slice()).collect();
    let repeated = test.sentences.iter().filter(|s| known.contains(s.words.as_slice())).count();
    100.0 * repeated as f64 / test.sentences.len().max(1) as f64
}

fn unseen(train: &Tagged, test: &Tagged) -> f64 {
    let known = surfaces(&train.sentences);
    let (mut all, mut new) = (0_usize, 0_usize);
    for sentence in &test.sentences {
        for entity in tags::lenient(&sentence.tags) {
            all += 1;
            new += usize::from(!known.contains(&sentence.words[entity.start..entity.end].join(" ")));
        }
    }
    100.0 * new as f64 / all.max(1) as f64
}

/// One row a split: sentences, words, entities, and entities of each type.
fn table(counts: &[(&str, Counts)]) -> Result<Vec<u8>, StageError> {
    let kinds: BTreeSet<&str> = counts.iter().flat_map(|(_, c)| c.kinds.keys().map(String::as_str)).collect();
    let mut csv = csv::Writer::from_writer(Vec::new());
    let broken = |e: csv::Error| StageError::Other(e.to_string());
    csv.write_record(["split", "sentences", "words", "entities"].into_iter().chain(kinds.iter().copied()))
        .map_err(broken)?;
    for (name, c) in counts {
        let numbers = [c.sentences, c.words, c.kinds.values().sum()].into_iter();
        let numbers = numbers.chain(kinds.iter().map(|kind| c.kinds.get(*kind).copied().unwrap_or(0)));
        let row = std::iter::once((*name).to_owned()).chain(numbers.map(|n| n.to_string()));
        csv.write_record(row.collect::<Vec<_>>()).map_err(broken)?;
    }
    csv.into_inner().map_err(|e| StageError::Other(e.to_string()))
}

#[cfg(test)]
mod tests;
