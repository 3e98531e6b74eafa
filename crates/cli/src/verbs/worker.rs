//! `largestack worker`: does the runs that were enqueued, until it is told to end.

use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use largestack_config::{self as config, Engine, Flags};
use largestack_flow::worker::{Drained, WorkerEvent, no_queue};
use largestack_flow::{Worker as Working, WorkerBuilder};
use largestack_types::errors::{Code, LargestackError, Result};
use tokio::sync::mpsc;

use crate::args::Global;
use crate::compose;
use crate::exit;
use crate::failure::{Failure, Outcome};
use crate::interrupt;
use crate::render::work;
use crate::screen::Screen;
use crate::shared::Shared;

mod described;
mod restate;

use described::Built;
pub(super) use described::Described;

/// Does the runs that were enqueued.
#[derive(Debug, Args)]
pub(crate) struct Worker {
    /// The agents and workflows that it serves: folders with an agent.yaml or a workflow.yaml, or
    /// such files; the current folder unless given
    #[arg(value_name = "FOLDERS")]
    folders: Vec<PathBuf>,
    /// Runs that it has at once; `worker.concurrency` unless given
    #[arg(long, value_name = "N")]
    concurrency: Option<String>,
    /// How long what it has may take to end when it is told to; `worker.drain` unless given
    #[arg(long, value_name = "DURATION")]
    drain: Option<String>,
    /// Who says which worker drives a run: `store`, or `restate` in a program with that feature;
    /// `worker.engine` unless given
    #[arg(long, value_name = "ENGINE")]
    engine: Option<String>,
    /// Where it listens for Restate; `worker.restate.listen` unless given
    #[arg(long, value_name = "ADDRESS:PORT")]
    listen: Option<String>,
    /// Where Restate reaches it; `worker.restate.uri` unless given
    #[arg(long, value_name = "URL")]
    uri: Option<String>,
    /// Restate's ingress; `worker.restate.ingress` unless given
    #[arg(long, value_name = "URL")]
    ingress: Option<String>,
    /// Restate's admin port; `worker.restate.admin` unless given
    #[arg(long, value_name = "URL")]
    admin: Option<String>,
    /// Print a line of JSON for everything that it does
    #[arg(long)]
    pub(crate) json: bool,
}

impl Worker {
    pub(crate) fn perform(&self, global: &Global, screen: &mut Screen) -> Outcome {
        let described = self.described(global)?;
        let first = described.first().ok_or_else(no_queue)?.project();
        let blocked = described.iter().any(|described| described.project().models_blocked);
        match first.workers.engine {
            Engine::Store => {
                let work = self.work(&described, screen);
                compose::with_runtime(compose::asking(blocked, work))?
            }
            Engine::Restate => {
                let serves = restate::serve(&described, self.json, screen);
                compose::with_runtime(compose::asking(blocked, serves))?
            }
        }
    }

    fn described(&self, global: &Global) -> Result<Vec<Described>> {
        let mut flags = Flags::new();
        for (key, flag, given) in self.flags() {
            if let Some(given) = given {
                flags = flags.set(key, flag, given.as_str());
            }
        }
        if let Some(state) = &global.state {
            flags = flags.set("state", "--state", state.display().to_string());
        }
        let here = [PathBuf::from(".")];
        let folders = if self.folders.is_empty() { &here[..] } else { &self.folders[..] };
        let described = folders.iter().map(|folder| Described::of(folder, &flags));
        let described: Vec<Described> = described.collect::<Result<_>>()?;
        self.agree(&described)?;
        Ok(described)
    }

    /// The flags that stand for a key; the last four are about Restate, the first two are not.
    const fn flags(&self) -> [(&'static str, &'static str, Option<&String>); 7] {
        [
            ("worker.concurrency", "--concurrency", self.concurrency.as_ref()),
            ("worker.drain", "--drain", self.drain.as_ref()),
            ("worker.engine", "--engine", self.engine.as_ref()),
            ("worker.restate.listen", "--listen", self.listen.as_ref()),
            ("worker.restate.uri", "--uri", self.uri.as_ref()),
            ("worker.restate.ingress", "--ingress", self.ingress.as_ref()),
            ("worker.restate.admin", "--admin", self.admin.as_ref()),
        ]
    }

    /// Whether all that it serves can be served together, and every flag says something.
    fn agree(&self, described: &[Described]) -> Result<()> {
        let Some(first) = described.first().map(Described::project) else { return Ok(()) };
        let engine = first.workers.engine;
        let only = |of: &str, wanted: Engine| {
            let unread = self.flags().into_iter().find(|(key, _, given)| {
                let restate = key.starts_with("worker.restate.");
                given.is_some()
                    && *key != "worker.engine"
                    && restate == (wanted == Engine::Restate)
                    && engine != wanted
            });
            unread.map(|(_, flag, _)| {
                let detail = format!("{flag} says something only to workers of {of}");
                LargestackError::with_advice(Code::Input, detail, "Leave it out, or see --engine")
            })
        };
        let unread = only("Restate", Engine::Restate)
            .or_else(|| only("the project's own queue", Engine::Store));
        if let Some(unread) = unread {
            return Err(unread);
        }
        for project in described.iter().map(Described::project) {
            if project.workers.engine != engine || project.workers.restate != first.workers.restate
            {
                return Err(LargestackError::with_advice(
                    Code::Config,
                    "what a worker serves has one `worker.engine` and one `worker.restate`",
                    "Start a worker for each, or say it with --engine",
                ));
            }
            if engine == Engine::Store {
                project.postgres.as_ref().ok_or_else(no_queue)?;
            }
            if project.postgres != first.postgres {
                let server = project.postgres.as_deref().unwrap_or("none");
                return Err(LargestackError::with_advice(
                    Code::Config,
                    format!("the agents of a worker share one server, and `{server}` is another"),
                    "Start a worker for each `store.postgres`",
                ));
            }
        }
        Ok(())
    }

    async fn work(&self, described: &[Described], screen: &mut Screen) -> Outcome {
        let project = described.first().ok_or_else(no_queue)?.project();
        let shared = Shared::for_worker(project)?;
        let mut houses = Vec::with_capacity(described.len());
        for described in described {
            houses.push(described.built(shared.clone(), screen).await?);
        }
        let (tell, mut told) = mpsc::unbounded_channel();
        let worker = builder(&houses, &project.workers)?
            .listener(move |event| drop(tell.send(event.clone())))
            .build()?;
        let drained = worker.clone();
        interrupt::drains(move || drained.drain());
        let mut work = Box::pin(worker.run());
        let mut gone = None;
        let done = loop {
            tokio::select! {
                done = &mut work => break done,
                Some(event) = told.recv() => {
                    if let Err(failure) = self.say(&event, screen) {
                        // Nobody reads any more: as if it were told to end.
                        gone.get_or_insert(failure);
                        worker.drain();
                    }
                }
            }
        };
        while let Ok(event) = told.try_recv() {
            if gone.is_none() {
                self.say(&event, screen)?;
            }
        }
        for house in &houses {
            house.tasks().finished().await;
        }
        let Drained { .. } = done?;
        match gone {
            Some(Failure::ReaderGone) | None => Ok(exit::DONE),
            Some(failure) => Err(failure),
        }
    }

    fn say(&self, event: &WorkerEvent, screen: &mut Screen) -> Outcome<()> {
        if self.json {
            return screen.json_line(event);
        }
        screen.print(&work::line(event))
    }
}

fn builder(houses: &[Built], workers: &config::Workers) -> Result<WorkerBuilder> {
    let runtime = match houses.first().ok_or_else(no_queue)? {
        Built::Agent(house) => &house.runtime,
        Built::Workflow(house) => &house.runtime,
    };
    let mut builder = Working::builder(runtime.clone())
        .concurrency(workers.concurrency)
        .drain_within(workers.drain);
    if let Some(most) = workers.per_tenant {
        builder = builder.per_tenant(most);
    }
    for house in houses {
        let name = match house {
            Built::Agent(house) => {
                builder = builder.agent(house.agent.clone());
                Arc::clone(&house.agent.definition().agent)
            }
            Built::Workflow(house) => {
                builder = builder.workflow(house.workflow.clone());
                Arc::clone(&house.workflow.graph().name)
            }
        };
        if let Some(most) = workers.per_agent {
            builder = builder.per_name(name, most);
        }
    }
    Ok(builder)
}
