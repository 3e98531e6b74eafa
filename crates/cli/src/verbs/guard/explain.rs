//! `largestack guard explain`: how each thing in a text was told, and the ways in which the text
//! was read; without a text, everything that can be found.

use std::fmt::Write as _;

use clap::Args;
use largestack_guard::{Detector, Guard, Kind, detectors, readings};
use serde::Serialize;

use super::decision::Decision;
use super::input::Input;
use super::policy::Typed;
use super::scan::{line, shown};
use crate::exit;
use crate::failure::Outcome;
use crate::screen::Screen;
use crate::verbs::Speech;

/// Explains what is found.
#[derive(Debug, Args)]
pub(crate) struct Explain {
    #[command(flatten)]
    input: Input,
    /// A mode (observe, warn, protect, strict), and actions of kinds: warn,email=redact
    #[arg(long, default_value = "warn", value_name = "POLICY")]
    policy: Typed,
    /// List what can be found instead, all of it or of one kind or detector
    #[arg(long, value_name = "KIND|DETECTOR", num_args = 0..=1, default_missing_value = "")]
    detectors: Option<String>,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Explained<'t> {
    action: &'static str,
    findings: Vec<Because<'t>>,
    readings: Vec<Read<'t>>,
}

#[derive(Serialize)]
struct Because<'t> {
    #[serde(flatten)]
    shown: super::scan::Shown<'t>,
    because: String,
}

/// One way in which the text was read.
#[derive(Serialize)]
struct Read<'t> {
    form: &'static str,
    depth: u8,
    text: &'t str,
}

impl Explain {
    /// How results and errors are said.
    pub(super) fn speech(&self) -> Speech {
        if self.json { Speech::Document } else { Speech::Text }
    }

    pub(super) fn perform(&self, screen: &mut Screen) -> Outcome {
        match &self.detectors {
            Some(wanted) => self.list(wanted, screen),
            None if !self.input.is_given() => self.list("", screen),
            None => self.explain(screen),
        }
    }

    fn explain(&self, screen: &mut Screen) -> Outcome {
        let text = self.input.read()?;
        let guard = Guard::new(self.policy.policy());
        let scan = guard.scan(&text);
        let known = detectors();
        let because = |name: &str| {
            let of = known.iter().find(|detector| detector.name == name);
            of.map(|detector| detector.about.clone()).unwrap_or_default()
        };
        let readings = readings(&text);
        if self.json {
            let findings = scan.findings.iter().map(|finding| Because {
                shown: shown(finding, guard, &text, false),
                because: because(finding.detector),
            });
            let readings = readings.iter().map(|reading| Read {
                form: reading.form.name(),
                depth: reading.depth,
                text: &reading.text,
            });
            screen.json(&Explained {
                action: scan.action.name(),
                findings: findings.collect(),
                readings: readings.collect(),
            })?;
            return Ok(Decision::from(scan.action).code());
        }
        let mut page = String::new();
        for finding in &scan.findings {
            page.push_str(&line(&shown(finding, guard, &text, false)));
            // Writing to a string cannot fail.
            let _ = writeln!(page, "    {}", because(finding.detector));
        }
        if scan.findings.is_empty() {
            page.push_str("Nothing was found.\n");
        }
        for reading in readings.iter().skip(1) {
            let _ = writeln!(page, "also read as {}: {:?}", reading.form.name(), reading.text);
        }
        let _ = writeln!(page, "decision: {}", scan.action.name());
        screen.print(&page)?;
        Ok(Decision::from(scan.action).code())
    }

    /// What can be found.
    fn list(&self, wanted: &str, screen: &mut Screen) -> Outcome {
        let mut all = detectors();
        if !wanted.is_empty() {
            all.retain(|one| one.name == wanted || one.kind.name() == wanted);
            if all.is_empty() {
                return Err(nothing(wanted).into());
            }
        }
        if self.json {
            screen.json(&all)?;
        } else {
            screen.print(&listed(&all))?;
        }
        Ok(exit::DONE)
    }
}

fn listed(all: &[Detector]) -> String {
    let mut page = String::new();
    for kind in Kind::ALL {
        let of: Vec<&Detector> = all.iter().filter(|one| one.kind == kind).collect();
        if of.is_empty() {
            continue;
        }
        // Writing to a string cannot fail.
        let _ = writeln!(page, "{} ({})", kind.name(), of.len());
        for one in of {
            let _ = writeln!(page, "  {:<26} {}", one.name, one.about);
        }
    }
    page
}

fn nothing(wanted: &str) -> largestack_types::errors::LargestackError {
    largestack_types::errors::LargestackError::with_advice(
        largestack_types::errors::Code::NotFound,
        format!("no kind or detector is named {wanted}"),
        "`largestack guard explain --detectors` lists them",
    )
}
