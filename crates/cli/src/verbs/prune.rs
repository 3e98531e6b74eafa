//! `largestack prune`: removes runs that need not be kept any longer, or keeps less of them.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use largestack_agent::compact::{Shrunk, compact};
use largestack_config::Retention;
use largestack_ports::retention::{Pruned, Rule};
use largestack_types::errors::{Code, LargestackError, Result};
use largestack_types::time::Timestamp;
use serde::Serialize;

use super::providers::project;
use crate::args::Global;
use crate::compose::{self, blocking};
use crate::exit;
use crate::failure::Outcome;
use crate::render::amount::bytes;
use crate::render::text::counted;
use crate::screen::Screen;
use crate::shared::{For, Shared};

/// Removes runs.
#[derive(Debug, Args)]
pub(crate) struct Prune {
    /// The project; the nearest one unless given
    path: Option<PathBuf>,
    /// Runs that were last written so long ago, e.g. 30d; `retention.older_than` unless given
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    older_than: Option<Duration>,
    /// So many of the newest stay, whatever their age; `retention.keep` unless given
    #[arg(long, value_name = "COUNT")]
    keep: Option<u32>,
    /// Keep the runs, and give up their events but for the first and the end: what was said and what it
    /// cost stays, how it came about goes. `retention.compact_after` says how old they have to be unless
    /// --older-than does
    #[arg(long)]
    compact: bool,
    /// Say what would be done, and do nothing
    #[arg(long)]
    dry_run: bool,
    /// Print one JSON document
    #[arg(long)]
    pub(crate) json: bool,
}

fn duration(text: &str) -> Result<Duration, String> {
    let read = largestack_types::duration::parse(text);
    read.ok_or_else(|| "write it like 30d, 12h or 90m".to_owned())
}

#[derive(Serialize)]
struct Document {
    dry_run: bool,
    #[serde(flatten)]
    pruned: Option<Pruned>,
    #[serde(skip_serializing_if = "Option::is_none")]
    compacted: Option<Shrunk>,
    /// Why no run was compacted.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<LargestackError>,
}

/// What was done, and what kept a part of it from being done: what went before is told all the same.
fn report(
    (pruned, compacted): (Option<Pruned>, Option<Result<Shrunk>>),
    (dry_run, json): (bool, bool),
    screen: &mut Screen,
) -> Outcome {
    let (compacted, error) = match compacted.transpose() {
        Ok(compacted) => (compacted, None),
        Err(error) => (None, Some(error)),
    };
    let failed = compacted.as_ref().and_then(|done| done.first_failed.as_ref());
    let why = error.clone().or_else(|| failed.map(|failed| failed.error.clone()));
    if let (None, Some(error)) = (pruned, &error) {
        return Err(error.clone().into());
    }
    if json {
        let code = why.as_ref().map_or(exit::DONE, exit::of_error);
        screen.json(&Document { dry_run, pruned, compacted, error })?;
        return Ok(code);
    }
    let removed = pruned.map(|pruned| said(&pruned, dry_run));
    let left = compacted.map(|compacted| kept_less(&compacted, dry_run));
    screen.print(&[removed, left].into_iter().flatten().collect::<String>())?;
    why.map_or(Ok(exit::DONE), |error| Err(error.into()))
}

/// What is to be done, by which rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Plan {
    remove: Option<Rule>,
    compact: Option<Rule>,
}

impl Prune {
    pub(crate) fn perform(&self, global: &Global, screen: &mut Screen) -> Outcome {
        let plan = self.plan(&project(self.path.as_deref())?.retention, compose::now())?;
        let (_, shared) = Shared::of_project(global, self.path.as_deref(), For::Writing)?;
        let journal = &*shared.journal;
        let runs = journal
            .retention()
            .ok_or_else(|| LargestackError::other(Code::Config, "this state keeps no runs"))?;
        let scope = compose::scope();
        let pruned = plan.remove.map(|rule| blocking(runs.prune(&scope, rule)));
        let pruned = pruned.transpose()?.transpose()?;
        let compacted = plan.compact.map(|rule| blocking(compact(journal, &scope, rule)));
        report((pruned, compacted.transpose()?), (self.dry_run, self.json), screen)
    }

    /// Each limit as it was typed, else as the project says it. What is typed is about one of both.
    fn plan(&self, project: &Retention, now: Timestamp) -> Result<Plan> {
        let rule = |older_than: Option<Duration>, keep: Option<u32>| {
            let before = older_than.map(|age| {
                let age = i64::try_from(age.as_micros()).unwrap_or(i64::MAX);
                Timestamp::from_micros(now.micros().saturating_sub(age))
            });
            let says = older_than.is_some() || keep.is_some();
            let keep = keep.unwrap_or(0).into();
            says.then_some(Rule { before, keep, dry_run: self.dry_run })
        };
        let is_typed = self.older_than.is_some() || self.keep.is_some();
        let after = rule(self.older_than.or(project.compact_after), self.keep);
        let remove = rule(self.older_than.or(project.older_than), self.keep.or(project.keep));
        let plan = if self.compact {
            Plan { remove: None, compact: after }
        } else {
            Plan { remove, compact: after.filter(|_| !is_typed) }
        };
        if plan == (Plan { remove: None, compact: None }) {
            return Err(LargestackError::with_advice(
                Code::Input,
                "nothing says which runs may go",
                "Say --older-than 30d or --keep 1000, or write `retention` into largestack.yaml",
            ));
        }
        Ok(plan)
    }
}

fn kept_less(compacted: &Shrunk, dry_run: bool) -> String {
    let (gave, stay) =
        if dry_run { ("Would compact", "Would stay") } else { ("Compacted", "Stayed") };
    let saved = bytes(compacted.bytes);
    let (runs, events) = (counted(compacted.runs, "run"), counted(compacted.events, "event"));
    let mut text = format!("{gave} {runs}: {events} given up, {saved} saved.\n");
    let kept = compacted.kept;
    let same = (compacted.as_they_were, "is as small as it gets", "are as small as they get");
    let reasons = why(&[
        (kept.open, "has not ended", "have not ended"),
        (kept.held, "is held by a process", "are held by processes"),
        same,
    ]);
    if !reasons.is_empty() {
        text = format!("{text}{stay}: {reasons}.\n");
    }
    if let Some(first) = &compacted.first_failed {
        let failed = counted(compacted.failed, "run");
        text = format!("{text}Failed: {failed}, the first {}.\n", first.run);
    }
    text
}

/// Those that there are, with why.
fn why(reasons: &[(u64, &str, &str)]) -> String {
    let reasons: Vec<String> = reasons
        .iter()
        .filter(|(count, ..)| *count > 0)
        .map(|(count, one, many)| format!("{count} that {}", if *count == 1 { one } else { many }))
        .collect();
    reasons.join(", ")
}

fn said(pruned: &Pruned, dry_run: bool) -> String {
    let (removed, stay) =
        if dry_run { ("Would remove", "Would stay") } else { ("Removed", "Stayed") };
    let mut text = format!(
        "{removed} {} with {} and {}: {}.\n",
        counted(pruned.runs, "run"),
        counted(pruned.events, "event"),
        counted(pruned.blobs, "part"),
        bytes(pruned.bytes),
    );
    let kept = pruned.kept;
    let reasons = why(&[
        (kept.open, "has not ended", "have not ended"),
        (kept.held, "is held by a process", "are held by processes"),
        (kept.in_sessions, "is part of a conversation", "are part of conversations"),
        (kept.forked, "was forked by a run that stays", "were forked by runs that stay"),
    ]);
    if !reasons.is_empty() {
        text = format!("{text}{stay}: {reasons}.\n");
    }
    text
}
