//! Pictures that stay in their files: which they are, and what is known of them without decoding them.

use std::path::Path;
use std::sync::Arc;

use runpipe_base::{Digest, StageError};

use super::archive::{Archive, Place};
use super::decode::{Cut, decode, pixels};

const HEAD: [&str; 6] = ["file", "offset", "bytes", "digest", "sums", "squares"];

/// A picture in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The file's name.
    pub name: String,
    /// Where it lies.
    pub place: Place,
    /// What it holds.
    pub digest: Digest,
    /// For each channel the sum of the bytes of the picture's middle square.
    pub sums: Vec<u64>,
    /// For each channel the sum of their squares.
    pub squares: Vec<u64>,
}

/// Pictures in files of one folder or archive.
#[derive(Debug, Clone, Default)]
pub struct Listing {
    /// The pictures.
    pub entries: Vec<Entry>,
    /// Where the files are, once that is known.
    archive: Option<Arc<Archive>>,
}

impl PartialEq for Listing {
    fn eq(&self, other: &Self) -> bool {
        self.entries == other.entries
    }
}
impl Eq for Listing {}

impl Entry {
    /// What is to be remembered of a file and the picture in it, `[C, H, W]`.
    pub fn of(name: String, place: Place, file: &[u8], picture: &[u8], channels: usize) -> Self {
        let planes = || picture.chunks_exact(picture.len() / channels);
        let sum = |of: fn(u64) -> u64| {
            planes().map(|plane| plane.iter().map(|byte| of(u64::from(*byte))).sum()).collect()
        };
        Self { name, place, digest: Digest::of(file), sums: sum(|x| x), squares: sum(|x| x * x) }
    }
}

impl Listing {
    /// These pictures; where their files are is not known yet.
    pub fn new(entries: Vec<Entry>) -> Self {
        Self { entries, archive: None }
    }

    /// The same, its files in this folder or archive.
    ///
    /// # Errors
    /// As [`Archive::open`].
    pub fn opened(self, path: &Path) -> Result<Self, StageError> {
        Ok(Self { archive: Some(Arc::new(Archive::open(path)?)), ..self })
    }

    /// The pictures at these places, in their order.
    #[must_use]
    pub fn chosen(&self, places: &[usize]) -> Self {
        let entries = places.iter().map(|i| self.entries[*i].clone()).collect();
        Self { entries, archive: self.archive.clone() }
    }

    /// The bytes of a square part of the picture at `index`, `[C, size, size]`.
    ///
    /// # Errors
    /// [`StageError::Input`] when it is not known where the files are, and [`StageError::Data`] when the file is not the
    /// one that was listed.
    pub fn picture(&self, index: usize, cut: Cut, channels: usize, size: u32) -> Result<Vec<u8>, StageError> {
        let archive = self.archive.as_deref().ok_or_else(|| {
            StageError::Input(
                "these pictures stayed in their files: expected the folder or archive of them at parameter `files`".into(),
            )
        })?;
        let entry = &self.entries[index];
        let bytes = archive.read(&entry.name, entry.place)?;
        if Digest::of(&bytes) != entry.digest {
            return Err(archive.wrong(&entry.name, "expected the file that was listed, found another".into()));
        }
        let image = decode(&bytes).map_err(|message| archive.wrong(&entry.name, message))?;
        Ok(pixels(&image, cut, channels, size).0)
    }

    /// The pictures as CSV.
    pub fn text(&self) -> Vec<u8> {
        let mut csv = csv::Writer::from_writer(Vec::new());
        let joined = |numbers: &[u64]| numbers.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ");
        let rows = self.entries.iter().map(|entry| {
            let Place { offset, bytes } = entry.place;
            let (sums, squares) = (joined(&entry.sums), joined(&entry.squares));
            [
                entry.name.clone(),
                offset.to_string(),
                bytes.to_string(),
                entry.digest.to_string(),
                sums,
                squares,
            ]
        });
        for row in std::iter::once(HEAD.map(str::to_owned)).chain(rows) {
            csv.write_record(row).expect("memory takes all, and every row has as many fields");
        }
        csv.into_inner().expect("memory takes all")
    }

    /// Reads what [`text`](Self::text) wrote.
    ///
    /// # Errors
    /// What is wrong, in words.
    pub fn parse(text: &str, channels: usize) -> Result<Self, String> {
        let mut csv = csv::Reader::from_reader(text.as_bytes());
        if csv.headers().map_err(|e| e.to_string())? != HEAD.as_slice() {
            return Err(format!("expected the columns {}", HEAD.join(", ")));
        }
        let mut entries = Vec::new();
        for (i, row) in csv.records().enumerate() {
            let row = row.map_err(|e| e.to_string())?;
            let numbers = |field: &str| -> Option<Vec<u64>> {
                let numbers: Option<Vec<u64>> = field.split(' ').map(|n| n.parse().ok()).collect();
                numbers.filter(|numbers| numbers.len() == channels)
            };
            let read = || {
                let place = Place { offset: row[1].parse().ok()?, bytes: row[2].parse().ok()? };
                let digest = row[3].parse().ok()?;
                Some(Entry {
                    name: row[0].to_owned(),
                    place,
                    digest,
                    sums: numbers(&row[4])?,
                    squares: numbers(&row[5])?,
                })
            };
            entries.push(read().ok_or_else(|| format!("expected a file and its numbers in line {}", i + 2))?);
        }
        Ok(Self::new(entries))
    }
}

#[cfg(test)]
mod tests;
