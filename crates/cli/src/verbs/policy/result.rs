//! What was said of the calls: as text and as JSON.

use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;

use largestack_agent::Report;
use largestack_config::PolicyCase;
use largestack_engine::Status;
use largestack_engine::event::PolicyDecided;
use largestack_types::errors::{Code, Coded as _, LargestackError, Result};
use largestack_types::part::{Body, Part};
use largestack_types::policy::{Decision, Reason};
use serde::Serialize;

use super::scene::Scene;
use crate::render::style::{BAD, FAINT, GOOD, STRONG, painted};
use crate::render::text::{clean, counted};

/// A case, and what was said of its call.
#[derive(Serialize)]
pub(super) struct Judged {
    name: Arc<str>,
    passed: bool,
    tool: Arc<str>,
    expected: Decision,
    /// Nothing where the call was not judged.
    decided: Option<Decision>,
    /// The policies that had something to say of it.
    reasons: Vec<Reason>,
    #[serde(skip_serializing_if = "Option::is_none")]
    failure: Option<String>,
    /// The run that shows it; nothing where none began.
    #[serde(skip_serializing_if = "Option::is_none")]
    run: Option<String>,
}

impl Judged {
    pub(super) fn of(
        case: &PolicyCase,
        scene: &Scene,
        report: &Result<Report>,
        decisions: Vec<PolicyDecided>,
    ) -> Self {
        let decided = decided(scene, report, &case.tool);
        // Labels and the operator's own policies decide about a call one after the other.
        let last = decisions.last().map(|decided| decided.effect);
        let of_call = decisions.into_iter().filter(|decided| Some(decided.effect) == last);
        let reasons: Vec<Reason> = of_call.flat_map(|decided| decided.reasons).collect();
        let failure = match &decided {
            Err(because) => Some(format!("the call was not judged: {because}")),
            Ok(decided) if *decided != case.expect => {
                Some(format!("expected {}, and it is {}", case.expect.name(), decided.name()))
            }
            Ok(decided) => case.by.as_deref().and_then(|by| unsaid(by, *decided, &reasons)),
        };
        Self {
            name: Arc::clone(&case.name),
            passed: failure.is_none(),
            tool: Arc::clone(&case.tool),
            expected: case.expect,
            decided: decided.ok(),
            reasons,
            failure,
            run: report.as_ref().ok().map(|report| report.run.to_string()),
        }
    }
}

/// What is wrong where a policy is not among those that have decided so.
fn unsaid(by: &str, decided: Decision, reasons: &[Reason]) -> Option<String> {
    let mut deciding = reasons.iter().filter(|reason| reason.decision == decided);
    if deciding.any(|reason| &*reason.policy == by) {
        return None;
    }
    Some(format!("it is {} as expected, and `{by}` has not said so", decided.name()))
}

/// What became of the call, or why nothing can be said of it.
fn decided(
    scene: &Scene,
    report: &Result<Report>,
    tool: &str,
) -> std::result::Result<Decision, String> {
    let report = match report {
        Ok(Report { error: Some(error), .. }) | Err(error) => {
            return if scene.asked && is_refusal(error) {
                Ok(Decision::Refuse)
            } else {
                Err(error.message())
            };
        }
        Ok(report) => report,
    };
    let said = || report.messages.iter().flat_map(|message| &message.parts).filter_map(result);
    if scene.called {
        return Ok(Decision::Allow);
    }
    if report.status == Status::Suspended {
        return if scene.asked {
            Ok(Decision::RequireApproval)
        } else {
            Err("what was to be read before needs an approval itself".to_owned())
        };
    }
    let answers: Vec<&str> =
        said().filter(|(name, _)| *name == tool).map(|(_, text)| text).collect();
    match answers.last() {
        Some(text) if scene.asked && text.contains(Code::ToolPerm.name()) => Ok(Decision::Refuse),
        Some(text) => Err((*text).to_owned()),
        None => Err(format!("the run ended ({}) before the call", report.status)),
    }
}

fn is_refusal(error: &LargestackError) -> bool {
    matches!(error.code(), Code::ToolPerm | Code::Approval)
}

/// What a tool has answered, with its name.
fn result(part: &Part) -> Option<(&str, &str)> {
    match &part.body {
        Body::ToolResult(result) => Some((&result.name, &result.text)),
        _ => None,
    }
}

/// What was said of all cases.
pub(super) struct Results<'r> {
    pub(super) agent: &'r str,
    pub(super) state: &'r Path,
    pub(super) cases: Vec<Judged>,
}

#[derive(Serialize)]
pub(super) struct Document<'r> {
    agent: &'r str,
    passed: bool,
    state: &'r Path,
    cases: &'r [Judged],
}

impl Results<'_> {
    /// Whether everything is as expected.
    pub(super) fn passed(&self) -> bool {
        self.cases.iter().all(|case| case.passed)
    }

    pub(super) fn document(&self) -> Document<'_> {
        Document { agent: self.agent, passed: self.passed(), state: self.state, cases: &self.cases }
    }

    pub(super) fn text(&self) -> String {
        let mut text = String::new();
        // Writing to a string does not fail.
        for case in &self.cases {
            let mark = if case.passed { painted(GOOD, "ok    ") } else { painted(BAD, "FAILED") };
            let name = painted(STRONG, clean(&case.name));
            let decided = case.decided.map_or("not judged", Decision::name);
            let facts = painted(FAINT, format!("{}: {decided}", clean(&case.tool)));
            let _ = writeln!(text, "{mark}  {name}  {facts}");
            let Some(failure) = &case.failure else { continue };
            let _ = writeln!(text, "        {}", clean(failure).replace('\n', "\n        "));
            for reason in &case.reasons {
                let said = format!(
                    "`{}` says {}: {}",
                    clean(&reason.policy),
                    reason.decision.name(),
                    clean(&reason.why)
                );
                let _ = writeln!(text, "          {}", painted(FAINT, said));
            }
            if let Some(run) = &case.run {
                let _ = writeln!(text, "          {}", painted(FAINT, run));
            }
        }
        let all = self.cases.len();
        let good = self.cases.iter().filter(|case| case.passed).count();
        let count = counted(all.try_into().unwrap_or(u64::MAX), "case");
        let verdict = if good == all {
            painted(GOOD, format!("{count} passed."))
        } else {
            painted(BAD, format!("{} of {count} failed.", all - good))
        };
        let _ = writeln!(text, "\n{verdict}");
        if good != all {
            let hint = format!(
                "How one came about: largestack trace RUN --state {}",
                self.state.display()
            );
            let _ = writeln!(text, "{}", painted(FAINT, hint));
        }
        text
    }
}
