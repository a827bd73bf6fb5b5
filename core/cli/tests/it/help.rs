//! What the program says of itself.

use crate::house::Project;

const VERBS: [&str; 14] = [
    "run",
    "check",
    "fmt",
    "params",
    "plan",
    "why",
    "graph",
    "stages",
    "report",
    "runs",
    "get",
    "cache",
    "new",
    "completions",
];

#[test]
fn help_names_every_verb_and_fits_a_screen() {
    let help = Project::new().ok(&["--help"]).stdout;
    let listed: Vec<&str> = help
        .lines()
        .skip_while(|line| *line != "Commands:")
        .skip(1)
        .take_while(|line| !line.is_empty())
        .filter(|line| line.starts_with("  ") && !line.starts_with("   "))
        .filter_map(|line| line.split_whitespace().next())
        .filter(|word| *word != "help")
        .collect();
    assert_eq!(listed, VERBS);
    assert!(help.lines().all(|line| line.chars().count() <= 100), "{help}");
}

/// Every verb shows commands to try, and each of them is one: with `--help` behind it nothing but its words is looked at.
#[test]
fn every_example_of_the_help_is_a_command() {
    let project = Project::new();
    let mut tried = 0;
    for verb in VERBS {
        let help = project.ok(&[verb, "--help"]).stdout;
        let flags =
            help.split("\n\n").filter(|part| part.starts_with("Store:") || part.starts_with("Parameters of"));
        assert!(
            flags.flat_map(str::lines).all(|line| !line.starts_with("  <") && !line.starts_with("  [")),
            "`{verb} --help` has arguments among flags\n{help}"
        );
        let examples = help.split("Examples:").nth(1).unwrap_or_else(|| panic!("`{verb}` shows no examples"));
        for line in examples.lines().filter_map(|line| line.trim().strip_prefix("runpipe ")) {
            let command = line.split("  ").next().unwrap_or_default();
            let words: Vec<&str> = command
                .split_whitespace()
                .take_while(|word| !matches!(*word, ">" | "|" | "<"))
                .map(|word| word.trim_matches('\''))
                .chain(["--help"])
                .collect();
            let ran = project.run(&words);
            assert_eq!(ran.code, 0, "`{verb} --help` shows `runpipe {command}`\n{}", ran.stderr);
            tried += 1;
        }
    }
    assert!(tried > 25, "only {tried} examples");
}

#[test]
fn completions_for_every_shell() {
    let project = Project::new();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = project.ok(&["completions", shell]).stdout;
        assert!(VERBS.iter().all(|verb| script.contains(verb)), "{shell}");
    }
}

#[test]
fn exit_codes_are_those_of_the_help() {
    let help = Project::new().ok(&["--help"]).stdout;
    let codes: Vec<&str> = help
        .lines()
        .skip_while(|line| *line != "Exit codes:")
        .skip(1)
        .filter_map(|line| line.split_whitespace().next())
        .collect();
    assert_eq!(codes, ["0", "1", "2", "3", "101"]);
}
