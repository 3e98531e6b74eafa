//! What came of the cases: as text, as JSON, and as the JUnit report that build servers read.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use largestack_agent::Report;
use largestack_config::Case;
use largestack_types::errors::{Coded, LargestackError, Result};
use largestack_types::money::Money;
use serde::Serialize;

use crate::render::junit;
use crate::render::run_json::dollars;
use crate::render::style::{BAD, FAINT, GOOD, STRONG, painted};
use crate::render::text::{clean, counted};

use super::judge::{Judge, Wrongs};

/// A case asked once.
#[derive(Serialize)]
pub(super) struct Asked {
    passed: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    run: Option<String>,
    cost_nanos: i64,
    failures: Wrongs,
}

impl Asked {
    /// What came of a case, and of its cassette.
    pub(super) fn of(
        asked: &Result<Report>,
        judge: &Judge,
        cassette: Option<&LargestackError>,
    ) -> Self {
        let (run, cost, mut failures) = match asked {
            Ok(report) => (Some(report.run.to_string()), report.cost.nanos(), judge.report(report)),
            Err(error) => (None, 0, judge.refusal(error)),
        };
        // Said once, where it is also why the run did not begin.
        let known = |error: &LargestackError| asked.as_ref().err() == Some(error);
        let cassette = cassette.filter(|error| !known(error));
        failures.extend(cassette.map(Coded::message));
        Self { passed: failures.is_empty(), run, cost_nanos: cost, failures }
    }
}

/// What came of a case.
#[derive(Serialize)]
pub(super) struct Tested {
    name: Arc<str>,
    passed: bool,
    /// How many of its repeats had to be as expected.
    needed: u32,
    asked: Vec<Asked>,
}

impl Tested {
    pub(super) fn of(case: &Case) -> Self {
        Self { name: case.name.clone(), passed: false, needed: case.passes, asked: Vec::new() }
    }

    pub(super) fn add(&mut self, asked: Asked) {
        self.asked.push(asked);
        self.passed = self.good() >= self.needed as usize;
    }

    fn good(&self) -> usize {
        self.asked.iter().filter(|asked| asked.passed).count()
    }

    /// What is wrong, each with the run it came of.
    fn failures(&self) -> impl Iterator<Item = (&str, &str)> {
        self.asked.iter().flat_map(|asked| {
            let run = asked.run.as_deref().unwrap_or("no run");
            asked.failures.iter().map(move |failure| (run, failure.as_str()))
        })
    }
}

/// What came of all cases.
pub(super) struct Results {
    agent: Arc<str>,
    state: PathBuf,
    cases: Vec<Tested>,
}

#[derive(Serialize)]
pub(super) struct Document<'a> {
    agent: &'a str,
    passed: bool,
    state: &'a Path,
    cost_usd: String,
    cases: &'a [Tested],
}

impl Results {
    pub(super) fn of(agent: &Arc<str>, state: &Path) -> Self {
        Self { agent: agent.clone(), state: state.to_owned(), cases: Vec::new() }
    }

    pub(super) fn add(&mut self, case: Tested) {
        self.cases.push(case);
    }

    /// Whether every case came out as expected.
    pub(super) fn passed(&self) -> bool {
        self.cases.iter().all(|case| case.passed)
    }

    fn cost(&self) -> Money {
        let nanos = self.cases.iter().flat_map(|case| &case.asked).map(|asked| asked.cost_nanos);
        Money::from_nanos(nanos.fold(0, i64::saturating_add))
    }

    pub(super) fn document(&self) -> Document<'_> {
        Document {
            agent: &self.agent,
            passed: self.passed(),
            state: &self.state,
            cost_usd: dollars(self.cost()),
            cases: &self.cases,
        }
    }

    pub(super) fn text(&self) -> String {
        let mut text = String::new();
        // Writing to a string does not fail.
        for case in &self.cases {
            let mark = if case.passed { painted(GOOD, "ok    ") } else { painted(BAD, "FAILED") };
            let times = match case.asked.len() {
                1 => String::new(),
                all => format!("  {} of {all}, {} needed", case.good(), case.needed),
            };
            let name = painted(STRONG, clean(&case.name));
            let _ = writeln!(text, "{mark}  {name}{}", painted(FAINT, times));
            for (run, failure) in case.failures() {
                let _ = writeln!(text, "        {}", clean(failure).replace('\n', "\n        "));
                let _ = writeln!(text, "          {}", painted(FAINT, run));
            }
        }
        let all = self.cases.len();
        let good = self.cases.iter().filter(|case| case.passed).count();
        let count = counted(all.try_into().unwrap_or(u64::MAX), "case");
        let cost = dollars(self.cost());
        let verdict = if good == all {
            painted(GOOD, format!("{count} passed, ${cost}."))
        } else {
            painted(BAD, format!("{} of {count} failed, ${cost}.", all - good))
        };
        let _ = writeln!(text, "\n{verdict}");
        if good != all {
            let state = self.state.display();
            let hint = format!("How one came about: largestack trace RUN --state {state}");
            let _ = writeln!(text, "{}", painted(FAINT, hint));
        }
        text
    }

    /// The report that build servers read.
    pub(super) fn junit(&self) -> Result<Vec<u8>> {
        let cases = self.cases.iter().map(|case| junit::Case {
            name: case.name.to_string(),
            failures: case.failures().map(|(run, wrong)| format!("{wrong} ({run})")).collect(),
        });
        junit::report(&self.agent, &cases.collect::<Vec<_>>())
    }
}
