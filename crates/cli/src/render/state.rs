//! A run after each of its events, as `replay` shows it.

use std::collections::BTreeSet;

use largestack_engine::{Effect, Event, FoldError, Recorded, Run, Status};
use largestack_types::id::EffectId;
use largestack_types::money::Money;
use largestack_types::time::Timestamp;
use largestack_types::usage::Usage;
use serde::Serialize;

use super::amount::{grouped, lasted};
use super::run_json::{WaitDocument, dollars};
use super::style::{FAINT, of_status, painted};
use super::table::{Flush, Table};
use super::text::clean;

/// A run after one of its events.
#[derive(Debug, Serialize)]
pub(crate) struct State {
    /// The event's number.
    seq: u64,
    /// When it was recorded.
    at: String,
    /// Its kind.
    event: &'static str,
    /// What the run is at: `model`, `tools`, `waiting`, `ending` or `over`.
    phase: &'static str,
    /// Where it stands.
    status: &'static str,
    turns: u32,
    tool_calls: u32,
    messages: usize,
    usage: Usage,
    cost_nanos: i64,
    cost_usd: String,
    /// Effects that have started and not ended.
    in_flight: Vec<String>,
    /// Effects that may start now.
    ready: Vec<String>,
    /// What it waits for.
    waits: Vec<WaitDocument>,
    #[serde(skip)]
    moment: Timestamp,
    #[serde(skip)]
    standing: Status,
    #[serde(skip)]
    cost: Money,
}

/// Folds events one by one and says what the run is after each.
pub(crate) fn fold(run: &mut Run, events: &[Recorded]) -> Result<Vec<State>, FoldError> {
    let mut started: BTreeSet<EffectId> = BTreeSet::new();
    let mut states = Vec::with_capacity(events.len());
    for recorded in events {
        run.apply(&recorded.event)?;
        follow(&mut started, &recorded.event);
        states.push(State::of(run, recorded, &started));
    }
    Ok(states)
}

/// Which effects are under way after an event.
fn follow(started: &mut BTreeSet<EffectId>, event: &Event) {
    match event {
        Event::EffectStarted(data) => {
            started.insert(data.effect);
        }
        Event::ModelReplied(data) => {
            started.remove(&data.effect);
        }
        Event::Summarised(data) => {
            started.remove(&data.effect);
        }
        Event::ModelFailed(data) => {
            started.remove(&data.effect);
        }
        Event::OutputChecked(data) => {
            started.remove(&data.effect);
        }
        Event::ToolReturned(data) => {
            started.remove(&data.effect);
        }
        Event::CallWaits(data) => {
            started.remove(&data.effect);
        }
        // A new process: what the old one had under way is lost.
        Event::Resumed(_) | Event::RunFinished(_) => started.clear(),
        _ => {}
    }
}

fn named(effect: &Effect) -> String {
    match effect {
        Effect::Digest { id, .. } => format!("{id} summary"),
        Effect::Model { id, attempt: 1 } => format!("{id} model"),
        Effect::Model { id, attempt } => format!("{id} model (attempt {attempt})"),
        Effect::Check { id, .. } => format!("{id} check"),
        Effect::Tool { id, attempt: 1, .. } => format!("{id} tool"),
        Effect::Tool { id, attempt, .. } => format!("{id} tool (attempt {attempt})"),
        other => other.id().to_string(),
    }
}

fn phase(run: &Run, ready: &[Effect], in_flight: bool, waits: bool) -> &'static str {
    match ready.first() {
        _ if run.end().is_some() => "over",
        _ if run.conclusion().is_some() => "ending",
        Some(Effect::Digest { .. }) => "summary",
        Some(Effect::Model { .. }) => "model",
        Some(Effect::Check { .. }) => "check",
        Some(_) => "tools",
        None if run.status() == Status::Suspended => "waiting",
        None if in_flight && run.tool_calls() > 0 && has_open_tools(run) => "tools",
        None if waits => "waiting",
        None => "model",
    }
}

/// Whether the last reply asked for tools that have not all returned.
fn has_open_tools(run: &Run) -> bool {
    let last = run.own_messages().last();
    last.is_some_and(|message| message.tool_calls().next().is_some())
}

impl State {
    fn of(run: &Run, recorded: &Recorded, started: &BTreeSet<EffectId>) -> Self {
        let mut ready = Vec::new();
        run.ready(&mut ready);
        let waits: Vec<_> = run.waits().iter().map(WaitDocument::of).collect();
        Self {
            seq: recorded.seq,
            at: recorded.at.to_string(),
            event: recorded.event.kind(),
            phase: phase(run, &ready, !started.is_empty(), !waits.is_empty()),
            status: run.status().name(),
            turns: run.turns(),
            tool_calls: run.tool_calls(),
            messages: run.messages().len(),
            usage: run.usage(),
            cost_nanos: run.cost().nanos(),
            cost_usd: dollars(run.cost()),
            in_flight: started.iter().map(ToString::to_string).collect(),
            ready: ready.iter().map(named).collect(),
            waits,
            moment: recorded.at,
            standing: run.status(),
            cost: run.cost(),
        }
    }
}

/// The states as a table, one an event.
pub(crate) fn table(states: &[State]) -> String {
    let mut table = Table::new(&[
        ("seq", Flush::Right),
        ("after", Flush::Right),
        ("event", Flush::Left),
        ("phase", Flush::Left),
        ("status", Flush::Left),
        ("turns", Flush::Right),
        ("tokens", Flush::Right),
        ("cost", Flush::Right),
        ("in flight", Flush::Left),
        ("waits for", Flush::Left),
    ]);
    let first = states.first().map(|state| state.moment).unwrap_or_default();
    for state in states {
        table.row(vec![
            state.seq.to_string(),
            lasted(state.moment.since(first)),
            state.event.to_owned(),
            state.phase.to_owned(),
            state.status.to_owned(),
            state.turns.to_string(),
            grouped(state.usage.total_tokens()),
            state.cost.to_string(),
            dash(state.in_flight.join(", ")),
            dash(waits(&state.waits)),
        ]);
    }
    table.lines(|row, column, cell| match (column, states.get(row)) {
        (0 | 1, _) => painted(FAINT, cell),
        (4, Some(state)) => painted(of_status(state.standing), cell),
        _ => cell,
    })
}

fn dash(text: String) -> String {
    if text.is_empty() { "-".to_owned() } else { text }
}

fn waits(waits: &[WaitDocument]) -> String {
    let one = |wait: &WaitDocument| match wait {
        WaitDocument::Approval { effect, approval } => format!("{approval} ({effect})"),
        WaitDocument::InDoubt { effect } => format!("a decision about {effect}"),
        WaitDocument::Child { effect, run } => format!("the run {run} below {effect}"),
        WaitDocument::Event { effect, name, until } => {
            let until = until.as_ref().map_or_else(String::new, |until| format!(" until {until}"));
            format!("the event {}{until} ({effect})", clean(name))
        }
        WaitDocument::Timer { effect, until } => format!("{until} ({effect})"),
    };
    waits.iter().map(one).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests;
