//! The queue of work in a server: the laws, and what only a server can do wrong.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use largestack_engine::event::{CancelReason, CancelRequested};
use largestack_ports::BoxFuture;
use largestack_ports::clock::{Clock as _, FakeClock};
use largestack_ports::queue::{Ask, Fate, Job, Kind, Queue, Served, State};
use largestack_ports::retention::{Retention as _, Rule};
use largestack_ports::signals::{Signal, Signals as _};
use largestack_testkit::{queue_suite, services};
use largestack_types::errors::{Code, Coded as _};
use largestack_types::json::Json;
use largestack_types::scope::{Scope, TenantId};
use sqlx::{Connection as _, PgConnection};

use super::{Postgres, options, process, schema};

impl queue_suite::Form for Postgres {
    fn part(&self) -> Arc<dyn Queue> {
        let part = self.store(self.parts.fetch_add(1, Ordering::Relaxed).into());
        self.stopped.call_once(|| self.stop_the_clock());
        part
    }

    fn moved(&self) {
        self.set_the_clock(self.clock.now());
    }

    fn gone(&self, part: Arc<dyn Queue>) -> BoxFuture<'_, ()> {
        // Ends when it has taken itself out of what lives.
        drop(part);
        Box::pin(std::future::ready(()))
    }

    fn clock(&self) -> FakeClock {
        self.clock.clone()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn queues_in_postgres_do_what_the_table_does() {
    let Some(server) = services::postgres() else { return };
    queue_suite::all(&|| Box::new(Postgres::new(&server, false))).await;
}

/// What a worker of one name asks for.
fn readers(most: u32) -> Ask {
    let serves = vec![Served { kind: Kind::Agent, name: "reader".into(), most: None }];
    Ask { serves, per_tenant: None, most }
}

fn tenant(name: &str) -> Scope {
    Scope::authenticated(TenantId::new(name).unwrap(), "ann")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_asked_of_a_worker_stands_nowhere_in_clear_and_opens_for_its_principal_only() {
    let Some(server) = services::postgres() else { return };
    let url = schema(&server).await;
    let store = process(&url, 1).await;
    let scope = tenant("t1");
    let job = Job::agent("reader", "my word is hollyhock");
    let run = store.enqueue(&scope, job.clone(), 10).await.unwrap();
    let mut outside = PgConnection::connect(&url).await.unwrap();
    let mut transaction = outside.begin().await.unwrap();
    let named = "SELECT set_config('largestack.tenant', 't1', true)";
    sqlx::query(named).execute(&mut *transaction).await.unwrap();
    let rows: Vec<String> = sqlx::query_scalar("SELECT to_jsonb(work)::text FROM work")
        .fetch_all(&mut *transaction)
        .await
        .unwrap();
    assert!(rows.len() == 1 && rows[0].contains("reader"), "{rows:?}");
    assert!(!rows[0].contains("hollyhock") && !rows[0].contains(&hex::encode("hollyhock")));
    // Somebody who can write the table makes it another user's.
    sqlx::query("UPDATE work SET principal = 'bob'").execute(&mut *transaction).await.unwrap();
    transaction.commit().await.unwrap();
    assert!(store.claim(&readers(1)).await.unwrap().is_empty());
    let entry = store.find(&scope, run).await.unwrap().unwrap();
    assert_eq!(entry.state, State::Poisoned, "{entry:?}");
    assert_eq!(entry.error.unwrap().code(), Code::Store);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_machine_with_another_key_takes_no_jobs_and_harms_none() {
    let Some(server) = services::postgres() else { return };
    let url = schema(&server).await;
    let store = process(&url, 1).await;
    let scope = tenant("t1");
    let run = store.enqueue(&scope, Job::agent("reader", "?"), 10).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let mut other = options(&url, 2, FakeClock::default());
    other.key_file = folder.path().join("other.key");
    let other = largestack_store::PostgresStore::connect(&url, other).await.unwrap();
    assert!(other.claim(&readers(1)).await.is_err());
    assert_eq!(store.find(&scope, run).await.unwrap().unwrap().attempts, 0);
    assert_eq!(store.claim(&readers(1)).await.unwrap()[0].run, run);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_jobs_are_each_taken_once_and_a_claim_that_nobody_waits_for_keeps_none() {
    let Some(server) = services::postgres() else { return };
    let url = schema(&server).await;
    let stores = [process(&url, 1).await, process(&url, 2).await];
    let scope = tenant("t1");
    let job = || Job::agent("reader", "?");
    for _ in 0..1_000 {
        stores[0].enqueue(&scope, job(), 1_000).await.unwrap();
    }
    let full = stores[0].enqueue(&scope, job(), 1_000).await.unwrap_err();
    assert_eq!(full.code(), Code::QueueFull);
    let ask = readers(7);
    // Given up before it is answered.
    for _ in 0..5 {
        let mut given_up = Queue::claim(&stores[1], &ask);
        let _nothing_yet = futures::FutureExt::now_or_never(&mut given_up);
    }
    let mut runs = std::collections::BTreeSet::new();
    while runs.len() < 1_000 {
        let (one, other) =
            futures::join!(Queue::claim(&stores[0], &ask), Queue::claim(&stores[1], &ask));
        for held in one.unwrap().into_iter().chain(other.unwrap()) {
            assert!(runs.insert(held.run), "{} twice", held.run);
        }
        stores[1].tend().await.unwrap();
    }
    assert_eq!(stores[0].counts(&scope).await.unwrap(), [(State::Running, 1_000)]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_is_due_by_the_servers_clock_whatever_the_clocks_of_its_processes_say() {
    let Some(server) = services::postgres() else { return };
    let form = Postgres::new(&server, false);
    let scope = tenant("t1");
    let first = form.store(1);
    form.stop_the_clock();
    // Another machine, whose clock is an hour ahead.
    let ahead = FakeClock::at(form.clock.now().plus(Duration::from_hours(1)));
    let other = options(&form.url, 2, ahead.clone());
    let other = largestack_store::PostgresStore::connect(&form.url, other).await.unwrap();
    let soon = ahead.now().plus(Duration::from_mins(10));
    let job = Job::agent("reader", "?").not_before(soon);
    let run = other.enqueue(&scope, job, 10).await.unwrap();
    assert!(other.claim(&readers(1)).await.unwrap().is_empty());
    let due = form.clock.now().plus(Duration::from_mins(10));
    assert_eq!(first.find(&scope, run).await.unwrap().unwrap().due, due);
    form.clock.advance(Duration::from_mins(10));
    form.set_the_clock(form.clock.now());
    let held = first.claim(&readers(1)).await.unwrap().remove(0);
    // It waits for two minutes more, and is nobody's before that, whoever looks.
    let until = Some(form.clock.now().plus(Duration::from_mins(2)));
    assert!(first.conclude(&held, Fate::Waiting { until }).await.unwrap());
    other.tend().await.unwrap();
    assert_eq!(first.find(&scope, run).await.unwrap().unwrap().state, State::Waiting);
    form.clock.advance(Duration::from_mins(2));
    form.set_the_clock(form.clock.now());
    other.tend().await.unwrap();
    assert_eq!(other.claim(&readers(1)).await.unwrap()[0].run, run);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_event_for_a_run_in_line_stays_until_the_run_is_given_up() {
    let Some(server) = services::postgres() else { return };
    let url = schema(&server).await;
    let store = process(&url, 1).await;
    let scope = tenant("t1");
    let run = store.enqueue(&scope, Job::agent("reader", "Read."), 10).await.unwrap();
    let data = Json::parse("{}").unwrap();
    let signal = Signal { id: "e1".into(), name: "paid".into(), data, by: "shop".into() };
    store.send(&scope, run, signal).await.unwrap();
    store.prune(&scope, Rule::default()).await.unwrap();
    assert_eq!(store.kept(&scope, run).await.unwrap().len(), 1);
    let (reason, by, note) = (CancelReason::Caller, "ann".into(), "no use".into());
    store.cancel(&scope, run, CancelRequested { reason, by, note }).await.unwrap();
    store.prune(&scope, Rule::default()).await.unwrap();
    assert_eq!(store.kept(&scope, run).await.unwrap(), []);
}
