//! Entity scores as seqeval 1.2.2 computes them: an entity counts when its words and its type are right.

use std::collections::{BTreeMap, BTreeSet};

use crate::data::tagged::Sentence;
use crate::data::tags::{self, Entity, Tag};

/// Entities counted; `correct` are in both gold and prediction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Entities in the gold tags.
    pub gold: usize,
    /// Entities predicted.
    pub predicted: usize,
    /// Entities predicted that are in the gold tags.
    pub correct: usize,
}

impl Counts {
    /// Correct of predicted, 0 when nothing is predicted.
    pub fn precision(self) -> f64 {
        ratio(self.correct, self.predicted)
    }

    /// Correct of gold, 0 when there is no gold.
    pub fn recall(self) -> f64 {
        ratio(self.correct, self.gold)
    }

    /// F = 2 P R / (P + R), 0 when both are 0.
    pub fn f1(self) -> f64 {
        harmonic(self.precision(), self.recall())
    }
}

impl std::ops::Add for Counts {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            gold: self.gold + other.gold,
            predicted: self.predicted + other.predicted,
            correct: self.correct + other.correct,
        }
    }
}

/// Precision, recall and F, in 0 to 1.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Triple {
    /// P.
    pub precision: f64,
    /// R.
    pub recall: f64,
    /// F.
    pub f1: f64,
}

/// Counts of each entity type that occurs in gold or prediction.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Score(pub BTreeMap<String, Counts>);

impl Score {
    /// Scores predictions; both are lists of sentences, each with a tag a word. `read` is [`tags::lenient`] or
    /// [`tags::strict`] and reads both sides.
    ///
    /// # Errors
    /// Where the two differ in shape.
    pub fn of(
        gold: &[Vec<Tag>],
        predicted: &[Vec<Tag>],
        read: fn(&[Tag]) -> Vec<Entity>,
    ) -> Result<Self, String> {
        if gold.len() != predicted.len() {
            return Err(format!("expected {} predicted sentences, found {}", gold.len(), predicted.len()));
        }
        let mut counts: BTreeMap<String, Counts> = BTreeMap::new();
        for (i, (gold, predicted)) in gold.iter().zip(predicted).enumerate() {
            if gold.len() != predicted.len() {
                let (n, found) = (gold.len(), predicted.len());
                return Err(format!("expected {n} predicted tags in sentence {}, found {found}", i + 1));
            }
            let gold: BTreeSet<Entity> = read(gold).into_iter().collect();
            for entity in read(predicted) {
                let correct = gold.contains(&entity);
                let counts = counts.entry(entity.kind).or_default();
                counts.predicted += 1;
                counts.correct += usize::from(correct);
            }
            for entity in gold {
                counts.entry(entity.kind).or_default().gold += 1;
            }
        }
        Ok(Self(counts))
    }

    /// All types together: the headline.
    pub fn micro(&self) -> Counts {
        self.0.values().copied().fold(Counts::default(), std::ops::Add::add)
    }

    /// The mean over types, each alike; 0 when there is none.
    pub fn macro_mean(&self) -> Triple {
        self.mean(|_| 1)
    }

    /// The mean over types by their gold entities; 0 when there is none.
    pub fn weighted_mean(&self) -> Triple {
        self.mean(|counts| counts.gold)
    }

    fn mean(&self, weight: impl Fn(&Counts) -> usize) -> Triple {
        let all: usize = self.0.values().map(&weight).sum();
        if all == 0 {
            return Triple::default();
        }
        let of = |f: fn(Counts) -> f64| {
            self.0.values().map(|c| weight(c) as f64 * f(*c)).sum::<f64>() / all as f64
        };
        Triple { precision: of(Counts::precision), recall: of(Counts::recall), f1: of(Counts::f1) }
    }
}

/// Words whose tags are equal, of all words; 0 when there is none.
pub fn accuracy(gold: &[Vec<Tag>], predicted: &[Vec<Tag>]) -> f64 {
    let pairs = gold.iter().flatten().zip(predicted.iter().flatten());
    let (all, equal) = pairs.fold((0, 0), |(all, equal), (g, p)| (all + 1, equal + usize::from(g == p)));
    ratio(equal, all)
}

/// The same tags with one type for all: what is scored is where entities begin and end.
pub fn boundaries(tags: &[Tag]) -> Vec<Tag> {
    let entities = tags::lenient(tags).into_iter().map(|e| Entity { kind: "ENTITY".to_owned(), ..e });
    tags::tags_of(&entities.collect::<Vec<_>>(), tags.len())
}

/// F of the entities whose surface is in `known` and of those whose surface is not: the recall of each with the
/// precision of all.
pub fn f1_by_surface(
    gold: &[Sentence],
    predicted: &[Vec<Tag>],
    known: &BTreeSet<String>,
    all: Counts,
) -> (f64, f64) {
    let (mut seen, mut unseen) = (Counts::default(), Counts::default());
    for (sentence, predicted) in gold.iter().zip(predicted) {
        let found: BTreeSet<Entity> = tags::lenient(predicted).into_iter().collect();
        for entity in tags::lenient(&sentence.tags) {
            let surface = sentence.words[entity.start..entity.end].join(" ");
            let counts = if known.contains(&surface) { &mut seen } else { &mut unseen };
            counts.gold += 1;
            counts.correct += usize::from(found.contains(&entity));
        }
    }
    let f1 = |counts: Counts| harmonic(all.precision(), counts.recall());
    (f1(seen), f1(unseen))
}

fn ratio(part: usize, all: usize) -> f64 {
    if all == 0 { 0.0 } else { part as f64 / all as f64 }
}

fn harmonic(a: f64, b: f64) -> f64 {
    if a + b > 0.0 { 2.0 * a * b / (a + b) } else { 0.0 }
}

#[cfg(test)]
mod tests;
