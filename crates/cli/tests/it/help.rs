//! `--help`, `explain`, `version`, `completions`, `man`: what the program says of itself.

use std::fs;

use crate::place::Place;

/// Every verb, each with a test of its own in this suite.
const VERBS: &[&str] = &[
    "run",
    "trace",
    "replay",
    "fork",
    "diff",
    "graph",
    "resume",
    "signal",
    "cancel",
    "enqueue",
    "worker",
    "queue",
    "sessions",
    "approvals",
    "prune",
    "kill",
    "cost",
    "prices",
    "providers",
    "secret",
    "doctor",
    "check",
    "test",
    "guard",
    "policy",
    "redteam",
    "owasp",
    "config",
    "wire",
    "schema",
    "new",
    "explain",
    "version",
    "completions",
    "man",
];

fn listed(help: &str) -> Vec<&str> {
    let verbs = help.split("Commands:\n").nth(1).expect("a list of commands");
    let lines = verbs.lines().take_while(|line| line.starts_with("  "));
    lines.filter_map(|line| line.split_whitespace().next()).collect()
}

#[test]
fn the_help_lists_every_verb_and_no_other_and_each_has_its_own() {
    let place = Place::new();
    let help = place.run(&["--help"]).expect(0).out;
    assert_eq!(listed(&help), VERBS);
    insta::assert_snapshot!(help);
    for verb in VERBS {
        let own = place.run(&[verb, "--help"]).expect(0).out;
        assert!(own.contains("Usage: largestack"), "{verb}: {own}");
    }
}

#[test]
fn the_page_about_exit_codes_says_what_the_help_says() {
    let place = Place::new();
    let page = include_str!("../../../../docs/exit-codes.md");
    let help = place.run(&["--help"]).expect(0).out;
    let all = place.run(&["explain", "--json"]).expect(0).json();
    let mut codes: Vec<u64> =
        all.as_array().unwrap().iter().map(|code| code["exit_code"].as_u64().unwrap()).collect();
    codes.extend([0, 10, 11]);
    for code in codes {
        assert!(page.contains(&format!("| {code} |")), "{code}");
        assert!(help.contains(&format!("{code}  ")), "{code}");
    }
}

#[test]
fn every_error_code_is_explained_from_the_binary() {
    let place = Place::new();
    let list = place.run(&["explain"]).expect(0).out;
    assert!(list.lines().count() >= 15 && list.contains("LARGESTACK_BUDGET"), "{list}");
    let page = place.run(&["explain", "budget"]).expect(0).out;
    assert!(page.starts_with("# LARGESTACK_BUDGET"), "{page}");
    let document = place.run(&["explain", "LARGESTACK_BUDGET", "--json"]).expect(0).json();
    assert_eq!(document["exit_code"], 7);
    assert_eq!(document["page"], page);
    place.run(&["explain", "NOPE"]).expect(5);
}

#[test]
fn the_version_is_that_of_the_package() {
    let place = Place::new();
    let version = env!("CARGO_PKG_VERSION");
    let line = place.run(&["version"]).expect(0).out;
    assert!(line.starts_with(&format!("largestack {version} ")), "{line}");
    assert_eq!(place.run(&["version", "--json"]).expect(0).json()["version"], version);
    assert_eq!(place.run(&["--version"]).expect(0).out, format!("largestack {version}\n"));
}

#[test]
fn completions_know_every_verb_in_every_shell() {
    let place = Place::new();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = place.run(&["completions", shell]).expect(0).out;
        for verb in VERBS {
            assert!(script.contains(verb), "{shell}: {verb}");
        }
    }
}

#[test]
fn there_is_a_manual_page_for_every_verb() {
    let place = Place::new();
    let main = place.run(&["man"]).expect(0).out;
    assert!(main.contains(".TH") && main.contains("Exit codes"), "{main}");
    place.run(&["man", "--out", "pages"]).expect(0);
    for verb in VERBS {
        let page = place.read(&format!("pages/largestack-{verb}.1"));
        assert!(page.contains(".SH DESCRIPTION"), "{verb}");
    }
    assert!(fs::read_dir(place.path("pages")).unwrap().count() > VERBS.len());
}

#[test]
fn colours_are_for_terminals_unless_they_are_asked_for() {
    let place = Place::with_library();
    place.run(&["run", "library", "How long may I keep a book?"]).expect(0);
    let plain = place.run(&["trace", "library"]).expect(0).out;
    assert!(!plain.contains('\u{1b}'), "{plain}");
    let coloured = place.run(&["trace", "library", "--color", "always"]).expect(0).out;
    assert!(coloured.contains("\u{1b}["), "{coloured}");
    let never = place.run(&["trace", "library", "--color", "never"]).expect(0).out;
    assert_eq!(never, plain);
}
