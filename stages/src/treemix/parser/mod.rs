//! A constituency parser of our own: a grammar read off a treebank, and the likeliest tree under it.
//!
//! [`transform`] marks labels with their surroundings and makes trees binary, [`grammar`] counts rules and turns counts
//! into probabilities, [`lexicon`] says which tags a word may have, known or not, [`cky`] finds the likeliest tree, and
//! [`brackets`] scores it.

pub mod brackets;
pub mod cky;
pub mod grammar;
pub mod lexicon;
pub mod transform;

use rayon::prelude::*;
use runpipe_base::{Ctx, Inputs, Kind, Output, Port, Spec, Stage, StageError, params};

use self::brackets::Score;
use self::cky::Parser;
use self::grammar::{Counts, Grammar};
use self::transform::Marks;
use crate::code;
use crate::data::tree::Tree;
use crate::data::{text, trees};

params! {
    /// Parameters of [`ReadGrammar`].
    pub struct GrammarParams {
        /// 2: a label is marked with that of its parent; 1: it is not. Source: vertical markovisation, Klein and Manning
        /// 2003.
        vertical: u32 = 2, in 1..=2;
        /// Whether tags of words are marked with their parent too.
        tag_parents: bool = true;
        /// How many of the last children a long row of children remembers. Source: horizontal markovisation, ditto.
        horizontal: usize = 2, in 0..=10;
        /// Marks that occur less often are shortened, or left out.
        least: u32 = 10, in 1..;
    }
}

/// `treemix.grammar`: reads a grammar off trees.
pub struct ReadGrammar;

impl Stage for ReadGrammar {
    type Params = GrammarParams;

    fn spec(&self) -> Spec {
        Spec::new(
            "treemix.grammar",
            code::TREEMIX,
            "grammar",
            "Reads a probabilistic grammar off a treebank: binary, with markovised labels, and classes of unknown words.",
        )
        .input(Port::one("trees", "trees", "trees with a tag over every word"))
        .metric("symbols", "symbols")
        .metric("binary", "rules of two children")
        .metric("unary", "rules of one child")
        .metric("words", "words of the lexicon")
        .metric("unused", "trees left out: a word without a tag, or a label with `@`, `^` or `|`")
    }

    fn run(&self, p: &GrammarParams, inputs: &Inputs<'_>, cx: &mut Ctx<'_>) -> Result<Output, StageError> {
        let trees: Vec<Tree> = trees::read(&inputs.one("trees")?)?.into_iter().flatten().collect();
        let marks = Marks {
            parents: p.vertical > 1,
            tag_parents: p.tag_parents,
            siblings: p.horizontal,
            least: p.least,
        };
        let (counts, unused) = Counts::of(&trees, marks);
        if counts.roots.is_empty() {
            let found = trees.len();
            return Err(StageError::Input(format!(
                "expected trees to read a grammar off, found none among {found}"
            )));
        }
        cx.metric("symbols", counts.symbols.len() as f64);
        cx.metric("binary", counts.binary.len() as f64);
        cx.metric("unary", counts.unary.len() as f64);
        cx.metric("words", counts.lexicon.words.len() as f64);
        cx.metric("unused", unused as f64);
        Ok(counts.write())
    }
}

params! {
    /// Parameters of [`Parse`].
    pub struct ParseParams {
        /// Symbols less likely than the best of a span by more than this are dropped.
        beam: f64 = 12.0, in 0.0.., unit "nats";
        /// Longer sentences get no tree: the time grows with the third power of the length.
        max_len: usize = 100, in 1.., unit "words";
    }
}

/// `treemix.parse`: finds the likeliest trees of sentences.
pub struct Parse;

impl Stage for Parse {
    type Params = ParseParams;

    fn spec(&self) -> Spec {
        Spec::new(
            "treemix.parse",
            code::TREEMIX,
            "trees",
            "Parses sentences with a grammar: the likeliest tree of each, `()` for one that has none.",
        )
        .input(Port::one("text", "text", "sentences, one a line, words parted by blanks"))
        .input(Port::one("grammar", "grammar", "the grammar"))
        .tensors()
        .metric("sentences", "sentences")
        .metric("failed", "sentences without a tree, in percent")
    }

    fn run(&self, p: &ParseParams, inputs: &Inputs<'_>, cx: &mut Ctx<'_>) -> Result<Output, StageError> {
        let lines = text::lines(&inputs.one("text")?)?;
        let grammar = Grammar::new(Counts::read(&inputs.one("grammar")?)?);
        let parser = Parser { grammar: &grammar, beam: p.beam as f32 };
        let mut parsed = Vec::with_capacity(lines.len());
        for block in lines.chunks(64) {
            cx.stop_point()?;
            parsed.par_extend(block.par_iter().map(|line| {
                let words: Vec<String> = line.split_ascii_whitespace().map(str::to_owned).collect();
                if words.len() > p.max_len { None } else { parser.parse(&words) }
            }));
            cx.progress(parsed.len() as u64, lines.len() as u64, "sentences", "");
        }
        let failed = parsed.iter().filter(|tree| tree.is_none()).count();
        cx.metric("sentences", parsed.len() as f64);
        cx.metric("failed", 100.0 * failed as f64 / parsed.len().max(1) as f64);
        Ok(trees::output(parsed.iter().map(Option::as_ref)))
    }
}

/// `treemix.evalb`: scores parses by their brackets.
pub struct Evalb;

impl Stage for Evalb {
    type Params = ();

    fn spec(&self) -> Spec {
        Spec::new(
            "treemix.evalb",
            code::TREEMIX,
            "table",
            "Scores parses by their labelled brackets, as `evalb` does with its usual parameters.",
        )
        .input(Port::one("gold", "trees", "trees as they should be"))
        .input(Port::one("parsed", "trees", "parses of the same sentences, in the same order"))
        .metric("f1", "F1 of labelled brackets, in percent")
        .metric("precision", "brackets of parses that are right, in percent")
        .metric("recall", "gold brackets that are found, in percent")
        .metric("f1_40", "F1 of labelled brackets in sentences of at most 40 words, in percent")
        .metric("exact", "sentences whose brackets are all right, in percent")
        .metric("tags", "words with the right tag, in percent")
        .metric("failed", "sentences without a parse, whose brackets count as missed, in percent")
    }

    fn run(&self, (): &(), inputs: &Inputs<'_>, cx: &mut Ctx<'_>) -> Result<Output, StageError> {
        let gold = trees::read(&inputs.one("gold")?)?;
        let parsed = trees::read(&inputs.one("parsed")?)?;
        if gold.len() != parsed.len() {
            let (expected, found) = (gold.len(), parsed.len());
            return Err(StageError::Input(format!("expected {expected} parses, found {found}")));
        }
        // By length of the sentence, and all together.
        let mut scores = [
            (10, Score::default()),
            (20, Score::default()),
            (40, Score::default()),
            (usize::MAX, Score::default()),
        ];
        for (line, (gold, parsed)) in gold.iter().zip(&parsed).enumerate() {
            let wrong = |message| StageError::Input(format!("line {}: {message}", line + 1));
            let gold = gold.as_ref().ok_or_else(|| wrong("there is no gold tree".to_owned()))?;
            for (most, score) in &mut scores {
                if gold.words().len() <= *most {
                    score.add(gold, parsed.as_ref()).map_err(wrong)?;
                }
            }
        }
        let [.., (_, short), (_, all)] = &scores;
        cx.metric("f1", all.f1());
        cx.metric("precision", all.precision());
        cx.metric("recall", all.recall());
        cx.metric("f1_40", short.f1());
        cx.metric("exact", all.exact_match());
        cx.metric("tags", all.tag_accuracy());
        cx.metric("failed", 100.0 * all.failed as f64 / all.sentences.max(1) as f64);
        Ok(Output::new(Kind::of("table")).file("table.csv", table(&scores)?))
    }
}

/// One row a bound on the length of sentences.
fn table(scores: &[(usize, Score)]) -> Result<Vec<u8>, StageError> {
    let mut csv = csv::Writer::from_writer(Vec::new());
    let broken = |e: csv::Error| StageError::Other(e.to_string());
    csv.write_record(["words", "sentences", "f1", "precision", "recall", "exact", "tags", "failed"])
        .map_err(broken)?;
    for (most, score) in scores {
        let words = if *most == usize::MAX { "all".to_owned() } else { format!("at most {most}") };
        let numbers =
            [score.f1(), score.precision(), score.recall(), score.exact_match(), score.tag_accuracy()];
        let mut row = vec![words, score.sentences.to_string()];
        row.extend(numbers.iter().map(|x| format!("{x:.2}")));
        row.push(score.failed.to_string());
        csv.write_record(row).map_err(broken)?;
    }
    csv.into_inner().map_err(|e| StageError::Other(e.to_string()))
}

#[cfg(test)]
mod tests;
