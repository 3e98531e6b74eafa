//! What is waiting to be written, and who waits for it. Appending pushes and returns; only a
//! barrier wakes the writer.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::task::Waker;
use std::time::Duration;

use largestack_types::errors::LargestackError;
use rusqlite::Connection;

use crate::error::Result;
use crate::facts::Claims;
use crate::sqlite::leases::{Claim, Release};
use crate::sqlite::rows::Rows;
use crate::waiters::Waiters;

/// How long rows that nobody waits for may stay in memory.
const LINGER: Duration = Duration::from_millis(5);

/// How long a commit waits for runs that the last one woke: a part of what a commit takes.
const PATIENCE: Duration = Duration::from_micros(100);

/// Counts since the store was opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Transactions that were synced to the disk.
    pub commits: u64,
    /// Transactions that were not, because they hold nothing that must outlive a power cut
    /// (leases, what calls have cost so far).
    pub relaxed_commits: u64,
    /// Events written.
    pub events: u64,
    /// Calls of `durable`.
    pub barriers: u64,
}

/// What the thread that writes does in a transaction.
pub(crate) enum Work {
    /// Rows of a run.
    Rows(Rows),
    /// The wish to hold a run.
    Claim(Claim),
    /// A run given back.
    Release(Release),
    /// A lease was granted whose row is still to be written.
    Granted,
    /// Anything else.
    Task(Task),
    /// The same, where it need not outlive a power cut.
    Note(Task),
}

impl Work {
    /// Whether a transaction need not be synced on its account: neither a lease nor what a call has
    /// cost so far need outlive a power cut, which no holder outlives.
    pub(crate) const fn is_relaxed(&self) -> bool {
        match self {
            Self::Rows(_) | Self::Task(_) => false,
            Self::Claim(_) | Self::Release(_) | Self::Granted | Self::Note(_) => true,
        }
    }
}

/// Told how the transaction ended.
pub(crate) type Reply = Box<dyn FnOnce(Result<(), LargestackError>) + Send>;

/// A piece of work with an answer, which is given after the commit; `Err` when what it did is to be
/// undone.
pub(crate) type Task = Box<dyn FnOnce(&Connection) -> Result<Reply, Reply> + Send>;

/// The state under the lock.
#[derive(Default)]
pub(crate) struct State {
    work: Vec<Work>,
    appended: u64,
    /// The last ticket that is not about leases.
    written: u64,
    committed: u64,
    wanted: u64,
    /// How many the last commit woke.
    woken: usize,
    /// How many waiters the writer waits for, while it does.
    target: Option<usize>,
    sleeping: bool,
    idle: bool,
    closing: bool,
    failed: Option<LargestackError>,
    /// Barriers that wait.
    pub waiters: Waiters,
    /// Runs that this process holds.
    pub claimed: Claims,
    /// Counts.
    pub stats: Stats,
}

/// The queue between appenders and the writer.
#[derive(Default)]
pub(crate) struct Queue {
    state: Mutex<State>,
    changed: Condvar,
}

impl Queue {
    /// The state.
    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Queues work without waking the writer, unless it sleeps without a clock.
    pub(crate) fn push(&self, state: &mut State, work: Work) -> u64 {
        state.appended += 1;
        if !work.is_relaxed() {
            state.written = state.appended;
        }
        state.work.push(work);
        if state.idle {
            state.idle = false;
            self.changed.notify_one();
        }
        state.appended
    }

    /// Asks that everything up to `ticket` be committed now.
    pub(crate) fn want(&self, state: &mut State, ticket: u64) {
        state.wanted = state.wanted.max(ticket);
        let complete = state.target.is_some_and(|target| state.waiters.len() >= target);
        if state.sleeping || complete {
            state.sleeping = false;
            self.changed.notify_one();
        }
    }

    /// Asks the writer to write what is left and end.
    pub(crate) fn close(&self) {
        self.lock().closing = true;
        self.changed.notify_one();
    }

    /// Waits for work worth a transaction and takes all of it; `None` when it is time to end.
    /// With it goes the ticket of its last piece.
    pub(crate) fn take(&self, into: &mut Vec<Work>) -> Option<u64> {
        self.wait()?;
        self.gather();
        let mut state = self.lock();
        std::mem::swap(&mut state.work, into);
        Some(state.appended)
    }

    fn wait(&self) -> Option<()> {
        let mut state = self.lock();
        loop {
            if !state.work.is_empty() && (state.wanted > state.committed || state.closing) {
                return Some(());
            }
            if state.closing {
                return None;
            }
            state.sleeping = true;
            if state.work.is_empty() {
                state.idle = true;
                state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
            } else {
                let woken = self.changed.wait_timeout(state, LINGER);
                let (guard, waited) = woken.unwrap_or_else(PoisonError::into_inner);
                state = guard;
                if waited.timed_out() && !state.work.is_empty() {
                    state.sleeping = false;
                    return Some(());
                }
            }
            state.sleeping = false;
            state.idle = false;
        }
    }

    /// Lets runs that are ready queue their rows first, so that one commit serves them all. At once
    /// when all runs wait already; where the last commit woke several, they are about to be back.
    fn gather(&self) {
        let mut state = self.lock();
        let waiting = state.waiters.len();
        let target = state.claimed.len().min(waiting + state.woken);
        if waiting == 0 || waiting >= target || state.closing {
            return;
        }
        if state.woken < 2 {
            drop(state);
            std::thread::yield_now();
            return;
        }
        state.target = Some(target);
        let short = |state: &mut State| state.waiters.len() < target && !state.closing;
        let waited = self.changed.wait_timeout_while(state, PATIENCE, short);
        waited.unwrap_or_else(PoisonError::into_inner).0.target = None;
    }

    /// Puts work back that can wait for the next transaction, after all that was asked for up to
    /// `ticket` was answered.
    pub(crate) fn put_back(&self, work: &mut Vec<Work>, ticket: u64) {
        let mut state = self.lock();
        work.append(&mut state.work);
        std::mem::swap(work, &mut state.work);
        if state.wanted <= ticket {
            state.wanted = state.committed;
        }
    }

    /// Everything up to `ticket` is committed.
    pub(crate) fn committed(&self, ticket: u64, events: u64, relaxed: bool) {
        let wakers = {
            let mut state = self.lock();
            state.committed = ticket;
            state.stats.events += events;
            state.stats.relaxed_commits += u64::from(relaxed);
            state.stats.commits += u64::from(!relaxed);
            let wakers = state.waiters.up_to(ticket);
            state.woken = wakers.len();
            wakers
        };
        wakers.into_iter().for_each(Waker::wake);
    }

    /// Nothing more will be written; whoever waits is told why.
    pub(crate) fn fail(&self, error: LargestackError) {
        let wakers = {
            let mut state = self.lock();
            state.failed.get_or_insert(error);
            state.waiters.up_to(u64::MAX)
        };
        wakers.into_iter().for_each(Waker::wake);
    }
}

impl State {
    /// The ticket of the last piece of work that is more than a lease.
    pub(crate) const fn last_written(&self) -> u64 {
        self.written
    }

    /// Whether something more than leases is queued or being written.
    pub(crate) const fn is_pending(&self) -> bool {
        self.written > self.committed
    }

    /// Whether everything up to `ticket` is committed.
    pub(crate) const fn is_committed(&self, ticket: u64) -> bool {
        ticket <= self.committed
    }

    /// Why nothing is written any more, if that is so.
    pub(crate) fn failure(&self) -> Option<LargestackError> {
        self.failed.clone()
    }
}
