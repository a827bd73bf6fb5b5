//! `san.guess`: answers every question of a type with the answer that is most frequent in training.

use std::collections::BTreeMap;

use runpipe_base::{Ctx, Inputs, Output, Port, Spec, Stage, StageError};

use super::evaluate::{EvaluateParams, KIND, Looked, declare, write};
use super::model::Maps;
use super::questions::{self, Question, Set};
use super::source::Source;
use super::words::Names;
use crate::code;

/// Questions of a world that answers are counted over.
const COUNTED: u64 = 20_000;

/// `san.guess`: the most frequent answer to questions of a type.
pub struct Guess;

impl Stage for Guess {
    type Params = EvaluateParams;

    fn spec(&self) -> Spec {
        declare(
            Spec::new(
                "san.guess",
                code::SAN,
                KIND,
                "Answers every question of a type with the most frequent answer of training, without looking.",
            )
            .input(Port::one("train", questions::KIND, "questions that answers are counted over"))
            .input(Port::one("questions", questions::KIND, "questions to judge by")),
        )
    }

    fn run(&self, p: &EvaluateParams, inputs: &Inputs<'_>, cx: &mut Ctx<'_>) -> Result<Output, StageError> {
        let train = Source::read(&inputs.one("train")?)?.set(COUNTED);
        let mut set = Set::read(&inputs.one("questions")?)?;
        if let Some(class) = &p.only {
            set.only(class)?;
        }
        let mut types: BTreeMap<&str, Vec<&Question>> = BTreeMap::new();
        train.questions.iter().filter(|q| q.single()).for_each(|q| {
            types.entry(&q.class).or_default().push(q);
            types.entry("").or_default().push(q);
        });
        let first = |of: &Vec<&Question>| Names::frequent(of.iter().map(|q| q.answer.as_str()), 1, 1);
        let types: BTreeMap<&str, Names> = types.iter().map(|(class, of)| (*class, first(of))).collect();
        // A type that training lacks gets the answer that is the most frequent of all.
        let any = types.get("").ok_or_else(|| {
            StageError::Input("expected questions with one answer at `train`, found none".into())
        })?;
        let guess = |q: &Question| types.get(&*q.class).unwrap_or(any).name(0);
        let given: Vec<&str> = set.questions.iter().map(guess).collect();
        let known: std::collections::BTreeSet<&str> = train.questions.iter().map(|q| &*q.answer).collect();
        let looked = Looked::new(Maps::new(), None, &set);
        write(&set, &given, |answer| known.contains(answer), &looked, p.wordnet.as_deref(), cx)
    }
}

#[cfg(test)]
mod tests;
