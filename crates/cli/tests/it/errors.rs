//! Errors as a newcomer reads them: what each verb says to what it cannot do.

use crate::place::Place;

/// A project with one run that has ended, and a session.
fn place() -> Place {
    let place = Place::new();
    place.write("agent.yaml", "name: talker\ninstructions: Help.\nmodel: offline/extractive\n");
    place.run(&["run", ".", "What is one?", "--session", "numbers"]).expect(0);
    place
}

#[test]
fn words_that_are_no_command_are_a_document_where_one_was_asked_for() {
    let place = place();
    for words in [
        &["run", ".", "q", "--bogus", "--json"][..],
        &["run", "--json"],
        &["run", ".", "q", "--json", "--events"],
        &["trace", "--json", "--limit", "x"],
        &["trace", "--limit", "0", "--json"],
        &["cost", "--by", "week", "--json"],
        &["approvals", "answer", "--json"],
        &["replay", "last", "--at", "x", "--json"],
        &["kill", "--json"],
        &["secret", "set", "--json"],
        &["frobnicate", "--json"],
        &["wire", "decode"],
        &["schema", "nosuch"],
    ] {
        let refused = place.run(words).expect(2);
        let document = refused.json();
        assert_eq!(document["code"], "LARGESTACK_INPUT", "{words:?}");
        assert_eq!(document["exit_code"], 2, "{words:?}");
        assert!(!document["message"].as_str().unwrap().starts_with("error"), "{document}");
        assert!(document["suggestion"].as_str().unwrap().contains("--help"), "{document}");
        assert_eq!(refused.err, "", "{words:?}");
    }
    let line = place.run(&["run", ".", "q", "--events", "--bogus"]).expect(2);
    assert_eq!(line.out.lines().count(), 1, "{}", line.out);
    assert_eq!(line.json()["code"], "LARGESTACK_INPUT");
    let text = place.run(&["run", ".", "q", "--bogus"]).expect(2);
    assert!(text.out.is_empty() && text.err.contains("--bogus"), "{}", text.err);
    assert!(place.run(&["run", "--help", "--json"]).expect(0).out.contains("Usage:"));
}

#[test]
fn advice_is_about_what_happened() {
    let place = place();
    let run = place.last_run(".");
    let document = place.run(&["sessions", "export", "numbers"]).expect(0).out;
    place.write("numbers.json", document);
    for (words, code, says) in [
        (&["resume", "last"][..], 6, vec!["has ended", "nothing left to do", &*run]),
        (&["sessions", "import", "numbers.json"], 6, vec!["exists", "Forget that one first"]),
        (&["run", ".", "  "], 2, vec!["the question is empty", "largestack run . "]),
        (&["run", ".", "q", "--model", "openai/gpt-4o-mini"], 3, vec!["there is none", "export"]),
        (&["kill", "--reason", " "], 2, vec!["the reason is empty", "whoever is refused"]),
        (&["resume", "--reason", ""], 2, vec!["the reason is empty"]),
        (&["trace", "nowhere"], 5, vec!["there is no file or folder `nowhere`"]),
        (&["secret", "set", "openai"], 2, vec!["the value is empty", "Pipe it in"]),
    ] {
        let refused = place.run(words).expect(code);
        for said in says {
            assert!(refused.err.contains(said), "{words:?}: {}", refused.err);
        }
    }
    let taken = place.run(&["cost", "predict", "a"]).expect(0);
    assert!(taken.out.contains("1 token in"), "{}", taken.out);
}

#[test]
fn a_lost_key_is_found_and_what_is_lost_with_it_is_said() {
    let place = place();
    assert!(place.run(&["doctor"]).expect(0).out.contains("key file     beside the state"));
    let key = place.path(".largestack/vault.key");
    let kept = std::fs::read(&key).unwrap();
    std::fs::remove_file(&key).unwrap();
    let lost = place.run(&["doctor"]).expect(1);
    assert!(lost.out.contains("is gone, and values are sealed with its key"), "{}", lost.out);
    assert!(lost.out.contains("nobody can read 1 session"), "{}", lost.out);
    let other: String = String::from_utf8(kept.clone()).unwrap().chars().rev().collect();
    place.write(".largestack/vault.key", other.trim_start());
    set_private(&key);
    let other = place.run(&["doctor"]).expect(1);
    assert!(other.out.contains("holds another key"), "{}", other.out);
    place.write(".largestack/vault.key", kept);
    set_private(&key);
    place.run(&["doctor"]).expect(0);
}

#[cfg(unix)]
fn set_private(path: &std::path::Path) {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).unwrap();
}

#[cfg(not(unix))]
fn set_private(_: &std::path::Path) {}
