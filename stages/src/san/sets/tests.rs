use std::io::Cursor;

use image::{ImageFormat, RgbImage};
use proptest::prelude::*;
use runpipe_base::{Params as _, Record};

use super::*;

/// A picture of one colour, as a file.
pub(super) fn png(paint: [u8; 3], [width, height]: [u32; 2]) -> Vec<u8> {
    let mut file = Cursor::new(Vec::new());
    RgbImage::from_pixel(width, height, image::Rgb(paint)).write_to(&mut file, ImageFormat::Png).unwrap();
    file.into_inner()
}

/// Writes files below a folder.
pub(super) fn write(dir: &Path, files: &[(&str, &[u8])]) {
    for (name, bytes) in files {
        let path = dir.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }
}

/// A tar archive of files.
pub(super) fn tar(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut archive = tar::Builder::new(Vec::new());
    for (name, bytes) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        header.set_cksum();
        archive.append_data(&mut header, name, *bytes).unwrap();
    }
    archive.into_inner().unwrap()
}

fn reading() -> Reading {
    let dir = ("dir".to_owned(), runpipe_base::Value::Path("somewhere".into()));
    Reading::decode(&Record::from([dir])).unwrap()
}

/// A partition with a question about each of some pictures of one number.
fn part(name: &str, pictures: usize) -> Part {
    let scenes =
        Scenes::Regions { grid: [1, 1], width: 1, numbers: (0..pictures).map(|i| i as f32).collect() };
    let question = |picture| Question { picture, text: format!("{name} {picture}"), ..Question::default() };
    let questions = (0..pictures).map(question).collect();
    Part {
        name: name.into(),
        set: Set { scenes, questions, grid: None },
        groups: (0..pictures as u64).collect(),
    }
}

#[test]
fn what_is_judged_by_stays_apart() {
    let texts = |set: &Set| set.questions.iter().map(|q| q.text.clone()).collect::<Vec<_>>();
    let parts = || vec![part("hidden", 1), part("dev", 2), part("more", 1)];
    let [train, test] = divide(parts(), &reading()).unwrap();
    assert_eq!(
        (texts(&train), texts(&test)),
        (vec!["hidden 0".into(), "more 0".into()], vec!["dev 0".into(), "dev 1".into()])
    );
    assert_eq!(train.questions[1].picture, 1);
    let named = Reading { test: Some("more".into()), ..reading() };
    assert_eq!(texts(&divide(parts(), &named).unwrap()[1]), ["more 0"]);
    let lost = Reading { test: Some("less".into()), ..reading() };
    let told = divide(parts(), &lost).unwrap_err().to_string();
    assert!(told.ends_with("expected a partition `less`, found `hidden`, `dev`, `more`"), "{told}");
    let told = divide(vec![part("a", 1), part("b", 1)], &reading()).unwrap_err().to_string();
    assert!(
        told.contains(
            "expected one partition, or one of `test`, `val` and `dev` among several, found `a`, `b`"
        )
    );
}

#[test]
fn of_one_partition_a_share_is_held_out() {
    let [train, test] = divide(vec![part("test", 10)], &reading()).unwrap();
    assert_eq!((train.questions.len(), test.questions.len()), (8, 2));
    let Scenes::Regions { numbers, .. } = &test.scenes else { panic!("regions stay regions") };
    for q in &test.questions {
        assert_eq!(q.text, format!("test {}", numbers[q.picture]));
    }
}

/// Groups that have the same number in two partitions are two.
#[test]
fn partitions_may_be_pooled() {
    let pool = Reading { pool: true, ..reading() };
    let [train, test] = divide(vec![part("one", 10), part("two", 10)], &pool).unwrap();
    assert_eq!((train.questions.len(), test.questions.len()), (16, 4));
    let one = pooled(vec![part("one", 3), part("two", 2)]).unwrap();
    assert_eq!((one.name.as_str(), one.groups), ("one+two", vec![0, 1, 2, 3, 4]));
}

proptest! {
    /// Groups stay whole, there is something on both sides, and no more is held out than one group beyond the share.
    #[test]
    fn groups_are_never_parted(groups in prop::collection::vec(0u64..8, 2..40), share in 0.05..0.95f64, seed: u64) {
        let held = held_out(&groups, share, seed);
        for (group, here) in groups.iter().zip(&held) {
            for (other, there) in groups.iter().zip(&held) {
                prop_assert!(group != other || here == there);
            }
        }
        let count = held.iter().filter(|held| **held).count();
        let distinct = groups.iter().collect::<BTreeSet<_>>().len();
        let largest = (0..8).map(|g| groups.iter().filter(|group| **group == g).count()).max().unwrap();
        if distinct > 1 {
            prop_assert!(count > 0 && count < groups.len());
            prop_assert!((count as f64) < share * groups.len() as f64 + largest as f64);
        }
    }

    /// What has been cut into words stays as it is.
    #[test]
    fn words_are_cut_once(text in "[ -~]{0,40}") {
        let once = tokens(&text);
        prop_assert_eq!(tokens(&once), once);
    }
}

#[test]
fn texts_become_words() {
    for (text, words) in [
        ("What's the garbage_bin, left-most?", "what's the garbage_bin left-most"),
        ("There is   a TOWER.", "there is a tower"),
        ("'quoted' 1.5 m; (no)", "quoted 1.5 m no"),
        ("...", ""),
    ] {
        assert_eq!(tokens(text), words);
    }
}

#[test]
fn questions_have_types() {
    for (text, class) in [
        ("how many chairs are there", "number"),
        ("what color is the wall", "color"),
        ("what is the colour of it", "color"),
        ("what is on the desk", "object"),
    ] {
        assert_eq!(type_of(text), class);
    }
}
