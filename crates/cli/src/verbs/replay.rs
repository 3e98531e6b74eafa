//! `largestack replay`: a run folded again from its journal, state by state.

use std::sync::Arc;

use clap::Args;
use largestack_agent::agent::stored_definition;
use largestack_engine::graph::GraphRun;
use largestack_engine::{Event, Recorded, Run};
use largestack_ports::journal::Journal;
use largestack_types::errors::{Code, LargestackError, Result};
use largestack_types::message::Message;
use largestack_types::part::{Body, Part};
use serde::Serialize;

use super::target::{self, Target};
use super::trace::absent;
use crate::args::Global;
use crate::compose::{self, blocking};
use crate::exit;
use crate::failure::{Outcome, coded};
use crate::flows::{self, Stored};
use crate::render::flow_state::{self, FlowState, Moment};
use crate::render::state::{self, State};
use crate::render::style::{STRONG, painted};
use crate::render::text::{clean, one_line};
use crate::render::tree::{Node, lines};
use crate::screen::Screen;
use crate::shared::{For, Shared};

/// Folds a run's journal.
#[derive(Debug, Args)]
pub(crate) struct Replay {
    /// A project (the nearest one unless given) and a run: its id, the beginning of it, or `last`
    #[arg(value_names = ["PATH", "RUN"], num_args = 1..=2, required = true)]
    target: Vec<String>,
    /// Fold up to this event only, and show the conversation, or a workflow's nodes and values, as
    /// they stood
    #[arg(long, value_name = "SEQ")]
    at: Option<u64>,
    /// Print one JSON document
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Serialize)]
struct Document {
    run: String,
    definition: String,
    states: Vec<State>,
    #[serde(skip_serializing_if = "Option::is_none")]
    messages: Option<Vec<Arc<Message>>>,
}

#[derive(Serialize)]
struct FlowDocument {
    run: String,
    definition: String,
    states: Vec<FlowState>,
    #[serde(flatten)]
    moment: Option<Moment>,
}

impl Replay {
    pub(crate) fn perform(&self, global: &Global, screen: &mut Screen) -> Outcome {
        let target = Target::of(&self.target)?;
        let name = target.run.as_deref().ok_or_else(no_run)?;
        let (_, shared) = Shared::of_project(global, target.path(), For::Reading)?;
        if let Some(stored) = blocking(workflow(&*shared.journal, name))?? {
            return self.workflow(stored.at(self.at)?, screen);
        }
        let (mut run, hash, mut events) = blocking(read(&*shared.journal, name))??;
        self.cut(&mut events)?;
        let mut states = state::fold(&mut run, &events).map_err(|error| coded(&error))?;
        let messages = self.at.map(|_| run.messages().to_vec());
        if self.at.is_some() {
            // Only the state that was asked for.
            states = states.pop().into_iter().collect();
        }
        if self.json {
            let run = run.id().to_string();
            screen.json(&Document { run, definition: hash, states, messages })?;
        } else {
            let head = format!("{}\n", painted(STRONG, run.id()));
            let conversation =
                messages.map_or_else(String::new, |messages| conversation(&messages));
            screen.print(&format!("{head}{}{conversation}", state::table(&states)))?;
        }
        Ok(exit::DONE)
    }

    /// The run of a workflow, state by state.
    fn workflow(&self, stored: Stored, screen: &mut Screen) -> Outcome {
        let mut run = GraphRun::new(stored.run, stored.graph);
        let mut states =
            flow_state::fold(&mut run, &stored.events).map_err(|error| coded(&error))?;
        if self.at.is_some() {
            // Only the state that was asked for.
            states = states.pop().into_iter().collect();
        }
        if self.json {
            let (id, definition) = (stored.run.to_string(), stored.definition.to_string());
            let moment = self.at.map(|_| Moment::of(&run));
            screen.json(&FlowDocument { run: id, definition, states, moment })?;
        } else {
            let head = format!("{}\n", painted(STRONG, stored.run));
            let moment =
                self.at.map_or_else(String::new, |_| format!("\n{}", flow_state::moment(&run)));
            screen.print(&format!("{head}{}{moment}", flow_state::table(&states)))?;
        }
        Ok(exit::DONE)
    }

    fn cut(&self, events: &mut Vec<Recorded>) -> Result<()> {
        let Some(at) = self.at else { return Ok(()) };
        let last = events.last().map_or(0, |event| event.seq);
        if at == 0 || at > last {
            return Err(LargestackError::with_advice(
                Code::Input,
                format!("there is no event {at}: the run has events 1 to {last}"),
                "Give --at a number in that range",
            ));
        }
        events.retain(|event| event.seq <= at);
        if events.last().is_some_and(|event| event.seq < at) {
            return Err(LargestackError::with_advice(
                Code::Input,
                format!("event {at} was given up when the run was compacted"),
                "`largestack replay RUN` lists those that are left",
            ));
        }
        Ok(())
    }
}

/// The run of a workflow, where it is one.
async fn workflow(journal: &dyn Journal, name: &str) -> Result<Option<Stored>> {
    let scope = compose::scope();
    let run = target::find(journal, &scope, name).await?;
    flows::stored(journal, &scope, run).await
}

pub(super) fn no_run() -> LargestackError {
    let advice = "Name one, e.g. `largestack replay last`; `largestack trace` lists them";
    LargestackError::with_advice(Code::Input, "no run is named", advice)
}

async fn read(store: &dyn Journal, name: &str) -> Result<(Run, String, Vec<Recorded>)> {
    let scope = compose::scope();
    let run = target::find(store, &scope, name).await?;
    let events = store.read(&scope, run, 0).await?;
    let hash = match events.first().map(|first| &*first.event) {
        Some(Event::RunStarted(started)) => started.definition,
        _ => return Err(absent(run)),
    };
    let definition = stored_definition(store, &scope, hash).await?;
    Ok((Run::new(run, Arc::new(definition)), hash.to_string(), events))
}

fn conversation(messages: &[Arc<Message>]) -> String {
    let nodes = messages.iter().map(|message| {
        let role = format!("{:?}", message.role).to_lowercase();
        let parts = message.parts.iter().map(|part| Node::leaf(shown(part))).collect();
        Node::with(painted(STRONG, role), parts)
    });
    lines(&nodes.collect::<Vec<_>>())
}

fn shown(part: &Part) -> String {
    let text = match &part.body {
        Body::Text(text) | Body::Refusal(text) => clean(text.trim_end()).into_owned(),
        Body::Reasoning(reasoning) => format!("thinks: {}", clean(&reasoning.text)),
        Body::ToolCall(call) => format!("calls {} {}", call.name, call.arguments.as_str()),
        Body::ToolResult(result) => format!("{}: {}", result.name, one_line(&result.text, 400)),
        Body::Media(media) => format!("[{} {}]", media.mime, media.name.as_deref().unwrap_or("")),
        Body::Citation(citation) => {
            let lines = citation.lines.map_or_else(String::new, |(a, b)| format!(":{a}-{b}"));
            format!("cites {}{lines}", citation.source)
        }
        Body::ServerTool(raw) | Body::Unknown(raw) => one_line(raw.as_str(), 400),
        _ => "a part of a kind that this version does not show".to_owned(),
    };
    format!("{} {}", part.id, clean(&text))
}
