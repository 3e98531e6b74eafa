//! docs/cli-json.md against what the program prints: no key that the page lacks, and none that only
//! the page has.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::place::Place;

const PAGE: &str = include_str!("../../../../docs/cli-json.md");

/// Keys whose values are somebody else's: of journals, schemas, messages and providers.
const ELSEWHERE: &[&str] = &[
    "events",
    "messages",
    "arguments",
    "usage",
    "blobs",
    "exchanges",
    "session",
    "steps",
    "message",
];

fn keys(value: &Value, into: &mut BTreeSet<String>) {
    match value {
        Value::Object(map) => {
            for (key, value) in map {
                into.insert(key.clone());
                if !ELSEWHERE.contains(&key.as_str()) || value.is_array() && key == "exchanges" {
                    keys(value, into);
                }
            }
        }
        Value::Array(list) => list.iter().for_each(|value| keys(value, into)),
        _ => {}
    }
}

/// The words in backticks of a text.
fn words(text: &str) -> BTreeSet<String> {
    text.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

/// The row of a verb.
fn row(verb: &str) -> &'static str {
    let begins = |line: &&str| {
        line.strip_prefix('|')
            .and_then(|line| line.split('|').next())
            .is_some_and(|verbs| verbs.split(", ").any(|one| one.trim().trim_matches('`') == verb))
    };
    PAGE.lines().find(begins).unwrap_or_else(|| panic!("the page has no row of `{verb}`"))
}

/// What a row says beside the verb, without what stands in parentheses.
fn outside(row: &str) -> String {
    let (mut depth, mut text) = (0_u32, String::new());
    for character in row.splitn(3, '|').nth(2).unwrap_or_default().chars() {
        match character {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            other if depth == 0 => text.push(other),
            _ => {}
        }
    }
    text
}

fn place() -> Place {
    let place = Place::with_library();
    place.run(&["run", "library", "How long may I keep a book?", "--session", "s"]).expect(0);
    place.write(
        "library/tests.yaml",
        "cases:\n  - {name: one, ask: How long?, expect: {contains: [zzz]}}\n",
    );
    place.write("bad/agent.yaml", "name: bad\nbudgt: 1\ninstructions: Help.\n");
    place
}

#[test]
fn every_document_has_the_keys_that_the_page_lists_and_no_others() {
    let place = place();
    let pipe = |words: &[&str]| place.pipe(b"sk-none", words);
    let commands: &[(&str, &[&str])] = &[
        ("trace", &["trace", "library", "--json"]),
        ("replay RUN", &["replay", "library", "last", "--json"]),
        ("cost", &["cost", "library", "--json"]),
        ("cost predict", &["cost", "predict", "hello", "--json"]),
        ("kill", &["kill", "library", "--reason", "x", "--json"]),
        ("resume --reason", &["resume", "library", "--reason", "y", "--json"]),
        ("secret set", &["secret", "set", "openai", "--json"]),
        ("secret list", &["secret", "list", "--json"]),
        ("secret remove", &["secret", "remove", "openai", "--json"]),
        ("approvals", &["approvals", "library", "--json"]),
        ("sessions list", &["sessions", "list", "library", "--json"]),
        ("sessions show", &["sessions", "show", "library", "s", "--json"]),
        ("sessions export", &["sessions", "export", "library", "s"]),
        ("doctor", &["doctor", "library", "--json"]),
        ("check", &["check", "bad", "--json"]),
        ("check", &["check", "library", "--json"]),
        ("test", &["test", "library", "--json"]),
        ("config explain", &["config", "explain", "library", "--json"]),
        ("new", &["new", "other", "--json"]),
        ("explain", &["explain", "LARGESTACK_BUDGET", "--json"]),
        ("version", &["version", "--json"]),
    ];
    for (verb, command) in commands {
        let done = pipe(command);
        let (mut printed, row) = (BTreeSet::new(), row(verb));
        keys(&done.json(), &mut printed);
        let said = words(row);
        let unsaid: Vec<_> = printed.iter().filter(|key| !said.contains(*key)).collect();
        assert!(unsaid.is_empty(), "the row of `{verb}` lacks {unsaid:?}: {}", done.out);
        let first = outside(row);
        let first = first.split(&[':', ';'][..]).next().unwrap_or_default();
        for key in words(first) {
            let optional = ["blobs", "digest", "page"].contains(&key.as_str());
            assert!(optional || printed.contains(&key), "`{verb}` has no `{key}`: {}", done.out);
        }
    }
}
