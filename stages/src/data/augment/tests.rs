use super::*;
use crate::kit::testing::{close, threads};

fn pictures() -> Pictures {
    Pictures {
        pixels: Pixels::Held((0..2 * 2 * 9).map(|i| (i * 7 % 256) as u8).collect()),
        size: [2, 3, 3],
        labels: vec![0, 0],
        classes: vec!["one".into()],
    }
}

#[test]
fn numbers_have_mean_0_and_variance_1() {
    let pictures = pictures();
    let numbers = plain(&pictures, &Scale::of(&pictures)).unwrap();
    for channel in 0..2 {
        let plane: Vec<f32> =
            numbers.chunks_exact(18).flat_map(|picture| picture[channel * 9..][..9].to_vec()).collect();
        let mean = plane.iter().sum::<f32>() / 18.0;
        let variance = plane.iter().map(|x| x * x).sum::<f32>() / 18.0 - mean * mean;
        close(&[mean, variance], &[0.0, 1.0], 1e-5);
    }
}

/// Every batch is some shift and perhaps a mirror image of what is stored, and all of them occur.
#[test]
fn shifts_and_mirrors_are_those_allowed() {
    let one = Pictures {
        pixels: Pixels::Held((1..=9).collect()),
        size: [1, 3, 3],
        labels: vec![0],
        classes: vec!["one".into()],
    };
    let scale = Scale { mean: vec![0.0], std: vec![1.0 / 255.0] };
    let at = |y: isize, x: isize| {
        let inside = (0..3).contains(&y) && (0..3).contains(&x);
        if inside { (3 * y + x + 1) as f32 } else { 0.0 }
    };
    let mut wanted = Vec::new();
    for (down, right, mirror) in
        (-1..=1).flat_map(|d| (-1..=1).flat_map(move |r| [false, true].map(|m| (d, r, m))))
    {
        let place = |i: isize| {
            let x = if mirror { 2 - i % 3 } else { i % 3 };
            at(i / 3 + down, x + right)
        };
        wanted.push((0..9).map(place).collect::<Vec<f32>>());
    }
    let augment = Augment { crop: None, shift: 1, mirror: true };
    let batch = batch(&one, &[0; 400], &scale, augment, Stream::new(1, "augment")).unwrap();
    let mut seen = vec![false; wanted.len()];
    for picture in batch.chunks_exact(9) {
        let rounded: Vec<f32> = picture.iter().map(|x| x.round()).collect();
        let found = wanted.iter().position(|w| *w == rounded);
        seen[found.unwrap_or_else(|| panic!("no shift of the picture: {rounded:?}"))] = true;
    }
    assert!(seen.iter().all(|seen| *seen), "{seen:?}");
}

#[test]
fn a_batch_does_not_depend_on_threads() {
    let (pictures, augment) = (pictures(), Augment { crop: None, shift: 2, mirror: true });
    let scale = Scale::of(&pictures);
    let make = || batch(&pictures, &[0, 1, 0, 1], &scale, augment, Stream::new(5, "augment")).unwrap();
    assert_eq!(threads(1, make), threads(3, make));
}

/// A random part of a picture in memory, resized to the whole's size; of two channels or an oblong there is none.
#[test]
fn pictures_in_memory_are_cropped() {
    let rows = |size: [usize; 3]| Pictures {
        pixels: Pixels::Held((0..size.iter().product()).map(|i| (i / size[2] % size[1] * 8) as u8).collect()),
        size,
        labels: vec![0],
        classes: vec!["one".into()],
    };
    let augment = Augment { crop: Some(0.1), ..Augment::default() };
    let make = |pictures: &Pictures| {
        batch(pictures, &[0; 20], &Scale::of(pictures), augment, Stream::new(1, "augment"))
    };
    for channels in [1, 3] {
        let pictures = rows([channels, 16, 16]);
        let numbers = make(&pictures).unwrap();
        let heights: Vec<f32> = numbers.chunks_exact(channels * 256).map(|p| p[240] - p[0]).collect();
        let whole = plain(&pictures, &Scale::of(&pictures)).unwrap();
        assert!(heights.iter().all(|height| (0.0..=whole[240] - whole[0]).contains(height)), "{heights:?}");
        assert!(heights.iter().any(|height| *height < 0.6 * (whole[240] - whole[0])), "{heights:?}");
    }
    for size in [[2, 16, 16], [1, 16, 8]] {
        let error = make(&rows(size)).unwrap_err().to_string();
        assert!(error.starts_with("expected square pictures of 1 or 3 channels to crop, found "), "{error}");
    }
}
