//! `maner.gazetteer`: tags words by looking them up.

use std::collections::BTreeMap;

use runpipe_base::{Ctx, Inputs, Output, Port, Spec, Stage, StageError};

use super::scores;
use crate::code;
use crate::data::tagged::Tagged;
use crate::data::tags::Tag;

/// `maner.gazetteer`: tags words that were in entities with the tag they had most often.
pub struct Gazetteer;

impl Stage for Gazetteer {
    type Params = ();

    fn spec(&self) -> Spec {
        let spec = Spec::new(
            "maner.gazetteer",
            code::MANER,
            "scores",
            "Tags each word as it was tagged most often in training, and scores the entities found: memory alone.",
        )
        .input(Port::one("train", "tagged", "what is looked up"))
        .input(Port::one("sentences", "tagged", "sentences with their true tags"));
        scores::declare(spec)
    }

    fn run(&self, (): &(), inputs: &Inputs<'_>, cx: &mut Ctx<'_>) -> Result<Output, StageError> {
        let train = Tagged::read(&inputs.one("train")?)?;
        let gold = Tagged::read(&inputs.one("sentences")?)?;
        let mut seen: BTreeMap<&str, BTreeMap<&Tag, usize>> = BTreeMap::new();
        for sentence in &train.sentences {
            for (word, tag) in sentence.words.iter().zip(&sentence.tags) {
                *seen.entry(word).or_default().entry(tag).or_default() += 1;
            }
        }
        let look_up = |word: &String| {
            let tags = seen.get(word.as_str()).into_iter().flatten();
            // Of equals the first in the order of labels.
            tags.rev().max_by_key(|(_, n)| **n).map_or(Tag::Outside, |(tag, _)| (*tag).clone())
        };
        let predicted = gold.sentences.iter().map(|s| s.words.iter().map(look_up).collect()).collect();
        scores::report(&gold, predicted, inputs.optional("train"), cx)
    }
}
