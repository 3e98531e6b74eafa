//! What a worker does, as its files describe it, and built over what all of it shares.

use std::path::Path;
use std::sync::Arc;

use largestack_config::{self as config, Flags, Named, Settings};
use largestack_http::TokioTasks;
use largestack_types::errors::{Code, LargestackError, Result};
use serde_json::Value;

use super::super::run::{both, bring_flow_up_to_date, bring_up_to_date, flow_input};
use crate::agents;
use crate::compose::{self, FlowHouse, House, Stand};
use crate::screen::Screen;
use crate::shared::Shared;

/// An agent or a workflow.
pub(in crate::verbs) enum Described {
    Agent(Box<Settings<config::Agent>>),
    Workflow(Box<Settings<config::Workflow>>),
}

impl Described {
    /// What a path names.
    pub(in crate::verbs) fn of(path: &Path, flags: &Flags) -> Result<Self> {
        match config::named(path) {
            Named::Both => Err(both(path)),
            Named::Agent => Ok(Self::Agent(Box::new(compose::settings(path, flags)?))),
            Named::Workflow => Ok(Self::Workflow(Box::new(compose::flow_settings(path, flags)?))),
        }
    }

    /// The project that it belongs to.
    pub(in crate::verbs) fn project(&self) -> &config::Project {
        match self {
            Self::Agent(settings) => &settings.project,
            Self::Workflow(settings) => &settings.project,
        }
    }

    /// The name that runs ask for.
    pub(in crate::verbs) fn name(&self) -> &Arc<str> {
        match self {
            Self::Agent(settings) => &settings.agent.name,
            Self::Workflow(settings) => &settings.agent.name,
        }
    }

    /// What was typed, as a run is given it: text for an agent, the first values for a workflow.
    pub(in crate::verbs) fn input(&self, typed: String) -> Result<Value> {
        match self {
            Self::Agent(_) if typed.trim().is_empty() => {
                let advice = "Put it after the path: largestack enqueue PATH \"...\"";
                let empty = "the question is empty";
                Err(LargestackError::with_advice(Code::Input, empty, advice))
            }
            Self::Agent(_) => Ok(Value::String(typed)),
            Self::Workflow(settings) => flow_input(&settings.agent, &typed),
        }
    }

    /// Builds it over what all of them share. Called inside the async runtime.
    pub(super) async fn built(&self, shared: Shared, screen: &mut Screen) -> Result<Built> {
        let state = &self.project().state;
        let store = compose::store(state)?;
        match self {
            Self::Agent(settings) => {
                bring_up_to_date(settings, &store, screen).await?;
                let house = compose::house_over(settings, &store, shared, Stand::default()).await?;
                agents::remember(state, house.agent.definition_hash(), &settings.agent.file)?;
                Ok(Built::Agent(Box::new(house)))
            }
            Self::Workflow(settings) => {
                bring_flow_up_to_date(settings, &store, screen).await?;
                let house = compose::flow_house_over(settings, &store, shared).await?;
                let definition = house.workflow.definition_hash();
                agents::remember(state, definition, &settings.agent.file)?;
                Ok(Built::Workflow(Box::new(house)))
            }
        }
    }
}

/// An agent or a workflow with everything it runs on.
pub(super) enum Built {
    Agent(Box<House>),
    Workflow(Box<FlowHouse>),
}

impl Built {
    /// Work that must be over before the process ends.
    pub(super) fn tasks(&self) -> &TokioTasks {
        match self {
            Self::Agent(house) => &house.tasks,
            Self::Workflow(house) => &house.tasks,
        }
    }
}
