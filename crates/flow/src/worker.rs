//! A worker: takes runs from the queue of a store, drives each to its end or to where it must wait,
//! and says what has become of it. Any number of them, in any number of processes, share a queue:
//! which one takes what is decided there, and who may write a run is decided by its journal.

use std::collections::BTreeMap;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;
use futures::{FutureExt as _, StreamExt as _};
use largestack_agent::{Agent, CancelHandle, Runs, Runtime};
use largestack_ports::queue::{Ask, Held, Queue, Served};
use largestack_types::errors::{Code, LargestackError, Result};
use largestack_types::id::RunId;
use largestack_types::scope::TenantId;
use tokio::sync::{oneshot, watch};

use crate::runs::Flows;
use crate::workflow::Workflow;

mod builder;
mod cancel;
mod event;
mod perform;

pub use builder::WorkerBuilder;
pub use cancel::{Cancelling, cancel};
pub use event::{Became, WorkerEvent};
use perform::Over;

/// The queue of a runtime's store. `LARGESTACK_CONFIG` where it keeps none that another process could
/// take runs from.
pub fn queue_of(runtime: &Runtime) -> Result<&dyn Queue> {
    let queue = runtime.journal.queue().filter(|_| runtime.journal.is_durable());
    queue.ok_or_else(no_queue)
}

/// The error of runs that workers of other processes could not take.
pub fn no_queue() -> LargestackError {
    LargestackError::with_advice(
        Code::Config,
        "runs are not kept where workers of other processes could take them from",
        "Keep them in a Postgres server: `store: {postgres: DATABASE_URL}` in largestack.yaml, with \
         the address in that variable, or `Local::postgres` in the library",
    )
}

/// A worker. Cheap to clone.
#[derive(Clone)]
pub struct Worker(Arc<Core>);

struct Core {
    runtime: Runtime,
    runs: Runs,
    flows: Flows,
    agents: BTreeMap<Arc<str>, Agent>,
    workflows: BTreeMap<Arc<str>, Workflow>,
    serves: Vec<Served>,
    concurrency: u32,
    per_tenant: Option<u32>,
    poll: Duration,
    drain: Duration,
    listener: Arc<dyn Fn(&WorkerEvent) + Send + Sync>,
    stop: watch::Sender<Stop>,
}

/// How far a worker is on its way out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Stop {
    Not,
    /// It takes nothing more; what it has may end.
    Drain,
    /// What it has is handed back.
    Now,
}

/// What a worker has done when it ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Drained {
    /// Runs that it drove to their end, or to where they wait.
    pub done: u64,
    /// Runs that it handed back, for others to go on with.
    pub handed_back: u64,
}

/// What is under way.
struct Desk {
    going: FuturesUnordered<BoxFuture<'static, Over>>,
    cancels: BTreeMap<(TenantId, RunId), CancelHandle>,
    tick: BoxFuture<'static, ()>,
    /// When what is left is handed back.
    late: Option<BoxFuture<'static, ()>>,
    drained: Drained,
}

enum Next {
    Over(Box<Over>),
    Told,
    Tick,
    Stop,
    Late,
}

impl Worker {
    /// Begins to describe a worker over the store of a runtime.
    pub fn builder(runtime: Runtime) -> WorkerBuilder {
        WorkerBuilder::new(runtime)
    }

    /// Has it take nothing more; it ends when what it has is over, or handed back when its time for
    /// that is up. A second time: at once.
    pub fn drain(&self) {
        self.0.stop.send_modify(|stop| {
            *stop = if *stop == Stop::Not { Stop::Drain } else { Stop::Now };
        });
    }

    /// Works until it is drained. A store that fails is waited for. Dropping the future cancels
    /// nothing: what is under way goes on in its tasks, and its jobs are freed when the process ends.
    pub async fn run(&self) -> Result<Drained> {
        let core = &self.0;
        let queue = queue_of(&core.runtime)?;
        core.tell(&WorkerEvent::Started {
            worker: core.runtime.owner,
            serves: core.serves.iter().map(|served| Arc::clone(&served.name)).collect(),
            concurrency: core.concurrency,
        });
        let mut stopped = core.stop.subscribe();
        let mut desk = Desk {
            going: FuturesUnordered::new(),
            cancels: BTreeMap::new(),
            // At once: what dead processes had is older than all else.
            tick: core.runtime.clock.sleep(Duration::ZERO),
            late: None,
            drained: Drained::default(),
        };
        loop {
            // Asked before the look, so that nothing falls between the two.
            let told = queue.told();
            if *stopped.borrow_and_update() == Stop::Not {
                core.take(queue, &mut desk).await;
            } else if desk.going.is_empty() {
                break;
            }
            match desk.next(told, &mut stopped).await {
                Next::Over(over) => core.over(&over, &mut desk),
                Next::Told => {}
                Next::Tick => core.tend(queue, &mut desk).await,
                Next::Stop => core.stopping(*stopped.borrow(), &mut desk),
                Next::Late => desk.cancels.values().for_each(CancelHandle::hand_over),
            }
        }
        let Drained { done, handed_back } = desk.drained;
        core.tell(&WorkerEvent::Stopped { done, handed_back });
        Ok(desk.drained)
    }
}

impl Desk {
    async fn next(
        &mut self,
        mut told: BoxFuture<'static, ()>,
        stopped: &mut watch::Receiver<Stop>,
    ) -> Next {
        let mut stopped = pin!(stopped.changed());
        poll_fn(|cx| {
            if let Poll::Ready(Some(over)) = self.going.poll_next_unpin(cx) {
                return Poll::Ready(Next::Over(Box::new(over)));
            }
            if stopped.as_mut().poll(cx).is_ready() {
                return Poll::Ready(Next::Stop);
            }
            if self.late.as_mut().is_some_and(|late| late.poll_unpin(cx).is_ready()) {
                self.late = None;
                return Poll::Ready(Next::Late);
            }
            if self.tick.poll_unpin(cx).is_ready() {
                return Poll::Ready(Next::Tick);
            }
            told.poll_unpin(cx).map(|()| Next::Told)
        })
        .await
    }
}

impl Core {
    fn tell(&self, event: &WorkerEvent) {
        (self.listener)(event);
    }

    /// Takes as many jobs as there is room for.
    async fn take(self: &Arc<Self>, queue: &dyn Queue, desk: &mut Desk) {
        let going = u32::try_from(desk.going.len()).unwrap_or(u32::MAX);
        let most = self.concurrency.saturating_sub(going);
        if most == 0 {
            return;
        }
        let ask = Ask { serves: self.serves.clone(), per_tenant: self.per_tenant, most };
        match queue.claim(&ask).await {
            Ok(taken) => taken.into_iter().for_each(|held| self.begin(held, desk)),
            // Tried again when somebody tells, and a moment later in any case.
            Err(error) => self.tell(&WorkerEvent::Trouble { error }),
        }
    }

    /// Drives a run in a task of its own: whatever the worker waits for meanwhile, it goes on.
    fn begin(self: &Arc<Self>, held: Held, desk: &mut Desk) {
        self.tell(&WorkerEvent::Taken {
            run: held.run,
            tenant: held.scope.tenant().clone(),
            name: Arc::clone(&held.job.name),
            attempt: held.attempt,
        });
        let cancel = CancelHandle::default();
        desk.cancels.insert((held.scope.tenant().clone(), held.run), cancel.clone());
        let (tell, told) = oneshot::channel();
        let (core, held_there) = (Arc::clone(self), held.clone());
        self.runtime.tasks.spawn(Box::pin(async move {
            // Told as long as the worker is polled; without it, what was concluded holds.
            let _unheard = tell.send(core.see_to(held_there, cancel).await);
        }));
        let core = Arc::clone(self);
        let over = async move {
            match told.await {
                Ok(over) => over,
                // The task ended before the run did: it failed in a way that nobody has foreseen.
                Err(_) => core.broke(held).await,
            }
        };
        desk.going.push(over.boxed());
    }

    fn over(&self, over: &Over, desk: &mut Desk) {
        desk.cancels.remove(&(over.held.scope.tenant().clone(), over.held.run));
        match over.became {
            Became::Returned => desk.drained.handed_back += 1,
            Became::Lost => {}
            _ => desk.drained.done += 1,
        }
        self.tell(&over.event());
    }

    /// Frees what dead workers had, and hears what others want of the jobs here.
    async fn tend(&self, queue: &dyn Queue, desk: &mut Desk) {
        desk.tick = self.runtime.clock.sleep(self.poll);
        let tended = match queue.tend().await {
            Ok(tended) => tended,
            Err(error) => return self.tell(&WorkerEvent::Trouble { error }),
        };
        if tended.reclaimed > 0 {
            self.tell(&WorkerEvent::Reclaimed { jobs: tended.reclaimed });
        }
        for (tenant, run, asked) in tended.cancelled {
            if let Some(cancel) = desk.cancels.get(&(tenant, run)) {
                cancel.cancel(asked.reason, asked.by, asked.note);
            }
        }
        // Its journal is another's by now, or will be: nothing of it is worth going on with here.
        for lost in tended.lost {
            if let Some(cancel) = desk.cancels.get(&lost) {
                cancel.hand_over();
            }
        }
    }

    fn stopping(&self, stop: Stop, desk: &mut Desk) {
        let running = u32::try_from(desk.going.len()).unwrap_or(u32::MAX);
        if stop == Stop::Now {
            desk.late = Some(self.runtime.clock.sleep(Duration::ZERO));
        } else if desk.late.is_none() {
            self.tell(&WorkerEvent::Draining { running });
            desk.late = Some(self.runtime.clock.sleep(self.drain));
        }
    }
}
