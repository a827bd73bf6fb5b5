//! Pins: results that garbage collection leaves alone.

use std::fmt::Write as _;

use runpipe_base::Key;

use crate::disk::PLAIN;
use crate::{Store, StoreError, manifest};

/// Results that a person wants to keep, under a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pin {
    /// The name.
    pub name: String,
    /// The keys.
    pub keys: Vec<Key>,
}

/// The first word of a pin.
const MARK: &str = "runpipe-pin-1 ";

impl Store {
    /// Keeps the results of `keys` from garbage collection, under `name`; replaces the pin of that name.
    ///
    /// # Errors
    /// [`StoreError::BadName`], or the disk's refusal.
    pub fn pin(&self, name: &str, keys: &[Key]) -> Result<(), StoreError> {
        check_name(name)?;
        let disk = self.writable()?;
        let mut body = String::with_capacity(65 * keys.len());
        for key in keys {
            writeln!(body, "{key}").expect("a String takes all");
        }
        disk.scratch.place(&disk.pins, name, PLAIN, &[&manifest::seal(MARK, body.as_bytes())], true)
    }

    /// Removes the pin `name`; says whether there was one.
    ///
    /// # Errors
    /// As [`pin`](Self::pin).
    pub fn unpin(&self, name: &str) -> Result<bool, StoreError> {
        check_name(name)?;
        self.writable()?.pins.remove(name)
    }

    /// All pins, in order of their names.
    ///
    /// # Errors
    /// [`StoreError`] when the disk refuses or a pin is damaged.
    pub fn pins(&self) -> Result<Vec<Pin>, StoreError> {
        let mut pins = Vec::new();
        for name in self.0.pins.names(false)? {
            let Some((_, _, bytes)) = self.0.pins.read(&name)? else { continue };
            let body = manifest::unseal(MARK, &bytes).and_then(|body| std::str::from_utf8(body).ok());
            let keys = body.and_then(|body| body.lines().map(|line| line.parse().ok()).collect());
            let damaged = || StoreError::Damaged {
                path: self.0.pins.join(&name),
                why: "its checksum does not hold".to_owned(),
            };
            pins.push(Pin { keys: keys.ok_or_else(damaged)?, name });
        }
        Ok(pins)
    }
}

fn check_name(name: &str) -> Result<(), StoreError> {
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
    let fine = (1..=100).contains(&name.len()) && name.bytes().all(plain) && !name.starts_with('.');
    if fine { Ok(()) } else { Err(StoreError::BadName { name: name.to_owned() }) }
}
