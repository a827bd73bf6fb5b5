use super::{Lexicon, looks};

#[test]
fn looks_from_fine_to_coarse() {
    let check =
        |word: &str, initial: bool, expected: &[&str]| assert_eq!(looks(word, initial), expected, "{word}");
    check("running", false, &["lower+ing", "lower+ng", "lower+g", "lower", "any"]);
    check("Paris", true, &["Initial+ris", "Initial+is", "Initial+s", "Initial", "any"]);
    check("Paris", false, &["Capital+ris", "Capital+is", "Capital+s", "Capital", "any"]);
    check("IBM", false, &["CAPITALS+m", "CAPITALS", "any"]);
    check("1,234", false, &["signs1", "any"]);
    check("30-year", false, &["lower1a", "any"]);
    check("well-off", false, &["lower-+off", "lower-+ff", "lower-+f", "lower-", "any"]);
    check("", false, &["signs", "any"]);
}

#[test]
fn tags_of_known_and_unknown_words() {
    // Tag 0: nouns; tag 1: verbs.
    let mut tagged: Vec<(&str, u32, bool)> =
        vec![("walking", 1, false), ("talking", 1, false), ("king", 0, false)];
    tagged.extend(std::iter::repeat_n(("run", 1, false), 30));
    tagged.extend(std::iter::repeat_n(("run", 0, false), 10));
    let lexicon = Lexicon::of(tagged.into_iter());
    let priors = [0.0, 0.0];
    let share = |word: &str, initial: bool| -> Vec<(u32, f32)> {
        lexicon.scores(word, initial, &priors).iter().map(|(tag, score)| (*tag, score.exp())).collect()
    };
    let close = |found: Vec<(u32, f32)>, expected: &[(u32, f32)]| {
        assert_eq!(found.len(), expected.len(), "{found:?}");
        for ((tag, share), (other, wanted)) in found.iter().zip(expected) {
            assert!(tag == other && (share - wanted).abs() < 1e-6, "{found:?}");
        }
    };
    close(share("run", false), &[(0, 0.25), (1, 0.75)]);
    close(share("Run", true), &[(0, 0.25), (1, 0.75)]);
    close(share("joking", false), &[(1, 1.0)]);
    close(share("long", false), &[(0, 1.0 / 3.0), (1, 2.0 / 3.0)]);
    // Seen once as a noun, and half as often as it looks.
    close(share("king", false), &[(0, f32::midpoint(1.0, 1.0 / 3.0)), (1, (2.0 / 3.0) / 2.0)]);
    close(share("Zzz", false), &[(0, 1.0 / 3.0), (1, 2.0 / 3.0)]);
}
