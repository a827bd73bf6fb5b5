//! SCAN's grammar, all its commands, and what they mean.

use std::fmt;

/// An action of the output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Action {
    /// `I_WALK`
    Walk,
    /// `I_LOOK`
    Look,
    /// `I_RUN`
    Run,
    /// `I_JUMP`
    Jump,
    /// `I_TURN_LEFT`
    TurnLeft,
    /// `I_TURN_RIGHT`
    TurnRight,
}

impl Action {
    /// As the files have it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Walk => "I_WALK",
            Self::Look => "I_LOOK",
            Self::Run => "I_RUN",
            Self::Jump => "I_JUMP",
            Self::TurnLeft => "I_TURN_LEFT",
            Self::TurnRight => "I_TURN_RIGHT",
        }
    }
}

/// Actions as the files have them.
pub fn write(actions: &[Action]) -> String {
    actions.iter().map(|action| action.as_str()).collect::<Vec<_>>().join(" ")
}

/// The verbs; the last one, `turn`, does nothing by itself and needs a direction.
pub const VERBS: [(&str, Option<Action>); 5] = [
    ("walk", Some(Action::Walk)),
    ("look", Some(Action::Look)),
    ("run", Some(Action::Run)),
    ("jump", Some(Action::Jump)),
    ("turn", None),
];
const DIRECTIONS: [(&str, Action); 2] = [("left", Action::TurnLeft), ("right", Action::TurnRight)];
/// How often the pair of turn and verb is done in a manner; `opposite` turns twice and does the verb once.
const MANNERS: [&str; 3] = ["", "opposite", "around"];
const TIMES: [&str; 3] = ["", "twice", "thrice"];

/// Whether a word is a verb.
pub fn is_verb(word: &str) -> bool {
    VERBS.iter().any(|(verb, _)| *verb == word)
}

/// Whether a word is a direction.
pub fn is_direction(word: &str) -> bool {
    DIRECTIONS.iter().any(|(direction, _)| *direction == word)
}

/// V: a verb, perhaps with a direction and a manner.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Phrase {
    verb: usize,
    /// Manner and direction.
    way: Option<(usize, usize)>,
}

impl Phrase {
    /// All 34.
    pub fn all() -> Vec<Self> {
        let bare =
            (0..VERBS.len()).filter(|verb| VERBS[*verb].1.is_some()).map(|verb| Self { verb, way: None });
        let verbs = 0..VERBS.len();
        let ways = verbs.flat_map(|verb| {
            (0..MANNERS.len()).flat_map(move |manner| {
                (0..DIRECTIONS.len()).map(move |direction| Self { verb, way: Some((manner, direction)) })
            })
        });
        bare.chain(ways).collect()
    }

    /// The phrase that `words` are, all of them.
    pub fn parse(words: &[&str]) -> Option<Self> {
        let (verb, rest) = words.split_first()?;
        let verb = VERBS.iter().position(|(name, _)| name == verb)?;
        let direction = |word: &str| DIRECTIONS.iter().position(|(name, _)| *name == word);
        let way = match rest {
            [] if VERBS[verb].1.is_some() => None,
            [way] => Some((0, direction(way)?)),
            [manner, way] if !manner.is_empty() => {
                Some((MANNERS.iter().position(|name| name == manner)?, direction(way)?))
            }
            _ => return None,
        };
        Some(Self { verb, way })
    }

    /// ⟦V⟧.
    pub fn actions(self) -> Vec<Action> {
        let act = VERBS[self.verb].1;
        let Some((manner, direction)) = self.way else { return act.into_iter().collect() };
        let turn = DIRECTIONS[direction].1;
        match MANNERS[manner] {
            "opposite" => [turn, turn].into_iter().chain(act).collect(),
            "around" => (0..4).flat_map(|_| std::iter::once(turn).chain(act)).collect(),
            _ => std::iter::once(turn).chain(act).collect(),
        }
    }

    /// Its words.
    pub fn words(self) -> Vec<&'static str> {
        let way = self.way.map(|(manner, direction)| [MANNERS[manner], DIRECTIONS[direction].0]);
        let words = std::iter::once(VERBS[self.verb].0).chain(way.into_iter().flatten());
        words.filter(|word| !word.is_empty()).collect()
    }
}

/// S: a phrase, done once, twice or thrice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Clause {
    /// The phrase.
    pub phrase: Phrase,
    /// Times but one.
    again: usize,
}

impl Clause {
    /// All 102.
    pub fn all() -> Vec<Self> {
        let phrases = Phrase::all().into_iter();
        phrases.flat_map(|phrase| (0..TIMES.len()).map(move |again| Self { phrase, again })).collect()
    }

    /// The clause that `words` are, all of them.
    pub fn parse(words: &[&str]) -> Option<Self> {
        let last = words.last()?;
        let again = TIMES.iter().position(|times| times == last && !times.is_empty()).unwrap_or(0);
        let phrase = Phrase::parse(&words[..words.len() - usize::from(again > 0)])?;
        Some(Self { phrase, again })
    }

    /// ⟦S⟧.
    pub fn actions(self) -> Vec<Action> {
        self.phrase.actions().repeat(self.again + 1)
    }

    /// Its words.
    pub fn words(self) -> Vec<&'static str> {
        let mut words = self.phrase.words();
        words.extend(Some(TIMES[self.again]).filter(|times| !times.is_empty()));
        words
    }
}

/// C: a clause, or two of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Sentence {
    /// What is written first.
    pub first: Clause,
    /// What is written second, and whether it is done before the first: `after` and not `and`.
    pub second: Option<(bool, Clause)>,
}

impl Sentence {
    /// All 20,910.
    pub fn all() -> Vec<Self> {
        let clauses = Clause::all();
        let mut all: Vec<Self> = clauses.iter().map(|first| Self { first: *first, second: None }).collect();
        for after in [false, true] {
            for first in &clauses {
                all.extend(
                    clauses.iter().map(|second| Self { first: *first, second: Some((after, *second)) }),
                );
            }
        }
        all
    }

    /// The command that `words` are, all of them; none when the grammar has no such command.
    pub fn parse(words: &[&str]) -> Option<Self> {
        let Some(joint) = words.iter().position(|word| matches!(*word, "and" | "after")) else {
            return Some(Self { first: Clause::parse(words)?, second: None });
        };
        let second = Clause::parse(&words[joint + 1..])?;
        Some(Self { first: Clause::parse(&words[..joint])?, second: Some((words[joint] == "after", second)) })
    }

    /// ⟦C⟧.
    pub fn actions(self) -> Vec<Action> {
        let first = self.first.actions();
        match self.second {
            None => first,
            Some((false, second)) => [first, second.actions()].concat(),
            Some((true, second)) => [second.actions(), first].concat(),
        }
    }

    /// Its words.
    pub fn words(self) -> Vec<&'static str> {
        let mut words = self.first.words();
        if let Some((after, second)) = self.second {
            words.push(if after { "after" } else { "and" });
            words.extend(second.words());
        }
        words
    }
}

impl fmt::Display for Sentence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.words().join(" "))
    }
}

#[cfg(test)]
mod tests;
