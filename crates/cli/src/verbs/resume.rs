//! `largestack resume`: goes on with a run, or lifts the kill switch.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use futures::FutureExt as _;
use largestack_agent::agent::{fold_stored, stored_definition};
use largestack_agent::{CancelHandle, ResumeOptions};
use largestack_config::{AGENT_FILE, Flags, STATE_FOLDER};
use largestack_engine::{Event, Run};
use largestack_ports::journal::Journal;
use largestack_ports::switch::Thrown;
use largestack_store::SwitchScope;
use largestack_types::errors::{Code, LargestackError, Result};
use largestack_types::hash::Hash;
use serde::Serialize;

use super::doubts::{InDoubt, decided};
use super::kill::NO_REASON;
use super::run::{Output, finish, going, prepare};
use super::target::{self, Target};
use crate::agents;
use crate::args::Global;
use crate::compose::{self, blocking};
use crate::exit;
use crate::failure::Outcome;
use crate::follow::{Form, Going};
use crate::render::amount::moment;
use crate::render::text::clean;
use crate::screen::Screen;
use crate::shared::{For, Shared};

mod elsewhere;
pub(super) mod workflow;

pub(super) use elsewhere::goes_on_there;

/// Goes on with a run, or lifts the kill switch.
#[derive(Debug, Args)]
pub(crate) struct Resume {
    /// A project (the nearest one unless given) and a run: its id, the beginning of it, or
    /// `last`; without a run the kill switch is lifted
    #[arg(value_names = ["PATH", "RUN"], num_args = 0..=2)]
    target: Vec<String>,
    /// What becomes of tool calls that were cut off and may have happened: tell-model, rerun (you have
    /// checked that they did not) or fail; with CALL (e3, or RUN/e3 of a run below) of that one, or
    /// happened=OUTPUT, where you know what it returned; may be given again
    #[arg(long, value_name = "[CALL=]WHAT")]
    in_doubt: Vec<InDoubt>,
    /// An event that a workflow's run waits for, with what it brings; may be given again
    #[arg(long, value_name = "NAME=JSON")]
    event: Vec<String>,
    /// Why the run ends, where it is taken up to be cancelled
    #[arg(skip)]
    ends: Option<String>,
    /// Why the kill switch is lifted
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    /// Who lifts it
    #[arg(long, value_name = "NAME", default_value = "local")]
    by: String,
    /// What standard output gets
    #[command(flatten)]
    pub(super) output: Output,
}

#[derive(Serialize)]
struct Switched {
    kill_switch: &'static str,
    lifted: Option<Thrown>,
    by: String,
    reason: String,
}

impl Resume {
    pub(crate) fn perform(self, global: &Global, screen: &mut Screen) -> Outcome {
        let target = Target::of(&self.target)?;
        let wrong =
            |what: &str, advice: &str| LargestackError::with_advice(Code::Input, what, advice);
        match (&target.run, &self.reason) {
            (Some(_), Some(_)) => Err(wrong(
                "--reason is for lifting the kill switch, not for a run",
                "Leave out the run, or the reason",
            )
            .into()),
            (Some(run), None) => self.take_up(global, target.path(), run, screen),
            (None, Some(reason)) if reason.trim().is_empty() => {
                Err(wrong(NO_REASON, "Say why it is safe again").into())
            }
            (None, Some(reason)) => self.lift(global, target.path(), reason, screen),
            (None, None) => Err(wrong(
                "neither a run nor a reason is given",
                "Name a run to go on with it (`largestack trace` lists them), or lift the kill \
                 switch with --reason TEXT",
            )
            .into()),
        }
    }

    fn lift(
        &self,
        global: &Global,
        path: Option<&Path>,
        reason: &str,
        screen: &mut Screen,
    ) -> Outcome {
        let (_, shared) = Shared::of_project(global, path, For::Writing)?;
        let scope = SwitchScope::Tenant(compose::scope().tenant().clone());
        let lifted = blocking(shared.lift(&scope, &self.by, reason))??;
        if self.output.form() == Form::Text {
            let text = match &lifted {
                Some(thrown) => format!(
                    "The kill switch is lifted. It was on since {} UTC, by {}: {}\n",
                    moment(thrown.at),
                    clean(&thrown.by),
                    clean(&thrown.reason),
                ),
                None => "The kill switch was not on.\n".to_owned(),
            };
            screen.print(&text)?;
        } else {
            let (by, reason) = (self.by.clone(), reason.to_owned());
            screen.json(&Switched { kill_switch: "off", lifted, by, reason })?;
        }
        Ok(exit::DONE)
    }

    /// Taking up a run only to end it.
    pub(super) fn to_cancel(reason: String) -> Self {
        Self { ends: Some(reason), ..Self::of_run() }
    }

    /// Going on with a run, shown as text.
    pub(super) fn of_run() -> Self {
        Self {
            target: Vec::new(),
            in_doubt: Vec::new(),
            event: Vec::new(),
            ends: None,
            reason: None,
            by: String::new(),
            output: Output::text(),
        }
    }

    pub(super) fn take_up(
        &self,
        global: &Global,
        path: Option<&Path>,
        name: &str,
        screen: &mut Screen,
    ) -> Outcome {
        if !self.event.is_empty() {
            super::signal::trust(path)?.check_unsigned()?;
        }
        let (state, shared) = Shared::of_project(global, path, For::Reading)?;
        if let Some((run, engine)) = blocking(elsewhere::driven(&*shared.journal, name))?? {
            return self.elsewhere(&shared, (run, &engine), screen);
        }
        if let Some(taken) = blocking(workflow::found(&*shared.journal, name))?? {
            // The run is taken up by a store of its own.
            drop(shared);
            return self.workflow((&state, path), taken, screen);
        }
        let Stored { run, definition, model } = blocking(stored(&*shared.journal, name))??;
        if self.ends.is_some() {
            return Err(LargestackError::with_advice(
                Code::Input,
                format!("{} is the run of an agent, and is cancelled where it is driven", run.id()),
                "Press Ctrl-C there, or throw the kill switch: largestack kill --reason TEXT",
            )
            .into());
        }
        if !self.event.is_empty() {
            return Err(LargestackError::with_advice(
                Code::Input,
                format!("{} is the run of an agent, to which events are sent", run.id()),
                format!("largestack signal {} NAME JSON", run.id()),
            )
            .into());
        }
        if run.root() != run.id() {
            let top = run.root();
            return Err(LargestackError::with_advice(
                Code::Conflict,
                format!("{} is a part of {top}, and goes on with it", run.id()),
                format!("largestack resume {top}"),
            )
            .into());
        }
        // The run is taken up by a store of its own.
        drop(shared);
        let file = agent_file(&state, path, definition)?;
        // The model may have come from a flag or a key; the run goes on with its own.
        let flags = Flags::new().set("model", "the run", model.to_string()).set(
            "state",
            "--state",
            state.display().to_string(),
        );
        let settings = compose::settings(&file, &flags)?;
        let (in_doubt, doubts) = decided(run.id(), &self.in_doubt)?;
        let resumed = async {
            let house = prepare(&settings, screen).await?;
            let (form, cancel) = (self.output.form(), CancelHandle::default());
            let options = ResumeOptions {
                in_doubt,
                doubts,
                cancel: cancel.clone(),
                whole: form == Form::Json,
                ..ResumeOptions::default()
            };
            let folders = house.folders.clone();
            let going = going(&settings, run.id(), form, !options.whole, cancel);
            let going = Going { folders, ..going };
            let scope = compose::scope();
            let resumed = house.runs.resume(&house.agent, &scope, run.id(), options);
            finish(&house, &going, resumed.boxed_local(), screen).await
        };
        compose::with_runtime(compose::asking(settings.project.models_blocked, resumed))?
    }
}

/// A run as its journal has it.
pub(super) struct Stored {
    pub(super) run: Run,
    /// The hash of the definition that it began with.
    pub(super) definition: Hash,
    /// The model that it began with, whoever has taken over since.
    pub(super) model: Arc<str>,
}

pub(super) async fn stored(journal: &dyn Journal, name: &str) -> Result<Stored> {
    let scope = compose::scope();
    let run = target::find(journal, &scope, name).await?;
    let (run, events) = fold_stored(journal, &scope, run).await?;
    let Some(Event::RunStarted(started)) = events.first().map(|first| &*first.event) else {
        return Err(super::trace::absent(run.id()));
    };
    let (definition, adjusted) = (started.definition, started.adjusted.as_ref());
    let model = match adjusted.and_then(|adjusted| adjusted.model.clone()) {
        Some(model) => model,
        None => stored_definition(journal, &scope, definition).await?.model,
    };
    Ok(Stored { run, definition, model })
}

/// The agent's file: the named one, the one the run came from, or the one beside the state.
pub(super) fn agent_file(state: &Path, path: Option<&Path>, definition: Hash) -> Result<PathBuf> {
    if let Some(path) = path.filter(|path| path.is_file() || path.join(AGENT_FILE).is_file()) {
        return Ok(path.to_owned());
    }
    let beside = state.parent().filter(|_| state.ends_with(STATE_FOLDER));
    let beside = beside.map(|folder| folder.join(AGENT_FILE));
    let known = agents::recall(state, definition);
    known.into_iter().chain(beside).find(|file| file.is_file()).ok_or_else(|| {
        LargestackError::with_advice(
            Code::NotFound,
            "the agent of this run is not where it was",
            "Name its folder: largestack resume PATH RUN",
        )
    })
}
