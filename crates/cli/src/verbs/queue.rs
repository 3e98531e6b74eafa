//! `largestack queue`: what waits for a worker, what workers have, and what was set aside.

use std::path::PathBuf;

use clap::Args;
use largestack_config::Restate;
use largestack_flow::worker::no_queue;
use largestack_ports::queue::{Queue as Port, State};
use largestack_types::errors::{Code, LargestackError};
use largestack_types::id::RunId;
use serde::Serialize;

use crate::args::Global;
use crate::compose::{self, with_runtime};
use crate::exit;
use crate::failure::Outcome;
use crate::place;
use crate::render::style::{FAINT, painted};
use crate::render::work::{self, EntryDocument};
use crate::screen::Screen;
use crate::shared::{For, Shared};

/// Shows what waits for a worker.
#[derive(Debug, Args)]
pub(crate) struct Queue {
    /// The project; the nearest one unless given
    path: Option<PathBuf>,
    /// Only what is queued, running, waiting, done, cancelled or poisoned
    #[arg(long = "only", value_name = "STATE", value_parser = state)]
    only: Option<State>,
    /// Runs to list
    #[arg(long, default_value_t = 20, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    limit: u32,
    /// Queue a run again that was set aside, with all its attempts
    #[arg(long, value_name = "RUN", conflicts_with_all = ["only", "limit"])]
    retry: Option<RunId>,
    /// Print one JSON document
    #[arg(long)]
    pub(crate) json: bool,
}

fn state(name: &str) -> Result<State, String> {
    State::parse(name).ok_or_else(|| {
        let names: Vec<&str> = State::ALL.into_iter().map(State::name).collect();
        format!("it is one of {}", names.join(", "))
    })
}

#[derive(Serialize)]
struct Document {
    counts: serde_json::Map<String, serde_json::Value>,
    runs: Vec<EntryDocument>,
}

#[derive(Serialize)]
struct Retried {
    run: String,
    state: State,
}

/// What waits elsewhere is listed there.
fn elsewhere(at: &Restate) -> LargestackError {
    LargestackError::with_advice(
        Code::Config,
        format!("what waits for a worker is kept by Restate at {}", at.ingress),
        format!("Its console at {} shows it; `largestack trace` lists what has begun", at.admin),
    )
}

impl Queue {
    pub(crate) fn perform(&self, global: &Global, screen: &mut Screen) -> Outcome {
        if let Some(at) = place::restate(self.path.as_deref())? {
            return Err(elsewhere(&at).into());
        }
        let (_, shared) = Shared::of_project(global, self.path.as_deref(), For::Writing)?;
        let queue = shared.journal.queue().ok_or_else(no_queue)?;
        match self.retry {
            Some(run) => self.retry(queue, run, screen),
            None => self.list(queue, screen),
        }
    }

    fn retry(&self, queue: &dyn Port, run: RunId, screen: &mut Screen) -> Outcome {
        if !with_runtime(queue.retry(&compose::scope(), run))?? {
            let detail = format!("{run} was not set aside");
            let advice = "`largestack queue --only poisoned` lists what was";
            return Err(LargestackError::with_advice(Code::NotFound, detail, advice).into());
        }
        if self.json {
            screen.json(&Retried { run: run.to_string(), state: State::Queued })?;
        } else {
            screen.print(&format!("{run} is queued again.\n"))?;
        }
        Ok(exit::DONE)
    }

    fn list(&self, queue: &dyn Port, screen: &mut Screen) -> Outcome {
        let scope = compose::scope();
        let (counts, entries) = with_runtime(async {
            let counts = queue.counts(&scope).await?;
            let entries = queue.list(&scope, self.only, self.limit as usize).await?;
            Ok::<_, LargestackError>((counts, entries))
        })??;
        if self.json {
            let counts = State::ALL.into_iter().map(|state| {
                let found = counts.iter().find(|(known, _)| *known == state);
                (state.name().to_owned(), found.map_or(0, |(_, count)| *count).into())
            });
            let runs = entries.iter().map(EntryDocument::of).collect();
            screen.json(&Document { counts: counts.collect(), runs })?;
        } else if counts.is_empty() {
            screen.print("Nothing was enqueued.\n")?;
        } else {
            let counts: Vec<String> =
                counts.iter().map(|(state, count)| format!("{count} {state}")).collect();
            screen.print(&format!("{}{}\n", work::list(&entries), counts.join(" · ")))?;
            if entries.iter().any(|entry| entry.state == State::Poisoned) {
                let next = "Look at one that was set aside: largestack trace RUN; then: largestack \
                            queue --retry RUN";
                screen.note(&painted(FAINT, next));
            }
        }
        Ok(exit::DONE)
    }
}
