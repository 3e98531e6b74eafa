//! `largestack trace`: the list of runs, and what happened in one.

use clap::Args;
use futures::future::BoxFuture;
use largestack_engine::{Envelope, Recorded};
use largestack_ports::journal::Journal;
use largestack_types::errors::{Code, LargestackError};
use largestack_types::id::RunId;
use largestack_types::scope::Scope;
use serde::Serialize;

use super::target::{self, Target};
use crate::args::Global;
use crate::compose::{self, blocking, with_runtime};
use crate::exit;
use crate::failure::{Failure, Outcome};
use crate::flows;
use crate::place;
use crate::render::amount::{lasted, moment, tokens};
use crate::render::run_json::SummaryDocument;
use crate::render::runs;
use crate::render::style::{FAINT, STRONG, of_status, painted};
use crate::render::text::{clean, counted};
use crate::render::timeline::{Step, draw, steps};
use crate::screen::Screen;
use crate::shared::{For, Shared};
use crate::standing::Standing;

mod follow;
use follow::Follow;

/// Lists runs, or shows one.
#[derive(Debug, Args)]
pub(crate) struct Trace {
    /// A project (the nearest one unless given) and a run: its id, the beginning of it, or `last`
    #[arg(value_names = ["PATH", "RUN"], num_args = 0..=2)]
    target: Vec<String>,
    /// Runs to list
    #[arg(long, default_value_t = 20, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    limit: u32,
    /// Show texts, arguments and results whole
    #[arg(long)]
    whole: bool,
    /// Show what happens until the run has ended, also when another process drives it
    #[arg(long)]
    follow: bool,
    /// With `--follow`: the first event to show
    #[arg(long, value_name = "SEQ", requires = "follow", value_parser = clap::value_parser!(u64).range(1..))]
    from: Option<u64>,
    /// Print one JSON document; with `--follow` a line of JSON for each event
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Serialize)]
struct List {
    state: String,
    runs: Vec<SummaryDocument>,
}

#[derive(Serialize)]
struct One {
    run: SummaryDocument,
    steps: Vec<Step>,
    events: Vec<Envelope>,
}

impl Trace {
    pub(crate) fn perform(&self, global: &Global, screen: &mut Screen) -> Outcome {
        let target = Target::of(&self.target)?;
        let (state, shared) = Shared::of_project(global, target.path(), For::Reading)?;
        let store = &*shared.journal;
        let scope = compose::scope();
        let Some(name) = &target.run else {
            if self.follow {
                return Err(no_run().into());
            }
            let found = blocking(async {
                let found = store.runs(&scope, self.limit as usize).await?;
                Standing::of_all(&shared, &scope, found).await
            })??;
            if self.json {
                let runs = found.iter().map(SummaryDocument::of).collect();
                screen.json(&List { state: state.display().to_string(), runs })?;
            } else if found.is_empty() {
                screen.print("No run yet.\n")?;
            } else {
                screen.print(&runs::list(&found))?;
                if let Some(advice) = go_on(&found) {
                    screen.note(&painted(FAINT, advice));
                }
            }
            return Ok(exit::DONE);
        };
        if self.follow {
            with_runtime(async {
                let run = target::find(store, &scope, name).await?;
                let (after, whole, json) = (self.from.unwrap_or(1) - 1, self.whole, self.json);
                Follow { run, after, whole, json }.perform(store, &scope, screen).await
            })??;
            return Ok(exit::DONE);
        }
        let (standing, events, steps) = blocking(async {
            let run = target::find(store, &scope, name).await?;
            let Some(summary) = store.run(&scope, run).await? else {
                return Err(not_begun(store, &scope, run).await?);
            };
            let mut standing = Standing::of(&shared, &scope, summary).await?;
            // A workflow's line has no tokens: those of its agents stand in theirs. One that cannot be
            // folded here is shown all the same.
            if let Ok(Some(stored)) = flows::stored(store, &scope, run).await
                && let Ok(folded) = stored.folded()
            {
                (standing.run.usage, standing.run.cost) = (folded.usage(), folded.cost());
            }
            let events = store.read(&scope, run, 0).await?;
            let steps = told(store, &scope, (&events, 0)).await?;
            Ok::<_, LargestackError>((standing, events, steps))
        })??;
        if self.json {
            let events = envelopes(&scope, standing.run.run, &events)?;
            screen.json(&One { run: SummaryDocument::of(&standing), steps, events })?;
        } else {
            screen.print(&head(&standing))?;
            screen.print(&draw(&steps, self.whole))?;
            if standing.interrupted {
                let project = place::named(global, target.path());
                screen.print(&format!(
                    "It was cut off, and no process goes on with it. Next:\n  \
                     largestack resume {project}{}\n",
                    standing.run.run
                ))?;
            }
        }
        Ok(exit::DONE)
    }
}

fn no_run() -> LargestackError {
    LargestackError::with_advice(
        Code::Input,
        "there is no run to follow",
        "Name one: largestack trace RUN --follow, or `last` for the newest",
    )
}

/// Runs below one another that are shown.
const DEPTH: usize = 8;

/// What events tell, with what happened in the runs that they started.
fn told<'a>(
    journal: &'a dyn Journal,
    scope: &'a Scope,
    (events, depth): (&'a [Recorded], usize),
) -> BoxFuture<'a, Result<Vec<Step>, LargestackError>> {
    Box::pin(async move {
        let mut steps = measured(journal, scope, steps(events)).await?;
        for step in steps.iter_mut().filter(|_| depth < DEPTH) {
            let Some(run) = step.run_below() else { continue };
            let events = journal.read(scope, run, 0).await?;
            step.below = told(journal, scope, (&events, depth + 1)).await?;
        }
        Ok(steps)
    })
}

/// Steps with the sizes of the media that the journal keeps beside its events.
async fn measured(
    journal: &dyn Journal,
    scope: &Scope,
    mut steps: Vec<Step>,
) -> Result<Vec<Step>, LargestackError> {
    for step in &mut steps {
        for hash in step.kept() {
            if let Some(bytes) = journal.blob(scope, hash).await? {
                step.sized(hash, bytes.len() as u64);
            }
        }
    }
    Ok(steps)
}

/// What to do about runs of a list that were cut off; nothing where there is none.
fn go_on(runs: &[Standing]) -> Option<String> {
    match runs.iter().filter(|run| run.interrupted).count() {
        0 => None,
        1 => Some("One was cut off; go on with it: largestack resume RUN".to_owned()),
        some => Some(format!("{some} were cut off; go on with one: largestack resume RUN")),
    }
}

/// The error of a run that has no journal: one that waits for a worker, or none.
async fn not_begun(
    store: &dyn Journal,
    scope: &Scope,
    run: RunId,
) -> Result<LargestackError, LargestackError> {
    let Some(queue) = store.queue() else { return Ok(absent(run)) };
    Ok(match queue.find(scope, run).await? {
        None => absent(run),
        Some(job) => LargestackError::with_advice(
            Code::NotFound,
            format!("{run} is {} and has not begun", job.state),
            "Wait for it: largestack trace RUN --follow; `largestack queue` shows what else waits",
        ),
    })
}

/// The error of a run that is not there.
pub(super) fn absent(run: RunId) -> LargestackError {
    LargestackError::other(Code::NotFound, format!("there is no run {run}"))
}

fn envelopes(scope: &Scope, run: RunId, events: &[Recorded]) -> Outcome<Vec<Envelope>> {
    let seal = |recorded| Envelope::seal(scope.tenant(), run, recorded);
    events.iter().map(seal).collect::<Result<_, _>>().map_err(|error| Failure::unwritable(&error))
}

fn head(standing: &Standing) -> String {
    let run = &standing.run;
    let status = match run.reason {
        Some(reason) => format!("{} ({reason})", run.status),
        None => standing.word().to_owned(),
    };
    let facts = [
        clean(&run.agent).into_owned(),
        clean(&run.model).into_owned(),
        painted(of_status(run.status), status),
        counted(run.turns.into(), "turn"),
        tokens(&run.usage),
        run.cost.to_string(),
        lasted(run.updated.since(run.started)),
        format!("{} UTC", moment(run.started)),
    ];
    let facts = facts.join(&painted(FAINT, " · "));
    format!("{}\n{facts}\n", painted(STRONG, run.run))
}
