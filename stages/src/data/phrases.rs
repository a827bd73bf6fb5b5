//! `data.phrases`: tagged sentences cut into short pieces.

use runpipe_base::{Ctx, Inputs, Output, Port, Spec, Stage, StageError, choice, params};

use super::tagged::{Sentence, Tagged};
use super::tags::Tag;
use crate::code;

choice! {
    /// Which pieces are kept.
    pub enum Keep {
        /// Those with an entity.
        Entities = "entities",
        /// All.
        All = "all",
    }
}

params! {
    /// Parameters of [`Phrases`].
    pub struct PhrasesParams {
        /// Words of a piece; an entity at its end is finished, what is left of a sentence may be shorter.
        words: usize = 6, in 1.., unit "words";
        /// Which pieces are kept.
        keep: Keep = Keep::Entities;
    }
}

/// `data.phrases`: cuts sentences into short pieces.
pub struct Phrases;

impl Stage for Phrases {
    type Params = PhrasesParams;

    fn spec(&self) -> Spec {
        Spec::new("data.phrases", code::DATA, "tagged", "Cuts tagged sentences into pieces of a few words.")
            .input(Port::one("sentences", "tagged", "sentences to cut"))
            .metric("sentences", "pieces kept")
            .metric("words", "words in them")
    }

    fn run(&self, p: &PhrasesParams, inputs: &Inputs<'_>, cx: &mut Ctx<'_>) -> Result<Output, StageError> {
        let mut tagged = Tagged::read(&inputs.one("sentences")?)?;
        let pieces = tagged.sentences.iter().flat_map(|sentence| cut(sentence, p.words));
        let whole = p.keep == Keep::All;
        tagged.sentences =
            pieces.filter(|piece| whole || piece.tags.iter().any(|t| *t != Tag::Outside)).collect();
        cx.metric("sentences", tagged.sentences.len() as f64);
        cx.metric("words", tagged.words() as f64);
        Ok(tagged.write())
    }
}

/// The pieces of a sentence: each of `words` words, or a few more where an entity goes on.
fn cut(sentence: &Sentence, words: usize) -> Vec<Sentence> {
    let (mut pieces, mut start) = (Vec::new(), 0);
    while start < sentence.words.len() {
        let mut end = (start + words).min(sentence.words.len());
        while sentence.tags.get(end).is_some_and(|tag| matches!(tag, Tag::Inside(_))) {
            end += 1;
        }
        let (words, tags) = (sentence.words[start..end].to_vec(), sentence.tags[start..end].to_vec());
        pieces.push(Sentence { words, tags });
        start = end;
    }
    pieces
}

#[cfg(test)]
mod tests;
