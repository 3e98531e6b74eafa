//! A workflow whose settings are good: it is built as a run builds it, with all its agents.

use std::path::PathBuf;
use std::sync::Arc;

use largestack_config::{self as config, Settings};
use largestack_engine::graph::Graph;
use largestack_types::errors::Result;

use super::built::{of_project, on_trial};
use super::{Checked, Wrong, plain};
use crate::compose;

/// What is found about a workflow that can be read.
pub(super) fn sound(file: PathBuf, settings: &Settings<config::Workflow>) -> Checked {
    let mut problems: Vec<Wrong> = Vec::new();
    let mut add = |error: &largestack_types::errors::LargestackError| {
        problems.push(Wrong { file: Some(file.clone()), ..plain(error) });
    };
    for (_, error) in of_project(settings) {
        add(&error);
    }
    for agent in settings.agent.all_agents() {
        let of = Settings {
            project: settings.project.clone(),
            agent: agent.clone(),
            origins: Vec::new(),
        };
        match compose::check_tools(&of) {
            Ok(wrong) => wrong.iter().for_each(|(_, error)| add(error)),
            Err(error) => add(&error),
        }
    }
    let built = if problems.is_empty() { Some(graph(settings)) } else { None };
    let nodes = match built {
        Some(Ok(graph)) => Some(graph.nodes.len()),
        Some(Err(error)) => {
            problems.push(Wrong { file: Some(file.clone()), ..plain(&error) });
            None
        }
        None => None,
    };
    let name = Some(settings.agent.name.to_string());
    Checked { file, name, model: None, nodes, documents: None, problems }
}

/// The graph of a workflow, built over a state that goes away with it.
pub(in crate::verbs) fn graph(settings: &Settings<config::Workflow>) -> Result<Arc<Graph>> {
    on_trial(settings, async |settings| {
        let store = compose::store(&settings.project.state)?;
        let house = compose::flow_house(settings, &store).await?;
        house.tasks.finished().await;
        Ok(Arc::clone(house.workflow.graph()))
    })
}
