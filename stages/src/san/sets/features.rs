//! Regions of pictures that another program made: a safetensors file, and the pictures' names beside it.

use std::collections::BTreeMap;
use std::path::Path;

use runpipe_base::StageError;
use safetensors::tensor::{Dtype, SafeTensors};

use crate::data::files;

/// Regions by the names of their pictures.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Features {
    /// Rows and columns.
    pub(super) grid: [usize; 2],
    /// Numbers of a region.
    pub(super) width: usize,
    numbers: Vec<f32>,
    places: BTreeMap<String, usize>,
}

impl Features {
    /// Reads `regions`, `[N, rows, columns, width]` of 32 or 16 bits, and the text file of the same name, a picture's name a
    /// line.
    ///
    /// # Errors
    /// [`StageError::Io`] when a file cannot be read, [`StageError::Data`] when it does not hold that.
    pub(super) fn read(path: &Path) -> Result<Self, StageError> {
        let wrong = |path: &Path, message: String| StageError::Data {
            path: path.display().to_string(),
            line: 0,
            message,
        };
        let bytes = files::bytes(path)?;
        let file = SafeTensors::deserialize(&bytes)
            .map_err(|e| wrong(path, format!("expected a safetensors file: {e}")))?;
        let view = file.tensor("regions").map_err(|_| wrong(path, "expected an array `regions`".into()))?;
        let [count, rows, columns, width] = view.shape()[..] else {
            return Err(wrong(
                path,
                format!("expected shape [N, rows, columns, width], found {:?}", view.shape()),
            ));
        };
        let data = view.data();
        let numbers: Vec<f32> = match view.dtype() {
            Dtype::F32 => data.as_chunks::<4>().0.iter().map(|b| f32::from_le_bytes(*b)).collect(),
            Dtype::F16 => data.as_chunks::<2>().0.iter().map(|b| half(u16::from_le_bytes(*b))).collect(),
            other => return Err(wrong(path, format!("expected numbers of 32 or 16 bits, found {other:?}"))),
        };
        if numbers.is_empty() || numbers.iter().any(|x| !x.is_finite()) {
            return Err(wrong(path, "expected finite numbers".into()));
        }
        let names = path.with_extension("txt");
        let names: Vec<String> = files::lines(&names)?.collect::<Result<_, _>>()?;
        if names.len() != count {
            let message = format!("expected a name for each of {count} pictures, found {}", names.len());
            return Err(wrong(&path.with_extension("txt"), message));
        }
        let places =
            names.into_iter().enumerate().map(|(place, name)| (name.trim().to_owned(), place)).collect();
        Ok(Self { grid: [rows, columns], width, numbers, places })
    }

    /// The numbers of a picture.
    pub(super) fn of(&self, name: &str) -> Option<&[f32]> {
        let count = self.grid[0] * self.grid[1] * self.width;
        self.places.get(name).map(|place| &self.numbers[place * count..(place + 1) * count])
    }
}

/// A number of 16 bits: a sign, five bits of exponent, ten of fraction.
fn half(bits: u16) -> f32 {
    let sign = if bits & 0x8000 == 0 { 1.0 } else { -1.0 };
    let (exponent, fraction) = (i32::from(bits >> 10 & 0x1f), f32::from(bits & 0x3ff));
    sign * match exponent {
        0 => fraction * 2.0f32.powi(-24),
        31 if fraction == 0.0 => f32::INFINITY,
        31 => f32::NAN,
        _ => (1024.0 + fraction) * 2.0f32.powi(exponent - 25),
    }
}

#[cfg(test)]
mod tests;
