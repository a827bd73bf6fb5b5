//! `maner.tag`: entities in raw text.

use runpipe_base::{Ctx, Inputs, Kind, Output, Port, Spec, Stage, StageError, params};

use super::PAPER;
use super::decode::Decoding;
use super::evaluate::tag;
use super::model::Model;
use super::predict::Predicted;
use crate::code;
use crate::data::tagged::{Sentence, Tagged};
use crate::data::tags::{self, Tag};
use crate::data::text::{self, Punctuation};

params! {
    /// Parameters of [`TagText`].
    pub struct TagTextParams {
        /// What becomes of punctuation at the edges of words; taggers are trained on words without.
        punctuation: Punctuation = Punctuation::Detach;
        /// How the tags of a sentence are chosen.
        decoding: Decoding = Decoding::Valid;
        /// Words that neighbouring windows of a long sentence share; none: half of a window.
        overlap: Option<usize> = None, unit "words";
    }
}

/// `maner.tag`: tags raw text with a tagger.
pub struct TagText;

impl Stage for TagText {
    type Params = TagTextParams;

    fn spec(&self) -> Spec {
        Spec::new("maner.tag", code::MANER, "entities", "Finds the entities of raw text with a tagger.")
            .input(Port::one("tagger", "weights/tagger", "the tagger"))
            .input(Port::one("text", "text", "raw text, one sentence a line"))
            .part("sentences", "tagged", "the words of each line that has any, with the tags found")
            .tensors()
            .metric("entities", "entities found")
            .metric("sentences", "lines with words")
            .metric("windowed", "sentences cut into windows")
            .paper(&PAPER)
    }

    fn run(&self, p: &TagTextParams, inputs: &Inputs<'_>, cx: &mut Ctx<'_>) -> Result<Output, StageError> {
        let model = Model::read(&inputs.one("tagger")?)?;
        let lines = text::lines(&inputs.one("text")?)?;
        let cut: Vec<(usize, Vec<&str>)> = lines
            .iter()
            .map(|line| text::words(line, p.punctuation))
            .enumerate()
            .filter(|(_, words)| !words.is_empty())
            .collect();
        let sentences = cut.iter().map(|(_, words)| Sentence {
            words: words.iter().map(|word| (*word).to_owned()).collect(),
            tags: vec![Tag::Outside; words.len()],
        });
        let mut tagged = Tagged::of(sentences.collect());
        let predicted = tag(&model, &tagged, p.decoding, p.overlap, cx)?;
        for (sentence, tags) in tagged.sentences.iter_mut().zip(&predicted.tags) {
            sentence.tags.clone_from(tags);
        }
        let found = Tagged::of(tagged.sentences);
        let places: Vec<(usize, &str, &[&str])> =
            cut.iter().map(|(line, words)| (*line, lines[*line].as_str(), words.as_slice())).collect();
        let (table, entities) = table(&places, &predicted)?;
        cx.metric("entities", entities as f64);
        cx.metric("sentences", found.sentences.len() as f64);
        cx.metric("windowed", predicted.windowed as f64);
        Ok(Output::new(Kind::of("entities")).file("entities.csv", table).part("sentences", found.write()))
    }
}

/// One row an entity: its line from 1, the characters of the line from `start` to before `end`, its type, the mean
/// probability of its words' tags, and its text as it stands in the line.
fn table(lines: &[(usize, &str, &[&str])], predicted: &Predicted) -> Result<(Vec<u8>, usize), StageError> {
    let broken = |e: csv::Error| StageError::Other(e.to_string());
    let mut csv = csv::Writer::from_writer(Vec::new());
    csv.write_record(["line", "start", "end", "type", "score", "text"]).map_err(broken)?;
    let mut entities = 0;
    for ((number, line, words), (found, certainty)) in
        lines.iter().zip(predicted.tags.iter().zip(&predicted.certainty))
    {
        // A word is a slice of its line.
        let at = |word: &str| word.as_ptr().addr() - line.as_ptr().addr();
        for entity in tags::lenient(found) {
            entities += 1;
            let last = words[entity.end - 1];
            let span = at(words[entity.start])..at(last) + last.len();
            let characters = |bytes: usize| line[..bytes].chars().count().to_string();
            let own = &certainty[entity.start..entity.end];
            let score = own.iter().sum::<f64>() / own.len() as f64;
            csv.write_record([
                (number + 1).to_string(),
                characters(span.start),
                characters(span.end),
                entity.kind,
                format!("{score:.4}"),
                line[span].to_owned(),
            ])
            .map_err(broken)?;
        }
    }
    Ok((csv.into_inner().map_err(|e| StageError::Other(e.to_string()))?, entities))
}

#[cfg(test)]
mod tests;
