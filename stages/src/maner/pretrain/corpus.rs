//! Raw text as sequences of ids, and the order in which they are taken.

use std::collections::HashMap;

use runpipe_base::{Ctx, StageError};

use super::PretrainParams;
use crate::kit::rng::Stream;
use crate::maner::layout::{Layout, Long, Places, Pool, Sequence, Site, Visibility};
use crate::maner::tokenizer::Subwords;

/// Lines as sequences of ids.
pub(super) struct Corpus {
    pub(super) train: Vec<Line>,
    pub(super) held_out: Vec<Line>,
    words: usize,
    tokens: usize,
    unknown: usize,
    vocabulary: usize,
}

/// A sequence, and where words begin in it.
pub(super) struct Line {
    pub(super) ids: Vec<u32>,
    pub(super) starts: Vec<bool>,
}

impl Corpus {
    pub(super) fn new(lines: &[String], subwords: &Subwords, p: &PretrainParams) -> Result<Self, StageError> {
        let special = subwords.special;
        let layout = Layout {
            site: Site::Tokcls,
            pool: Pool::First,
            visibility: Visibility::Full,
            places: Places::Consecutive,
            filler: special.mask,
            special,
            max_len: p.max_len,
            long: Long::Windows,
        };
        let mut known = HashMap::new();
        let (mut words, mut tokens, mut unknown) = (0, 0, 0);
        let mut cut = |line: &String| -> Result<Vec<Line>, StageError> {
            let mut units = Vec::new();
            for word in line.split(' ').filter(|word| !word.is_empty()) {
                if !known.contains_key(word) {
                    known.insert(word.to_owned(), subwords.word(word)?);
                }
                units.push(known[word].clone());
            }
            words += units.len();
            tokens += units.iter().map(Vec::len).sum::<usize>();
            unknown += units.iter().flatten().filter(|id| **id == special.unknown).count();
            let windows = layout.windows(&units);
            Ok(windows.into_iter().flat_map(|w| layout.sequences(&units, w)).map(Line::of).collect())
        };
        // Which lines are kept aside depends on the seed alone.
        let aside = p.held_out.min(lines.len() / 10);
        let order = Stream::new(p.seed, "held out").permutation(lines.len());
        let mut is_aside = vec![false; lines.len()];
        order[..aside].iter().for_each(|&i| is_aside[i] = true);
        let (mut train, mut held_out) = (Vec::new(), Vec::new());
        for (line, aside) in lines.iter().zip(is_aside) {
            if aside { held_out.extend(cut(line)?) } else { train.extend(cut(line)?) }
        }
        if p.pack {
            (train, held_out) = (pack(train, p.max_len), pack(held_out, p.max_len));
        }
        if train.is_empty() || held_out.is_empty() {
            return Err(StageError::Input(format!(
                "expected at least 10 lines of text, found {}",
                lines.len()
            )));
        }
        Ok(Self { train, held_out, words, tokens, unknown, vocabulary: subwords.size })
    }

    pub(super) fn measure(&self, cx: &mut Ctx<'_>) {
        cx.metric("vocabulary", self.vocabulary as f64);
        cx.metric("fertility", self.tokens as f64 / self.words as f64);
        cx.metric("unknown", 100.0 * self.unknown as f64 / self.tokens as f64);
    }
}

/// Neighbouring lines in one sequence, as many as fit; each still ends with its end token.
fn pack(lines: Vec<Line>, room: usize) -> Vec<Line> {
    let mut packed: Vec<Line> = Vec::new();
    for line in lines {
        match packed.last_mut() {
            // All but its start token, which the sequence has.
            Some(last) if last.ids.len() + line.ids.len() - 1 <= room => {
                last.ids.extend(&line.ids[1..]);
                last.starts.extend(&line.starts[1..]);
            }
            _ => packed.push(line),
        }
    }
    packed
}

impl Line {
    fn of(sequence: Sequence) -> Self {
        let mut starts = vec![false; sequence.ids.len()];
        // The sites of this layout are the first pieces of words.
        sequence.sites.iter().for_each(|site| starts[*site] = true);
        let last = starts.len() - 1;
        (starts[0], starts[last]) = (true, true);
        Self { ids: sequence.ids, starts }
    }
}

/// Which lines make the batch of a step: every epoch all lines in a new order, as many as fit in a batch.
pub(super) struct Order<'a> {
    lines: &'a [Line],
    room: usize,
    pub(super) stream: Stream,
    epoch: u64,
    /// The step of the epoch's first batch.
    first: u64,
    batches: Vec<Vec<usize>>,
}

impl<'a> Order<'a> {
    pub(super) fn new(corpus: &'a Corpus, p: &PretrainParams) -> Self {
        let stream = Stream::new(p.seed, "order");
        let mut order =
            Self { lines: &corpus.train, room: p.batch, stream, epoch: 0, first: 0, batches: Vec::new() };
        order.fill();
        order
    }

    fn fill(&mut self) {
        self.batches.clear();
        let (mut batch, mut tokens) = (Vec::new(), 0);
        for i in self.stream.child(self.epoch).permutation(self.lines.len()) {
            let length = self.lines[i].ids.len();
            if tokens + length > self.room && !batch.is_empty() {
                self.batches.push(std::mem::take(&mut batch));
                tokens = 0;
            }
            batch.push(i);
            tokens += length;
        }
        self.batches.push(batch);
    }

    /// The lines of a step; steps must not go back.
    pub(super) fn batch(&mut self, step: u64) -> &[usize] {
        while step >= self.first + self.batches.len() as u64 {
            self.first += self.batches.len() as u64;
            self.epoch += 1;
            self.fill();
        }
        &self.batches[(step - self.first) as usize]
    }
}
