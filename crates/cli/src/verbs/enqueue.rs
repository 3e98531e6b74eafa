//! `largestack enqueue`: asks an agent or a workflow something that some worker does.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use largestack_config::{Engine, Flags};
use largestack_flow::worker::no_queue;
use largestack_http::OsIds;
use largestack_ports::ids::MakeId as _;
use largestack_ports::queue::{Job, State};
use largestack_types::duration;
use largestack_types::errors::{Code, LargestackError, Result};
use largestack_types::id::RunId;
use serde::Serialize;
use serde_json::Value;

use super::run::from_stdin;
use super::worker::Described;
use crate::args::Global;
use crate::compose::{self, with_runtime};
use crate::exit;
use crate::failure::Outcome;
use crate::render::style::{FAINT, painted};
use crate::restate;
use crate::screen::Screen;
use crate::shared::Shared;

/// Asks an agent or a workflow something that some worker does.
#[derive(Debug, Args)]
#[command(allow_missing_positional = true)]
pub(crate) struct Enqueue {
    /// The agent or workflow: a folder with an agent.yaml or a workflow.yaml, or such a file; the
    /// current folder unless given
    path: Option<PathBuf>,
    /// What to ask, or what a workflow is given; `-` reads it from standard input
    #[arg(value_name = "QUESTION|-")]
    question: String,
    /// Of what waits, the higher goes first
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    priority: Option<i16>,
    /// Not before this much time has passed, e.g. 10m
    #[arg(long, value_name = "DURATION")]
    after: Option<String>,
    /// Go on with a conversation, or begin one under this name
    #[arg(long, value_name = "NAME|ID")]
    session: Option<String>,
    /// Whose workers do it: `store`, or `restate` in a program with that feature; `worker.engine`
    /// unless given
    #[arg(long, value_name = "ENGINE")]
    engine: Option<String>,
    /// Restate's ingress; `worker.restate.ingress` unless given
    #[arg(long, value_name = "URL")]
    ingress: Option<String>,
    /// Print one JSON document
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Serialize)]
struct Document {
    run: String,
    agent: String,
    state: State,
    priority: i16,
    engine: &'static str,
}

impl Enqueue {
    pub(crate) fn perform(&self, global: &Global, screen: &mut Screen) -> Outcome {
        let mut flags = Flags::new();
        if let Some(state) = &global.state {
            flags = flags.set("state", "--state", state.display().to_string());
        }
        if let Some(engine) = &self.engine {
            flags = flags.set("worker.engine", "--engine", engine.as_str());
        }
        if let Some(ingress) = &self.ingress {
            flags = flags.set("worker.restate.ingress", "--ingress", ingress.as_str());
        }
        let path = self.path.as_deref().unwrap_or(Path::new("."));
        let described = Described::of(path, &flags)?;
        let engine = described.project().workers.engine;
        self.agree(&described, engine)?;
        let typed = match self.question.as_str() {
            "-" => from_stdin()?,
            question => question.to_owned(),
        };
        let input = described.input(typed)?;
        let after = self.after()?;
        let run = match engine {
            Engine::Store => self.queue(&described, (input, after))?,
            Engine::Restate => self.begin(&described, (input, after))?,
        };
        if self.json {
            let (agent, priority) = (described.name().to_string(), self.priority.unwrap_or(0));
            let (run, state) = (run.to_string(), State::Queued);
            let engine = match engine {
                Engine::Store => "store",
                Engine::Restate => "restate",
            };
            screen.json(&Document { run, agent, state, priority, engine })?;
        } else {
            screen.print(&format!("{run}\n"))?;
            let shown = path.display();
            let next = format!("Watch it: largestack trace {shown} {run} --follow");
            screen.note(&painted(FAINT, next));
        }
        Ok(exit::DONE)
    }

    /// Whether what is said can be done.
    fn agree(&self, described: &Described, engine: Engine) -> Result<()> {
        let wrong = |detail: &str, advice: &str| {
            Err(LargestackError::with_advice(Code::Input, detail, advice))
        };
        if self.session.is_some() && matches!(described, Described::Workflow(_)) {
            return wrong("--session is a conversation with an agent", "Leave it out");
        }
        match engine {
            Engine::Restate if self.priority.is_some() => wrong(
                "--priority: Restate begins runs in the order in which they come",
                "Leave it out, or keep runs in the project's own queue",
            ),
            Engine::Store if self.ingress.is_some() => {
                wrong("--ingress says something only to Restate", "Leave it out, or see --engine")
            }
            Engine::Store => described.project().postgres.as_ref().map(drop).ok_or_else(no_queue),
            Engine::Restate => Ok(()),
        }
    }

    fn after(&self) -> Result<Option<Duration>> {
        let Some(after) = &self.after else { return Ok(None) };
        let wrong = || {
            let detail = format!("`{after}` is no time: it is written as 90s, 10m or 2h");
            LargestackError::other(Code::Input, detail)
        };
        duration::parse(after).ok_or_else(wrong).map(Some)
    }

    /// Into the queue of the project's server.
    fn queue(
        &self,
        described: &Described,
        (input, after): (Value, Option<Duration>),
    ) -> Outcome<RunId> {
        let (project, name) = (described.project(), Arc::clone(described.name()));
        let mut job = match (described, input) {
            (Described::Agent(_), Value::String(text)) => Job::agent(name, text),
            (_, input) => Job::workflow(name, input),
        };
        job = job.priority(self.priority.unwrap_or(0));
        job.attempts = project.workers.attempts;
        job.session = self.session.as_deref().map(Into::into);
        if let Some(after) = after {
            job = job.not_before(compose::now().plus(after));
        }
        let shared = Shared::of_server(project)?;
        let run = with_runtime(async {
            let queue = shared.journal.queue().ok_or_else(no_queue)?;
            queue.enqueue(&compose::scope(), job, project.workers.max_queued).await
        })??;
        Ok(run)
    }

    /// To Restate.
    fn begin(
        &self,
        described: &Described,
        (input, after): (Value, Option<Duration>),
    ) -> Outcome<RunId> {
        let run = OsIds::new()?.run_id(compose::now());
        let (name, session) = (Arc::clone(described.name()), self.session.clone());
        let begins = restate::Begins { run, name, input, session, after };
        with_runtime(restate::begin(&described.project().workers.restate, begins))??;
        Ok(run)
    }
}
