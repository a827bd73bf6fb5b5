//! JPEG and PNG files as pixels: a picture's middle, or a random part of it.

use image::imageops::FilterType;
use image::{DynamicImage, GrayImage, ImageFormat, RgbImage};

use crate::kit::rng::Stream;

/// Which part of a picture is shown.
#[derive(Debug, Clone, Copy)]
pub enum Cut {
    /// The middle square.
    Middle,
    /// A rectangle that covers at least this share of the picture, drawn from a stream.
    Random(f64, Stream),
}

/// The picture in a file.
///
/// # Errors
/// What is wrong, in words.
pub fn decode(bytes: &[u8]) -> Result<DynamicImage, String> {
    let format = match bytes {
        [0xff, 0xd8, ..] => ImageFormat::Jpeg,
        [0x89, b'P', b'N', b'G', ..] => ImageFormat::Png,
        _ => return Err("expected a JPEG or PNG file".into()),
    };
    if format == ImageFormat::Jpeg && !ends(bytes) {
        // The decoder would make the rest grey.
        return Err("expected a whole Jpeg file: it ends before its end marker".into());
    }
    image::load_from_memory_with_format(bytes, format)
        .map_err(|e| format!("expected a whole {format:?} file: {e}"))
}

/// Whether a JPEG file goes on to its end marker. More may stand behind it.
fn ends(bytes: &[u8]) -> bool {
    let mut at = 2;
    loop {
        at += match bytes.get(at..at + 2) {
            None => return false,
            Some([0xff, 0xd9]) => return true,
            // Inside a scan: numbers, a 0xff among them, a mark to start anew at.
            Some([0xff, 0x00 | 0x01 | 0xd0..=0xd7]) => 2,
            Some([0xff, 0xff]) => 1,
            Some([0xff, _]) => match bytes.get(at + 2..at + 4) {
                Some([high, low]) => 2 + usize::from(u16::from_be_bytes([*high, *low])),
                _ => return false,
            },
            Some(_) => 1,
        };
    }
}

/// The bytes of a square part of a picture, `[C, size, size]`, one channel or three, and whether it had to be resized.
pub fn pixels(image: &DynamicImage, cut: Cut, channels: usize, size: u32) -> (Vec<u8>, bool) {
    let whole = [image.width(), image.height()];
    if let Cut::Random(least, mut stream) = cut {
        let [x, y, width, height] = part(whole, least, &mut stream);
        let part = image.crop_imm(x, y, width, height).resize_exact(size, size, FilterType::Triangle);
        return (planes(part, channels), true);
    }
    if whole == [size; 2] {
        return (planes(image.clone(), channels), false);
    }
    (planes(middle(image, size), channels), true)
}

/// A picture of bytes, `[C, H, W]`, one channel or three.
///
/// # Panics
/// When there are not as many bytes.
pub fn of_planes(planes: &[u8], [channels, height, width]: [usize; 3]) -> DynamicImage {
    let [h, w] = [height, width].map(|n| u32::try_from(n).expect("pictures are not as large"));
    if channels == 1 {
        return GrayImage::from_raw(w, h, planes.to_vec()).expect("a byte a pixel").into();
    }
    let area = height * width;
    let packed = (0..area).flat_map(|i| [planes[i], planes[area + i], planes[2 * area + i]]).collect();
    RgbImage::from_raw(w, h, packed).expect("three bytes a pixel").into()
}

fn planes(image: DynamicImage, channels: usize) -> Vec<u8> {
    if channels == 1 {
        return image.into_luma8().into_raw();
    }
    let packed = image.into_rgb8().into_raw();
    let area = packed.len() / 3;
    let mut planes = vec![0; packed.len()];
    for (i, pixel) in packed.as_chunks::<3>().0.iter().enumerate() {
        [planes[i], planes[area + i], planes[2 * area + i]] = *pixel;
    }
    planes
}

/// The middle square of a picture whose shorter side is scaled to `size`.
fn middle(image: &DynamicImage, size: u32) -> DynamicImage {
    let (width, height) = (image.width().max(1), image.height().max(1));
    let short = width.min(height);
    let scale = |side: u32| (u64::from(side) * u64::from(size) + u64::from(short) / 2) / u64::from(short);
    let (width, height) =
        (scale(width).max(u64::from(size)) as u32, scale(height).max(u64::from(size)) as u32);
    let image = image.resize_exact(width, height, FilterType::Triangle);
    image.crop_imm((width - size) / 2, (height - size) / 2, size, size)
}

/// Tries to find a rectangle of the area and shape that were drawn.
const TRIES: usize = 10;
/// The narrowest and the widest rectangle: width by height.
const SHAPES: [f64; 2] = [3.0 / 4.0, 4.0 / 3.0];

/// Left, top, width and height of a random part: its area uniform from `least` of the picture's to all of it, the logarithm
/// of its shape uniform. Where none fits, the largest part in the middle of an allowed shape.
///
/// Source: the crops with which ImageNet nets are commonly trained.
fn part([width, height]: [u32; 2], least: f64, stream: &mut Stream) -> [u32; 4] {
    let whole = f64::from(width) * f64::from(height);
    let [narrow, wide] = SHAPES.map(libm::log);
    for _ in 0..TRIES {
        let area = whole * (least + (1.0 - least) * stream.uniform());
        let shape = libm::exp(narrow + (wide - narrow) * stream.uniform());
        let [w, h] = [(area * shape).sqrt(), (area / shape).sqrt()].map(|side| side.round() as u32);
        if (1..=width).contains(&w) && (1..=height).contains(&h) {
            let mut place = |room: u32| stream.below(room as usize + 1) as u32;
            return [place(width - w), place(height - h), w, h];
        }
    }
    let shape = f64::from(width) / f64::from(height);
    let cut = |side: u32, other: f64| (other.round() as u32).clamp(1, side);
    let w = if shape > SHAPES[1] { cut(width, f64::from(height) * SHAPES[1]) } else { width };
    let h = if shape < SHAPES[0] { cut(height, f64::from(width) / SHAPES[0]) } else { height };
    [(width - w) / 2, (height - h) / 2, w, h]
}

#[cfg(test)]
pub(crate) mod tests;
