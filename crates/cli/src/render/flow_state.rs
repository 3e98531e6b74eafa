//! A workflow's run after each of its events: where it stands, what is under way, what it cost so far.

use std::fmt::Write as _;
use std::sync::Arc;

use largestack_engine::graph::{Fact, GraphRun, NodeState};
use largestack_engine::{Event, FoldError, Recorded, Status};
use largestack_types::money::Money;
use largestack_types::time::Timestamp;
use largestack_types::usage::Usage;
use serde::Serialize;
use serde_json::Value;

use super::amount::{grouped, lasted};
use super::flow::NodeDocument;
use super::run_json::{WaitDocument, dollars};
use super::style::{FAINT, STRONG, of_status, painted};
use super::table::{Flush, Table};
use super::text::{clean, one_line};

/// Characters of a value that a table shows.
const SHOWN: usize = 100;

/// A workflow's run after an event.
#[derive(Debug, Serialize)]
pub(crate) struct FlowState {
    seq: u64,
    at: String,
    event: &'static str,
    /// The node that the event is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    node: Option<Arc<str>>,
    status: &'static str,
    /// Nodes that have been visited, of all.
    visited: usize,
    nodes: usize,
    /// Nodes under way.
    in_flight: Vec<Arc<str>>,
    waits: Vec<WaitDocument>,
    listens: Vec<Arc<str>>,
    usage: Usage,
    cost_nanos: i64,
    cost_usd: String,
    #[serde(skip)]
    moment: Timestamp,
    #[serde(skip)]
    standing: Status,
    #[serde(skip)]
    cost: Money,
}

/// Folds events one by one and says what the run is after each.
pub(crate) fn fold(run: &mut GraphRun, events: &[Recorded]) -> Result<Vec<FlowState>, FoldError> {
    let mut states = Vec::with_capacity(events.len());
    for recorded in events {
        // Before it is folded: what is over has let go of its task.
        let node = node_of(run, &recorded.event);
        run.apply(&recorded.event)?;
        states.push(FlowState { node, ..FlowState::of(run, recorded) });
    }
    Ok(states)
}

/// The node that an event is about.
fn node_of(run: &GraphRun, event: &Event) -> Option<Arc<str>> {
    let effect = match event {
        Event::Graph(Fact::NodeStarted(data)) => return Some(Arc::clone(&data.node)),
        Event::Graph(Fact::NodeFinished(data)) => data.effect,
        Event::Graph(Fact::NodeFailed(data)) => data.effect,
        Event::Graph(Fact::NodeSleeps(data)) => data.effect,
        Event::Graph(Fact::NodeWoke(data)) => data.effect,
        Event::Graph(Fact::NodeListens(data)) => data.effect,
        Event::ApprovalRequested(data) => data.effect,
        Event::ApprovalAnswered(data) => data.effect,
        Event::ChildWaits(data) => data.effect,
        Event::DoubtSettled(data) => data.effect,
        _ => return None,
    };
    Some(Arc::clone(&run.task(effect)?.node.name))
}

impl FlowState {
    fn of(run: &GraphRun, recorded: &Recorded) -> Self {
        let views: Vec<_> = run.nodes().collect();
        let under_way = views.iter().filter(|view| view.state == NodeState::Running);
        Self {
            seq: recorded.seq,
            at: recorded.at.to_string(),
            event: recorded.event.kind(),
            node: None,
            status: run.status().name(),
            visited: views.iter().filter(|view| view.visits > 0).count(),
            nodes: views.len(),
            in_flight: under_way.map(|view| Arc::clone(&view.node)).collect(),
            waits: run.waits().iter().map(WaitDocument::of).collect(),
            listens: run.listening().map(|(_, event)| Arc::clone(event)).collect(),
            usage: run.usage(),
            cost_nanos: run.cost().nanos(),
            cost_usd: dollars(run.cost()),
            moment: recorded.at,
            standing: run.status(),
            cost: run.cost(),
        }
    }
}

/// The states as a table, one an event.
pub(crate) fn table(states: &[FlowState]) -> String {
    let mut table = Table::new(&[
        ("seq", Flush::Right),
        ("after", Flush::Right),
        ("event", Flush::Left),
        ("node", Flush::Left),
        ("status", Flush::Left),
        ("nodes", Flush::Right),
        ("tokens", Flush::Right),
        ("cost", Flush::Right),
        ("in flight", Flush::Left),
        ("waits for", Flush::Left),
    ]);
    let first = states.first().map(|state| state.moment).unwrap_or_default();
    for state in states {
        let events = state.listens.iter().map(|event| format!("the event {event}"));
        let waits: Vec<String> = state.waits.iter().map(waits).chain(events).collect();
        table.row(vec![
            state.seq.to_string(),
            lasted(state.moment.since(first)),
            state.event.to_owned(),
            dash(state.node.as_deref().unwrap_or_default()),
            state.status.to_owned(),
            format!("{}/{}", state.visited, state.nodes),
            grouped(state.usage.total_tokens()),
            state.cost.to_string(),
            dash(&state.in_flight.join(", ")),
            dash(&waits.join(", ")),
        ]);
    }
    table.lines(|row, column, cell| match (column, states.get(row)) {
        (0 | 1, _) => painted(FAINT, cell),
        (4, Some(state)) => painted(of_status(state.standing), cell),
        _ => cell,
    })
}

fn waits(wait: &WaitDocument) -> String {
    match wait {
        WaitDocument::Approval { approval, .. } => approval.clone(),
        WaitDocument::InDoubt { effect } => format!("a decision about {effect}"),
        WaitDocument::Child { run, .. } => format!("the run {run}"),
        WaitDocument::Event { name, .. } => format!("the event {name}"),
        WaitDocument::Timer { until, .. } => until.clone(),
    }
}

fn dash(text: &str) -> String {
    if text.is_empty() { "-".to_owned() } else { clean(text).into_owned() }
}

/// Everything about a run at one moment.
#[derive(Debug, Serialize)]
pub(crate) struct Moment {
    values: Value,
    nodes: Vec<NodeDocument>,
}

impl Moment {
    /// The run as it stands.
    pub(crate) fn of(run: &GraphRun) -> Self {
        Self {
            values: run.state().to_value(),
            nodes: run.nodes().map(|n| NodeDocument::of(&n)).collect(),
        }
    }
}

/// Where each node stands, and what is known.
pub(crate) fn moment(run: &GraphRun) -> String {
    let mut nodes = Table::new(&[
        ("node", Flush::Left),
        ("stands", Flush::Left),
        ("visits", Flush::Right),
        ("tokens", Flush::Right),
        ("cost", Flush::Right),
    ]);
    for view in run.nodes() {
        nodes.row(vec![
            clean(&view.node).into_owned(),
            view.state.name().replace('_', " "),
            view.visits.to_string(),
            grouped(view.usage.total_tokens()),
            view.cost.to_string(),
        ]);
    }
    let mut text = nodes.lines(|_, _, cell| cell);
    for (key, value) in run.state().iter() {
        let shown = match value.as_str() {
            Some(words) => one_line(words, SHOWN),
            None => one_line(&value.to_string(), SHOWN),
        };
        // Writing to a string does not fail.
        let _ = writeln!(text, "{}: {shown}", painted(STRONG, clean(key)));
    }
    text
}
