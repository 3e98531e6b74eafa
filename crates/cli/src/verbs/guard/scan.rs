//! `largestack guard scan`: findings as a table, or one line of JSON for each text.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt::Write as _;

use clap::{Args, ValueEnum};
use largestack_guard::inject::{self, Channel, Verdict, score};
use largestack_guard::{Finding, Guard, Nonce, Session};
use largestack_types::errors::{Code, LargestackError, Result};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::decision::Decision;
use super::input::Input;
use super::policy::Typed;
use crate::failure::Outcome;
use crate::render::sarif;
use crate::screen::Screen;
use crate::verbs::Speech;

/// What a text that tries to give orders is called.
const INJECTION: &str = "injection";

/// Scans texts.
#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag that stands for itself")]
pub(crate) struct Scan {
    #[command(flatten)]
    input: Input,
    /// A mode (observe, warn, protect, strict), and actions of kinds: warn,email=redact
    #[arg(long, default_value = "protect", value_name = "POLICY")]
    policy: Typed,
    /// What the text is: what somebody asks, what a model answers, or what a tool says (JSON is
    /// then read value by value)
    #[arg(long, value_enum, default_value_t, value_name = "DIRECTION")]
    direction: Direction,
    /// Print one JSON object for each line of the input
    #[arg(long)]
    json: bool,
    /// As --json, and each line of the input is {"id": .., "text": ..}
    #[arg(long)]
    jsonl: bool,
    /// As --json, and the whole input is one text
    #[arg(long, conflicts_with = "jsonl")]
    whole: bool,
    /// Print the findings of the whole input as one SARIF document
    #[arg(long, conflicts_with_all = ["json", "jsonl", "whole", "injection"])]
    sarif: bool,
    /// Print the values that were found, too
    #[arg(long)]
    values: bool,
    /// Print the score of prompt injection and its reasons, also where it is not flagged
    #[arg(long)]
    injection: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Direction {
    #[default]
    Input,
    Output,
    Tool,
}

/// One text that was given.
#[derive(Deserialize)]
struct Line {
    #[serde(default)]
    id: Option<serde_json::Value>,
    text: String,
}

/// What is said of one text.
#[derive(Serialize)]
struct Said<'t> {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<serde_json::Value>,
    action: Decision,
    findings: Vec<Shown<'t>>,
    /// Where asked for; absent where the text holds nothing that an attack is made of.
    #[serde(skip_serializing_if = "Option::is_none")]
    injection: Option<Verdict>,
    /// The text that may go on; `null` where none may.
    text: Option<&'t str>,
}

/// One finding, without its value unless asked.
#[derive(Serialize)]
pub(super) struct Shown<'t> {
    kind: &'static str,
    /// Bytes of the text that was given.
    start: usize,
    end: usize,
    score: u8,
    detector: &'static str,
    validated: bool,
    action: Decision,
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<&'t str>,
}

impl Shown<'_> {
    /// The finding as a result of SARIF.
    fn result(&self, file: &str, lines: &sarif::Lines<'_>, reasons: &[String]) -> Value {
        let level = match self.action {
            Decision::Allow => "note",
            Decision::Block => "error",
            _ => "warning",
        };
        let sure = if self.validated { "validated" } else { "by shape" };
        let told = match self.kind {
            INJECTION => format!("because of {}", reasons.join(", ")),
            _ => format!("by {} ({sure})", self.detector),
        };
        let mut region = lines.region(self.start..self.end);
        if let (Some(value), Some(region)) = (self.value, region.as_object_mut()) {
            region.insert("snippet".to_owned(), json!({"text": value}));
        }
        json!({
            "ruleId": self.kind,
            "level": level,
            "rank": self.score,
            "message": {"text": format!("{}, {told}: {}", self.kind, self.action.name())},
            "locations": [sarif::location(file, Some(region))],
            "properties": {
                "action": self.action,
                "detector": self.detector,
                "validated": self.validated,
            },
        })
    }
}

impl Scan {
    /// How results and errors are said.
    pub(super) fn speech(&self) -> Speech {
        match (self.sarif, self.is_json()) {
            (true, _) => Speech::Document,
            (false, true) => Speech::Lines,
            (false, false) => Speech::Text,
        }
    }

    fn is_json(&self) -> bool {
        self.json || self.jsonl || self.whole
    }

    pub(super) fn perform(&self, screen: &mut Screen) -> Outcome {
        let text = self.input.read()?;
        let guard = Guard::new(self.policy.policy());
        let mut worst = Decision::Allow;
        if self.jsonl {
            for (number, line) in text.lines().enumerate().filter(|(_, l)| !l.trim().is_empty()) {
                let Line { id, text } = parsed(line, number + 1)?;
                worst = worst.max(self.say(guard, &text, id, screen)?);
            }
        } else if self.json && !self.whole {
            let empty = text.is_empty();
            for line in text.lines().chain(empty.then_some("")) {
                worst = worst.max(self.say(guard, line, None, screen)?);
            }
        } else if self.sarif {
            worst = self.report(guard, &text, screen)?;
        } else if self.whole {
            worst = self.say(guard, &text, None, screen)?;
        } else {
            worst = self.show(guard, &text, screen)?;
        }
        Ok(worst.code())
    }

    /// One line of JSON about one text.
    fn say(
        &self,
        guard: Guard,
        text: &str,
        id: Option<serde_json::Value>,
        screen: &mut Screen,
    ) -> std::result::Result<Decision, crate::failure::Failure> {
        let Looked { action, findings, told, .. } = self.look(guard, text);
        let injection = self.injection.then(|| score(text, self.channel())).flatten();
        let text = told.as_deref();
        screen.json_line(&Said { id, action, findings, injection, text })?;
        Ok(action)
    }

    /// What one text holds, as SARIF; the rules are the kinds that were found.
    fn report(
        &self,
        guard: Guard,
        text: &str,
        screen: &mut Screen,
    ) -> std::result::Result<Decision, crate::failure::Failure> {
        let Looked { action, findings, reasons, .. } = self.look(guard, text);
        let file = self.input.file().map_or_else(|| "stdin".to_owned(), sarif::uri);
        let kinds: BTreeSet<&str> = findings.iter().map(|finding| finding.kind).collect();
        let rules: Vec<Value> = kinds.into_iter().map(|kind| sarif::rule(kind, kind)).collect();
        let lines = sarif::Lines::of(text);
        let results = findings.iter().map(|found| found.result(&file, &lines, &reasons));
        screen.json(&sarif::report("largestack guard", &rules, &results.collect::<Vec<_>>()))?;
        Ok(action)
    }

    /// A table of what one text holds.
    fn show(
        &self,
        guard: Guard,
        text: &str,
        screen: &mut Screen,
    ) -> std::result::Result<Decision, crate::failure::Failure> {
        let Looked { action, findings, reasons, told } = self.look(guard, text);
        if findings.is_empty() {
            screen.print("Nothing was found.\n")?;
            return Ok(action);
        }
        let mut page = String::new();
        for finding in &findings {
            page.push_str(&line(finding));
        }
        // Writing to a string cannot fail.
        if !reasons.is_empty() {
            let _ = writeln!(page, "injection, because of {}", reasons.join(", "));
        }
        let _ = writeln!(page, "decision: {}", action.name());
        screen.print(&page)?;
        if let Some(told) = told.filter(|_| action.alters()) {
            screen.print(&format!("{}\n", told.trim_end_matches('\n')))?;
        }
        Ok(action)
    }

    /// What becomes of a text: values first, then what tries to give orders, as in a run.
    fn look<'t>(&self, guard: Guard, text: &'t str) -> Looked<'t> {
        let mut session = session();
        let protected = self.protect(guard, text, &mut session);
        let mut action = Decision::from(protected.action);
        let mut findings: Vec<_> =
            protected.findings.iter().map(|f| shown(f, guard, text, self.values)).collect();
        let (injection, mut reasons) = (guard.policy().injection, Vec::new());
        let mut told = protected.text;
        if let Some(found) = injection.screen(text, self.channel()) {
            action = action.max(found.action.into());
            reasons = found.verdict.reasons.iter().map(|one| one.signal.to_string()).collect();
            findings.push(injected(&found.verdict, found.action, text, self.values));
            let isolated = injection.screen(&told, self.channel()).and_then(|found| found.text);
            told = isolated.map_or(told, Cow::Owned);
        }
        let told = (action != Decision::Block).then_some(told);
        Looked { action, findings, reasons, told }
    }

    const fn channel(&self) -> Channel {
        match self.direction {
            Direction::Input => Channel::User,
            Direction::Output | Direction::Tool => Channel::Data,
        }
    }

    fn protect<'t>(
        &self,
        guard: Guard,
        text: &'t str,
        session: &mut Session,
    ) -> largestack_guard::Protected<'t> {
        if self.direction == Direction::Tool {
            guard.protect_json(text, session)
        } else {
            guard.protect(text, session)
        }
    }
}

/// What was found in a text, and what may go on of it.
struct Looked<'t> {
    action: Decision,
    findings: Vec<Shown<'t>>,
    /// Why it reads like an attempt to give orders, where it does.
    reasons: Vec<String>,
    told: Option<Cow<'t, str>>,
}

/// A text that tries to give orders, as a finding.
fn injected<'t>(
    verdict: &Verdict,
    action: inject::Action,
    text: &'t str,
    values: bool,
) -> Shown<'t> {
    let span = verdict.span.clone();
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "from 0 to 100")]
    let score = verdict.sureness().round() as u8;
    Shown {
        kind: INJECTION,
        start: span.start,
        end: span.end,
        score,
        detector: INJECTION,
        validated: false,
        action: action.into(),
        value: text.get(span).filter(|_| values),
    }
}

/// What makes the placeholders of a scan: the same each time, and of no use to any run.
pub(super) fn session() -> Session {
    Session::new(Nonce::from_random(0))
}

/// A finding as it is said.
pub(super) fn shown<'t>(finding: &Finding, guard: Guard, text: &'t str, values: bool) -> Shown<'t> {
    let Finding { kind, span, score, detector, validated } = finding;
    Shown {
        kind: kind.name(),
        start: span.start,
        end: span.end,
        score: *score,
        detector,
        validated: *validated,
        action: guard.policy().action(*kind).into(),
        value: text.get(span.clone()).filter(|_| values),
    }
}

/// A finding in a line of text.
pub(super) fn line(shown: &Shown<'_>) -> String {
    let Shown { kind, start, end, score, detector, validated, action, value } = shown;
    let place = format!("{start}..{end}");
    let sure = if *validated { "validated" } else { "by shape" };
    let value = value.map(|value| format!("  {value:?}")).unwrap_or_default();
    let action = action.name();
    format!("{place:<12} {kind:<14} {action:<9} {score:>3}  {detector} ({sure}){value}\n")
}

fn parsed(line: &str, number: usize) -> Result<Line> {
    serde_json::from_str(line).map_err(|error| {
        LargestackError::with_advice(
            Code::Input,
            format!("line {number} is no {{\"id\", \"text\"}}: {error}"),
            "Give one JSON object a line, or leave --jsonl out for plain lines",
        )
    })
}
