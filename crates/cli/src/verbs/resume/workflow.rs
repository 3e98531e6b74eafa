//! `largestack resume` of a workflow's run.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use largestack_agent::CancelHandle;
use largestack_config::{Flags, STATE_FOLDER, WORKFLOW_FILE};
use largestack_engine::event::CancelReason;
use largestack_engine::graph::GraphStarted;
use largestack_flow::FlowResume;
use largestack_ports::journal::Journal;
use largestack_types::errors::{Code, LargestackError, Result};
use largestack_types::hash::Hash;
use largestack_types::id::RunId;
use serde_json::Value;

use super::super::doubts::decided;
use super::super::run::prepare::prepare_flow;
use super::super::target;
use super::Resume;
use crate::agents;
use crate::compose;
use crate::failure::Outcome;
use crate::flows::{self, Going};
use crate::screen::Screen;

/// A workflow's run that is to go on.
#[derive(Clone, Copy, Debug)]
pub(in crate::verbs) struct Taken {
    pub(in crate::verbs) run: RunId,
    /// The hash of the definition that it began with.
    pub(in crate::verbs) definition: Hash,
    /// Who drives the run that it is a part of.
    pub(super) root: RunId,
}

/// The workflow's run of this name, where it is one.
pub(in crate::verbs) async fn found(journal: &dyn Journal, name: &str) -> Result<Option<Taken>> {
    let scope = compose::scope();
    let run = target::find(journal, &scope, name).await?;
    let started = flows::started(journal, &scope, run).await?;
    let taken = |GraphStarted { definition, root, .. }| Taken { run, definition, root };
    Ok(started.map(taken))
}

impl Resume {
    /// Goes on with it.
    pub(super) fn workflow(
        &self,
        (state, path): (&Path, Option<&Path>),
        taken: Taken,
        screen: &mut Screen,
    ) -> Outcome {
        if taken.root != taken.run {
            let top = taken.root;
            return Err(LargestackError::with_advice(
                Code::Conflict,
                format!("{} is a part of {top}, and goes on with it", taken.run),
                format!("largestack resume {top}"),
            )
            .into());
        }
        let file = workflow_file(state, path, taken.definition)?;
        let mut flags = Flags::new().set("state", "--state", state.display().to_string());
        if let Some(model) = agents::model(state, taken.definition) {
            flags = flags.set("model", "the run", model);
        }
        let settings = compose::flow_settings(&file, &flags)?;
        let events = events(&self.event)?;
        let (in_doubt, doubts) = decided(taken.run, &self.in_doubt)?;
        let resumed = async {
            let house = prepare_flow(&settings, screen).await?;
            let (form, cancel) = (self.output.form(), CancelHandle::default());
            if let Some(note) = &self.ends {
                let scope = compose::scope();
                cancel.cancel(CancelReason::Caller, scope.principal(), note.as_str());
            }
            let own = cancel.clone();
            let options =
                FlowResume { in_doubt, doubts, events, cancel: own, ..FlowResume::default() };
            let run = taken.run;
            let folder = &settings.agent.folder;
            let going = Going { run, form, cancel, begins: false, state, folder };
            let stream = house.workflow.resume_stream(&compose::scope(), run, options);
            going.finish(&house, stream, screen).await
        };
        compose::with_runtime(compose::asking(settings.project.models_blocked, resumed))?
    }
}

/// `--event NAME=JSON`: what has come from outside.
pub(super) fn events(said: &[String]) -> Result<Vec<(Arc<str>, Value)>> {
    said.iter()
        .map(|said| {
            let wrong = |why: String| {
                LargestackError::with_advice(
                    Code::Input,
                    format!("--event {said}: {why}"),
                    "Write the event's name, and JSON behind `=` where it brings something, e.g. \
                     --event 'paid={\"amount\": 3}'",
                )
            };
            let (name, data) = said.split_once('=').unwrap_or((said, "null"));
            if name.is_empty() {
                return Err(wrong("it has no name".to_owned()));
            }
            let data = serde_json::from_str(data);
            Ok((name.into(), data.map_err(|error| wrong(format!("it is no JSON: {error}")))?))
        })
        .collect()
}

/// The workflow's file: the named one, the one the run came from, or the one beside the state.
pub(in crate::verbs) fn workflow_file(
    state: &Path,
    path: Option<&Path>,
    definition: Hash,
) -> Result<PathBuf> {
    if let Some(path) = path.filter(|path| path.is_file() || path.join(WORKFLOW_FILE).is_file()) {
        return Ok(path.to_owned());
    }
    let beside = state.parent().filter(|_| state.ends_with(STATE_FOLDER));
    let beside = beside.map(|folder| folder.join(WORKFLOW_FILE));
    let known = agents::recall(state, definition);
    known.into_iter().chain(beside).find(|file| file.is_file()).ok_or_else(|| {
        LargestackError::with_advice(
            Code::NotFound,
            "the workflow of this run is not where it was",
            "Name its folder or file: largestack resume PATH RUN",
        )
    })
}
