use super::nearest;

fn check(name: &str, candidates: &[&'static str], expected: Option<&str>) {
    assert_eq!(nearest(name, candidates.iter().copied()), expected, "{name}");
}

#[test]
fn slips_of_the_hand_are_near() {
    check("epoch", &["lr", "epochs", "seed"], Some("epochs"));
    check("eopchs", &["lr", "epochs", "seed"], Some("epochs"));
    check("maner.finetun", &["maner.evaluate", "maner.finetune"], Some("maner.finetune"));
    check("Seed", &["sed", "seed"], Some("seed"));
    check("lang", &["batch", "language"], Some("language"));
}

#[test]
fn other_names_are_not() {
    check("colour", &["lr", "epochs", "seed"], None);
    check("a", &["b", "c"], None);
    check("x", &[], None);
    check("learning_rate", &["lr"], None);
    check(&"x".repeat(1_000_000), &["x", "xxxx"], None);
}

#[test]
fn ties_go_to_the_first() {
    check("bat", &["cat", "hat"], Some("cat"));
}
