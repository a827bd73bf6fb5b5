//! An artifact of kind `scores`: what tags are worth, in numbers and by type.

use std::collections::{BTreeMap, BTreeSet};

use runpipe_base::{Ctx, Kind, Output, Spec, StageError, View};

use super::PAPER;
use super::score::{Counts, Score, accuracy, boundaries, f1_by_surface};
use crate::data::stats::surfaces;
use crate::data::tagged::{Sentence, Tagged};
use crate::data::tags::{self, Tag};

/// What is measured of tags, added to a stage that measures.
pub(super) fn declare(spec: Spec) -> Spec {
    spec.part("predictions", "tagged", "the sentences with the tags found")
        .metric("f1", "F1 of entities, all types together, as conlleval and seqeval count, in percent")
        .metric("precision", "entities found that are right, in percent")
        .metric("recall", "entities that are found, in percent")
        .metric("f1_strict", "F1 of entities, where only well-formed IOB2 counts, in percent")
        .metric("f1_macro", "F1 of entities, mean over types, in percent")
        .metric("f1_weighted", "F1 of entities, mean over types by their true entities, in percent")
        .metric("f1_boundary", "F1 of entities whatever their type, in percent")
        .metric("f1_seen", "F1 of entities that occur in `train`, in percent (0 without `train`)")
        .metric(
            "f1_unseen",
            "F1 of entities that do not occur in `train`, in percent (all of them without `train`)",
        )
        .metric(
            "f1_new",
            "F1 of entities in the sentences that are not in `train`, in percent (all of them without `train`)",
        )
        .metric("accuracy", "words with the right tag, in percent")
        .metric("collapsed", "1 when F1 is below 5 or every word is tagged `O`, else 0")
        .metric("entities", "entities in the true tags")
        .paper(&PAPER)
}

/// Scores predictions and makes the artifact.
///
/// # Errors
/// [`StageError`] when the predictions do not fit the sentences.
pub(super) fn report(
    gold: &Tagged,
    predicted: Vec<Vec<Tag>>,
    train: Option<View<'_>>,
    cx: &mut Ctx<'_>,
) -> Result<Output, StageError> {
    let train = train.map(|view| Tagged::read(&view)).transpose()?.unwrap_or_default();
    let known = surfaces(&train.sentences);
    let truth: Vec<Vec<Tag>> = gold.sentences.iter().map(|s| s.tags.clone()).collect();
    let score = |read| Score::of(&truth, &predicted, read).map_err(StageError::Other);
    let (lenient, strict) = (score(tags::lenient)?, score(tags::strict)?);
    let untyped = |tags: &[Vec<Tag>]| tags.iter().map(|t| boundaries(t)).collect::<Vec<_>>();
    let boundary =
        Score::of(&untyped(&truth), &untyped(&predicted), tags::lenient).map_err(StageError::Other)?;
    let micro = lenient.micro();
    let (seen, unseen) = f1_by_surface(&gold.sentences, &predicted, &known, micro);
    let new = Score::of(
        &new(&gold.sentences, &train, &truth),
        &new(&gold.sentences, &train, &predicted),
        tags::lenient,
    )
    .map_err(StageError::Other)?;
    let silent = predicted.iter().flatten().all(|tag| *tag == Tag::Outside);
    let metrics = BTreeMap::from([
        ("f1", 100.0 * micro.f1()),
        ("precision", 100.0 * micro.precision()),
        ("recall", 100.0 * micro.recall()),
        ("f1_strict", 100.0 * strict.micro().f1()),
        ("f1_macro", 100.0 * lenient.macro_mean().f1),
        ("f1_weighted", 100.0 * lenient.weighted_mean().f1),
        ("f1_new", 100.0 * new.micro().f1()),
        ("f1_boundary", 100.0 * boundary.micro().f1()),
        ("f1_seen", 100.0 * seen),
        ("f1_unseen", 100.0 * unseen),
        ("accuracy", 100.0 * accuracy(&truth, &predicted)),
        ("collapsed", f64::from(u8::from(silent || micro.f1() < 0.05))),
        ("entities", micro.gold as f64),
    ]);
    for (name, value) in &metrics {
        cx.metric(name, *value);
    }
    let json = serde_json::to_string_pretty(&metrics).map_err(|e| StageError::Other(e.to_string()))? + "\n";
    let confusion = confusion(&truth, &predicted)?;
    let words = gold.sentences.iter().map(|s| s.words.clone());
    let sentences = words.zip(predicted).map(|(words, tags)| Sentence { words, tags }).collect();
    let mut predictions = Tagged::of(sentences);
    predictions.types =
        gold.types.iter().chain(&predictions.types).cloned().collect::<BTreeSet<_>>().into_iter().collect();
    Ok(Output::new(Kind::of("scores"))
        .file("scores.json", json)
        .file("types.csv", per_type(&lenient)?)
        .file("confusion.csv", confusion)
        .part("predictions", predictions.write()))
}

/// The tags of the sentences that are no training sentence.
fn new(sentences: &[Sentence], train: &Tagged, tags: &[Vec<Tag>]) -> Vec<Vec<Tag>> {
    let known: BTreeSet<&[String]> = train.sentences.iter().map(|s| s.words.as_slice()).collect();
    let new = sentences.iter().zip(tags).filter(|(s, _)| !known.contains(s.words.as_slice()));
    new.map(|(_, tags)| tags.clone()).collect()
}

/// One row a type, and all together.
fn per_type(score: &Score) -> Result<Vec<u8>, StageError> {
    let percent = |x: f64| format!("{:.2}", 100.0 * x);
    let row = |name: &str, c: Counts| {
        let counts = [c.gold, c.predicted, c.correct].map(|n| n.to_string());
        let rates = [c.precision(), c.recall(), c.f1()].map(percent);
        std::iter::once(name.to_owned()).chain(counts).chain(rates).collect::<Vec<_>>()
    };
    let head =
        ["type", "gold", "predicted", "correct", "precision", "recall", "f1"].map(str::to_owned).to_vec();
    let rows = score.0.iter().map(|(name, counts)| row(name, *counts));
    csv(std::iter::once(head).chain(rows).chain([row("all", score.micro())]))
}

/// Of the entities of each type: how many were found with the same words as each type, or not at all.
fn confusion(gold: &[Vec<Tag>], predicted: &[Vec<Tag>]) -> Result<Vec<u8>, StageError> {
    const NOTHING: &str = "O";
    let mut counts: BTreeMap<(String, String), usize> = BTreeMap::new();
    let mut names: BTreeSet<String> = BTreeSet::new();
    for (gold, predicted) in gold.iter().zip(predicted) {
        let found: BTreeMap<(usize, usize), String> =
            tags::lenient(predicted).into_iter().map(|e| ((e.start, e.end), e.kind)).collect();
        let mut left = found.clone();
        for entity in tags::lenient(gold) {
            let as_ = left.remove(&(entity.start, entity.end)).unwrap_or_else(|| NOTHING.to_owned());
            names.extend([entity.kind.clone(), as_.clone()]);
            *counts.entry((entity.kind, as_)).or_default() += 1;
        }
        for kind in left.into_values() {
            names.insert(kind.clone());
            *counts.entry((NOTHING.to_owned(), kind)).or_default() += 1;
        }
    }
    names.remove(NOTHING);
    let columns: Vec<String> = names.into_iter().chain([NOTHING.to_owned()]).collect();
    let head = std::iter::once("gold".to_owned()).chain(columns.iter().cloned()).collect();
    let rows = columns.iter().map(|gold| {
        let cells = columns.iter().map(|c| counts.get(&(gold.clone(), c.clone())).unwrap_or(&0).to_string());
        std::iter::once(gold.clone()).chain(cells).collect::<Vec<_>>()
    });
    csv(std::iter::once(head).chain(rows))
}

fn csv(rows: impl Iterator<Item = Vec<String>>) -> Result<Vec<u8>, StageError> {
    let mut csv = csv::Writer::from_writer(Vec::new());
    for row in rows {
        csv.write_record(row).map_err(|e| StageError::Other(e.to_string()))?;
    }
    csv.into_inner().map_err(|e| StageError::Other(e.to_string()))
}
