use std::io::Cursor;

use super::*;

/// A picture whose red is its column and whose green is its row.
pub(crate) fn slope(width: u32, height: u32) -> DynamicImage {
    RgbImage::from_fn(width, height, |x, y| image::Rgb([x as u8, y as u8, 7])).into()
}

pub(crate) fn encoded(image: &DynamicImage, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    image.write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

/// Cut anywhere, a file is refused; more behind its end is not looked at.
#[test]
fn files_that_are_not_whole_are_refused() {
    let image = slope(40, 30);
    for format in [ImageFormat::Jpeg, ImageFormat::Png] {
        let whole = encoded(&image, format);
        assert_eq!(decode(&whole).unwrap().width(), 40);
        for end in [9, 20, whole.len() / 2, whole.len() - 14] {
            let error = decode(&whole[..end]).unwrap_err();
            assert!(error.starts_with("expected a whole "), "{end} of {} bytes: {error}", whole.len());
        }
        let more = [whole.as_slice(), &[0xff, 0xda, 0, 9, 1]].concat();
        assert!(decode(&more).is_ok(), "{format:?} with bytes behind its end");
    }
    assert_eq!(decode(b"GIF89a").unwrap_err(), "expected a JPEG or PNG file");
    assert_eq!(decode(b"").unwrap_err(), "expected a JPEG or PNG file");
}

/// Grey, palettes, 16 bits, colours with a mask: all become bytes of one channel or three.
#[test]
fn every_kind_of_pixel_becomes_bytes() {
    let image = slope(8, 8);
    let kinds: [DynamicImage; 5] = [
        image.to_luma8().into(),
        image.to_luma_alpha8().into(),
        image.to_rgba8().into(),
        image.to_rgb16().into(),
        image.to_luma16().into(),
    ];
    for kind in kinds {
        let read = decode(&encoded(&kind, ImageFormat::Png)).unwrap();
        for channels in [1, 3] {
            let (found, resized) = pixels(&read, Cut::Middle, channels, 8);
            assert_eq!((found.len(), resized), (channels * 64, false), "{:?}", kind.color());
        }
        let grey = decode(&encoded(&kind.to_luma8().into(), ImageFormat::Jpeg)).unwrap();
        assert_eq!(pixels(&grey, Cut::Middle, 3, 4).0.len(), 48);
    }
}

#[test]
fn planes_are_taken_apart_and_put_together() {
    let (bytes, _) = pixels(&slope(8, 8), Cut::Middle, 3, 8);
    assert_eq!([bytes[3], bytes[64 + 17], bytes[130]], [3, 2, 7]);
    assert_eq!(of_planes(&bytes, [3, 8, 8]), slope(8, 8));
    assert_eq!(planes(of_planes(&bytes[..64], [1, 8, 8]), 1), bytes[..64]);
}

/// The middle is a square of the shorter side, whatever the shape.
#[test]
fn the_middle_is_cut_out() {
    let (wide, resized) = pixels(&slope(20, 10), Cut::Middle, 3, 10);
    assert!(resized);
    assert_eq!((wide[0], wide[9], wide[100], wide[199]), (5, 14, 0, 9));
    for [width, height] in [[1, 1], [1, 200], [200, 1], [3, 5]] {
        assert_eq!(pixels(&slope(width, height), Cut::Middle, 3, 16).0.len(), 768, "{width} × {height}");
    }
}

/// Parts lie inside, cover what they should, are as wide as they should be, and are spread over the picture.
#[test]
fn random_parts_are_those_allowed() {
    let whole = [200, 120];
    let mut stream = Stream::new(1, "parts");
    let (mut areas, mut places) = (Vec::new(), [0; 4]);
    for _ in 0..2000 {
        let [x, y, w, h] = part(whole, 0.08, &mut stream);
        assert!(w >= 1 && h >= 1 && x + w <= 200 && y + h <= 120, "{x} {y} {w} {h}");
        let shape = f64::from(w) / f64::from(h);
        // Sides are rounded to whole pixels.
        assert!((0.72..=1.39).contains(&shape), "{w} × {h}");
        areas.push(f64::from(w * h) / 24_000.0);
        places[2 * usize::from(x + w / 2 > 100) + usize::from(y + h / 2 > 60)] += 1;
    }
    assert!(areas.iter().all(|area| *area > 0.078), "{areas:?}");
    assert!(areas.iter().any(|area| *area < 0.1) && areas.iter().any(|area| *area > 0.55), "{areas:?}");
    assert!(places.iter().all(|count| *count > 300), "{places:?}");
    // Nothing of an allowed shape covers all of a long picture: its middle is shown.
    assert_eq!(part([300, 30], 1.0, &mut stream), [130, 0, 40, 30]);
    assert_eq!(part([30, 300], 1.0, &mut stream), [0, 130, 30, 40]);
    assert_eq!(part([1, 1], 0.08, &mut stream), [0, 0, 1, 1]);
    let (bytes, resized) = pixels(&slope(200, 120), Cut::Random(0.08, Stream::new(3, "part")), 3, 16);
    assert_eq!((bytes.len(), resized), (768, true));
    // Columns still grow to the right and rows downwards.
    assert!(bytes[..16].is_sorted() && bytes[256..512].iter().step_by(16).is_sorted(), "{bytes:?}");
}
