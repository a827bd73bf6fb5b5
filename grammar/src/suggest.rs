//! The nearest name, for "did you mean".

#[cfg(test)]
mod tests;

/// The candidate that a mistyped name most probably meant, or nothing when none is near.
///
/// Near is an edit distance (insert, delete, replace, swap neighbours) of at most a third of the longer name, or one
/// being the beginning of the other when at least three characters agree; letter case costs nothing. Ties go to the
/// candidate that comes first.
///
/// # Examples
/// ```
/// use runpipe_grammar::nearest;
///
/// assert_eq!(nearest("epoch", ["lr", "epochs", "seed"]), Some("epochs"));
/// assert_eq!(nearest("colour", ["lr", "epochs", "seed"]), None);
/// ```
pub fn nearest<'c>(name: &str, candidates: impl IntoIterator<Item = &'c str>) -> Option<&'c str> {
    let wanted = name.to_lowercase();
    let mut best: Option<(usize, &str)> = None;
    for candidate in candidates {
        let distance = distance(&wanted, &candidate.to_lowercase());
        if let Some(distance) = distance
            && best.is_none_or(|(least, _)| distance < least)
        {
            best = Some((distance, candidate));
        }
    }
    best.map(|(_, candidate)| candidate)
}

/// The edit distance between names that are near each other.
fn distance(wanted: &str, candidate: &str) -> Option<usize> {
    let (short, long) =
        if wanted.len() < candidate.len() { (wanted, candidate) } else { (candidate, wanted) };
    let cut_off = long.chars().count().div_ceil(3);
    let is_beginning = short.len() >= 3 && long.starts_with(short);
    // Names of very unlike lengths cannot be near: not computed, as a name may be megabytes long.
    if !is_beginning && long.len() - short.len() > 4 * cut_off {
        return None;
    }
    if is_beginning && long.len() > 200 || short.len() > 200 {
        return None;
    }
    let edits = strsim::damerau_levenshtein(wanted, candidate);
    // A single letter is near to every other one: only the same in another case counts.
    let near = if long.chars().count() <= 1 { edits == 0 } else { edits <= cut_off };
    (near || is_beginning).then_some(edits)
}
