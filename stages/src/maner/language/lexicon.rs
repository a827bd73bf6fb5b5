//! Sounds, words and names of a generated language.

use std::collections::BTreeSet;

use super::LanguageParams;
use crate::kit::rng::Stream;

const CONSONANTS: [char; 20] =
    ['b', 'c', 'd', 'f', 'g', 'h', 'j', 'k', 'l', 'm', 'n', 'p', 'r', 's', 't', 'v', 'w', 'x', 'y', 'z'];
const VOWELS: [char; 6] = ['a', 'e', 'i', 'o', 'u', 'ɛ'];

/// Names of one gazetteer that belong to one class: 100, 50 and 50.
const NAMES: [usize; 3] = [100, 50, 50];

/// Which corpora a name may occur in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Class {
    /// Raw text and labelled sentences.
    Labelled = 0,
    /// Raw text and set A.
    Test = 1,
    /// Set B alone.
    Novel = 2,
}

/// Types of entity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Person,
    Place,
    Organisation,
}

impl Kind {
    pub(super) fn tag(self) -> &'static str {
        match self {
            Self::Person => "PER",
            Self::Place => "LOC",
            Self::Organisation => "ORG",
        }
    }
}

/// Names of one sort by class, the commonest first.
pub(super) type Gazetteer = [Vec<String>; 3];

/// Everything that the words of a language are.
#[derive(Debug, Clone)]
pub(super) struct Lexicon {
    /// Endings of the last word of a phrase: accusative, locative, genitive.
    pub(super) cases: Vec<String>,
    pub(super) tenses: Vec<String>,
    pub(super) determiners: Vec<String>,
    pub(super) conjunction: String,
    pub(super) adpositions: Vec<String>,
    pub(super) nouns: Vec<String>,
    pub(super) adjectives: Vec<String>,
    pub(super) adverbs: Vec<String>,
    pub(super) titles: Vec<String>,
    pub(super) place_heads: Vec<String>,
    pub(super) organisation_heads: Vec<String>,
    /// Twelve verbs for each of the eight frames.
    pub(super) verbs: Vec<Vec<String>>,
    pub(super) first_names: Gazetteer,
    pub(super) surnames: Gazetteer,
    pub(super) places: Gazetteer,
    pub(super) organisations: Gazetteer,
}

impl Lexicon {
    /// The lexicon of the language that a seed defines.
    pub(super) fn draw(p: &LanguageParams) -> Self {
        let mut words = Words::new(Stream::new(p.seed, "maner.language sounds"));
        let endings = words.endings(6);
        words.endings.clone_from(&endings);
        let (determiners, adpositions) = (words.many(2, 1, 1), words.many(4, 1, 1));
        let conjunction = words.one(1, 1);
        let (nouns, adjectives) = (words.many(60, 1, 2), words.many(20, 1, 2));
        let (adverbs, titles) = (words.many(10, 1, 2), words.many(8, 1, 2));
        let (place_heads, organisation_heads) = (words.many(6, 1, 2), words.many(6, 1, 2));
        let verbs = (0..8).map(|_| words.many(12, 2, 3)).collect();
        let first_names = words.gazetteer(None, p, Kind::Person);
        let surnames = words.gazetteer(None, p, Kind::Person);
        let places = words.gazetteer(Some(&surnames), p, Kind::Place);
        let organisations = words.gazetteer(Some(&places), p, Kind::Organisation);
        let (cases, tenses) = (endings[..3].to_vec(), endings[3..].to_vec());
        Self {
            cases,
            tenses,
            determiners,
            conjunction,
            adpositions,
            nouns,
            adjectives,
            adverbs,
            titles,
            place_heads,
            organisation_heads,
            verbs,
            first_names,
            surnames,
            places,
            organisations,
        }
    }

    /// All names of one class.
    #[cfg(test)]
    pub(super) fn names(&self, class: Class) -> BTreeSet<&str> {
        [&self.first_names, &self.surnames, &self.places, &self.organisations]
            .into_iter()
            .flat_map(|gazetteer| gazetteer[class as usize].iter().map(String::as_str))
            .collect()
    }
}

/// Draws words that are all distinct, whatever ending they take.
struct Words {
    stream: Stream,
    consonants: Vec<char>,
    vowels: Vec<char>,
    endings: Vec<String>,
    taken: BTreeSet<String>,
    /// An ending typical of persons, places and organisations, for `form_leak`.
    typical: Vec<String>,
}

impl Words {
    fn new(mut stream: Stream) -> Self {
        let mut choose = |all: &[char], n: usize| {
            let order = stream.permutation(all.len());
            order[..n].iter().map(|&i| all[i]).collect::<Vec<char>>()
        };
        let (consonants, vowels) = (choose(&CONSONANTS, 12), choose(&VOWELS, 5));
        let mut words = Self {
            stream,
            consonants,
            vowels,
            endings: Vec::new(),
            taken: BTreeSet::new(),
            typical: Vec::new(),
        };
        words.typical = words.endings(3);
        words
    }

    fn consonant(&mut self) -> char {
        self.consonants[self.stream.below(self.consonants.len())]
    }

    fn vowel(&mut self) -> char {
        self.vowels[self.stream.below(self.vowels.len())]
    }

    /// Distinct endings, each a vowel and a consonant.
    fn endings(&mut self, n: usize) -> Vec<String> {
        let mut endings: Vec<String> = Vec::new();
        while endings.len() < n {
            let ending = String::from_iter([self.vowel(), self.consonant()]);
            if !endings.contains(&ending) {
                endings.push(ending);
            }
        }
        endings
    }

    /// A new word of `least` to `most` syllables.
    fn one(&mut self, least: usize, most: usize) -> String {
        self.ending_in(least, most, "")
    }

    fn ending_in(&mut self, least: usize, most: usize, typical: &str) -> String {
        loop {
            let mut word = String::new();
            for _ in 0..least + self.stream.below(most - least + 1) {
                word.extend([self.consonant(), self.vowel()]);
                if self.stream.chance(0.3) {
                    word.push(self.consonant());
                }
            }
            word.push_str(typical);
            let forms: Vec<String> =
                self.endings.iter().map(|e| format!("{word}{e}")).chain([word.clone()]).collect();
            if forms.iter().all(|form| !self.taken.contains(form)) {
                self.taken.extend(forms);
                return word;
            }
        }
    }

    fn many(&mut self, n: usize, least: usize, most: usize) -> Vec<String> {
        (0..n).map(|_| self.one(least, most)).collect()
    }

    /// 200 names; three in ten of each class are also in `other`.
    fn gazetteer(&mut self, other: Option<&Gazetteer>, p: &LanguageParams, kind: Kind) -> Gazetteer {
        let mut gazetteer = Gazetteer::default();
        for (class, n) in NAMES.into_iter().enumerate() {
            let mut names = Vec::new();
            if let Some(other) = other {
                let order = self.stream.permutation(n);
                names.extend(order[..n * 3 / 10].iter().map(|&i| other[class][i].clone()));
            }
            while names.len() < n {
                let leaks = self.stream.chance(p.form_leak);
                let typical = if leaks { self.typical[kind as usize].clone() } else { String::new() };
                names.push(self.ending_in(2, 3, &typical));
            }
            let order = self.stream.permutation(n);
            gazetteer[class] = order.into_iter().map(|i| names[i].clone()).collect();
        }
        gazetteer
    }
}
