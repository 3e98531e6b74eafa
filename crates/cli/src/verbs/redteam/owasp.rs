//! `largestack owasp`: both lists of OWASP, and of each risk what was tried just now.

use std::fmt::Write as _;
use std::path::PathBuf;

use clap::Args;
use serde_json::{Value, json};

use super::report::Results;
use super::risks::RISKS;
use super::{Attack, attacked};
use crate::args::Global;
use crate::exit;
use crate::failure::Outcome;
use crate::render::style::{FAINT, painted};
use crate::screen::Screen;

/// Tries every suite and says what came of it, risk by risk.
#[derive(Debug, Args)]
pub(crate) struct Owasp {
    /// The agent: a folder with agent.yaml; the current folder unless given
    path: Option<PathBuf>,
    /// Print one JSON document
    #[arg(long)]
    pub(crate) json: bool,
}

impl Owasp {
    pub(crate) fn perform(&self, global: &Global, screen: &mut Screen) -> Outcome {
        let attack = Attack { path: self.path.clone(), model: None, suites: Vec::new() };
        let done = attacked(&attack, &[], global)?;
        if self.json {
            screen.json(&document(&done.results))?;
        } else {
            screen.print(&matrix(&done.results))?;
        }
        Ok(exit::DONE)
    }
}

fn document(results: &Results) -> Value {
    let shares = results.by_risk();
    let risks = RISKS.iter().map(|(id, name)| {
        let share = shares.get(*id);
        json!({"id": id, "name": name, "tried": share.is_some(), "caught": share})
    });
    json!({
        "agent": results.agent,
        "model": results.model,
        "risks": risks.collect::<Vec<_>>(),
        "false_alarms": results.false_alarms(),
    })
}

fn matrix(results: &Results) -> String {
    let shares = results.by_risk();
    let mut text = String::new();
    // Writing to a string does not fail.
    for (id, name) in RISKS {
        let said = match shares.get(*id) {
            Some(share) => share.text(),
            None => painted(FAINT, "not tried: no suite of this program has an attack of it"),
        };
        let _ = writeln!(text, "{id:<6} {name:<38} {said}");
    }
    let _ = writeln!(text, "\nfalse alarms  {}", results.false_alarms().text());
    let _ = writeln!(
        text,
        "{}",
        painted(FAINT, "Of attacks on this agent with a model that obeys every one it can read.")
    );
    text
}
