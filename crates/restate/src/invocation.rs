//! An invocation: one run and everything below it, driven step by step. The engine outside decides
//! when a step is performed and keeps what it came to; the driver, which is polled within steps only,
//! decides what a step is about.
//!
//! Nothing here but [`Steps`] is asked for anything that a replay could answer differently: clock,
//! ids, stages and effects are the driver's, and what they came to is in the steps.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use futures::future::poll_fn;
use largestack_agent::CancelHandle;
use largestack_engine::event::CancelReason;
use largestack_ports::BoxFuture;
use largestack_types::error::Coded as _;
use largestack_types::errors::{LargestackError, Result};
use largestack_types::id::RunId;

use crate::attempt::Attempt;
use crate::journal::{ATTEMPT, Open};
use crate::outcome::{Outcome, Over};
use crate::work::{Drive, Going, Question, Served, Told};
use crate::written::Facts;

/// Why an invocation cannot go on now.
#[derive(Debug)]
pub enum Stop {
    /// Somebody asked for the end of the invocation; the next step may be performed.
    Cancelled,
    /// It failed and is to be attempted again.
    Failed(LargestackError),
}

/// A step that has not been performed yet.
pub type Performing = BoxFuture<'static, Result<Facts>>;

/// The engine outside, as far as a run needs it. Called in the same order with the same names in
/// every attempt.
pub trait Steps: Send {
    /// What a step came to: recorded, else performed now and recorded.
    fn step(
        &mut self,
        name: String,
        performing: Performing,
    ) -> BoxFuture<'_, std::result::Result<Facts, Stop>>;

    /// Waits until something is told under one of these names, or for so long; which it is, and
    /// what was told.
    fn told(
        &mut self,
        names: Vec<String>,
        most: Option<Duration>,
    ) -> BoxFuture<'_, std::result::Result<Option<(usize, Told)>, Stop>>;
}

/// How an invocation ends.
#[derive(Debug)]
pub enum Ended {
    /// The run has ended.
    Run(Box<Outcome>),
    /// There is no run: it was not begun.
    Refused(LargestackError),
}

/// Drives a run to its end.
pub async fn drive(
    steps: &mut dyn Steps,
    served: &Served,
    run: RunId,
    question: Question,
) -> std::result::Result<Ended, Stop> {
    let cancel = CancelHandle::default();
    let (attempt, copy) = served.journal.attempt(&served.scope, run, &cancel);
    let driver = Arc::new(Driver {
        served: served.clone(),
        attempt: Arc::clone(&attempt),
        question,
        at_work: Mutex::default(),
        cancel,
    });
    // Over before the driver goes away: what that notes on its way is no fact.
    let _open = Open { journal: Arc::clone(&served.journal), attempt };
    let mut going = Going::default();
    let mut heard = BTreeMap::new();
    loop {
        let performing = Arc::clone(&driver).perform(going.clone());
        let facts = match steps.step(driver.attempt.step(), Box::pin(performing)).await {
            Ok(facts) => facts,
            Err(Stop::Cancelled) => {
                driver.end();
                continue;
            }
            Err(failed) => return Err(failed),
        };
        for (run, batch) in driver.attempt.take(&facts).map_err(Stop::Failed)? {
            copy.write(run, batch).await.map_err(Stop::Failed)?;
        }
        match facts.over {
            None => {}
            Some(Over::Refused(error)) => return Ok(Ended::Refused(error)),
            Some(Over::Ended(outcome)) => {
                copy.finish().await.map_err(Stop::Failed)?;
                return Ok(Ended::Run(Box::new(outcome)));
            }
            Some(Over::Waits { names, most, .. }) => {
                // Whoever answers finds the question in lists.
                copy.finish().await.map_err(Stop::Failed)?;
                driver.forget();
                going = driver.wait(steps, names, most, &mut heard).await?;
            }
        }
    }
}

/// Who drives the run within the steps of one attempt.
struct Driver {
    served: Served,
    attempt: Arc<Attempt>,
    question: Question,
    at_work: Mutex<AtWork>,
    cancel: CancelHandle,
}

#[derive(Default)]
struct AtWork {
    drive: Option<Drive>,
    /// What it came to, while facts are left that did not go into one step with that.
    over: Option<Over>,
}

impl Driver {
    /// Asks for the end of the run.
    fn end(&self) {
        self.cancel.cancel(CancelReason::Caller, self.served.scope.principal(), "cancelled");
    }

    /// Waits for what the run waits for. What was told under a name once is told under the next
    /// number of it the next time.
    async fn wait(
        &self,
        steps: &mut dyn Steps,
        names: Vec<String>,
        most: Option<Duration>,
        heard: &mut BTreeMap<String, u32>,
    ) -> std::result::Result<Going, Stop> {
        let number = |name: &String| heard.get(name).map_or(1, |before| before + 1);
        let numbered = names.iter().map(|name| numbered(name, number(name))).collect();
        match steps.told(numbered, most).await {
            Ok(Some((at, told))) => {
                if let Some(name) = names.get(at) {
                    *heard.entry(name.clone()).or_default() += 1;
                }
                Ok(Going::with(told))
            }
            // Time is over: the driver says what becomes of a question then.
            Ok(None) => Ok(Going::default()),
            Err(Stop::Cancelled) => {
                self.end();
                Ok(Going::default())
            }
            Err(failed) => Err(failed),
        }
    }

    fn lock(&self) -> MutexGuard<'_, AtWork> {
        self.at_work.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The run is to be taken up again.
    fn forget(&self) {
        *self.lock() = AtWork::default();
    }

    /// Drives until there is something to record. A step that nobody waits for any more keeps
    /// nothing from the next one: what it would have recorded is queued still.
    async fn perform(self: Arc<Self>, going: Going) -> Result<Facts> {
        poll_fn(|cx| self.poll(cx, &going)).await
    }

    fn poll(&self, cx: &mut Context<'_>, going: &Going) -> Poll<Result<Facts>> {
        if !self.attempt.is_open() {
            return Poll::Ready(Err(self.attempt.over()));
        }
        let mut at_work = self.lock();
        if at_work.over.is_none() {
            let drive = at_work.drive.get_or_insert_with(|| self.drive(going.clone()));
            let polled = ATTEMPT.sync_scope(Arc::clone(&self.attempt), || drive.as_mut().poll(cx));
            match polled {
                Poll::Pending => {
                    return self
                        .attempt
                        .queued()
                        .map_or(Poll::Pending, |facts| Poll::Ready(Ok(facts)));
                }
                Poll::Ready(over) => {
                    at_work.drive = None;
                    at_work.over = Some(self.made_of(over)?);
                }
            }
        }
        let (facts, whole) = self.attempt.rest();
        let over = if whole { at_work.over.clone() } else { None };
        Poll::Ready(Ok(Facts { over, ..facts }))
    }

    fn drive(&self, going: Going) -> Drive {
        let (run, cancel) = (self.attempt.root, self.cancel.clone());
        if self.attempt.has_begun() {
            self.served.go_on(run, going, cancel)
        } else {
            self.served.begin(run, self.question.clone(), cancel)
        }
    }

    /// An error before anything was recorded is the answer, unless it may pass. One of a run that
    /// has begun is the run's where it has ended with that; else the attempt fails, and the next one
    /// goes on.
    fn made_of(&self, over: Result<Over>) -> Result<Over> {
        let error = match over {
            Ok(over) => return Ok(over),
            Err(error) => error,
        };
        let root = self.attempt.root;
        match self.attempt.summary(root).filter(|summary| summary.status.is_final()) {
            Some(ended) => Ok(Over::Ended(Outcome::failed(&ended, error))),
            None if self.attempt.has_begun() || error.retryable() => Err(error),
            None => Ok(Over::Refused(error)),
        }
    }
}

/// The name under which something is told for the `number`th time.
pub fn numbered(name: &str, number: u32) -> String {
    if number == 1 { name.to_owned() } else { format!("{name} ({number})") }
}
