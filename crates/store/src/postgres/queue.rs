//! What is waiting to be written, and who waits for it. Appending pushes and returns; a barrier, or
//! a little time, sets the writer to work.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::Waker;
use std::time::Duration;

use largestack_types::errors::LargestackError;
use largestack_types::id::{OwnerId, RunId};
use largestack_types::scope::TenantId;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep, timeout_at};

use crate::facts::Claims;
use crate::postgres::claims::Turns;
use crate::postgres::rows::Rows;
use crate::sqlite::Stats;
use crate::waiters::Waiters;

/// How long rows that nobody waits for may stay in memory.
const LINGER: Duration = Duration::from_millis(5);

/// A run that is given back.
#[derive(Clone)]
pub(super) struct Release {
    pub(super) tenant: TenantId,
    pub(super) run: RunId,
    pub(super) fence: u64,
}

/// What one transaction writes: rows first, then the runs that are let go of.
#[derive(Default)]
pub(super) struct Group {
    pub(super) rows: Vec<Rows>,
    pub(super) releases: Vec<Release>,
}

impl Group {
    /// Whether there is nothing in it.
    pub(super) const fn is_empty(&self) -> bool {
        self.rows.is_empty() && self.releases.is_empty()
    }
}

/// What the writer is to do next.
pub(super) enum Next {
    /// Commit this, up to a ticket.
    Write(Group, u64),
    /// Say that the process lives.
    Beat,
    /// End.
    End,
}

/// The state under the lock.
#[derive(Default)]
pub(super) struct State {
    pub(super) group: Group,
    appended: u64,
    /// The last ticket with rows.
    written: u64,
    committed: u64,
    wanted: u64,
    closing: bool,
    /// Why nothing is taken on at present, or ever again.
    failed: Option<LargestackError>,
    /// How often rows were lost, and why the last time.
    losses: u64,
    why: Option<LargestackError>,
    /// Leases whose rows were lost, by their fence, until they are given back: before that whoever
    /// drives the run may believe that they were written.
    pub(super) untold: HashMap<u64, LargestackError>,
    /// The tickets of runs that are being given back.
    releasing: HashMap<(TenantId, RunId), u64>,
    /// The last of them.
    last_release: u64,
    /// Barriers that wait.
    pub(super) waiters: Waiters,
    /// Runs that this process holds.
    pub(super) claimed: Claims,
    /// For whom.
    pub(super) holders: HashMap<(TenantId, RunId), OwnerId>,
    /// Jobs of the queue of work that this process has.
    pub(super) working: BTreeSet<(TenantId, RunId)>,
    /// The last leases whose rows were lost, and why, whether or not they have been given back.
    pub(super) lost: VecDeque<(u64, LargestackError)>,
    /// Counts.
    pub(super) stats: Stats,
}

/// The queue between appenders and the writer.
#[derive(Default)]
pub(super) struct Queue {
    state: Mutex<State>,
    changed: Notify,
    /// Whose turn it is to claim a run.
    pub(super) turns: Turns,
    /// Held while something is said about the jobs that this process has.
    pub(super) work: tokio::sync::Mutex<()>,
}

impl Queue {
    /// The state.
    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Queues rows without asking for anything.
    pub(super) fn push(&self, state: &mut State, rows: Rows) {
        self.begin(state);
        state.written = state.appended;
        state.group.rows.push(rows);
    }

    /// Queues a run to be given back.
    pub(super) fn release(&self, state: &mut State, release: Release) {
        self.begin(state);
        let key = (release.tenant.clone(), release.run);
        state.releasing.insert(key, state.appended);
        state.last_release = state.appended;
        state.group.releases.push(release);
    }

    fn begin(&self, state: &mut State) {
        if state.group.is_empty() {
            self.changed.notify_one();
        }
        state.appended += 1;
    }

    /// Asks that everything up to `ticket` be committed now.
    pub(super) fn want(&self, state: &mut State, ticket: u64) {
        if state.wanted < ticket {
            state.wanted = ticket;
            self.changed.notify_one();
        }
    }

    /// Asks the writer to write what is left and end.
    pub(super) fn close(&self) {
        self.lock().closing = true;
        self.changed.notify_one();
    }

    fn ready(&self, linger: bool) -> Option<Next> {
        let mut state = self.lock();
        if state.failed.is_some() {
            return state.closing.then_some(Next::End);
        }
        if state.group.is_empty() {
            return state.closing.then_some(Next::End);
        }
        if state.wanted > state.committed || state.closing || linger {
            return Some(Next::Write(std::mem::take(&mut state.group), state.appended));
        }
        None
    }

    fn holds_work(&self) -> bool {
        let state = self.lock();
        state.failed.is_none() && !state.group.is_empty()
    }

    /// Waits for something to do, until `beat` at the latest.
    pub(super) async fn next(&self, beat: Instant) -> Next {
        loop {
            if Instant::now() >= beat {
                return Next::Beat;
            }
            if let Some(next) = self.ready(false) {
                return next;
            }
            if !self.holds_work() {
                let _late = timeout_at(beat, self.changed.notified()).await;
                continue;
            }
            tokio::select! {
                () = self.changed.notified() => {}
                () = sleep(LINGER) => {
                    if let Some(next) = self.ready(true) {
                        return next;
                    }
                }
            }
        }
    }

    /// Everything up to `ticket` is committed.
    pub(super) fn committed(&self, ticket: u64, events: u64, relaxed: bool) {
        let wakers = {
            let mut state = self.lock();
            state.committed = ticket;
            state.stats.events += events;
            state.stats.relaxed_commits += u64::from(relaxed);
            state.stats.commits += u64::from(!relaxed);
            state.releasing.retain(|_, released| *released > ticket);
            state.waiters.up_to(ticket)
        };
        wakers.into_iter().for_each(Waker::wake);
    }

    /// There is a connection again.
    pub(super) fn resume(&self) {
        self.lock().failed = None;
        self.changed.notify_one();
    }

    /// Waits, though not longer than until the queue is closed; whether it is.
    pub(super) async fn pause(&self, how_long: Duration) -> bool {
        let end = Instant::now() + how_long;
        loop {
            if self.lock().closing {
                return true;
            }
            if timeout_at(end, self.changed.notified()).await.is_err() {
                return self.lock().closing;
            }
        }
    }

    /// Nothing more will be written; whoever waits is told why.
    pub(super) fn fail(&self, error: LargestackError) {
        let wakers = {
            let mut state = self.lock();
            state.failed.get_or_insert(error);
            state.waiters.up_to(u64::MAX)
        };
        wakers.into_iter().for_each(Waker::wake);
    }
}

impl State {
    /// The ticket of the last rows.
    pub(super) const fn last_written(&self) -> u64 {
        self.written
    }

    /// The last ticket with rows or a run that is given back.
    pub(super) fn last(&self) -> u64 {
        self.written.max(self.last_release)
    }

    /// The ticket of a run that is being given back.
    pub(super) fn releasing(&self, tenant: &TenantId, run: RunId) -> Option<u64> {
        self.releasing.get(&(tenant.clone(), run)).copied()
    }

    /// Whether everything up to `ticket` is committed.
    pub(super) const fn is_committed(&self, ticket: u64) -> bool {
        ticket <= self.committed
    }

    /// How often rows were lost.
    pub(super) const fn losses(&self) -> u64 {
        self.losses
    }

    /// Why rows were lost after there had been so many losses.
    pub(super) fn lost_since(&self, losses: u64) -> Option<LargestackError> {
        if self.losses == losses { None } else { self.why.clone() }
    }

    /// What is queued is lost: nobody waits for its tickets any more.
    pub(super) fn forget_tickets(&mut self, error: &LargestackError, gone: bool) {
        self.losses += 1;
        self.why = Some(error.clone());
        self.committed = self.appended;
        if gone {
            self.failed.get_or_insert_with(|| error.clone());
        }
    }

    /// Why nothing can be called durable, if that is so.
    pub(super) fn in_doubt(&self) -> Option<LargestackError> {
        self.failure().or_else(|| self.untold.values().next().cloned())
    }

    /// Why rows of a lease were lost, if that is so.
    pub(super) fn lost_under(&self, fence: u64) -> Option<LargestackError> {
        self.lost.iter().find(|(lost, _)| *lost == fence).map(|(_, error)| error.clone())
    }

    /// Why nothing is written, if that is so.
    pub(super) fn failure(&self) -> Option<LargestackError> {
        self.failed.clone()
    }

    /// The tenants whose runs or jobs this process holds.
    pub(super) fn tenants(&self) -> Vec<String> {
        let held = self.claimed.keys().chain(&self.working);
        let mut tenants: Vec<String> = held.map(|(tenant, _)| tenant.as_str().to_owned()).collect();
        tenants.sort_unstable();
        tenants.dedup();
        tenants
    }
}
