//! What a replay found.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::laws::Broken;
use super::seen::Seen;

/// Counts of one provider's exchanges.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Tally {
    /// Exchanges that were replayed.
    pub exchanges: u64,
    /// Those for which every law held.
    pub passed: u64,
    /// Those in which only known differences were found.
    pub known_differences: u64,
    /// Those in which a law did not hold.
    pub failed: u64,
    /// Those whose request does not continue the one before as it was: the recording client
    /// edited the history. All other laws were held against them, and they are counted above too.
    pub edited: u64,
}

/// A law that did not hold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Failure {
    /// The provider.
    pub provider: String,
    /// The recording.
    pub recording: String,
    /// The exchange in it, from 0.
    pub exchange: usize,
    /// Where, as a JSON pointer.
    pub path: String,
    /// What is wrong there.
    pub detail: String,
}

/// A difference that is understood and accepted: of one recording, at one path.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Known {
    /// The recording.
    pub recording: String,
    /// The path.
    pub path: String,
    /// Why.
    pub cause: String,
}

/// What a replay found, by provider.
#[derive(Debug, Default, Serialize)]
pub struct Report {
    /// Counts.
    pub providers: BTreeMap<String, Tally>,
    /// Every law that did not hold, and every known difference that no longer occurs or is one
    /// too many.
    pub failures: Vec<Failure>,
    /// Exchanges that are no model calls.
    pub skipped: u64,
    /// What the exchanges showed for which every law held, by provider: how many of each.
    pub shown: BTreeMap<String, BTreeMap<&'static str, u64>>,
    #[serde(skip)]
    found: Vec<Failure>,
}

/// At most this share of a provider's exchanges may hold known differences: one in so many.
const KNOWN_SHARE: u64 = 50;

impl Report {
    pub(super) fn saw(&mut self, provider: &str, seen: Seen) {
        let shown = self.shown.entry(provider.to_owned()).or_default();
        for capability in seen {
            *shown.entry(capability).or_default() += 1;
        }
    }

    pub(super) fn took(
        &mut self,
        provider: &str,
        recording: &str,
        exchange: usize,
        broken: Vec<Broken>,
        edited: bool,
    ) {
        let tally = self.providers.entry(provider.to_owned()).or_default();
        tally.exchanges += 1;
        tally.edited += u64::from(edited);
        if broken.is_empty() {
            tally.passed += 1;
        }
        self.found.extend(broken.into_iter().map(|(path, detail)| Failure {
            provider: provider.to_owned(),
            recording: recording.to_owned(),
            exchange,
            path,
            detail,
        }));
    }

    pub(super) fn unreadable(&mut self, recording: &str, detail: &str) {
        self.failures.push(Failure {
            provider: String::new(),
            recording: recording.to_owned(),
            exchange: 0,
            path: String::new(),
            detail: format!("the recording cannot be read: {detail}"),
        });
    }

    /// Sorts what was found into known differences and failures.
    pub(super) fn settle(&mut self, known: &[Known]) {
        let covers = |known: &Known, found: &Failure| {
            known.recording == found.recording && known.path == found.path
        };
        let mut exchanges: BTreeMap<(String, String, usize), bool> = BTreeMap::new();
        for found in std::mem::take(&mut self.found) {
            let key = (found.provider.clone(), found.recording.clone(), found.exchange);
            let is_known = known.iter().any(|known| covers(known, &found));
            let failed = exchanges.entry(key).or_default();
            *failed |= !is_known;
            if !is_known {
                self.failures.push(found);
                continue;
            }
            self.found.push(found);
        }
        for ((provider, _, _), failed) in exchanges {
            let tally = self.providers.entry(provider).or_default();
            if failed { tally.failed += 1 } else { tally.known_differences += 1 }
        }
        let found = std::mem::take(&mut self.found);
        for known in known.iter().filter(|known| !found.iter().any(|f| covers(known, f))) {
            self.fail("", &known.recording, &known.path, "a known difference does not occur");
        }
        let over =
            self.providers.iter().filter(|(_, t)| t.known_differences * KNOWN_SHARE > t.exchanges);
        let over: Vec<String> = over.map(|(name, _)| name.clone()).collect();
        for provider in over {
            self.fail(&provider, "", "", "more than one exchange in fifty has known differences");
        }
    }

    fn fail(&mut self, provider: &str, recording: &str, path: &str, detail: &str) {
        self.failures.push(Failure {
            provider: provider.to_owned(),
            recording: recording.to_owned(),
            exchange: 0,
            path: path.to_owned(),
            detail: detail.to_owned(),
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(broken: u64, whole: u64) -> Report {
        let mut report = Report::default();
        for index in 0..broken {
            let index = usize::try_from(index).unwrap();
            report.took("p", "a.yaml", index, vec![("/x".into(), "differs".into())], false);
        }
        for index in 0..whole {
            report.took("p", "b.yaml", usize::try_from(index).unwrap(), Vec::new(), false);
        }
        report
    }

    fn known(path: &str) -> Known {
        Known { recording: "a.yaml".into(), path: path.into(), cause: "understood".into() }
    }

    #[test]
    fn a_known_difference_covers_its_own_path_only() {
        let mut good = report(1, 49);
        good.settle(&[known("/x")]);
        assert_eq!(good.failures, []);
        let tally = good.providers["p"];
        assert_eq!((tally.passed, tally.known_differences, tally.failed), (49, 1, 0));
        let mut bad = report(1, 49);
        bad.settle(&[known("/y")]);
        assert_eq!(bad.failures.len(), 2, "the difference, and the known one that does not occur");
        assert_eq!(bad.providers["p"].failed, 1);
    }

    #[test]
    fn known_differences_may_be_one_exchange_in_fifty_and_no_more() {
        let mut report = report(1, 48);
        report.settle(&[known("/x")]);
        assert_eq!(report.failures.len(), 1);
        assert!(report.failures[0].detail.contains("fifty"));
    }
}
