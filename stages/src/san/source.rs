//! Where a step's questions come from: a set that is held, or a world that is asked when it is needed.

use runpipe_base::{StageError, View};

use super::questions::{Look, Question, Set};
use super::world::World;
use crate::kit::rng::Stream;

/// Questions to learn from.
#[derive(Debug, Clone, PartialEq)]
pub enum Source {
    /// A set: every epoch sees all of it in another order.
    Held(Set),
    /// A world: every question is a new one.
    Drawn(World),
}

/// Some questions with the pictures that they are about, each once.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Asked {
    /// The questions; their pictures are places among the pictures here.
    pub questions: Vec<Question>,
    /// Numbers of the pictures, one after the other.
    pub numbers: Vec<f32>,
    /// Pictures.
    pub count: usize,
}

impl Asked {
    /// The questions at these places of a set.
    pub fn of(set: &Set, places: &[usize]) -> Self {
        let mut asked = Self::default();
        let mut found = std::collections::BTreeMap::new();
        for question in places.iter().map(|place| &set.questions[*place]) {
            let picture = *found.entry(question.picture).or_insert_with(|| {
                set.scenes.add(question.picture, &mut asked.numbers);
                asked.count += 1;
                asked.count - 1
            });
            asked.questions.push(Question { picture, ..question.clone() });
        }
        asked
    }
}

impl Source {
    /// Reads an artifact of kind `questions`.
    ///
    /// # Errors
    /// [`StageError::Input`] when a file is missing or does not fit the others.
    pub fn read(view: &View<'_>) -> Result<Self, StageError> {
        match World::read(view)? {
            Some(world) => Ok(Self::Drawn(world)),
            None => Set::read(view).map(Self::Held),
        }
    }

    /// What a net is shown of a picture.
    pub fn look(&self) -> Look {
        match self {
            Self::Held(set) => set.scenes.look(),
            Self::Drawn(world) => world.look(),
        }
    }

    /// The set itself, or the first questions of a world.
    pub fn set(self, count: u64) -> Set {
        match self {
            Self::Held(set) => set,
            Self::Drawn(world) => world.draw(0..count),
        }
    }
}

/// Batches of a source: functions of the step, so that a stopped run goes on with the same.
#[derive(Debug)]
pub struct Batches<'a> {
    source: &'a Source,
    /// Of a set, the places of questions that are learnt from, those of a picture in one group if they are to stay
    /// together.
    groups: Vec<Vec<usize>>,
    size: usize,
    order: Stream,
    /// The epoch that was asked last, and its order.
    last: std::cell::RefCell<(Option<u64>, Vec<usize>)>,
}

impl<'a> Batches<'a> {
    /// Batches of `size` questions for which `wanted` holds; with `together` those of a picture stand beside each other.
    ///
    /// # Errors
    /// [`StageError::Input`] when there are fewer than a batch.
    pub fn new(
        source: &'a Source,
        size: usize,
        together: bool,
        order: Stream,
        wanted: impl Fn(&Question) -> bool,
    ) -> Result<Self, StageError> {
        let mut groups: Vec<Vec<usize>> = Vec::new();
        if let Source::Held(set) = source {
            let places = (0..set.questions.len()).filter(|i| wanted(&set.questions[*i]));
            if together {
                let mut of: Vec<Vec<usize>> = vec![Vec::new(); set.scenes.len()];
                places.for_each(|i| of[set.questions[i].picture].push(i));
                groups = of.into_iter().filter(|group| !group.is_empty()).collect();
            } else {
                groups = places.map(|i| vec![i]).collect();
            }
            let found: usize = groups.iter().map(Vec::len).sum();
            if found < size {
                let message = format!(
                    "expected at least a batch of {size} questions that can be learnt, found {found}"
                );
                return Err(StageError::Input(message));
            }
        }
        Ok(Self { source, groups, size, order, last: (None, Vec::new()).into() })
    }

    /// Questions that are learnt from; none where they are drawn.
    pub fn questions(&self) -> Option<usize> {
        matches!(self.source, Source::Held(_)).then(|| self.groups.iter().map(Vec::len).sum())
    }

    /// Steps of an epoch: whole batches, what is left over waits for the next order.
    pub fn per_epoch(&self) -> Option<u64> {
        self.questions().map(|questions| (questions / self.size) as u64)
    }

    /// The questions of a step.
    pub fn of(&self, step: u64) -> Asked {
        match self.source {
            Source::Drawn(world) => {
                let first = step * self.size as u64;
                let set = world.draw(first..first + self.size as u64);
                let places: Vec<usize> = (0..set.questions.len()).collect();
                Asked::of(&set, &places)
            }
            Source::Held(set) => {
                let per_epoch = self.per_epoch().expect("it is held").max(1);
                let (epoch, first) = (step / per_epoch, (step % per_epoch) as usize * self.size);
                let mut last = self.last.borrow_mut();
                if last.0 != Some(epoch) {
                    let order = self.order.child(epoch).permutation(self.groups.len());
                    let places = order.iter().flat_map(|i| &self.groups[*i]).copied();
                    *last = (Some(epoch), places.collect());
                }
                Asked::of(set, &last.1[first..first + self.size])
            }
        }
    }
}

#[cfg(test)]
mod tests;
