//! The services as Restate sees them: a workflow for each run, an object for each session.

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use largestack_gateway::block_model_requests;
use largestack_ports::BoxFuture;
use largestack_ports::clock::Clock;
use largestack_ports::ids::{Ids, MakeId as _};
use largestack_types::error::Coded as _;
use largestack_types::errors::{Code, LargestackError};
use largestack_types::hash::Hash;
use largestack_types::id::RunId;
use restate_sdk::context::{DurableFuture, RequestTarget};
use restate_sdk::prelude::*;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::invocation::{Ended, Performing, Steps, Stop, drive, numbered};
use crate::outcome::Outcome;
use crate::serve::ServiceEvent;
use crate::work::{Question, Served, Told};
use crate::written::Facts;

/// The workflow of a run; its key is the run's id.
pub const RUN: &str = "LargestackRun";
/// The object of a session; its key is the session's name.
pub const SESSION: &str = "LargestackSession";
/// Under which the workflow keeps which invocation drives it.
const INVOCATION: &str = "invocation";
/// How often the same may be told to one run.
const MOST_TOLD: u32 = 1_000;

/// What is served, and what runs are made with.
pub(crate) struct Shelf {
    pub(crate) served: HashMap<String, Served>,
    pub(crate) ids: Arc<dyn Ids>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) listener: Arc<dyn Fn(&ServiceEvent) + Send + Sync>,
    /// Whether runs reach no provider.
    pub(crate) blocked: bool,
}

impl Shelf {
    fn find(&self, name: &str) -> Result<&Served, TerminalError> {
        self.served.get(name).ok_or_else(|| {
            let detail = format!("`{name}` is not served here");
            terminal(&LargestackError::other(Code::NotFound, detail))
        })
    }
}

/// What is asked in a session.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Asked {
    agent: String,
    input: Value,
}

/// The id of the run of a workflow: its key, or one made of it.
pub fn run_of(key: &str) -> RunId {
    key.parse().unwrap_or_else(|_| {
        let hash = Hash::of_all([b"largestack restate run 1".as_slice(), key.as_bytes()]);
        let (half, _) = hash.as_bytes().split_first_chunk().unwrap_or((&[0; 16], &[]));
        RunId::from_u128(u128::from_be_bytes(*half))
    })
}

/// The refusal that nobody tries again, with its code and its status.
fn terminal(error: &LargestackError) -> TerminalError {
    let message = format!("{}: {}", error.code().name(), error.message());
    TerminalError::new_with_code(error.code().kind().http_status(), message)
}

pub(crate) struct Runs(pub(crate) Arc<Shelf>);

#[workflow(name = "LargestackRun")]
impl Runs {
    /// Drives the run to its end.
    #[handler]
    async fn run(
        &self,
        ctx: WorkflowContext<'_>,
        question: Json<Question>,
    ) -> Result<Json<Outcome>, HandlerError> {
        let Json(question) = question;
        ctx.set(INVOCATION, ctx.invocation_id().to_owned());
        let (served, run) = (self.0.find(&question.agent)?, run_of(ctx.key()));
        let mut steps = Recorded { ctx: &ctx };
        let name: Arc<str> = question.agent.as_str().into();
        let tell = &*self.0.listener;
        tell(&ServiceEvent::Taken { run, name: Arc::clone(&name) });
        let driven = drive(&mut steps, served, run, question);
        let ended = if self.0.blocked { block_model_requests(driven).await } else { driven.await };
        match ended {
            Ok(Ended::Run(outcome)) => {
                let (status, error) = (outcome.status, outcome.error.clone());
                tell(&ServiceEvent::Over { run, name, status, error });
                Ok(Json(*outcome))
            }
            Ok(Ended::Refused(error)) => {
                let refusal = terminal(&error);
                tell(&ServiceEvent::Refused { run, name, error });
                Err(refusal.into())
            }
            Err(Stop::Cancelled) => Err(TerminalError::new_with_code(409, "cancelled").into()),
            Err(Stop::Failed(error)) => {
                tell(&ServiceEvent::Failed { run, name, error: error.clone() });
                Err(error.into())
            }
        }
    }

    /// Tells the run what it waits for, or will wait for.
    #[handler]
    async fn tell(
        &self,
        ctx: SharedWorkflowContext<'_>,
        told: Json<Told>,
    ) -> Result<(), HandlerError> {
        let Json(told) = told;
        for number in 1..=MOST_TOLD {
            let name = numbered(&told.name(), number);
            if ctx.peek_promise::<Json<Told>>(&name).await?.is_none() {
                ctx.resolve_promise(&name, Json(told));
                return Ok(());
            }
        }
        let detail = format!("{} was told {MOST_TOLD} times", told.name());
        Err(TerminalError::new_with_code(409, detail).into())
    }

    /// Asks for the end of the run.
    #[handler]
    async fn cancel(&self, ctx: SharedWorkflowContext<'_>) -> Result<(), HandlerError> {
        let Some(invocation) = ctx.get::<String>(INVOCATION).await? else {
            let detail = format!("{} has not begun", ctx.key());
            return Err(TerminalError::new_with_code(404, detail).into());
        };
        // Restate tells a step of it when that is over; whoever performs one here is told at once.
        for served in self.0.served.values() {
            served.journal.end(&served.scope, run_of(ctx.key()));
        }
        ctx.invocation_handle(invocation).cancel();
        Ok(())
    }
}

pub(crate) struct Sessions(pub(crate) Arc<Shelf>);

#[object(name = "LargestackSession")]
impl Sessions {
    /// Asks an agent in the session; who asks next waits for his turn.
    #[handler]
    async fn ask(
        &self,
        ctx: ObjectContext<'_>,
        asked: Json<Asked>,
    ) -> Result<Json<Outcome>, HandlerError> {
        let Json(Asked { agent, input }) = asked;
        let makes = Arc::clone(&self.0);
        let made =
            ctx.run(move || async move { Ok(makes.ids.run_id(makes.clock.now()).to_string()) });
        let run: String = made.name("the run's id").await?;
        let target = RequestTarget::workflow(RUN, run, "run");
        let question = Question { agent, input, session: Some(ctx.key().to_owned()) };
        let request = ctx.request::<Json<Question>, Json<Outcome>>(target, Json(question));
        Ok(request.call().await?)
    }
}

/// The steps that Restate records for an invocation.
struct Recorded<'c> {
    ctx: &'c WorkflowContext<'c>,
}

/// Something that was waited for.
enum Heard {
    Told(Result<Json<Told>, TerminalError>),
    Time(Result<(), TerminalError>),
}

type Waiting<'a> = Pin<Box<dyn DurableFuture<Output = Heard> + Send + 'a>>;

impl Steps for Recorded<'_> {
    fn step(&mut self, name: String, performing: Performing) -> BoxFuture<'_, Result<Facts, Stop>> {
        Box::pin(async move {
            let step = self.ctx.run(|| async move { Ok(Json(performing.await?)) }).name(name);
            let Json(facts) = step.await.map_err(|error| stopped(&error))?;
            Ok(facts)
        })
    }

    fn told(
        &mut self,
        names: Vec<String>,
        most: Option<Duration>,
    ) -> BoxFuture<'_, Result<Option<(usize, Told)>, Stop>> {
        Box::pin(async move {
            let ctx: &WorkflowContext<'_> = self.ctx;
            let told = names.iter().map(|name| -> Waiting<'_> {
                Box::pin(ctx.promise::<Json<Told>>(name).map(Heard::Told))
            });
            let time =
                most.map(|most| -> Waiting<'_> { Box::pin(ctx.sleep(most).map(Heard::Time)) });
            let mut first: DurableFuturesUnordered<Waiting<'_>> = told.chain(time).collect();
            match first.next().await.map_err(|error| stopped(&error))? {
                Some((at, Heard::Told(told))) => {
                    let Json(told) = told.map_err(|error| stopped(&error))?;
                    Ok(Some((at, told)))
                }
                Some((_, Heard::Time(over))) => {
                    over.map_err(|error| stopped(&error))?;
                    Ok(None)
                }
                None => Ok(None),
            }
        })
    }
}

/// Nothing here fails for good but by being cancelled.
fn stopped(error: &TerminalError) -> Stop {
    if error.code() == 409 {
        return Stop::Cancelled;
    }
    let detail = format!("Restate ended a step with {}: {}", error.code(), error.message());
    Stop::Failed(LargestackError::other(Code::Unknown, detail))
}
