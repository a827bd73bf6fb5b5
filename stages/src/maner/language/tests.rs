use std::collections::{BTreeMap, BTreeSet};

use super::LanguageParams;
use super::lexicon::{Class, Lexicon};
use crate::data::tagged::{Sentence, Tagged};
use crate::data::tags;
use crate::testing::{Bench, Ran, int};
use runpipe_base::{Params as _, Record, Value};

fn params(seed: u64) -> LanguageParams {
    LanguageParams::decode(&Record::from([("seed".to_owned(), Value::Int(seed as i64))])).unwrap()
}

/// Raw sentences of a language, for other tests.
pub(crate) fn sentences(n: usize, seed: i64) -> Vec<String> {
    let mut bench = Bench::new();
    let ran = make(&mut bench, seed, n as i64);
    bench.text(ran.part("text"), "text.txt").lines().map(str::to_owned).collect()
}

fn make(bench: &mut Bench, seed: i64, raw: i64) -> Ran {
    bench.run("maner.language", &[("seed", int(seed)), ("raw", int(raw))], &[])
}

fn tagged(bench: &Bench, ran: &Ran, part: &str) -> Vec<Sentence> {
    Tagged::read(&bench.view(ran.part(part))).unwrap().sentences
}

#[test]
fn one_seed_one_corpus() {
    let mut bench = Bench::new();
    let (a, b, c) = (make(&mut bench, 1, 50), make(&mut bench, 1, 50), make(&mut bench, 2, 50));
    assert_eq!(a, b);
    assert_ne!(a.artifact.digest(), c.artifact.digest());
    let sample = bench.run("maner.language", &[("raw", int(50)), ("sample", int(1))], &[]);
    assert_ne!(a.artifact.digest(), sample.artifact.digest(), "another sample of the same language");
}

#[test]
fn parts_do_not_depend_on_each_others_size() {
    let mut bench = Bench::new();
    let (small, large) = (make(&mut bench, 1, 50), make(&mut bench, 1, 80));
    assert_eq!(small.part("train"), large.part("train"));
    let text = |ran: &Ran| bench.text(ran.part("text"), "text.txt");
    assert!(text(&large).starts_with(&text(&small)));
}

#[test]
fn the_corpus_is_as_measured() {
    // The specification's prototype: 8.2 words, 2.1 entities, 39 % of words in entities; languages differ a little.
    let mut bench = Bench::new();
    let mut sums: BTreeMap<String, f64> = BTreeMap::new();
    for seed in 1..=8 {
        for (name, value) in make(&mut bench, seed, 1000).metrics {
            *sums.entry(name).or_default() += value / 8.0;
        }
    }
    let near = |name: &str, expected: f64, tolerance: f64| {
        assert!((sums[name] - expected).abs() < tolerance, "{name} is {}, not {expected}", sums[name]);
    };
    near("words_per_sentence", 8.2, 0.4);
    near("entities_per_sentence", 2.1, 0.15);
    near("entity_words", 39.0, 2.0);
}

#[test]
fn names_keep_to_their_sets() {
    for seed in 1..=3 {
        let lexicon = Lexicon::draw(&params(seed));
        let [labelled, test, novel] =
            [Class::Labelled, Class::Test, Class::Novel].map(|class| lexicon.names(class));
        assert!(labelled.is_disjoint(&test) && labelled.is_disjoint(&novel) && test.is_disjoint(&novel));
        let mut bench = Bench::new();
        let ran = make(&mut bench, seed as i64, 2000);
        let bare = |word: &str| -> Option<String> {
            // A name with or without a case ending.
            let stems = lexicon.cases.iter().filter_map(|e| word.strip_suffix(e.as_str())).chain([word]);
            let all = [&labelled, &test, &novel];
            stems.into_iter().find(|s| all.iter().any(|names| names.contains(s))).map(str::to_owned)
        };
        let names = |part: &str| -> BTreeSet<String> {
            let of = |s: Sentence| {
                tags::lenient(&s.tags)
                    .iter()
                    .flat_map(|e| s.words[e.start..e.end].to_vec())
                    .collect::<Vec<_>>()
            };
            tagged(&bench, &ran, part).into_iter().flat_map(of).filter_map(|w| bare(&w)).collect()
        };
        let within = |part: &str, allowed: &BTreeSet<&str>| {
            let found = names(part);
            assert!(found.len() > 20, "{part} has names");
            assert!(found.iter().all(|name| allowed.contains(name.as_str())), "{part} keeps to its names");
        };
        within("train", &labelled);
        within("dev", &labelled);
        within("test", &test);
        within("novel", &novel);
        let raw = bench.text(ran.part("text"), "text.txt");
        let raw: BTreeSet<String> = raw.split_whitespace().filter_map(bare).collect();
        assert!(novel.iter().all(|name| !raw.contains(*name)), "novel names are in no raw text");
        assert!(test.iter().filter(|name| raw.contains(**name)).count() > 100, "test names are");
    }
}

#[test]
fn tags_are_valid_and_the_three_types_occur() {
    let mut bench = Bench::new();
    let ran = make(&mut bench, 4, 10);
    for part in ["train", "dev", "test", "novel"] {
        let sentences = tagged(&bench, &ran, part);
        assert!(sentences.iter().all(|s| tags::orphan(&s.tags).is_none()));
        let kinds: BTreeSet<String> =
            sentences.iter().flat_map(|s| tags::lenient(&s.tags)).map(|e| e.kind).collect();
        assert_eq!(kinds.into_iter().collect::<Vec<_>>(), ["LOC", "ORG", "PER"], "{part}");
    }
}

/// Naive Bayes over character bigrams of whole names: how often it tells the right one of three types.
fn bigram_accuracy(form_leak: f64) -> f64 {
    let mut p = params(5);
    p.form_leak = form_leak;
    let lexicon = Lexicon::draw(&p);
    // Shared names have two types and would only blur the measure.
    let shared: BTreeSet<&String> = lexicon.places.iter().flatten().collect();
    let sorts = [&lexicon.first_names, &lexicon.places, &lexicon.organisations];
    let bigrams = |name: &str| {
        let letters: Vec<char> = format!("^{name}$").chars().collect();
        letters.windows(2).map(|w| (w[0], w[1])).collect::<Vec<_>>()
    };
    let mut counts = [const { BTreeMap::new() }; 3];
    let mut totals = [0.0_f64; 3];
    for (sort, gazetteer) in sorts.iter().enumerate() {
        for name in &gazetteer[Class::Labelled as usize] {
            for pair in bigrams(name) {
                *counts[sort].entry(pair).or_insert(0.0_f64) += 1.0;
                totals[sort] += 1.0;
            }
        }
    }
    let (mut right, mut all) = (0.0, 0.0);
    for (sort, gazetteer) in sorts.iter().enumerate() {
        let held_out = gazetteer[Class::Test as usize].iter().chain(&gazetteer[Class::Novel as usize]);
        for name in held_out.filter(|name| sort != 2 || !shared.contains(*name)) {
            let score = |s: usize| -> f64 {
                let likelihood = |pair| (counts[s].get(&pair).unwrap_or(&0.0) + 0.5) / (totals[s] + 150.0);
                bigrams(name).into_iter().map(|pair| f64::ln(likelihood(pair))).sum()
            };
            let best = (0..3).max_by(|a, b| score(*a).total_cmp(&score(*b))).unwrap();
            right += f64::from(u8::from(best == sort));
            all += 1.0;
        }
    }
    right / all
}

#[test]
fn spelling_tells_no_type_unless_it_is_told_to() {
    let (plain, leaking) = (bigram_accuracy(0.0), bigram_accuracy(0.8));
    assert!((plain - 1.0 / 3.0).abs() < 0.08, "chance is a third, found {plain}");
    assert!(leaking > 0.5, "leaking endings are found: {leaking}");
}

#[test]
fn capital_letters_are_a_choice() {
    let mut bench = Bench::new();
    let of = |bench: &mut Bench, capital: bool| {
        let ran = bench.run("maner.language", &[("raw", int(20)), ("capital", Value::Bool(capital))], &[]);
        bench.text(ran.part("text"), "text.txt")
    };
    let (plain, capital) = (of(&mut bench, false), of(&mut bench, true));
    assert!(!plain.contains(char::is_uppercase) && capital.contains(char::is_uppercase));
    assert_eq!(capital.to_lowercase(), plain);
}
