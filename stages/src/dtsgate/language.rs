//! `dtsgate.language`: a generated language of hidden dialects, which a model must tell apart and know by heart.

use runpipe_base::{Ctx, Inputs, Kind, Output, Spec, Stage, StageError, params};

use super::PAPER;
use super::tokens::{CORPUS, KIND, Tokens};
use crate::code;
use crate::kit::rng::Stream;

params! {
    /// Parameters of [`Language`].
    pub struct LanguageParams {
        /// Defines the language: the map of each dialect.
        seed: u64 = 1;
        /// Which corpus of that language.
        sample: u64 = 0;
        /// Sentences to train on.
        train: usize = 6000, in 1.., unit "sentences";
        /// Sentences to judge by.
        valid: usize = 300, in 1.., unit "sentences";
        /// Dialects.
        dialects: usize = 16, in 1..=1024;
        /// Markers: dialects that share one look alike at first.
        markers: usize = 4, in 1..=1024;
        /// Symbols that a dialect maps to each other.
        symbols: usize = 60, in 2..=4096;
        /// Symbols of a sentence, its marker among them.
        length: usize = 33, in 3..=4096, unit "symbols";
        /// Chance that a symbol is any and not what the dialect says.
        noise: f64 = 0.15, in 0.0..=1.0;
    }
}

/// `dtsgate.language`: makes up sentences of hidden dialects.
pub struct Language;

impl Stage for Language {
    type Params = LanguageParams;

    fn spec(&self) -> Spec {
        Spec::new(
            "dtsgate.language",
            code::DTSGATE,
            CORPUS,
            "Makes up sentences of hidden dialects: each maps every symbol to the one that follows it.",
        )
        .part("train", KIND, "sentences to train on")
        .part("valid", KIND, "sentences to judge by")
        .metric("floor", "cross-entropy of who knows the dialect of each sentence, in nats a symbol")
        .metric("tokens", "symbols to train on")
        .paper(&PAPER)
    }

    fn run(&self, p: &LanguageParams, _: &Inputs<'_>, cx: &mut Ctx<'_>) -> Result<Output, StageError> {
        let maps = maps(p);
        cx.metric("floor", floor(p));
        cx.metric("tokens", (p.train * p.length) as f64);
        let part = |name: &str, count: usize| {
            let purpose = format!("dtsgate.language {name} {}", p.sample);
            sentences(p, &maps, count, Stream::new(p.seed, &purpose)).write()
        };
        Ok(Output::new(Kind::of(CORPUS))
            .part("train", part("train", p.train)?)
            .part("valid", part("valid", p.valid)?))
    }
}

/// What follows each symbol, for each dialect.
fn maps(p: &LanguageParams) -> Vec<Vec<usize>> {
    let mut stream = Stream::new(p.seed, "dtsgate.language maps");
    (0..p.dialects).map(|_| (0..p.symbols).map(|_| stream.below(p.symbols)).collect()).collect()
}

/// Entropy of a symbol for who knows the dialect: the first is any, the others mostly what the map says.
fn floor(p: &LanguageParams) -> f64 {
    let n = p.symbols as f64;
    let (rare, likely) = (p.noise / n, 1.0 - p.noise + p.noise / n);
    let term = |x: f64| if x > 0.0 { -x * libm::log(x) } else { 0.0 };
    let mapped = term(likely) + (n - 1.0) * term(rare);
    (libm::log(n) + (p.length - 2) as f64 * mapped) / (p.length - 1) as f64
}

fn sentences(p: &LanguageParams, maps: &[Vec<usize>], count: usize, stream: Stream) -> Tokens {
    let (mut ids, mut starts) = (Vec::new(), Vec::new());
    for i in 0..count {
        let mut stream = stream.child(i as u64);
        let dialect = stream.below(p.dialects);
        starts.push((ids.len(), dialect));
        ids.push((p.symbols + dialect % p.markers) as u32);
        let mut symbol = stream.below(p.symbols);
        ids.push(symbol as u32);
        for _ in 2..p.length {
            let any = stream.chance(p.noise);
            symbol = if any { stream.below(p.symbols) } else { maps[dialect][symbol] };
            ids.push(symbol as u32);
        }
    }
    let symbols = (0..p.symbols).map(|i| format!("s{i}"));
    Tokens {
        vocabulary: symbols.chain((0..p.markers).map(|i| format!("m{i}"))).collect(),
        sentence: Some(p.length),
        bytes: ids.len() as u64,
        domains: (0..p.dialects).map(|i| format!("dialect {i}")).collect(),
        starts,
        ids,
    }
}

#[cfg(test)]
mod tests;
