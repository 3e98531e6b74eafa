//! `largestack cancel`: ends a run, whoever has it.

use clap::Args;
use largestack_agent::Runs;
use largestack_flow::worker::{Cancelling, cancel};
use largestack_ports::journal::RunSummary;
use largestack_types::errors::{Code, LargestackError, Result};
use largestack_types::id::RunId;
use serde::Serialize;

use super::resume::Resume;
use super::target::{self, Target};
use crate::args::Global;
use crate::compose::{self, with_runtime};
use crate::exit;
use crate::failure::Outcome;
use crate::flows;
use crate::render::text::clean;
use crate::restate::{self, Heard};
use crate::screen::Screen;
use crate::shared::{For, Shared};

/// Ends a run.
#[derive(Debug, Args)]
pub(crate) struct Cancel {
    /// A project (the nearest one unless given) and a run: its id, the beginning of it, or `last`
    #[arg(value_names = ["PATH", "RUN"], num_args = 1..=2, required = true)]
    target: Vec<String>,
    /// Why; its trace says so
    #[arg(long, value_name = "TEXT", default_value = "")]
    reason: String,
    /// Print one JSON document
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Serialize)]
struct Document {
    run: String,
    cancelled: bool,
    asked: bool,
}

impl Cancel {
    pub(crate) fn perform(&self, global: &Global, screen: &mut Screen) -> Outcome {
        let target = Target::of(&self.target)?;
        let Some(name) = &target.run else {
            let advice = "`largestack trace` and `largestack queue` list runs";
            let none = "there is no run to cancel";
            return Err(LargestackError::with_advice(Code::Input, none, advice).into());
        };
        let (_, shared) = Shared::of_project(global, target.path(), For::Writing)?;
        let (run, known) = with_runtime(async {
            let run = target::find(&*shared.journal, &compose::scope(), name).await?;
            Ok::<_, LargestackError>((run, shared.journal.run(&compose::scope(), run).await?))
        })??;
        if let Some(RunSummary { root, engine: Some(engine), .. }) = &known {
            let heard = with_runtime(restate::end(engine, *root))??;
            return self.asked(*root, engine, heard, screen);
        }
        let flow = with_runtime(self.is_workflow_of_nobody(&shared, run))??;
        if flow {
            // What it did is undone by whoever takes it up.
            drop(shared);
            let reason = if self.reason.is_empty() { "cancelled" } else { &self.reason };
            let resume = Resume::to_cancel(reason.to_owned());
            return resume.take_up(global, target.path(), name, screen);
        }
        let how = with_runtime(self.cancel(&shared, run))??;
        let asked = how == Cancelling::Asked;
        if self.json {
            screen.json(&Document { run: run.to_string(), cancelled: !asked, asked })?;
        } else if asked {
            screen.print(&format!("{run}: the worker that has it was asked to end it.\n"))?;
        } else {
            screen.print(&format!("{run} is cancelled.\n"))?;
        }
        Ok(exit::DONE)
    }

    /// Says that Restate was asked to end a run.
    fn asked(&self, run: RunId, engine: &str, heard: Heard, screen: &mut Screen) -> Outcome {
        if self.json {
            screen.json(&Document { run: run.to_string(), cancelled: false, asked: true })?;
            return Ok(exit::DONE);
        }
        let engine = clean(engine);
        screen.print(&match heard {
            Heard::Now => format!("{run}: {engine} was asked to end it.\n"),
            Heard::Later => format!("{run}: {engine} ends it when a worker is there again.\n"),
        })?;
        Ok(exit::DONE)
    }

    /// Whether it is a workflow's run that no worker is to end.
    async fn is_workflow_of_nobody(&self, shared: &Shared, run: RunId) -> Result<bool> {
        let scope = compose::scope();
        let known = match shared.journal.queue() {
            Some(queue) => queue.find(&scope, run).await?,
            None => None,
        };
        if known.is_some_and(|job| !job.state.is_over()) {
            return Ok(false);
        }
        Ok(flows::stored(&*shared.journal, &scope, run).await?.is_some())
    }

    async fn cancel(&self, shared: &Shared, run: RunId) -> Result<Cancelling> {
        let (scope, reason) = (compose::scope(), self.reason.as_str());
        let runtime = compose::without_models(shared)?;
        let enqueued = match shared.journal.queue() {
            Some(queue) => queue.find(&scope, run).await?.is_some_and(|job| !job.state.is_over()),
            None => false,
        };
        if enqueued {
            return cancel(&runtime, &scope, run, reason).await;
        }
        Runs::new(runtime).cancel(&scope, run, reason).await?;
        Ok(Cancelling::Ended)
    }
}
