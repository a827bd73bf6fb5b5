use std::collections::BTreeMap;

use super::*;
use crate::testing::{Bench, int};

fn params() -> LanguageParams {
    runpipe_base::Params::decode(&runpipe_base::Record::new()).unwrap()
}

/// The entropies that the specification states: 1.02 nats of a mapped symbol, 1.12 of a sentence.
#[test]
fn who_knows_the_dialect_has_the_floor() {
    let p = params();
    assert!((floor(&p) - 1.1157).abs() < 1e-3, "{}", floor(&p));
    let two = LanguageParams { length: 3, ..params() };
    assert!((2.0 * floor(&two) - libm::log(60.0) - 1.0198).abs() < 1e-3);
    let silent = LanguageParams { noise: 0.0, length: 3, ..params() };
    assert!((2.0 * floor(&silent) - libm::log(60.0)).abs() < 1e-9);
}

#[test]
fn a_dialect_is_a_map_with_noise() {
    let mut bench = Bench::new();
    let ran = bench.run("dtsgate.language", &[("train", int(3000)), ("valid", int(40))], &[]);
    let tokens = Tokens::read(&bench.view(ran.part("train"))).unwrap();
    assert_eq!((tokens.ids.len(), tokens.vocabulary.len(), tokens.sentence), (3000 * 33, 64, Some(33)));
    let mut follows: BTreeMap<(usize, u32), BTreeMap<u32, usize>> = BTreeMap::new();
    for (i, (start, dialect)) in tokens.starts.iter().enumerate() {
        assert_eq!(*start, 33 * i);
        let sentence = &tokens.ids[*start..][..33];
        assert_eq!(sentence[0] as usize, 60 + dialect % 4);
        for pair in sentence[1..].windows(2) {
            *follows.entry((*dialect, pair[0])).or_default().entry(pair[1]).or_default() += 1;
        }
    }
    let maps = maps(&params());
    let (mut all, mut mapped) = (0, 0);
    for ((dialect, symbol), next) in follows {
        let expected = maps[dialect][symbol as usize] as u32;
        all += next.values().sum::<usize>();
        mapped += next.get(&expected).copied().unwrap_or(0);
    }
    let share = f64::from(mapped as u32) / f64::from(all as u32);
    assert!((share - 0.8525).abs() < 0.006, "{share}");
    let again = bench.run("dtsgate.language", &[("train", int(3000)), ("valid", int(40))], &[]);
    assert_eq!(again.artifact, ran.artifact);
    let other =
        bench.run("dtsgate.language", &[("train", int(3000)), ("valid", int(40)), ("sample", int(1))], &[]);
    assert_ne!(other.artifact, ran.artifact);
}
