//! What is a kind of what: nouns in a net of hypernyms, and how alike two of them are.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use runpipe_base::StageError;

use crate::data::files;

/// Meanings of nouns, each below others.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Taxonomy {
    /// For each meaning those it is a kind of.
    above: Vec<Vec<usize>>,
    /// The longest way up from each meaning, in meanings, itself counted.
    depths: Vec<usize>,
    nouns: BTreeMap<String, Vec<usize>>,
}

/// What plural endings become. Source: WordNet's rules for nouns (morphy).
const ENDINGS: [(&str, &str); 8] = [
    ("ches", "ch"),
    ("shes", "sh"),
    ("ses", "s"),
    ("xes", "x"),
    ("zes", "z"),
    ("ies", "y"),
    ("men", "man"),
    ("s", ""),
];

impl Taxonomy {
    /// Meanings by the nouns that name them and the meanings right above.
    ///
    /// # Errors
    /// [`StageError::Input`] when a meaning is above itself.
    pub fn new(meanings: Vec<(Vec<String>, Vec<usize>)>) -> Result<Self, StageError> {
        let mut nouns: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        let mut above = Vec::new();
        for (id, (names, hypernyms)) in meanings.into_iter().enumerate() {
            for name in names {
                nouns.entry(name.to_lowercase()).or_default().push(id);
            }
            above.push(hypernyms);
        }
        let depths = depths(&above)?;
        Ok(Self { above, depths, nouns })
    }

    /// Reads WordNet's `data.noun`, or a folder that holds it.
    ///
    /// # Errors
    /// [`StageError::Io`] when it cannot be read, [`StageError::Data`] when a line is none of that file.
    pub fn read(path: &Path) -> Result<Self, StageError> {
        let path = if path.is_dir() { path.join("data.noun") } else { path.to_owned() };
        let wrong = |line: usize, message: &str| StageError::Data {
            path: path.display().to_string(),
            line,
            message: message.to_owned(),
        };
        let (mut places, mut read) = (BTreeMap::new(), Vec::new());
        for (i, line) in files::lines(&path)?.enumerate() {
            let line = line?;
            // The licence stands above, in lines that begin with blanks.
            if line.starts_with(' ') || line.is_empty() {
                continue;
            }
            let (offset, names, hypernyms) = meaning(&line)
                .ok_or_else(|| wrong(i + 1, "expected a noun's meaning as WordNet's `data.noun` has it"))?;
            places.insert(offset, read.len());
            read.push((i + 1, names, hypernyms));
        }
        let find = |line: usize, offset: &u64| {
            places
                .get(offset)
                .copied()
                .ok_or_else(|| wrong(line, "a meaning above this one is not in the file"))
        };
        let meanings: Result<Vec<_>, StageError> = read
            .into_iter()
            .map(|(line, names, above)| {
                Ok((names, above.iter().map(|o| find(line, o)).collect::<Result<_, _>>()?))
            })
            .collect();
        Self::new(meanings?)
    }

    /// The meanings of a noun, or of the one that it is the plural of.
    fn meanings(&self, noun: &str) -> &[usize] {
        let noun = noun.to_lowercase().replace(' ', "_");
        let singular =
            ENDINGS.iter().filter_map(|(from, to)| Some(format!("{}{to}", noun.strip_suffix(from)?)));
        let found = std::iter::once(noun.clone()).chain(singular).find_map(|noun| self.nouns.get(&noun));
        found.map_or(&[], Vec::as_slice)
    }

    /// The fewest steps up from a meaning to each that is above it, itself with 0.
    fn distances(&self, from: usize) -> BTreeMap<usize, usize> {
        let mut found = BTreeMap::from([(from, 0)]);
        let mut layer = BTreeSet::from([from]);
        let mut steps = 0;
        while !layer.is_empty() {
            steps += 1;
            let next: BTreeSet<usize> = layer.iter().flat_map(|id| &self.above[*id]).copied().collect();
            layer = next.into_iter().filter(|id| !found.contains_key(id)).collect();
            found.extend(layer.iter().map(|id| (*id, steps)));
        }
        found
    }

    /// Wu and Palmer's 2·d / (2·d + a + b): the depth d of the deepest meaning above both, and the steps a and b up to it. The
    /// most over the meanings of two nouns; none where one has none, 0 where nothing is above both.
    pub fn likeness(&self, one: &str, other: &str) -> Option<f64> {
        let (ones, others) = (self.meanings(one), self.meanings(other));
        if ones.is_empty() || others.is_empty() {
            return None;
        }
        let others: Vec<BTreeMap<usize, usize>> = others.iter().map(|id| self.distances(*id)).collect();
        let mut most: f64 = 0.0;
        for a in ones.iter().map(|id| self.distances(*id)) {
            for b in &others {
                let both = a.iter().filter_map(|(id, up)| Some((self.depths[*id], up + b.get(id)?)));
                // The deepest; of equally deep ones the nearest.
                if let Some((depth, steps)) =
                    both.max_by_key(|(depth, steps)| (*depth, std::cmp::Reverse(*steps)))
                {
                    most = most.max(2.0 * depth as f64 / (2 * depth + steps) as f64);
                }
            }
        }
        Some(most)
    }
}

/// Offset, names and offsets above of a line of `data.noun`.
fn meaning(line: &str) -> Option<(u64, Vec<String>, Vec<u64>)> {
    let mut fields = line.split('|').next()?.split_ascii_whitespace();
    let offset = fields.next()?.parse().ok()?;
    let kind = fields.nth(1)?;
    let count = usize::from_str_radix(fields.next()?, 16).ok()?;
    let mut names = Vec::new();
    for _ in 0..count {
        names.push(fields.next()?.to_owned());
        fields.next()?;
    }
    let pointers: usize = fields.next()?.parse().ok()?;
    let mut above = Vec::new();
    for _ in 0..pointers {
        let (symbol, target, part, _) = (fields.next()?, fields.next()?, fields.next()?, fields.next()?);
        // `@` is a kind of, `@i` an instance of.
        if matches!(symbol, "@" | "@i") && part == "n" {
            above.push(target.parse().ok()?);
        }
    }
    (kind == "n").then_some((offset, names, above))
}

/// The longest way up from each meaning.
fn depths(above: &[Vec<usize>]) -> Result<Vec<usize>, StageError> {
    let mut depths = vec![0; above.len()];
    // Meanings whose hypernyms are all done are next: no recursion over the depth.
    let mut left: Vec<usize> = above.iter().map(Vec::len).collect();
    let mut below: Vec<Vec<usize>> = vec![Vec::new(); above.len()];
    for (id, hypernyms) in above.iter().enumerate() {
        hypernyms.iter().for_each(|hypernym| below[*hypernym].push(id));
    }
    let mut open: Vec<usize> = (0..above.len()).filter(|id| left[*id] == 0).collect();
    while let Some(id) = open.pop() {
        depths[id] = 1 + above[id].iter().map(|hypernym| depths[*hypernym]).max().unwrap_or(0);
        for lower in &below[id] {
            left[*lower] -= 1;
            if left[*lower] == 0 {
                open.push(*lower);
            }
        }
    }
    if depths.contains(&0) {
        return Err(StageError::Input(
            "expected hypernyms without circles, found a meaning above itself".into(),
        ));
    }
    Ok(depths)
}

#[cfg(test)]
pub(super) mod tests;
