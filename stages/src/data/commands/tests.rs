use super::Command;
use crate::testing::{Bench, path};

#[test]
fn lines_are_read_and_written() {
    let mut bench = Bench::new();
    let dir = tempfile::tempdir().unwrap();
    let [train, test] = ["train.txt", "test.txt"].map(|name| dir.path().join(name));
    std::fs::write(&train, "IN: jump OUT: I_JUMP\nIN: walk left OUT: I_TURN_LEFT I_WALK\n\n").unwrap();
    std::fs::write(&test, "IN:  walk  twice OUT: I_WALK  I_WALK \r\n").unwrap();
    let ran = bench.run("data.scan", &[("train", path(&train)), ("test", path(&test))], &[]);
    assert_eq!((ran.metrics["train_commands"], ran.metrics["test_commands"]), (2.0, 1.0));
    assert_eq!(bench.text(ran.part("test"), super::FILE), "IN: walk twice OUT: I_WALK I_WALK\n");
}

#[test]
fn broken_files_are_told() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("tasks.txt");
    let check = |text: &str, expected: &str| {
        std::fs::write(&file, text).unwrap();
        let told = super::from_file(&file).unwrap_err().to_string();
        assert_eq!(told.replace(&file.display().to_string(), "tasks.txt"), expected);
    };
    check("IN: jump OUT: I_JUMP\njump\n", "tasks.txt:2: expected `IN: … OUT: …`, found `jump`");
    check("IN: jump OUT:  \n", "tasks.txt:1: expected `IN: … OUT: …`, found `IN: jump OUT:`");
    check("", "tasks.txt: expected commands, found none");
    assert!(Command::parse("IN:  OUT: I_JUMP").is_err());
}
