//! `maner.language`: a generated language in which context tells an entity's type and spelling does not.

mod grammar;
mod lexicon;

use runpipe_base::{Ctx, Inputs, Kind, Output, Spec, Stage, StageError, params};

use self::grammar::Language;
use self::lexicon::{Class, Lexicon};
use super::PAPER;
use crate::code;
use crate::data::tagged::Tagged;
use crate::data::text;
use crate::kit::rng::Stream;

params! {
    /// Parameters of [`GeneratedLanguage`].
    pub struct LanguageParams {
        /// Defines the language: its sounds, words, names and word order.
        seed: u64 = 1;
        /// Which corpus of that language.
        sample: u64 = 0;
        /// Sentences of raw text.
        raw: usize = 20_000, in 1.., unit "sentences";
        /// Labelled sentences to train on.
        train: usize = 100, in 1.., unit "sentences";
        /// Labelled sentences to choose by.
        dev: usize = 100, in 1.., unit "sentences";
        /// Sentences of each of the two test sets.
        test: usize = 500, in 1.., unit "sentences";
        /// Chance that a name ends in a way typical of its type.
        form_leak: f64 = 0.0, in 0.0..=1.0;
        /// Whether names begin with a capital letter.
        capital: bool = false;
    }
}

/// `maner.language`: makes up a language and a corpus of it.
pub struct GeneratedLanguage;

impl Stage for GeneratedLanguage {
    type Params = LanguageParams;

    fn spec(&self) -> Spec {
        Spec::new(
            "maner.language",
            code::MANER,
            "corpus/tagged",
            "Makes up a language in which context tells an entity's type and spelling does not.",
        )
        .part("train", "tagged", "sentences to train on")
        .part("dev", "tagged", "sentences to choose by, with the names of `train`")
        .part("test", "tagged", "set A: names that occur in `text` but in no labelled sentence")
        .part("novel", "tagged", "set B: names that occur nowhere else")
        .part("text", "text", "raw text")
        .metric("words_per_sentence", "words in a sentence of raw text, on average")
        .metric("entities_per_sentence", "entities in a sentence of raw text, on average")
        .metric("entity_words", "words in entities, in percent of all words of raw text")
        .paper(&PAPER)
    }

    fn run(&self, p: &LanguageParams, _: &Inputs<'_>, cx: &mut Ctx<'_>) -> Result<Output, StageError> {
        let mut syntax = Stream::new(p.seed, "maner.language syntax");
        let language = Language::new(Lexicon::draw(p), p.capital, &mut syntax);
        let corpus = |part: &str, n: usize, classes: &[(Class, f64)]| {
            let mut stream = Stream::new(p.seed, &format!("maner.language {part} {}", p.sample));
            Tagged::of((0..n).map(|_| language.sentence(classes, &mut stream)).collect())
        };
        let raw = corpus("text", p.raw, &[(Class::Labelled, 2.0 / 3.0), (Class::Test, 1.0 / 3.0)]);
        measure(&raw, cx);
        let labelled = [
            ("train", p.train, Class::Labelled),
            ("dev", p.dev, Class::Labelled),
            ("test", p.test, Class::Test),
            ("novel", p.test, Class::Novel),
        ];
        let output = Output::new(Kind::of("corpus/tagged")).part("text", text::output(raw.text()));
        Ok(labelled.into_iter().fold(output, |output, (part, n, class)| {
            // A small part may lack a type; the labels are those of the language all the same.
            let types = ["LOC", "ORG", "PER"].map(str::to_owned).to_vec();
            let tagged = Tagged { types, ..corpus(part, n, &[(class, 1.0)]) };
            output.part(part, tagged.write())
        }))
    }
}

fn measure(raw: &Tagged, cx: &mut Ctx<'_>) {
    let entities = raw.sentences.iter().flat_map(|s| crate::data::tags::lenient(&s.tags));
    let (n, inside) = entities.fold((0, 0), |(n, inside), e| (n + 1, inside + e.end - e.start));
    let (sentences, words) = (raw.sentences.len() as f64, raw.words() as f64);
    cx.metric("words_per_sentence", words / sentences);
    cx.metric("entities_per_sentence", f64::from(n) / sentences);
    cx.metric("entity_words", 100.0 * inside as f64 / words);
}

#[cfg(test)]
pub(crate) mod tests;
