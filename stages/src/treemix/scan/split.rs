//! The splits of SCAN by their rules.

use runpipe_base::choice;

use super::grammar::{Sentence, is_verb, write};
use crate::data::commands::Command;
use crate::kit::rng::Stream;

choice! {
    /// A split: what is trained on and what is judged by.
    pub enum Split {
        /// Any 80 percent against the rest. The official draw cannot be derived: this is another one, by the seed.
        Simple = "simple",
        /// Outputs of at most 22 actions against longer ones.
        Length = "length",
        /// `jump` by itself, often, and everything without it, against `jump` in any company.
        Jump = "addprim_jump",
        /// `turn left` by itself, often, and everything without it, against `turn left` in any company.
        TurnLeft = "addprim_turn_left",
        /// Nothing `around right` against all of it.
        AroundRight = "around_right",
        /// Nothing `opposite right` against all of it.
        OppositeRight = "opposite_right",
        /// No verb right before `right` against such verbs.
        Right = "right",
        /// No `jump around right` (nor `turn around right`) against it.
        JumpAroundRight = "jump_around_right",
        /// As `jump_around_right` without any `around right` to train on.
        Filler0 = "filler_num0",
        /// With `look around right` to train on.
        Filler1 = "filler_num1",
        /// With `look` and `walk around right` to train on.
        Filler2 = "filler_num2",
        /// With `look`, `walk` and `run around right` to train on.
        Filler3 = "filler_num3",
    }
}

/// Where a command goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    Train,
    Test,
    Neither,
}

/// Share of the training lines that repeat the primitive, a tenth of all, rounded as the official files have it.
const TURN_LEFT_REPEATS: usize = 2_189;
const JUMP_REPEATS: usize = 1_467;

impl Split {
    /// The commands to train on and to judge by, each in the order of the grammar.
    ///
    /// # Source
    /// Lake and Baroni 2018, Loula et al. 2018; each rule held to the official files.
    pub fn make(self, seed: u64) -> (Vec<Command>, Vec<Command>) {
        let sentences = Sentence::all();
        let sides: Vec<Side> = match self {
            Self::Simple => simple(sentences.len(), seed),
            _ => sentences.iter().map(|sentence| self.side(*sentence)).collect(),
        };
        let (mut train, mut test) = (Vec::new(), Vec::new());
        for (sentence, side) in sentences.into_iter().zip(sides) {
            let command = Command { command: sentence.to_string(), actions: write(&sentence.actions()) };
            match side {
                Side::Train => {
                    let lines = self.repeats(&command.command);
                    train.extend(std::iter::repeat_n(command, lines));
                }
                Side::Test => test.push(command),
                Side::Neither => {}
            }
        }
        (train, test)
    }

    /// Lines of a command in the training file.
    fn repeats(self, command: &str) -> usize {
        match (self, command) {
            (Self::Jump, "jump") => JUMP_REPEATS,
            (Self::TurnLeft, "turn left") => TURN_LEFT_REPEATS,
            _ => 1,
        }
    }

    fn side(self, sentence: Sentence) -> Side {
        let words = sentence.words();
        let has = |phrase: &[&str]| words.windows(phrase.len()).any(|window| window == phrase);
        let template = |phrase: &[&str], without: &[&str]| match (has(phrase), has(without)) {
            (false, _) => Side::Train,
            (true, false) => Side::Test,
            (true, true) => Side::Neither,
        };
        let train = |yes: bool| if yes { Side::Train } else { Side::Test };
        match self {
            Self::Simple => unreachable!("`make` draws it"),
            Self::Length => train(sentence.actions().len() <= 22),
            Self::Jump => train(!has(&["jump"]) || words == ["jump"]),
            Self::TurnLeft => train(!has(&["turn", "left"]) || words == ["turn", "left"]),
            Self::AroundRight => template(&["around", "right"], &["turn", "around", "right"]),
            Self::OppositeRight => template(&["opposite", "right"], &["turn", "opposite", "right"]),
            Self::Right => {
                let before =
                    |verb: &dyn Fn(&str) -> bool| words.windows(2).any(|w| verb(w[0]) && w[1] == "right");
                match (before(&is_verb), before(&|word| word == "turn")) {
                    (false, _) => Side::Train,
                    (true, false) => Side::Test,
                    (true, true) => Side::Neither,
                }
            }
            Self::Filler0 => fillers(&[], &words),
            Self::Filler1 => fillers(&["look"], &words),
            Self::Filler2 => fillers(&["look", "walk"], &words),
            Self::JumpAroundRight | Self::Filler3 => fillers(&["look", "walk", "run"], &words),
        }
    }
}

/// Test: `jump around right` without `turn around right`. Train: of `around right` only what these verbs do.
fn fillers(verbs: &[&str], words: &[&str]) -> Side {
    let mut around = words.windows(3).filter(|w| w[1..] == ["around", "right"]).map(|w| w[0]);
    let has = |verb: &str| around.clone().any(|found| found == verb);
    if has("jump") {
        return if has("turn") { Side::Neither } else { Side::Test };
    }
    if around.all(|verb| verbs.contains(&verb)) { Side::Train } else { Side::Neither }
}

/// 80 percent to train on, 20 to judge by.
fn simple(count: usize, seed: u64) -> Vec<Side> {
    let mut sides = vec![Side::Test; count];
    let order = Stream::new(seed, "treemix.scan simple").permutation(count);
    order[..count * 4 / 5].iter().for_each(|at| sides[*at] = Side::Train);
    sides
}

#[cfg(test)]
mod tests;
