//! `treemix.sentiment`: generated sentences with a mood, and their gold trees.

use std::fmt::Write as _;

use runpipe_base::{Ctx, Inputs, Kind, Output, Spec, Stage, StageError, params};

use super::PAPER;
use crate::code;
use crate::data::labelled::{Labelled, Sentence};
use crate::data::text;
use crate::data::tree::Tree;
use crate::kit::rng::Stream;

params! {
    /// Parameters of [`Sentiment`].
    pub struct SentimentParams {
        /// Sentences to train on.
        train: usize = 200, in 1.., unit "sentences";
        /// Sentences to judge by.
        test: usize = 2000, in 1.., unit "sentences";
        /// Raw sentences, for an encoder to be trained on.
        raw: usize = 2000, in 1.., unit "sentences";
        /// Adjectives of each mood.
        adjectives: usize = 40, in 1..=10_000, unit "words";
        /// Nouns, and as many verbs.
        nouns: usize = 60, in 1..=10_000, unit "words";
        /// Draws the sentences; sentences to train on, to judge by and raw ones come from streams of their own.
        seed: u64 = 0;
    }
}

/// `treemix.sentiment`: makes up sentences with a mood.
pub struct Sentiment;

impl Stage for Sentiment {
    type Params = SentimentParams;

    fn spec(&self) -> Spec {
        Spec::new(
            "treemix.sentiment",
            code::TREEMIX,
            "corpus/labelled",
            "Makes up sentences whose adjectives, negated or not, say whether they are positive or negative.",
        )
        .part("train", "labelled", "sentences to train on, with trees")
        .part("test", "labelled", "sentences to judge by, with trees")
        .part("text", "text", "other sentences, without classes")
        .metric("words_per_sentence", "words in a sentence to train on, on average")
        .metric("positive", "positive sentences among those to train on, in percent")
        .metric("negated", "words `not` in a sentence to train on, on average")
        .paper(&PAPER)
    }

    fn run(&self, p: &SentimentParams, _: &Inputs<'_>, cx: &mut Ctx<'_>) -> Result<Output, StageError> {
        let draw = |part: &str, n: usize| {
            let stream = Stream::new(p.seed, "treemix.sentiment").named(part);
            let rows = (0..n as u64).map(|i| sentence(p, &mut stream.child(i)));
            Labelled::of(rows.collect())
        };
        let (train, test, raw) = (draw("train", p.train), draw("test", p.test), draw("raw", p.raw));
        let words = |wanted: &dyn Fn(&str) -> bool| {
            let words = train.examples.iter().flat_map(|e| &e.first.words);
            words.filter(|word| wanted(word)).count() as f64 / p.train as f64
        };
        cx.metric("words_per_sentence", words(&|_| true));
        cx.metric("negated", words(&|word| word == "not"));
        let positive = train.examples.iter().filter(|e| train.classes[e.class] == "positive").count();
        cx.metric("positive", 100.0 * positive as f64 / p.train as f64);
        let lines: String = raw.examples.iter().map(|e| e.first.text() + "\n").collect();
        Ok(Output::new(Kind::of("corpus/labelled"))
            .part("train", train.write())
            .part("test", test.write())
            .part("text", text::output(lines)))
    }
}

/// A sentence with its class and its tree.
///
/// # Source
/// Acceptance experiment A5: a grammar of adjective phrases that may be negated, in one clause or two.
fn sentence(p: &SentimentParams, stream: &mut Stream) -> (String, Sentence, Option<Sentence>) {
    loop {
        let positive = if stream.chance(0.5) { 0.8 } else { 0.2 };
        let mut writer = Writer { p, positive, sum: 0, out: String::new() };
        if stream.chance(0.5) {
            writer.out.push_str("(ROOT (S ");
            writer.clause(stream);
            writer.out.push_str(" (CC and) ");
            writer.clause(stream);
            writer.out.push_str("))");
        } else {
            writer.out.push_str("(ROOT ");
            writer.clause(stream);
            writer.out.push(')');
        }
        // Moods that cancel out, or a sentence without any: another one is drawn.
        if writer.sum != 0 {
            let class = if writer.sum > 0 { "positive" } else { "negative" };
            let tree = Tree::parse(&writer.out).expect("the writer closes every bracket");
            return (class.to_owned(), Sentence::of_tree(tree), None);
        }
    }
}

/// Writes a tree from left to right and adds up the moods of its adjective phrases.
struct Writer<'a> {
    p: &'a SentimentParams,
    /// Chance that an adjective phrase is positive.
    positive: f64,
    sum: i64,
    out: String,
}

impl Writer<'_> {
    /// `(TAG stem12)`.
    fn word(&mut self, tag: &str, stem: &str, of: usize, stream: &mut Stream) {
        let word = stream.below(of);
        write!(self.out, "({tag} {stem}{word})").expect("a String takes all");
    }

    fn adjectives(&mut self, stream: &mut Stream) {
        let positive = stream.chance(self.positive);
        self.sum += if positive { 1 } else { -1 };
        let negated = stream.chance(0.3);
        if negated {
            self.out.push_str("(ADJP (RB not) ");
        }
        self.out.push_str("(ADJP ");
        if stream.chance(0.4) {
            self.word("RB", "adverb", 20, stream);
            self.out.push(' ');
        }
        // A negated phrase has the mood that its word has not.
        let stem = if positive == negated { "bad" } else { "good" };
        self.word("JJ", stem, self.p.adjectives, stream);
        self.out.push_str(if negated { "))" } else { ")" });
    }

    fn noun_phrase(&mut self, depth: usize, stream: &mut Stream) {
        let attached = depth < 1 && stream.chance(0.35);
        if attached {
            self.out.push_str("(NP ");
        }
        self.out.push_str("(NP ");
        self.word("DT", "the", 3, stream);
        self.out.push(' ');
        if stream.chance(0.6) {
            self.adjectives(stream);
            self.out.push(' ');
        }
        self.word("NN", "noun", self.p.nouns, stream);
        self.out.push(')');
        if attached {
            self.out.push_str(" (PP ");
            self.word("IN", "of", 4, stream);
            self.out.push(' ');
            self.noun_phrase(depth + 1, stream);
            self.out.push_str("))");
        }
    }

    fn clause(&mut self, stream: &mut Stream) {
        self.out.push_str("(S ");
        self.noun_phrase(0, stream);
        if stream.chance(0.5) {
            self.out.push_str(" (VP (VBZ is) ");
            self.adjectives(stream);
        } else {
            self.out.push_str(" (VP ");
            self.word("VB", "verb", self.p.nouns, stream);
            self.out.push(' ');
            self.noun_phrase(0, stream);
        }
        self.out.push_str("))");
    }
}

#[cfg(test)]
mod tests;
