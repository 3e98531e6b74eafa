//! The queue of runs that wait for a worker. What is decided about them is decided by functions of
//! the server, each a transaction by itself; which jobs this process has is known here, so that a
//! job whose answer was lost on its way is not kept by a process that knows nothing of it.

use std::sync::Arc;
use std::time::Duration;

use largestack_engine::event::CancelRequested;
use largestack_ports::BoxFuture;
use largestack_ports::clock::Clock;
use largestack_ports::ids::MakeId as _;
use largestack_ports::queue::{
    self, Ask, Entry, Fate, Held, Job, Queue, State, Tended, killed_its_workers,
};
use largestack_types::errors::Result as PortResult;
use largestack_types::id::{OwnerId, RunId};
use largestack_types::scope::{Scope, TenantId};
use largestack_types::time::Timestamp;
use sqlx::PgPool;
use tokio::sync::oneshot;

use crate::error::{Result, StoreError};
use crate::facts::integer;
use crate::postgres::server::{self, PostgresStore};
use crate::postgres::{connect, master, queue as writing, told};
use crate::seal::Key;

mod rows;

pub(super) use rows::wake;
use rows::{Asked, ENTRY, Given, entry, json};

/// How long a job that is over is kept, so that people see what has become of it.
const KEPT: Duration = Duration::from_hours(24);

fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(FURTHEST).min(FURTHEST)
}

/// How far away a moment is at most, in microseconds: the server adds this to its own time.
const FURTHEST: i64 = i64::MAX / 2;

/// How far a moment is away, in microseconds.
fn away(moment: Timestamp, now: Timestamp) -> i64 {
    moment.micros().saturating_sub(now.micros()).clamp(-FURTHEST, FURTHEST)
}

/// Jobs as this process has them.
type Jobs = Vec<(TenantId, RunId)>;

/// What a process says of its jobs.
#[derive(Clone)]
struct Desk {
    pool: PgPool,
    queue: Arc<writing::Queue>,
    process: OwnerId,
    lasting: Duration,
    clock: Arc<dyn Clock>,
    channel: Arc<str>,
}

impl Desk {
    /// How far a moment is away, in microseconds. What is due is due by the server's clock: processes
    /// say how long, and never what time it is.
    fn until(&self, moment: Timestamp) -> i64 {
        away(moment, self.clock.now())
    }

    /// Tells workers that there may be something to do. One that is lost is made up for by whoever
    /// looks by himself.
    async fn tell(&self) {
        let _lost = told::notify(&self.pool, &self.channel, told::WORK).await;
    }

    /// Takes jobs. What nobody waits for any more is given back.
    async fn claim(&self, ask: Ask, key: &Key) -> Result<Vec<Held>> {
        let _turn = self.queue.work.lock().await;
        let kinds: Vec<&str> = ask.serves.iter().map(|served| served.kind.name()).collect();
        let names: Vec<&str> = ask.serves.iter().map(|served| &*served.name).collect();
        let small = |number: u32| i32::try_from(number).unwrap_or(i32::MAX);
        let mosts: Vec<Option<i32>> =
            ask.serves.iter().map(|served| served.most.map(small)).collect();
        let given: Vec<Given> = sqlx::query_as(
            "SELECT tenant, run, kind, name, principal, sealed, priority, due, attempts,
                 most_attempts, wakes, fence, cancel
             FROM claim_work($1, $2, make_interval(secs => $3), $4, $5, $6, $7, $8, work_now())",
        )
        .bind(self.process.as_bytes().as_slice())
        .bind(connect::life(self.process))
        .bind(self.lasting.as_secs_f64())
        .bind(kinds)
        .bind(names)
        .bind(mosts)
        .bind(ask.per_tenant.map(small))
        .bind(small(ask.most))
        .fetch_all(&self.pool)
        .await?;
        let (mut taken, mut unreadable) = (Vec::with_capacity(given.len()), Vec::new());
        for given in given {
            // What is not known to be driven here is freed by whoever tends.
            let Ok((tenant, run, fence)) = given.place() else { continue };
            self.queue.lock().working.insert((tenant.clone(), run));
            match given.open(key) {
                Ok(held) => taken.push(held),
                Err(error) => unreadable.push((tenant, run, fence, error)),
            }
        }
        for (tenant, run, fence, error) in unreadable {
            let fate = Fate::Failed { error: error.into(), after: None };
            // Those that were taken are taken whether or not this could be said.
            let _freed_later = self.say((&tenant, run), (fence, 0, false), fate).await;
        }
        Ok(taken)
    }

    async fn conclude(&self, held: &Held, fate: Fate) -> Result<bool> {
        let _turn = self.queue.work.lock().await;
        let of = (held.scope.tenant(), held.run);
        let tells = matches!(fate, Fate::Returned { .. } | Fate::Waiting { .. });
        let said = self.say(of, (held.fence, held.wakes, held.cancel.is_some()), fate).await?;
        if said && tells {
            self.tell().await;
        }
        Ok(said)
    }

    async fn say(
        &self,
        (tenant, run): (&TenantId, RunId),
        (fence, wakes, cancel): (u64, u64, bool),
        fate: Fate,
    ) -> Result<bool> {
        // First: where the answer is lost, it is nobody's here, and freed by whoever tends.
        self.queue.lock().working.remove(&(tenant.clone(), run));
        let (becomes, rest, error) = match fate {
            Fate::Done => ("done", Some(0), None),
            Fate::Cancelled => ("cancelled", Some(0), None),
            Fate::Waiting { until } => ("waiting", until.map(|until| self.until(until)), None),
            Fate::Returned { after } => ("returned", Some(micros(after)), None),
            Fate::Failed { error, after: Some(after) } => {
                ("failed", Some(micros(after)), Some(json(&error)?))
            }
            Fate::Failed { error, after: None } => ("poisoned", Some(0), Some(json(&error)?)),
        };
        // Without a rest it waits until it is woken.
        let concluded = "SELECT conclude_work($1, $2, $3, $4, $5, $6, $7,
            coalesce(work_now() + $8, 9223372036854775807), $9, work_now())";
        Ok(sqlx::query_scalar(concluded)
            .bind(tenant.as_str())
            .bind(run.as_bytes().as_slice())
            .bind(self.process.as_bytes().as_slice())
            .bind(integer(fence))
            .bind(becomes)
            .bind(integer(wakes))
            .bind(cancel)
            .bind(rest)
            .bind(error)
            .fetch_one(&self.pool)
            .await?)
    }

    async fn tend(&self) -> Result<Tended> {
        let _turn = self.queue.work.lock().await;
        let has: Jobs = self.queue.lock().working.iter().cloned().collect();
        let tenants: Vec<&str> = has.iter().map(|(tenant, _)| tenant.as_str()).collect();
        let runs: Vec<&[u8]> = has.iter().map(|(_, run)| run.as_bytes().as_slice()).collect();
        // The number stands where the server knows it.
        let why = json(&killed_its_workers(0))?.replacen("\"0 ", "\"{attempts} ", 1);
        let (reclaimed, lost, cancels): (i32, Vec<i32>, Vec<Option<String>>) = sqlx::query_as(
            "SELECT reclaimed, lost, cancels FROM tend_work($1, $2, $3, $4, work_now() - $5, work_now())",
        )
        .bind(self.process.as_bytes().as_slice())
        .bind(tenants)
        .bind(runs)
        .bind(why)
        .bind(micros(KEPT))
        .fetch_one(&self.pool)
        .await?;
        let mut tended =
            Tended { reclaimed: u32::try_from(reclaimed).unwrap_or(0), ..Tended::default() };
        for (at, (tenant, run)) in (1..).zip(has) {
            if lost.contains(&at) {
                self.queue.lock().working.remove(&(tenant.clone(), run));
                tended.lost.push((tenant, run));
            } else if let Some(Some(request)) = cancels.get(usize::try_from(at - 1).unwrap_or(0)) {
                let request: CancelRequested = serde_json::from_str(request)
                    .map_err(|_| StoreError::Value { what: "cancellation" })?;
                tended.cancelled.push((tenant, run, request));
            }
        }
        if tended.reclaimed > 0 {
            self.tell().await;
        }
        Ok(tended)
    }
}

impl PostgresStore {
    fn desk(&self) -> Desk {
        Desk {
            pool: self.pool.clone(),
            queue: Arc::clone(&self.queue),
            process: self.owner,
            lasting: self.options.lease,
            clock: Arc::clone(&self.clock),
            channel: self.channel.as_str().into(),
        }
    }

    /// The key that what is asked is sealed with; never the master key itself.
    async fn work_key(&self) -> Result<&Key> {
        let made = self.work_key.get_or_try_init(|| async {
            let mut transaction = self.pool.begin().await?;
            let file = &self.options.key_file;
            let master = master::key(&mut transaction, file, &*self.options.ids).await?;
            transaction.commit().await?;
            Ok::<_, StoreError>(rows::key(&master))
        });
        made.await
    }

    async fn enqueueing(&self, scope: &Scope, job: Job, room: u32) -> Result<RunId> {
        let now = self.clock.now();
        let run = job.run.unwrap_or_else(|| self.options.ids.run_id(now));
        let asked = Asked { input: job.input, session: job.session };
        let sealed = asked.seal(self.work_key().await?, &*self.options.ids, (scope, run))?;
        let small = |number: u32| i32::try_from(number).unwrap_or(i32::MAX);
        let said: String = sqlx::query_scalar(
            "SELECT enqueue_work($1, $2, $3, $4, $5, $6, $7, work_now() + $8, $9, $10, work_now())",
        )
        .bind(scope.tenant().as_str())
        .bind(run.as_bytes().as_slice())
        .bind(job.kind.name())
        .bind(&*job.name)
        .bind(scope.principal())
        .bind(sealed)
        .bind(i32::from(job.priority))
        .bind(job.not_before.map_or(0, |moment| self.desk().until(moment)))
        .bind(small(job.attempts.max(1)))
        .bind(i64::from(room))
        .fetch_one(&self.pool)
        .await?;
        if said == "full" {
            return Err(queue::full(scope.tenant(), room).into());
        }
        self.desk().tell().await;
        Ok(run)
    }

    /// Takes jobs in a task of the store, so that it is gone through with, even where whoever wanted
    /// them does not wait for the answer any more; then they are given back.
    async fn claiming_work(&self, ask: Ask) -> Result<Vec<Held>> {
        let (desk, key) = (self.desk(), self.work_key().await?.clone());
        let (tell, told) = oneshot::channel();
        self.driver.runtime.spawn(async move {
            let Err(Ok(unwanted)) = tell.send(desk.claim(ask, &key).await) else { return };
            for held in unwanted {
                let back = Fate::Returned { after: Duration::ZERO };
                let _freed_by_whoever_tends = desk.conclude(&held, back).await;
            }
        });
        told.await.unwrap_or_else(|_| Err(server::ended()))
    }
}

impl Queue for PostgresStore {
    fn enqueue<'a>(
        &'a self,
        scope: &'a Scope,
        job: Job,
        room: u32,
    ) -> BoxFuture<'a, PortResult<RunId>> {
        self.inside(self.enqueueing(scope, job, room))
    }

    fn claim<'a>(&'a self, ask: &'a Ask) -> BoxFuture<'a, PortResult<Vec<Held>>> {
        self.inside(self.claiming_work(ask.clone()))
    }

    fn conclude<'a>(&'a self, held: &'a Held, fate: Fate) -> BoxFuture<'a, PortResult<bool>> {
        self.inside(async move { self.desk().conclude(held, fate).await })
    }

    fn tend(&self) -> BoxFuture<'_, PortResult<Tended>> {
        self.inside(async move { self.desk().tend().await })
    }

    fn cancel<'a>(
        &'a self,
        scope: &'a Scope,
        run: RunId,
        request: CancelRequested,
    ) -> BoxFuture<'a, PortResult<Option<State>>> {
        self.inside(async move {
            let desk = self.desk();
            let state: Option<String> =
                sqlx::query_scalar("SELECT cancel_work($1, $2, $3, work_now())")
                    .bind(scope.tenant().as_str())
                    .bind(run.as_bytes().as_slice())
                    .bind(json(&request)?)
                    .fetch_one(&self.pool)
                    .await?;
            desk.tell().await;
            state.map(|state| rows::state(&state)).transpose()
        })
    }

    fn retry<'a>(&'a self, scope: &'a Scope, run: RunId) -> BoxFuture<'a, PortResult<bool>> {
        self.inside(async move {
            let desk = self.desk();
            let mut transaction = self.begin(scope.tenant()).await?;
            let retried = sqlx::query(
                "UPDATE work SET state = 'queued', due = work_now(), updated = work_now(), attempts = 0,
                     error = NULL
                 WHERE tenant = $1 AND run = $2 AND state = 'poisoned'",
            )
            .bind(scope.tenant().as_str())
            .bind(run.as_bytes().as_slice())
            .execute(&mut *transaction)
            .await?
            .rows_affected();
            transaction.commit().await?;
            desk.tell().await;
            Ok(retried > 0)
        })
    }

    fn wake<'a>(&'a self, scope: &'a Scope, run: RunId) -> BoxFuture<'a, PortResult<bool>> {
        self.inside(async move {
            let desk = self.desk();
            let mut connection = self.pool.acquire().await?;
            let woken = rows::wake(&mut connection, (scope.tenant(), run)).await?;
            drop(connection);
            desk.tell().await;
            Ok(woken)
        })
    }

    fn find<'a>(
        &'a self,
        scope: &'a Scope,
        run: RunId,
    ) -> BoxFuture<'a, PortResult<Option<Entry>>> {
        self.inside(async move {
            let mut transaction = self.begin(scope.tenant()).await?;
            let row = sqlx::query(concat!(
                "SELECT ",
                rows::entry_columns!(),
                " FROM work WHERE tenant = $1 AND run = $2"
            ))
            .bind(scope.tenant().as_str())
            .bind(run.as_bytes().as_slice())
            .fetch_optional(&mut *transaction)
            .await?;
            transaction.commit().await?;
            row.as_ref().map(entry).transpose()
        })
    }

    fn list<'a>(
        &'a self,
        scope: &'a Scope,
        state: Option<State>,
        limit: usize,
    ) -> BoxFuture<'a, PortResult<Vec<Entry>>> {
        self.inside(async move {
            let mut transaction = self.begin(scope.tenant()).await?;
            let rows = sqlx::query(ENTRY)
                .bind(scope.tenant().as_str())
                .bind(state.map(State::name))
                .bind(integer(u64::try_from(limit).unwrap_or(u64::MAX)))
                .fetch_all(&mut *transaction)
                .await?;
            transaction.commit().await?;
            rows.iter().map(entry).collect()
        })
    }

    fn counts<'a>(&'a self, scope: &'a Scope) -> BoxFuture<'a, PortResult<Vec<(State, u64)>>> {
        self.inside(async move {
            let mut transaction = self.begin(scope.tenant()).await?;
            let rows: Vec<(String, i64)> =
                sqlx::query_as("SELECT state, count(*) FROM work WHERE tenant = $1 GROUP BY state")
                    .bind(scope.tenant().as_str())
                    .fetch_all(&mut *transaction)
                    .await?;
            transaction.commit().await?;
            let mut counts = Vec::with_capacity(rows.len());
            for (state, count) in rows {
                counts.push((rows::state(&state)?, u64::try_from(count).unwrap_or(0)));
            }
            counts.sort_unstable();
            Ok(counts)
        })
    }

    fn told(&self) -> BoxFuture<'static, ()> {
        self.told.of_work()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_that_never_comes_is_as_far_away_as_the_server_can_add_to_its_own_time() {
        let now = Timestamp::from_micros(1_800_000_000_000_000);
        for far in [away(Timestamp::from_micros(i64::MAX), now), micros(Duration::MAX)] {
            assert_eq!(far, FURTHEST);
            assert!(now.micros().checked_add(far).is_some());
        }
        let past = away(Timestamp::from_micros(i64::MIN), now);
        assert!(now.micros().checked_add(past).is_some());
        assert_eq!(away(now.plus(Duration::from_secs(1)), now), 1_000_000);
        assert_eq!(micros(Duration::from_secs(1)), 1_000_000);
    }
}
