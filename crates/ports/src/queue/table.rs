//! The queue as a value: everything that is decided about jobs, without a clock, a database or a
//! process.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use largestack_engine::event::CancelRequested;
use largestack_types::errors::{LargestackError, Result};
use largestack_types::id::{OwnerId, RunId};
use largestack_types::scope::{Scope, TenantId};
use largestack_types::time::Timestamp;

use super::{Ask, Entry, Fate, Held, Job, Kind, Served, State, Tended, full, killed_its_workers};

/// A moment that never comes.
const NEVER: Timestamp = Timestamp::from_micros(i64::MAX);

type Key = (TenantId, RunId);

/// The jobs of all tenants.
#[derive(Clone, Debug, Default)]
pub struct Table {
    rows: BTreeMap<Key, Row>,
    /// The last place in line that was given.
    position: u64,
    /// The last fence that was given.
    fence: u64,
    /// The last turn, and when each tenant had its own.
    turn: u64,
    served: BTreeMap<TenantId, u64>,
}

#[derive(Clone, Debug)]
struct Row {
    scope: Scope,
    job: Job,
    state: State,
    position: u64,
    due: Timestamp,
    attempts: u32,
    wakes: u64,
    fence: u64,
    worker: Option<OwnerId>,
    cancel: Option<CancelRequested>,
    error: Option<LargestackError>,
    enqueued: Timestamp,
    updated: Timestamp,
}

impl Row {
    fn becomes(&mut self, state: State, due: Timestamp, now: Timestamp) {
        (self.state, self.due, self.updated) = (state, due, now);
        if state != State::Running {
            self.worker = None;
        }
    }

    /// Free again, or set aside where it was tried often enough.
    fn give_up(&mut self, error: LargestackError, rest: Option<Duration>, now: Timestamp) {
        self.error = Some(error);
        match rest.filter(|_| self.attempts < self.job.attempts) {
            Some(rest) => self.becomes(State::Queued, now.plus(rest), now),
            None => self.becomes(State::Poisoned, now, now),
        }
    }

    fn entry(&self, run: RunId) -> Entry {
        Entry {
            run,
            kind: self.job.kind,
            name: Arc::clone(&self.job.name),
            principal: self.scope.principal().into(),
            state: self.state,
            priority: self.job.priority,
            due: self.due,
            attempts: self.attempts,
            most_attempts: self.job.attempts,
            worker: self.worker,
            error: self.error.clone(),
            enqueued: self.enqueued,
            updated: self.updated,
        }
    }
}

impl Table {
    /// Enqueues a run; whether it was not there yet.
    pub fn enqueue(
        &mut self,
        now: Timestamp,
        scope: &Scope,
        (run, job): (RunId, Job),
        room: u32,
    ) -> Result<bool> {
        let key = (scope.tenant().clone(), run);
        if self.rows.contains_key(&key) {
            return Ok(false);
        }
        let queued = self.of(scope).filter(|(_, row)| row.state == State::Queued).count();
        if queued >= room as usize {
            return Err(full(scope.tenant(), room));
        }
        self.position += 1;
        let due = job.not_before.unwrap_or(now);
        let row = Row {
            scope: scope.clone(),
            job,
            state: State::Queued,
            position: self.position,
            due,
            attempts: 0,
            wakes: 0,
            fence: 0,
            worker: None,
            cancel: None,
            error: None,
            enqueued: now,
            updated: now,
        };
        self.rows.insert(key, row);
        Ok(true)
    }

    /// Jobs that a process takes: one after the other, each of the tenant whose turn it is.
    pub fn claim(&mut self, now: Timestamp, worker: OwnerId, ask: &Ask) -> Vec<Held> {
        let mut taken = Vec::new();
        while taken.len() < ask.most as usize {
            let Some(key) = self.next(now, ask) else { break };
            self.fence += 1;
            self.turn += 1;
            self.served.insert(key.0.clone(), self.turn);
            let fence = self.fence;
            let Some(row) = self.rows.get_mut(&key) else { break };
            row.becomes(State::Running, row.due, now);
            (row.worker, row.fence) = (Some(worker), fence);
            row.attempts += 1;
            taken.push(Held {
                scope: row.scope.clone(),
                run: key.1,
                job: row.job.clone(),
                attempt: row.attempts,
                fence,
                wakes: row.wakes,
                cancel: row.cancel.clone(),
            });
        }
        taken
    }

    /// The job whose turn it is.
    fn next(&self, now: Timestamp, ask: &Ask) -> Option<Key> {
        let open = |served: &&Served| served.most.is_none_or(|most| self.running_of(served) < most);
        let serves: Vec<&Served> = ask.serves.iter().filter(open).collect();
        let fits = |row: &Row| {
            let name = |s: &&Served| s.kind == row.job.kind && s.name == row.job.name;
            row.state == State::Queued && row.due <= now && serves.iter().any(name)
        };
        let mut best: BTreeMap<&TenantId, (&Key, &Row)> = BTreeMap::new();
        for (key, row) in self.rows.iter().filter(|(_, row)| fits(row)) {
            let order = |row: &Row| (std::cmp::Reverse(row.job.priority), row.position);
            let known = best.get(&key.0).map(|(_, row)| order(row));
            if known.is_none_or(|known| order(row) < known) {
                best.insert(&key.0, (key, row));
            }
        }
        best.into_iter()
            .map(|(tenant, (key, _))| (self.running_for(tenant), tenant, key))
            .filter(|(running, ..)| ask.per_tenant.is_none_or(|most| *running < most))
            .min_by_key(|(running, tenant, _)| {
                (*running, self.served.get(*tenant).copied().unwrap_or(0), (*tenant).clone())
            })
            .map(|(_, _, key)| key.clone())
    }

    fn running_of(&self, served: &Served) -> u32 {
        self.running(|_, row| row.job.kind == served.kind && row.job.name == served.name)
    }

    fn running_for(&self, tenant: &TenantId) -> u32 {
        self.running(|key, _| key.0 == *tenant)
    }

    fn running(&self, counts: impl Fn(&Key, &Row) -> bool) -> u32 {
        let rows = self.rows.iter();
        let running = rows.filter(|(key, row)| row.state == State::Running && counts(key, row));
        u32::try_from(running.count()).unwrap_or(u32::MAX)
    }

    /// What becomes of a job; whether it was this process's to say.
    pub fn conclude(&mut self, now: Timestamp, worker: OwnerId, held: &Held, fate: Fate) -> bool {
        let key = (held.scope.tenant().clone(), held.run);
        let Some(row) = self.rows.get_mut(&key) else { return false };
        if (row.state, row.worker, row.fence) != (State::Running, Some(worker), held.fence) {
            return false;
        }
        match fate {
            Fate::Done => row.becomes(State::Done, now, now),
            Fate::Cancelled => row.becomes(State::Cancelled, now, now),
            // Woken, or to be ended, since it was taken.
            Fate::Waiting { .. }
                if row.wakes != held.wakes || (row.cancel.is_some() && held.cancel.is_none()) =>
            {
                row.attempts = 0;
                row.becomes(State::Queued, now, now);
            }
            Fate::Waiting { until } => {
                row.attempts = 0;
                row.becomes(State::Waiting, until.unwrap_or(NEVER), now);
            }
            Fate::Returned { after } => {
                row.attempts = row.attempts.saturating_sub(1);
                row.becomes(State::Queued, now.plus(after), now);
            }
            Fate::Failed { error, after } => row.give_up(error, after, now),
        }
        true
    }

    /// Frees what processes had that live no longer, and what is due; `has` are the jobs that the
    /// process which asks knows that it has.
    pub fn tend(
        &mut self,
        now: Timestamp,
        worker: OwnerId,
        has: &[Key],
        alive: impl Fn(OwnerId) -> bool,
    ) -> Tended {
        let mut tended = Tended::default();
        for (key, row) in &mut self.rows {
            if row.state == State::Waiting && row.due <= now {
                row.becomes(State::Queued, now, now);
            }
            let Some(holder) = row.worker.filter(|_| row.state == State::Running) else { continue };
            if holder == worker && !has.contains(key) {
                // Nobody here knows of it: the answer that gave it was lost on its way.
                row.attempts = row.attempts.saturating_sub(1);
                row.becomes(State::Queued, now, now);
            } else if holder != worker && !alive(holder) {
                tended.reclaimed += 1;
                row.give_up(killed_its_workers(row.attempts), Some(Duration::ZERO), now);
            }
        }
        for key in has {
            match self.rows.get(key) {
                Some(row) if row.worker == Some(worker) => {
                    let asked = row.cancel.clone();
                    tended.cancelled.extend(asked.map(|asked| (key.0.clone(), key.1, asked)));
                }
                _ => tended.lost.push(key.clone()),
            }
        }
        tended
    }

    /// Asks for the end of a run; where its job stands then.
    pub fn cancel(
        &mut self,
        now: Timestamp,
        scope: &Scope,
        run: RunId,
        request: CancelRequested,
    ) -> Option<State> {
        let row = self.row(scope, run)?;
        match row.state {
            State::Running => drop(row.cancel.get_or_insert(request)),
            State::Done | State::Cancelled => {}
            _ if row.job.kind == Kind::Workflow && row.fence > 0 => {
                row.cancel.get_or_insert(request);
                row.attempts = 0;
                row.becomes(State::Queued, now, now);
            }
            State::Queued | State::Waiting | State::Poisoned => {
                row.cancel.get_or_insert(request);
                row.becomes(State::Cancelled, now, now);
            }
        }
        Some(row.state)
    }

    /// Queues a job again that was set aside; whether it was.
    pub fn retry(&mut self, now: Timestamp, scope: &Scope, run: RunId) -> bool {
        let Some(row) = self.row(scope, run).filter(|row| row.state == State::Poisoned) else {
            return false;
        };
        (row.attempts, row.error) = (0, None);
        row.becomes(State::Queued, now, now);
        true
    }

    /// Says that what a run waits for may have come; whether there is such a job.
    pub fn wake(&mut self, now: Timestamp, scope: &Scope, run: RunId) -> bool {
        let Some(row) = self.row(scope, run).filter(|row| !row.state.is_over()) else {
            return false;
        };
        row.wakes += 1;
        if row.state == State::Waiting {
            row.becomes(State::Queued, now, now);
        }
        true
    }

    /// A job.
    pub fn find(&self, scope: &Scope, run: RunId) -> Option<Entry> {
        self.rows.get(&(scope.tenant().clone(), run)).map(|row| row.entry(run))
    }

    /// Jobs of a tenant, newest first.
    pub fn list(&self, scope: &Scope, state: Option<State>, limit: usize) -> Vec<Entry> {
        let wanted = |row: &Row| state.is_none_or(|state| row.state == state);
        let mut rows: Vec<_> = self.of(scope).filter(|(_, row)| wanted(row)).collect();
        rows.sort_by_key(|(_, row)| std::cmp::Reverse(row.position));
        rows.into_iter().take(limit).map(|(run, row)| row.entry(run)).collect()
    }

    /// How many jobs of a tenant are in each state.
    pub fn counts(&self, scope: &Scope) -> Vec<(State, u64)> {
        let count = |state| self.of(scope).filter(|(_, row)| row.state == state).count() as u64;
        let counts = State::ALL.into_iter().map(|state| (state, count(state)));
        counts.filter(|(_, count)| *count > 0).collect()
    }

    fn row(&mut self, scope: &Scope, run: RunId) -> Option<&mut Row> {
        self.rows.get_mut(&(scope.tenant().clone(), run))
    }

    fn of<'a>(&'a self, scope: &'a Scope) -> impl Iterator<Item = (RunId, &'a Row)> {
        let rows = self.rows.iter().filter(|((tenant, _), _)| tenant == scope.tenant());
        rows.map(|((_, run), row)| (*run, row))
    }
}

#[cfg(test)]
mod tests;
