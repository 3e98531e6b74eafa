//! What is known of the weights before they are fitted: which relations say much by themselves, and
//! which signals can only speak for an attack, or only against one.

use largestack_guard::inject::Signal;

/// Weights before fitting; of all others zero.
const EXPECTED: &[(&str, f64)] = &[
    ("classic", 4.0),
    ("conversation/decodes", 1.5),
    ("conversation/diverts", 1.0),
    ("conversation/extracts", 2.0),
    ("conversation/leaks", 1.0),
    ("conversation/limitless", 1.5),
    ("conversation/reborn", 1.5),
    ("conversation/unbinds", 1.5),
    ("data/begins", 0.5),
    ("data/bids", 1.5),
    ("data/covers", 0.5),
    ("data/decodes", 1.5),
    ("data/directs", 1.0),
    ("data/diverts", 3.0),
    ("data/ends", 1.0),
    ("data/enlists", 1.5),
    ("data/extracts", 1.0),
    ("data/hides", 1.5),
    ("data/leaks", 1.0),
    ("data/limitless", 0.5),
    ("data/obliges", 1.5),
    ("data/praises", 1.0),
    ("data/primes", 1.0),
    ("data/replaces", 1.0),
    ("data/skips", 0.3),
    ("data/unseen", 0.5),
    ("user/asks", 0.5),
    ("user/begins", 1.5),
    ("user/commands", 1.0),
    ("user/decodes", 2.0),
    ("user/diverts", 2.0),
    ("user/ends", 1.5),
    ("user/entitles", 1.0),
    ("user/extracts", 2.0),
    ("user/forgets", 1.0),
    ("user/hides", 1.0),
    ("user/leaks", 1.0),
    ("user/limitless", 1.5),
    ("user/overrides", 1.0),
    ("user/reborn", 1.5),
    ("user/replaces", 1.0),
    ("user/skips", 0.5),
    ("user/tasks", 0.5),
    ("user/unbinds", 1.5),
];

/// Signals that only speak for an attack.
const FOR: &[&str] = &[
    "address",
    "addressed",
    "asks",
    "begins",
    "bids",
    "called",
    "classic",
    "commands",
    "covers",
    "decodes",
    "demands",
    "directs",
    "disguised",
    "diverts",
    "ends",
    "enlists",
    "entitles",
    "extracts",
    "forgets",
    "hides",
    "instead",
    "leaks",
    "limitless",
    "obliges",
    "overrides",
    "praises",
    "primes",
    "query",
    "reads",
    "reborn",
    "replaces",
    "sends",
    "skips",
    "tasks",
    "topic",
    "unbinds",
    "unseen",
    "vocative",
];

/// Signals that only speak against one, as do all that stand in quotation marks.
const AGAINST: &[&str] = &["has:quoting", "has:report", "question", "taught"];

/// What is known, by the numbers of the signals.
pub(super) struct Known {
    pub(super) expected: Vec<f64>,
    /// The least and the most that each may be.
    pub(super) limits: Vec<(f64, f64)>,
}

impl Known {
    pub(super) fn of_all() -> Self {
        let names: Vec<String> = Signal::all().map(|signal| signal.to_string()).collect();
        let expected = |name: &String| {
            EXPECTED.iter().find(|(known, _)| known == name).map_or(0.0, |(_, weight)| *weight)
        };
        let limits = |name: &String| {
            let base = name.split_once('/').map_or(name.as_str(), |(_, base)| base);
            if FOR.contains(&base) {
                (0.0, f64::INFINITY)
            } else if AGAINST.contains(&base) || base.starts_with("quoted:") {
                (f64::NEG_INFINITY, 0.0)
            } else {
                (f64::NEG_INFINITY, f64::INFINITY)
            }
        };
        Self {
            expected: names.iter().map(expected).collect(),
            limits: names.iter().map(limits).collect(),
        }
    }
}

#[test]
fn what_is_known_is_known_of_signals_that_there_are() {
    let names: Vec<String> = Signal::all().map(|signal| signal.to_string()).collect();
    let known = EXPECTED.iter().map(|(name, _)| *name).chain(FOR.iter().chain(AGAINST).copied());
    for name in known {
        assert!(names.iter().any(|known| known == name), "{name}");
    }
}
