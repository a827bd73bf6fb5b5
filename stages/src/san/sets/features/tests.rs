use super::*;
use crate::kit::params::save;
use crate::san::questions::{Look, Set};
use crate::testing::{Bench, path};

#[test]
fn halves_are_numbers() {
    for (bits, number) in [
        (0x0000, 0.0),
        (0x3c00, 1.0),
        (0xc000, -2.0),
        (0x3555, 0.333_251_95),
        (0x0001, 5.960_464_5e-8),
        (0x7bff, 65504.0),
    ] {
        assert!((half(bits) - number).abs() <= 1e-12 + 1e-7 * number.abs(), "{bits:x}");
    }
    assert!(half(0x7c00).is_infinite() && half(0x7e00).is_nan());
}

#[test]
fn regions_stand_in_place_of_pictures() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("features.safetensors");
    let numbers: Vec<f32> = (0..12).map(|i| i as f32).collect();
    std::fs::write(&file, save([("regions", vec![2, 1, 2, 3], numbers)]).unwrap()).unwrap();
    std::fs::write(dir.path().join("features.txt"), "image7\nimage3\n").unwrap();
    std::fs::write(dir.path().join("train.tsv"), "image3\twhat is it\tdesk\nimage7\twhat is it\tchair\n")
        .unwrap();
    let mut bench = Bench::new();
    let params = [("dir", path(dir.path())), ("features", path(&file))];
    let ran = bench.run("san.daquar", &params, &[]);
    let sets = ["train", "test"].map(|part| Set::read(&bench.view(ran.part(part))).unwrap());
    for set in &sets {
        assert_eq!(set.scenes.look(), Look::Regions { grid: [1, 2], width: 3 });
        let mut numbers = Vec::new();
        set.scenes.add(0, &mut numbers);
        let first = if set.questions[0].answer == "desk" { 6.0 } else { 0.0 };
        assert!((numbers[0] - first).abs() < 1e-6);
    }
    std::fs::write(dir.path().join("features.txt"), "image7\n").unwrap();
    let told = bench.attempt("san.daquar", &params, &[]).unwrap_err().to_string();
    assert!(told.contains("features.txt: expected a name for each of 2 pictures, found 1"), "{told}");
    std::fs::write(dir.path().join("features.txt"), "image7\nimage9\n").unwrap();
    let told = bench.attempt("san.daquar", &params, &[]).unwrap_err().to_string();
    assert!(told.contains("expected a picture `image3`, found none"), "{told}");
}
