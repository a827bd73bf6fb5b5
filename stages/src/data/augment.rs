//! Batches of pictures as numbers: cropped, mirrored, normed; in parallel, and the same for any number of threads.

use rayon::prelude::*;
use runpipe_base::StageError;

use super::decode::Cut;
use super::pictures::{Pictures, Pixels};
use crate::kit::rng::Stream;

/// Mean and standard deviation of each channel, of bytes as numbers of 0 to 1.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Scale {
    /// Means.
    pub mean: Vec<f32>,
    /// Standard deviations.
    pub std: Vec<f32>,
}

impl Scale {
    /// Those of these pictures, exact: sums of bytes are whole numbers.
    pub fn of(pictures: &Pictures) -> Self {
        let [channels, height, width] = pictures.size;
        let plane = height * width;
        let mut sums = vec![[0_u64; 2]; channels];
        match &pictures.pixels {
            Pixels::Held(pixels) => {
                for (i, plane) in pixels.chunks_exact(plane).enumerate() {
                    let [sum, squares] = &mut sums[i % channels];
                    for byte in plane {
                        *sum += u64::from(*byte);
                        *squares += u64::from(*byte) * u64::from(*byte);
                    }
                }
            }
            Pixels::Listed(listing) => {
                for entry in &listing.entries {
                    for (i, sums) in sums.iter_mut().enumerate() {
                        *sums = [sums[0] + entry.sums[i], sums[1] + entry.squares[i]];
                    }
                }
            }
        }
        let count = (pictures.len() * plane).max(1) as f64;
        let (mut mean, mut std) = (Vec::new(), Vec::new());
        for [sum, squares] in sums {
            let middle = sum as f64 / count;
            let variance = (squares as f64 / count - middle * middle).max(0.0);
            mean.push((middle / 255.0) as f32);
            // A channel of one value carries nothing; it is left as it is.
            std.push(if variance > 0.0 { (variance.sqrt() / 255.0) as f32 } else { 1.0 });
        }
        Self { mean, std }
    }
}

/// How a picture may differ from the one that is stored.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Augment {
    /// A random part of it is shown that covers at least this share, resized; nothing: it all.
    pub crop: Option<f64>,
    /// It is shifted by up to so many pixels in both directions, black coming in.
    pub shift: usize,
    /// It is mirrored half of the time.
    pub mirror: bool,
}

/// The numbers of a batch, `[B, C, H, W]`: (byte / 255 − mean) / std.
///
/// Picture `i` of the batch draws from `stream.child(i)`. Pictures that stayed in their files are decoded, several at once.
///
/// # Errors
/// As [`Pictures::picture`]; of several that of the first picture.
pub fn batch(
    pictures: &Pictures,
    chosen: &[usize],
    scale: &Scale,
    augment: Augment,
    stream: Stream,
) -> Result<Vec<f32>, StageError> {
    let [channels, height, width] = pictures.size;
    let tables: Vec<Vec<f32>> = (0..channels)
        .map(|c| (0..=255).map(|byte| (byte as f32 / 255.0 - scale.mean[c]) / scale.std[c]).collect())
        .collect();
    let mut numbers = vec![0.0; chosen.len() * pictures.area()];
    let fill = |(i, (to, place)): (usize, (&mut [f32], &usize))| -> Result<(), StageError> {
        let mut stream = stream.child(i as u64);
        let cut = augment.crop.map_or(Cut::Middle, |least| Cut::Random(least, stream.named("crop")));
        let mut draw = || stream.below(2 * augment.shift + 1) as isize - augment.shift as isize;
        let (down, right) = if augment.shift > 0 { (draw(), draw()) } else { (0, 0) };
        let mirrored = augment.mirror && stream.chance(0.5);
        let picture = pictures.picture(*place, cut)?;
        for (c, table) in tables.iter().enumerate() {
            let plane = &picture[c * height * width..][..height * width];
            let to = &mut to[c * height * width..][..height * width];
            for (y, to) in to.chunks_exact_mut(width).enumerate() {
                let row = y.checked_add_signed(down).filter(|row| *row < height);
                let row = row.map(|row| &plane[row * width..][..width]);
                for (x, to) in to.iter_mut().enumerate() {
                    let x = if mirrored { width - 1 - x } else { x };
                    let column = x.checked_add_signed(right).filter(|column| *column < width);
                    let byte = row.zip(column).map_or(0, |(row, column)| row[column]);
                    *to = table[byte as usize];
                }
            }
        }
        Ok(())
    };
    let filled = numbers.par_chunks_exact_mut(pictures.area()).zip(chosen).enumerate();
    let wrong = filled.find_map_first(|picture| fill(picture).err());
    wrong.map_or(Ok(numbers), Err)
}

/// The numbers of all pictures as they are stored.
///
/// # Errors
/// As [`batch`].
pub fn plain(pictures: &Pictures, scale: &Scale) -> Result<Vec<f32>, StageError> {
    let all: Vec<usize> = (0..pictures.len()).collect();
    batch(pictures, &all, scale, Augment::default(), Stream::new(0, "plain"))
}

#[cfg(test)]
mod tests;
