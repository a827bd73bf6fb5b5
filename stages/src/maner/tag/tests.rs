use crate::data::tagged::Tagged;
use crate::testing::{Bench, int, text};
use runpipe_base::Value;

#[test]
fn entities_are_found_where_they_stand() {
    let mut bench = Bench::new();
    let corpus = bench.run("maner.language", &[("raw", int(200)), ("train", int(8))], &[]);
    let sizes = [("vocabulary", int(300)), ("layers", int(1)), ("width", int(32)), ("steps", int(2))];
    let encoder = bench.run("maner.pretrain", &sizes, &[("text", corpus.part("text"))]).artifact;
    let by_heart = [
        ("min_steps", int(300)),
        ("epochs", int(1)),
        ("lr", Value::Float(3e-3)),
        ("dropout", Value::Float(0.0)),
    ];
    let inputs = [("encoder", &encoder), ("sentences", corpus.part("train"))];
    let tagger = bench.run("maner.finetune", &by_heart, &inputs).artifact;
    let train = Tagged::read(&bench.view(corpus.part("train"))).unwrap();
    // The sentences it knows, the last mark of each at its word, an empty line between.
    let lines: Vec<String> = train.sentences.iter().map(|s| s.words.join(" ").replace(" .", ".")).collect();
    let raw = bench.run("data.constant", &[("text", text(&lines.join("\n\n")))], &[]).artifact;
    let ran = bench.run("maner.tag", &[], &[("tagger", &tagger), ("text", &raw)]);
    assert_eq!(Tagged::read(&bench.view(ran.part("sentences"))).unwrap().sentences, train.sentences);
    let table = bench.text(&ran.artifact, "entities.csv");
    let mut rows = csv::Reader::from_reader(table.as_bytes());
    let mut entities = 0;
    for row in rows.records().map(Result::unwrap) {
        let number = |i: usize| row[i].parse::<usize>().unwrap();
        let line: Vec<char> = lines[(number(0) - 1) / 2].chars().collect();
        assert_eq!(line[number(1)..number(2)].iter().collect::<String>(), row[5], "where it stands");
        assert!(["LOC", "ORG", "PER"].contains(&&row[3]));
        let score: f64 = row[4].parse().unwrap();
        assert!((0.2..=1.0).contains(&score), "{score}");
        entities += 1;
    }
    assert!(entities > 5 && (ran.metrics["entities"] - f64::from(entities)).abs() < 1e-9);
    assert!((ran.metrics["sentences"] - 8.0).abs() < 1e-9);
}
