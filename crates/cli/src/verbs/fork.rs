//! `largestack fork`: a run's beginning, with another future.

use std::sync::Arc;

use clap::Args;
use futures::FutureExt as _;
use largestack_agent::{CancelHandle, Fork as Forking, ResumeOptions};
use largestack_config::Flags;
use largestack_ports::ids::MakeId as _;
use largestack_types::errors::{Code, LargestackError, Result};
use largestack_types::money::Money;

use super::doubts::{InDoubt, decided};
use super::resume::workflow::found as workflow_run;
use super::resume::{Stored, agent_file, stored};
use super::run::{Output, finish, going, prepare};
use super::target::Target;
use crate::args::Global;
use crate::compose::{self, blocking};
use crate::failure::Outcome;
use crate::follow::{Form, Going};
use crate::screen::Screen;
use crate::shared::{For, Shared};

mod workflow;

/// What `--set` can set.
const SETTABLE: &str = "model, input, instructions, budget, max_turns and max_tool_calls";

/// Forks a run.
#[derive(Debug, Args)]
pub(crate) struct Fork {
    /// A project (the nearest one unless given) and a run: its id, the beginning of it, or `last`
    #[arg(value_names = ["PATH", "RUN"], num_args = 1..=2, required = true)]
    target: Vec<String>,
    /// The last event that both have; `largestack replay RUN` shows them
    #[arg(long, value_name = "SEQ")]
    at: u64,
    /// What differs from there on: model, input, instructions, budget (in dollars), max_turns or
    /// max_tool_calls; of a workflow a key of its state; may be given again
    #[arg(long = "set", value_name = "KEY=VALUE")]
    set: Vec<String>,
    /// What becomes of tool calls that were under way there and may have happened: tell-model, rerun or
    /// fail; with CALL (e3) of that one, or happened=OUTPUT, where you know what it returned; may be given
    /// again
    #[arg(long, value_name = "[CALL=]WHAT")]
    in_doubt: Vec<InDoubt>,
    /// What standard output gets
    #[command(flatten)]
    pub(super) output: Output,
}

impl Fork {
    pub(crate) fn perform(self, global: &Global, screen: &mut Screen) -> Outcome {
        let target = Target::of(&self.target)?;
        let name = target.run.as_deref().ok_or_else(no_run)?;
        let (state, shared) = Shared::of_project(global, target.path(), For::Reading)?;
        if let Some(taken) = blocking(workflow_run(&*shared.journal, name))?? {
            // The fork is made by a store of its own.
            drop(shared);
            return self.workflow((&state, target.path()), taken, screen);
        }
        let new = self.forking()?;
        let Stored { run, definition, model } = blocking(stored(&*shared.journal, name))??;
        // The fork is made by a store of its own.
        drop(shared);
        let file = agent_file(&state, target.path(), definition)?;
        // The model that the run began with may have come from a flag or a key.
        let flags = Flags::new().set("model", "the run", model.to_string()).set(
            "state",
            "--state",
            state.display().to_string(),
        );
        let settings = compose::settings(&file, &flags)?;
        let going_on = async {
            let house = prepare(&settings, screen).await?;
            let (form, cancel) = (self.output.form(), CancelHandle::default());
            let id = house.ids.run_id(house.clock.now());
            let (in_doubt, doubts) = decided(id, &self.in_doubt)?;
            let options = ResumeOptions {
                in_doubt,
                doubts,
                cancel: cancel.clone(),
                whole: form == Form::Json,
                ..ResumeOptions::default()
            };
            let model =
                new.adjusted.model.clone().unwrap_or_else(|| Arc::clone(&run.definition().model));
            let new = Forking { id: Some(id), ..new };
            let going = going(&settings, id, form, !options.whole, cancel);
            let going = Going { folders: house.folders.clone(), model, begins: true, ..going };
            let scope = compose::scope();
            let forked = house.runs.fork(&house.agent, &scope, run.id(), (new, options));
            finish(&house, &going, forked.boxed_local(), screen).await
        };
        compose::with_runtime(compose::asking(settings.project.models_blocked, going_on))?
    }

    fn forking(&self) -> Result<Forking> {
        let mut fork = Forking { at: self.at, ..Forking::default() };
        for (key, value) in pairs(&self.set)? {
            apply(&mut fork, key, value)?;
        }
        Ok(fork)
    }
}

/// What is set, each once.
fn pairs(set: &[String]) -> Result<Vec<(&str, &str)>> {
    let mut pairs: Vec<(&str, &str)> = Vec::with_capacity(set.len());
    for set in set {
        let pair = set.split_once('=').ok_or_else(|| {
            wrong(
                &format!("`{set}` sets nothing"),
                "Write --set KEY=VALUE, e.g. --set model=openai/gpt-4o-mini",
            )
        })?;
        if pairs.iter().any(|(key, _)| *key == pair.0) {
            return Err(wrong(&format!("`{}` is set twice", pair.0), "Set each key once"));
        }
        pairs.push(pair);
    }
    Ok(pairs)
}

fn wrong(what: &str, advice: &str) -> LargestackError {
    LargestackError::with_advice(Code::Input, what, advice)
}

fn apply(fork: &mut Forking, key: &str, value: &str) -> Result<()> {
    let number = || {
        let number = value.parse::<u32>().ok().filter(|number| *number > 0);
        number.ok_or_else(|| wrong(&format!("`{key}` is `{value}`"), "Give a number of at least 1"))
    };
    let Forking { adjusted, .. } = fork;
    match key {
        _ if value.trim().is_empty() => {
            return Err(wrong(
                &format!("`{key}` is set to nothing"),
                "Give it a value, or leave it out",
            ));
        }
        "model" => adjusted.model = Some(value.into()),
        "input" => fork.input = Some(value.into()),
        "instructions" => fork.instructions = Some(value.into()),
        "budget" => adjusted.budget = Some(dollars(value)?),
        "max_turns" => adjusted.max_turns = Some(number()?),
        "max_tool_calls" => adjusted.max_tool_calls = Some(number()?),
        _ => {
            let what = format!("`{key}` cannot be set in a fork");
            let advice = format!(
                "These can: {SETTABLE}. What else an agent is made of is in its file, and a fork keeps it"
            );
            return Err(wrong(&what, &advice));
        }
    }
    Ok(())
}

fn dollars(value: &str) -> Result<Money> {
    let amount =
        Money::parse_dollars(value.trim_start_matches('$')).filter(|amount| *amount > Money::ZERO);
    amount.ok_or_else(|| wrong(&format!("`budget` is `{value}`"), "Give dollars, e.g. 0.25"))
}

fn no_run() -> LargestackError {
    wrong(
        "no run is named",
        "Name one, e.g. `largestack fork last --at 3`; `largestack trace` lists them",
    )
}
