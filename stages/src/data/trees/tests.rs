use runpipe_base::Value;

use super::clean;
use crate::data::text;
use crate::data::tree::Tree;
use crate::testing::{Bench, path};

#[test]
fn a_treebank_is_cleaned_and_parted() {
    let mut bench = Bench::new();
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(
        dir.path().join("a.mrg"),
        "( (S\n (NP-SBJ-1 (NNP Mr.))\n (VP (VBD was) (S (NP (-NONE- *-1)) (ADVP|PRT (RB up)))) (-LRB- -LRB-)) )\n\
         ( (X (-NONE- *)) )\n",
    )
    .unwrap();
    std::fs::write(dir.path().join("b.mrg"), "( (NP=2 (NN end)) )").unwrap();
    let params = [("path", path(dir.path())), ("held_out", Value::Float(0.5))];
    let ran = bench.run("data.trees", &params, &[]);
    assert_eq!((ran.metrics["trees"], ran.metrics["words"], ran.metrics["empty"]), (2.0, 5.0, 1.0));
    let (train, held_out) = (ran.part("train").clone(), ran.part("held_out").clone());
    assert_eq!(
        bench.text(&train, super::FILE),
        "(ROOT (S (NP (NNP Mr.)) (VP (VBD was) (S (ADVP (RB up)))) (-LRB- -LRB-)))\n"
    );
    assert_eq!(bench.text(&held_out, super::FILE), "(ROOT (NP (NN end)))\n");
    let leaves = bench.run("data.leaves", &[], &[("trees", &train)]);
    assert_eq!(bench.text(&leaves.artifact, text::TEXT), "Mr. was up -LRB-\n");
}

#[test]
fn broken_files_are_told() {
    let mut bench = Bench::new();
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), "(S (A a))\n(S (B b)\n").unwrap();
    let told = bench.attempt("data.trees", &[("path", path(file.path()))], &[]).unwrap_err().to_string();
    assert!(told.ends_with(":3: the text ends while 1 bracket of the tree from line 2 are open"), "{told}");
    std::fs::write(file.path(), "").unwrap();
    let told = bench.attempt("data.trees", &[("path", path(file.path()))], &[]).unwrap_err().to_string();
    assert!(told.ends_with(": expected trees, found none"), "{told}");
}

#[test]
fn the_real_treebank() {
    let dir = std::env::var_os("RUNPIPE_DATA").map(std::path::PathBuf::from).filter(|dir| dir.is_dir());
    let Some(dir) = dir.map(|dir| dir.join("treebank")).filter(|dir| dir.is_dir()) else {
        println!("skipped: `RUNPIPE_DATA` names no folder with `treebank`");
        return;
    };
    let text = crate::data::files::text(&dir.join("wsj_0001-0199.mrg.gz")).unwrap();
    let trees = Tree::parse_all(&text).unwrap();
    assert_eq!(trees.len(), 3914);
    let cleaned: Vec<Tree> = trees.iter().filter_map(|(_, tree)| clean(tree)).collect();
    assert_eq!(cleaned.len(), 3914);
    for tree in &cleaned {
        assert_eq!(tree.root().label, "ROOT");
        assert!(
            tree.nodes()
                .iter()
                .all(|n| !n.label.is_empty() && n.label != "-NONE-" && !n.label[1..].contains('='))
        );
        assert_eq!(Tree::parse(&tree.to_string()).as_ref(), Ok(tree));
    }
}
