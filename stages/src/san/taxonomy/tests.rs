use proptest::prelude::*;

use super::*;

/// A noun, or several for one meaning, and what it is a kind of.
const TREE: &str = "
entity
object entity
living object
animal living
carnivore animal
feline carnivore
cat feline
lion feline
canine carnivore
dog/hound canine
wolf canine
bird animal
robin bird
plant living
tree plant
oak tree
artifact object
furniture artifact
seat furniture
chair seat
sofa/couch seat
table furniture
desk table
bed furniture
container artifact
box container
basket container
bottle container
cup container
book artifact
paper artifact
clothing artifact
hat clothing
shoe clothing
man animal
quality entity
color quality
red color
blue color
number quality
two number
three number
match artifact
match quality
";

/// Nouns with their hypernyms; a noun that stands twice has two meanings.
pub(in crate::san) fn toy() -> Taxonomy {
    let rows: Vec<Vec<&str>> =
        TREE.split('\n').filter(|l| !l.is_empty()).map(|l| l.split(' ').collect()).collect();
    let place = |name: &str| rows.iter().position(|row| row[0].split('/').any(|n| n == name)).unwrap();
    let meaning = |row: &Vec<&str>| {
        let above = row[1..].iter().map(|name| place(name)).collect();
        (row[0].split('/').map(str::to_owned).collect(), above)
    };
    Taxonomy::new(rows.iter().map(meaning).collect()).unwrap()
}

fn near(found: Option<f64>, expected: f64) {
    assert!((found.unwrap() - expected).abs() < 1e-12, "{found:?}, expected {expected}");
}

/// Depths: entity 1, object 2, living 3, animal 4, carnivore 5, feline 6, cat 7.
#[test]
fn likeness_is_that_of_wu_and_palmer() {
    let toy = toy();
    near(toy.likeness("cat", "cat"), 1.0);
    near(toy.likeness("cat", "lion"), 12.0 / 14.0);
    near(toy.likeness("cat", "dog"), 10.0 / 14.0);
    near(toy.likeness("cat", "animal"), 8.0 / 11.0);
    near(toy.likeness("dog", "hound"), 1.0);
    near(toy.likeness("chair", "table"), 8.0 / 11.0);
    near(toy.likeness("cat", "chair"), 4.0 / 13.0);
    near(toy.likeness("red", "two"), 4.0 / 8.0);
    assert_eq!(toy.likeness("cat", "unheard"), None);
}

#[test]
fn the_best_of_several_meanings_counts() {
    // A match is right below artifact (3) and right below quality (2): beside a book 6 / (6 + 2), beside red 4 / (4 + 1 + 2).
    near(toy().likeness("match", "book"), 6.0 / 8.0);
    near(toy().likeness("match", "red"), 4.0 / 7.0);
}

#[test]
fn plurals_are_their_nouns() {
    let toy = toy();
    for (many, one) in
        [("cats", "cat"), ("boxes", "box"), ("couches", "couch"), ("men", "man"), ("Papers", "paper")]
    {
        near(toy.likeness(many, one), 1.0);
    }
}

proptest! {
    #[test]
    fn likeness_is_symmetric_and_within_bounds(a in 0usize..44, b in 0usize..44) {
        let toy = toy();
        let names: Vec<&String> = toy.nouns.keys().collect();
        let (one, other) = (names[a % names.len()], names[b % names.len()]);
        let likeness = toy.likeness(one, other).unwrap();
        prop_assert!((0.0..=1.0).contains(&likeness));
        prop_assert_eq!(likeness.to_bits(), toy.likeness(other, one).unwrap().to_bits());
        prop_assert!(one != other || (likeness - 1.0).abs() < 1e-12);
    }
}

/// Two ways up: depth takes the longer one, steps the shorter.
#[test]
fn meanings_may_have_several_above() {
    let name = |name: &str| vec![name.to_owned()];
    let net = Taxonomy::new(vec![
        (name("top"), vec![]),
        (name("middle"), vec![0]),
        (name("low"), vec![1]),
        (name("child"), vec![0, 2]),
        (name("sibling"), vec![2]),
    ])
    .unwrap();
    assert_eq!(net.depths, [1, 2, 3, 4, 4]);
    near(net.likeness("child", "sibling"), 6.0 / 8.0);
    near(net.likeness("child", "top"), 2.0 / 3.0);
    let circle = Taxonomy::new(vec![(name("a"), vec![1]), (name("b"), vec![0])]).unwrap_err().to_string();
    assert_eq!(circle, "expected hypernyms without circles, found a meaning above itself");
}

const WORDNET: &str = "  1 This software and database is being provided to you\n\
00001740 03 n 01 entity 0 001 ~ 00001930 n 0000 | that which exists\n\
00001930 03 n 02 thing 0 physical_entity 0 001 @ 00001740 n 0000 | a physical one\n\
00002000 03 n 01 Rex 0 002 @i 00001930 n 0000 + 00001111 v 0101 | a dog\n";

#[test]
fn wordnets_file_is_read() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("data.noun"), WORDNET).unwrap();
    let net = Taxonomy::read(dir.path()).unwrap();
    near(net.likeness("rex", "physical entity"), 4.0 / 5.0);
    near(net.likeness("things", "entity"), 2.0 / 3.0);
    std::fs::write(dir.path().join("data.noun"), WORDNET.replace("@ 00001740", "@ 00009999")).unwrap();
    let told = Taxonomy::read(dir.path()).unwrap_err().to_string();
    assert!(told.ends_with("data.noun:3: a meaning above this one is not in the file"), "{told}");
    std::fs::write(dir.path().join("data.noun"), "nothing of the kind\n").unwrap();
    let told = Taxonomy::read(dir.path()).unwrap_err().to_string();
    assert!(told.contains(":1: expected a noun's meaning as WordNet's `data.noun` has it"), "{told}");
}
