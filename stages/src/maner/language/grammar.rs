//! Sentences of a generated language.

use super::lexicon::{Class, Gazetteer, Kind, Lexicon};
use crate::data::tagged::Sentence;
use crate::data::tags::Tag;
use crate::kit::rng::Stream;

/// What stands before and after a verb; `None` is a common noun phrase. One frame for each twelve verbs.
const FRAMES: [(Option<Kind>, Option<Kind>); 8] = [
    (Some(Kind::Person), Some(Kind::Person)),
    (Some(Kind::Person), Some(Kind::Place)),
    (Some(Kind::Person), Some(Kind::Organisation)),
    (Some(Kind::Organisation), Some(Kind::Person)),
    (Some(Kind::Organisation), Some(Kind::Place)),
    (Some(Kind::Place), Some(Kind::Person)),
    (None, None),
    (Some(Kind::Person), None),
];

const ACCUSATIVE: usize = 0;

/// Where the verb stands.
#[derive(Debug, Clone, Copy)]
enum Order {
    SubjectVerbObject,
    SubjectObjectVerb,
    VerbSubjectObject,
}

/// A language: its words and how they are put together.
#[derive(Debug, Clone)]
pub(super) struct Language {
    pub(super) lexicon: Lexicon,
    order: Order,
    adposition_first: bool,
    capital: bool,
    verb_rank: Ranks,
    name_rank: [Ranks; 3],
}

impl Language {
    /// The language of these words; `stream` decides its syntax.
    pub(super) fn new(lexicon: Lexicon, capital: bool, stream: &mut Stream) -> Self {
        let orders = [Order::SubjectVerbObject, Order::SubjectObjectVerb, Order::VerbSubjectObject];
        let order = orders[stream.below(orders.len())];
        let name_rank =
            [0, 1, 2].map(|class: usize| Ranks::new(lexicon.surnames[class].len(), |r| 1.0 / r.sqrt()));
        let verb_rank = Ranks::new(lexicon.verbs[0].len(), |r| 1.0 / r);
        Self { lexicon, order, adposition_first: stream.chance(0.5), capital, verb_rank, name_rank }
    }

    /// One sentence whose names are drawn from these classes with these chances.
    pub(super) fn sentence(&self, classes: &[(Class, f64)], stream: &mut Stream) -> Sentence {
        let mut writer = Writer { language: self, classes, stream, sentence: Sentence::default() };
        writer.clause();
        if writer.stream.chance(0.25) {
            writer.word(&self.lexicon.conjunction);
            writer.clause();
        }
        writer.word(".");
        writer.sentence
    }
}

/// Writes one sentence from left to right.
struct Writer<'a> {
    language: &'a Language,
    classes: &'a [(Class, f64)],
    stream: &'a mut Stream,
    sentence: Sentence,
}

impl<'a> Writer<'a> {
    fn clause(&mut self) {
        let frame = self.stream.below(FRAMES.len());
        let (subject, object) = FRAMES[frame];
        match self.language.order {
            Order::SubjectVerbObject => {
                self.phrase(subject, None);
                self.verb(frame);
                self.phrase(object, Some(ACCUSATIVE));
            }
            Order::SubjectObjectVerb => {
                self.phrase(subject, None);
                self.phrase(object, Some(ACCUSATIVE));
                self.verb(frame);
            }
            Order::VerbSubjectObject => {
                self.verb(frame);
                self.phrase(subject, None);
                self.phrase(object, Some(ACCUSATIVE));
            }
        }
        if self.stream.chance(0.3) {
            self.adpositional();
        }
    }

    fn verb(&mut self, frame: usize) {
        let lexicon = &self.language.lexicon;
        if self.stream.chance(0.3) {
            self.any(&lexicon.adverbs);
        }
        let rank = self.language.verb_rank.draw(self.stream);
        self.any(std::slice::from_ref(&lexicon.verbs[frame][rank]));
        let tense = self.stream.below(lexicon.tenses.len());
        self.end(&lexicon.tenses[tense]);
    }

    /// The first adposition asks for places, the second for organisations; the first and third govern the locative,
    /// the others the genitive, so that case alone tells no type.
    fn adpositional(&mut self) {
        let lexicon = &self.language.lexicon;
        let which = self.stream.below(lexicon.adpositions.len());
        let kind = match which {
            0 => self.stream.chance(0.6).then_some(Kind::Place),
            1 => self.stream.chance(0.5).then_some(Kind::Organisation),
            _ => None,
        };
        if self.language.adposition_first {
            self.word(&lexicon.adpositions[which]);
        }
        self.phrase(kind, Some(1 + which % 2));
        if !self.language.adposition_first {
            self.word(&lexicon.adpositions[which]);
        }
    }

    fn phrase(&mut self, kind: Option<Kind>, case: Option<usize>) {
        match kind {
            None => self.common(),
            Some(Kind::Person) => self.person(),
            Some(Kind::Place) => self.place(),
            Some(Kind::Organisation) => self.organisation(),
        }
        if let Some(case) = case {
            self.end(&self.language.lexicon.cases[case]);
        }
    }

    fn common(&mut self) {
        let lexicon = &self.language.lexicon;
        if self.stream.chance(0.4) {
            self.any(&lexicon.determiners);
        }
        if self.stream.chance(0.4) {
            self.any(&lexicon.adjectives);
        }
        self.any(&lexicon.nouns);
    }

    fn person(&mut self) {
        let lexicon = &self.language.lexicon;
        if self.stream.chance(0.25) {
            self.any(&lexicon.titles);
        }
        let start = self.sentence.words.len();
        let form = self.stream.uniform();
        if form < 0.85 {
            self.name(&lexicon.first_names);
        }
        if !(0.6..0.85).contains(&form) {
            self.name(&lexicon.surnames);
        }
        self.tag(start, Kind::Person);
    }

    fn place(&mut self) {
        let lexicon = &self.language.lexicon;
        if self.stream.chance(0.15) {
            self.any(&lexicon.place_heads);
        }
        let start = self.sentence.words.len();
        self.name(&lexicon.places);
        if self.stream.chance(0.15) {
            self.name(&lexicon.places);
        }
        self.tag(start, Kind::Place);
    }

    fn organisation(&mut self) {
        let lexicon = &self.language.lexicon;
        let start = self.sentence.words.len();
        if self.stream.chance(0.2) {
            self.name(&lexicon.places);
        }
        self.name(&lexicon.organisations);
        if self.stream.chance(0.3) {
            self.name(&lexicon.organisations);
        }
        if self.stream.chance(0.2) {
            self.any(&lexicon.organisation_heads);
        }
        self.tag(start, Kind::Organisation);
    }

    fn name(&mut self, gazetteer: &Gazetteer) {
        let mut rest = self.stream.uniform();
        let class = self.classes.iter().find(|(_, chance)| {
            rest -= chance;
            rest < 0.0
        });
        let class = class.unwrap_or(&self.classes[0]).0 as usize;
        let name = &gazetteer[class][self.language.name_rank[class].draw(self.stream)];
        if self.language.capital {
            let mut letters = name.chars();
            let first = letters.next().map(|c| c.to_uppercase().to_string()).unwrap_or_default();
            self.word(&(first + letters.as_str()));
        } else {
            self.word(name);
        }
    }

    /// One of these words, all alike.
    fn any(&mut self, words: &'a [String]) {
        let i = self.stream.below(words.len());
        self.word(&words[i]);
    }

    fn word(&mut self, word: &str) {
        self.sentence.words.push(word.to_owned());
        self.sentence.tags.push(Tag::Outside);
    }

    /// Adds an ending to the last word.
    fn end(&mut self, ending: &str) {
        if let Some(word) = self.sentence.words.last_mut() {
            word.push_str(ending);
        }
    }

    /// Makes the words from `start` on an entity.
    fn tag(&mut self, start: usize, kind: Kind) {
        for (i, tag) in self.sentence.tags[start..].iter_mut().enumerate() {
            let kind = kind.tag().to_owned();
            *tag = if i == 0 { Tag::Begin(kind) } else { Tag::Inside(kind) };
        }
    }
}

/// Ranks drawn by weights that fall with the rank: Zipf's law.
#[derive(Debug, Clone)]
struct Ranks(Vec<f64>);

impl Ranks {
    /// `n` ranks; `weight` of the first is of 1.
    fn new(n: usize, weight: impl Fn(f64) -> f64) -> Self {
        let mut sum = 0.0;
        let sums = (1..=n).map(|rank| {
            sum += weight(rank as f64);
            sum
        });
        Self(sums.collect())
    }

    fn draw(&self, stream: &mut Stream) -> usize {
        let last = self.0.len() - 1;
        let at = stream.uniform() * self.0[last];
        self.0.partition_point(|sum| *sum <= at).min(last)
    }
}
