//! Tags of words: entity types with their place, IOB2.

use std::fmt;

/// A word's tag in IOB2.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Tag {
    /// In no entity.
    Outside,
    /// First word of an entity of this type.
    Begin(String),
    /// A later word of an entity of this type.
    Inside(String),
}

impl Tag {
    /// Reads a tag of IOB1, IOB2, IOBES or BILOU: `S` and `U` begin an entity, `E` and `L` are inside of one.
    ///
    /// # Errors
    /// What is wrong, when it is no tag of any of these.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text == "O" {
            return Ok(Self::Outside);
        }
        let kind = text
            .split_once('-')
            .map(|(_, kind)| kind)
            .filter(|kind| !kind.is_empty())
            .ok_or_else(|| format!("expected a tag such as `O` or `B-PER`, found `{text}`"))?;
        match &text[..text.len() - kind.len() - 1] {
            "B" | "S" | "U" => Ok(Self::Begin(kind.to_owned())),
            "I" | "E" | "L" => Ok(Self::Inside(kind.to_owned())),
            prefix => {
                Err(format!("expected a tag that starts with one of `BIESLU`, found `{prefix}` in `{text}`"))
            }
        }
    }

    /// The entity type, when the word is in an entity.
    pub fn kind(&self) -> Option<&str> {
        match self {
            Self::Outside => None,
            Self::Begin(kind) | Self::Inside(kind) => Some(kind),
        }
    }
}

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Outside => f.write_str("O"),
            Self::Begin(kind) => write!(f, "B-{kind}"),
            Self::Inside(kind) => write!(f, "I-{kind}"),
        }
    }
}

/// An entity: words `start..end` of its sentence.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Entity {
    /// Its first word.
    pub start: usize,
    /// One past its last word.
    pub end: usize,
    /// Its type.
    pub kind: String,
}

/// The entities as conlleval reads them: an `I-` that continues nothing starts one.
///
/// # Source
/// seqeval 1.2.2, default mode.
pub fn lenient(tags: &[Tag]) -> Vec<Entity> {
    read(tags, |tag, open| match tag {
        Tag::Outside => Step::Close,
        Tag::Inside(kind) if open == Some(kind.as_str()) => Step::Continue,
        Tag::Begin(_) | Tag::Inside(_) => Step::Open,
    })
}

/// The entities that are well-formed IOB2: an `I-` that continues nothing is in no entity.
///
/// # Source
/// seqeval 1.2.2, `mode="strict"`, scheme IOB2.
pub fn strict(tags: &[Tag]) -> Vec<Entity> {
    read(tags, |tag, open| match tag {
        Tag::Begin(_) => Step::Open,
        Tag::Inside(kind) if open == Some(kind.as_str()) => Step::Continue,
        Tag::Outside | Tag::Inside(_) => Step::Close,
    })
}

/// Makes the lenient reading explicit: an `I-X` that continues no `X` becomes `B-X`. Valid IOB2 stays as it is,
/// IOB1 becomes IOB2.
pub fn repair(tags: &[Tag]) -> Vec<Tag> {
    let mut before: Option<&str> = None;
    let repaired = tags.iter().map(|tag| {
        let repaired = match tag {
            Tag::Inside(kind) if before != Some(kind) => Tag::Begin(kind.clone()),
            tag => tag.clone(),
        };
        before = tag.kind();
        repaired
    });
    repaired.collect()
}

/// The first word whose `I-` continues nothing.
pub fn orphan(tags: &[Tag]) -> Option<usize> {
    (0..tags.len()).find(
        |&i| matches!(&tags[i], Tag::Inside(kind) if i == 0 || tags[i - 1].kind() != Some(kind.as_str())),
    )
}

/// The tags of `len` words whose entities are these; entities must not overlap.
pub fn tags_of(entities: &[Entity], len: usize) -> Vec<Tag> {
    let mut tags = vec![Tag::Outside; len];
    for entity in entities {
        for (i, tag) in tags[entity.start..entity.end].iter_mut().enumerate() {
            *tag = if i == 0 { Tag::Begin(entity.kind.clone()) } else { Tag::Inside(entity.kind.clone()) };
        }
    }
    tags
}

enum Step {
    Open,
    Continue,
    Close,
}

/// Reads entities from left to right; `step` sees a tag and the type of the entity that is open before it.
fn read(tags: &[Tag], step: impl Fn(&Tag, Option<&str>) -> Step) -> Vec<Entity> {
    let mut entities: Vec<Entity> = Vec::new();
    let mut open: Option<(usize, &str)> = None;
    let close = |open: Option<(usize, &str)>, end: usize, entities: &mut Vec<Entity>| {
        if let Some((start, kind)) = open {
            entities.push(Entity { start, end, kind: kind.to_owned() });
        }
    };
    for (i, tag) in tags.iter().enumerate() {
        match step(tag, open.map(|(_, kind)| kind)) {
            Step::Continue => {}
            Step::Close => close(open.take(), i, &mut entities),
            Step::Open => {
                close(open.take(), i, &mut entities);
                open = tag.kind().map(|kind| (i, kind));
            }
        }
    }
    close(open, tags.len(), &mut entities);
    entities
}

#[cfg(test)]
mod tests;
