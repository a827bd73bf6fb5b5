use super::super::tests::{png, write};
use super::*;
use crate::san::questions::Look;
use crate::testing::{Bench, path, text};

const LINES: &str = concat!(
    r##"{"sentence": "There is a Blue tower.", "identifier": "7-0", "label": "true", "structured_rep": [[{"size": 20, "x_loc": 40, "type": "square", "y_loc": 80, "color": "#0099ff"}], [], []]}"##,
    "\n",
    r##"{"sentence": "no box is empty", "identifier": "7-1", "label": "false", "structured_rep": []}"##,
    "\n",
    r##"{"sentence": "it is so", "identifier": "8-0", "label": "true"}"##,
    "\n",
);

#[test]
fn things_are_regions() {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), &[("dev.json", LINES.as_bytes())]);
    let mut bench = Bench::new();
    let params = [("dir", path(dir.path())), ("shown", text("things"))];
    let ran = bench.run("san.nlvr", &params, &[]);
    // Two examples share the group 7 and stay together.
    let sizes = ["train", "test"].map(|name| Set::read(&bench.view(ran.part(name))).unwrap().questions.len());
    assert!(sizes == [1, 2] || sizes == [2, 1], "{sizes:?}");
    let set = Set::read(&bench.view(ran.part(if sizes[0] == 2 { "train" } else { "test" }))).unwrap();
    assert_eq!(set.scenes.look(), Look::Regions { grid: [3, 8], width: 13 });
    let mut numbers = Vec::new();
    set.scenes.add(0, &mut numbers);
    assert_eq!(numbers[..13], [1.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 1.0, 0.0, 0.4, 0.8, 0.2]);
    assert_eq!(numbers[13..18], [1.0, 0.0, 0.0, 1.0, 0.0], "an empty place in the first box");
    assert_eq!(numbers[8 * 13..][..4], [0.0, 1.0, 0.0, 1.0], "the second box");
    let told: Vec<(&str, &str)> =
        set.questions.iter().map(|q| (q.text.as_str(), q.answer.as_str())).collect();
    assert_eq!(told, [("there is a blue tower", "true"), ("no box is empty", "false")]);
}

#[test]
fn pixels_are_those_of_order_0() {
    let dir = tempfile::tempdir().unwrap();
    let picture = png([1, 2, 3], [40, 10]);
    let names = ["7-0", "7-1", "8-0"].map(|id| format!("dev_images_p0/dev-{id}-0.png"));
    write(dir.path(), &[("dev.json", LINES.as_bytes())]);
    names.iter().for_each(|name| write(dir.path(), &[(name, &picture)]));
    let mut bench = Bench::new();
    let ran = bench.run("san.nlvr", &[("dir", path(dir.path()))], &[]);
    let set = Set::read(&bench.view(ran.part("train"))).unwrap();
    assert_eq!(set.scenes.look(), Look::Pixels { size: [3, 10, 40] });
}

#[test]
fn what_is_wrong_is_told_with_its_line() {
    let dir = tempfile::tempdir().unwrap();
    let crowd = format!(
        r#"{{"sentence": "x", "identifier": "1-0", "label": "true", "structured_rep": [[{}]]}}"#,
        [r#"{"size": 1, "x_loc": 1, "type": "square", "y_loc": 1, "color": "black"}"#; 9].join(",")
    );
    for (line, words) in [
        ("{}", "dev.json:1: expected an example with sentence, label and identifier"),
        (crowd.as_str(), "dev.json:1: expected at most 8 things in a box"),
    ] {
        write(dir.path(), &[("dev.json", line.as_bytes())]);
        let mut bench = Bench::new();
        let params = [("dir", path(dir.path())), ("shown", text("things"))];
        let told = bench.attempt("san.nlvr", &params, &[]).unwrap_err().to_string();
        assert!(told.contains(words), "{told}");
    }
}
