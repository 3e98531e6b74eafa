//! The laws of a journal, whatever it is kept in. Each function is one law and panics where it does
//! not hold; a form runs them all with [`all`].
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a law that does not hold fails its test"
)]

use std::sync::Arc;

use bytes::Bytes;
use largestack_engine::event::{DoubtDecision, DoubtSettled};
use largestack_engine::{Event, Recorded, Status};
use largestack_ports::journal::{Batch, CostBy, Journal, Lease, LedgerLine, RunSummary};
use largestack_types::errors::{Code, Coded as _, LargestackError};
use largestack_types::hash::Hash;
use largestack_types::id::{EffectId, OwnerId, RunId};
use largestack_types::money::Money;
use largestack_types::scope::{Scope, TenantId};
use largestack_types::time::Timestamp;
use largestack_types::usage::Usage;

/// A journal of its own for each law.
pub type Forms<'a> = &'a dyn Fn() -> Arc<dyn Journal>;

/// Every law, each over a journal of its own.
pub async fn all(forms: Forms<'_>) {
    what_is_appended_is_read_back_in_order(forms()).await;
    a_batch_that_does_not_follow_is_refused_whole(forms()).await;
    a_run_has_one_holder_and_the_refusal_names_it(forms()).await;
    claiming_again_makes_the_older_lease_useless(forms()).await;
    costs_add_up_exactly(forms()).await;
    a_total_beyond_the_range_of_money_is_an_error(forms()).await;
    the_last_line_of_a_run_wins_and_lists_begin_with_the_newest(forms()).await;
    bytes_of_a_batch_are_found_by_their_hash(forms()).await;
    tenants_see_nothing_of_each_other(forms()).await;
}

fn run(number: u128) -> RunId {
    RunId::from_u128(number)
}

fn owner(number: u128) -> OwnerId {
    OwnerId::from_u128(number)
}

fn tenant(name: &str) -> Scope {
    Scope::authenticated(TenantId::new(name).unwrap(), "somebody")
}

fn event_saying(seq: u64, text: &str) -> Recorded {
    let event =
        DoubtSettled { effect: EffectId::INPUT, decision: DoubtDecision::Fail, by: text.into() };
    let at = Timestamp::from_micros(i64::try_from(seq).unwrap());
    Recorded { seq, at, event: Arc::new(Event::DoubtSettled(event)) }
}

fn event(seq: u64) -> Recorded {
    event_saying(seq, &format!("event {seq}"))
}

/// Events from `first` to `last`.
fn events(first: u64, last: u64) -> Batch {
    Batch { events: (first..=last).map(event).collect(), ..Batch::default() }
}

fn line(agent: &str, model: &str, day: i64, nanos: i64) -> LedgerLine {
    LedgerLine {
        at: Timestamp::from_micros(day * 86_400_000_000),
        seq: 1,
        root: run(1),
        agent: agent.into(),
        model: model.into(),
        usage: Usage { input_tokens: Some(10), output_tokens: Some(2), ..Usage::default() },
        cost: Money::from_nanos(nanos),
        cached: false,
    }
}

fn summary(number: u128, seq: u64) -> RunSummary {
    RunSummary {
        run: run(number),
        root: run(number),
        agent: "a".into(),
        model: "m".into(),
        definition: Hash::of(b"definition"),
        status: Status::Running,
        reason: None,
        input: "What?".into(),
        seq,
        turns: 1,
        usage: Usage::default(),
        cost: Money::from_nanos(7),
        started: Timestamp::from_micros(1),
        updated: Timestamp::from_micros(2),
        engine: Some("an engine at 127.0.0.1".into()),
    }
}

async fn claim(journal: &dyn Journal, scope: &Scope, number: u128) -> Lease {
    journal.claim(scope, run(number), owner(1)).await.unwrap()
}

fn refused<T>(result: Result<T, LargestackError>) -> LargestackError {
    let error = result.map(|_| ()).expect_err("must be refused");
    assert_eq!(error.code(), Code::Conflict, "{error}");
    error
}

async fn what_is_appended_is_read_back_in_order(journal: Arc<dyn Journal>) {
    let journal = &*journal;
    let scope = Scope::local();
    let lease = claim(journal, &scope, 1).await;
    journal.append(&lease, events(1, 3)).unwrap();
    journal.append(&lease, Batch::default()).unwrap();
    journal.append(&lease, Batch::of(event(4))).unwrap();
    let read = journal.read(&scope, run(1), 0).await.unwrap();
    assert_eq!(read, events(1, 4).events);
    journal.durable().await.unwrap();
    assert_eq!(journal.read(&scope, run(1), 2).await.unwrap(), events(3, 4).events);
    assert_eq!(journal.read(&scope, run(1), 4).await.unwrap(), []);
    assert_eq!(journal.read(&scope, run(2), 0).await.unwrap(), []);
}

async fn a_batch_that_does_not_follow_is_refused_whole(journal: Arc<dyn Journal>) {
    let journal = &*journal;
    let scope = Scope::local();
    let lease = claim(journal, &scope, 1).await;
    journal.append(&lease, events(1, 2)).unwrap();
    for wrong in [events(2, 3), events(4, 5)] {
        let ledger = vec![line("a", "m", 0, 1)];
        refused(journal.append(&lease, Batch { ledger, ..wrong }));
    }
    let jump = Batch { events: vec![event(3), event(5)], ..Batch::default() };
    refused(journal.append(&lease, jump));
    journal.append(&lease, events(3, 3)).unwrap();
    journal.durable().await.unwrap();
    assert_eq!(journal.read(&scope, run(1), 0).await.unwrap(), events(1, 3).events);
    assert_eq!(journal.costs(&scope, CostBy::Agent).await.unwrap(), []);
}

async fn a_run_has_one_holder_and_the_refusal_names_it(journal: Arc<dyn Journal>) {
    let journal = &*journal;
    let scope = Scope::local();
    let lease = claim(journal, &scope, 1).await;
    let error = refused(journal.claim(&scope, run(1), owner(2)).await);
    assert!(error.message().contains(&owner(1).to_string()), "{error}");
    journal.release(&lease).await.unwrap();
    let next = journal.claim(&scope, run(1), owner(2)).await.unwrap();
    assert!(next.fence > lease.fence);
    refused(journal.append(&lease, events(1, 1)));
    journal.append(&next, events(1, 1)).unwrap();
    // A late release by the former holder changes nothing.
    journal.release(&lease).await.unwrap();
    journal.append(&next, events(2, 2)).unwrap();
    refused(journal.claim(&scope, run(1), owner(1)).await);
}

async fn claiming_again_makes_the_older_lease_useless(journal: Arc<dyn Journal>) {
    let journal = &*journal;
    let scope = Scope::local();
    let first = claim(journal, &scope, 1).await;
    journal.append(&first, events(1, 1)).unwrap();
    let second = claim(journal, &scope, 1).await;
    assert!(second.fence > first.fence);
    refused(journal.append(&first, events(2, 2)));
    journal.append(&second, events(2, 2)).unwrap();
    assert_eq!(journal.read(&scope, run(1), 0).await.unwrap().len(), 2);
}

async fn costs_add_up_exactly(journal: Arc<dyn Journal>) {
    let journal = &*journal;
    let scope = Scope::local();
    let lease = claim(journal, &scope, 1).await;
    let lines = [("b", "m1", 0, 1), ("a", "m1", 1, 20), ("b", "m2", 1, 300), ("b", "m1", 2, -1)];
    for (agent, model, day, nanos) in lines {
        let ledger = vec![line(agent, model, day, nanos)];
        journal.append(&lease, Batch { ledger, ..Batch::default() }).unwrap();
    }
    journal.durable().await.unwrap();
    let by = async |by| {
        let rows = journal.costs(&scope, by).await.unwrap();
        rows.into_iter().map(|row| (row.key, row.calls, row.cost.nanos())).collect::<Vec<_>>()
    };
    let row = |key: &str, calls, nanos| (key.to_owned(), calls, nanos);
    assert_eq!(by(CostBy::Agent).await, [row("a", 1, 20), row("b", 3, 300)]);
    assert_eq!(by(CostBy::Model).await, [row("m1", 3, 20), row("m2", 1, 300)]);
    let days = [row("1970-01-01", 1, 1), row("1970-01-02", 2, 320), row("1970-01-03", 1, -1)];
    assert_eq!(by(CostBy::Day).await, days);
    let rows = journal.costs(&scope, CostBy::Agent).await.unwrap();
    let usage = rows.last().unwrap().usage;
    assert_eq!((usage.input_tokens, usage.output_tokens), (Some(30), Some(6)));
    assert_eq!(usage.reasoning_tokens, None, "what nobody counted stays absent");
}

async fn a_total_beyond_the_range_of_money_is_an_error(journal: Arc<dyn Journal>) {
    let journal = &*journal;
    let scope = Scope::local();
    let lease = claim(journal, &scope, 1).await;
    let largest = Batch { ledger: vec![line("a", "m", 0, i64::MAX)], ..Batch::default() };
    journal.append(&lease, largest).unwrap();
    let rows = journal.costs(&scope, CostBy::Agent).await.unwrap();
    assert_eq!(rows.first().unwrap().cost, Money::MAX);
    let more = Batch { ledger: vec![line("a", "m", 0, 1)], ..Batch::default() };
    journal.append(&lease, more).unwrap();
    let error = journal.costs(&scope, CostBy::Agent).await.unwrap_err();
    assert_eq!(error.code(), Code::Budget);
}

async fn the_last_line_of_a_run_wins_and_lists_begin_with_the_newest(journal: Arc<dyn Journal>) {
    let journal = &*journal;
    let scope = Scope::local();
    for number in [1, 3, 2] {
        let lease = claim(journal, &scope, number).await;
        for seq in [1, 2] {
            let mut summary = summary(number, seq);
            summary.status = if seq == 2 { Status::Completed } else { Status::Running };
            journal.append(&lease, Batch { summary: Some(summary), ..events(seq, seq) }).unwrap();
        }
    }
    let line = journal.run(&scope, run(2)).await.unwrap().unwrap();
    assert_eq!((line.seq, line.status), (2, Status::Completed));
    assert_eq!(journal.run(&scope, run(4)).await.unwrap(), None);
    let list = async |limit| {
        let runs = journal.runs(&scope, limit).await.unwrap();
        runs.into_iter().map(|line| line.run).collect::<Vec<_>>()
    };
    assert_eq!(list(10).await, [run(3), run(2), run(1)]);
    assert_eq!(list(2).await, [run(3), run(2)]);
    assert_eq!(list(0).await, []);
}

async fn bytes_of_a_batch_are_found_by_their_hash(journal: Arc<dyn Journal>) {
    let journal = &*journal;
    let scope = Scope::local();
    let lease = claim(journal, &scope, 1).await;
    let bytes = Bytes::from(vec![7; 20_000]);
    let hash = Hash::of(&bytes);
    for seq in [1, 2] {
        let blobs = vec![(hash, bytes.clone())];
        journal.append(&lease, Batch { blobs, ..events(seq, seq) }).unwrap();
    }
    assert_eq!(journal.blob(&scope, hash).await.unwrap(), Some(bytes));
    assert_eq!(journal.blob(&scope, Hash::of(b"other")).await.unwrap(), None);
}

async fn tenants_see_nothing_of_each_other(journal: Arc<dyn Journal>) {
    let journal = &*journal;
    let (acme, other) = (tenant("acme"), tenant("other"));
    let ours = claim(journal, &acme, 1).await;
    let bytes = Bytes::from_static(b"acme's");
    let hash = Hash::of(&bytes);
    let batch = Batch {
        events: vec![event_saying(1, "acme's")],
        ledger: vec![line("a", "m", 0, 5)],
        blobs: vec![(hash, bytes)],
        summary: Some(summary(1, 1)),
        memory: None,
    };
    journal.append(&ours, batch).unwrap();
    journal.durable().await.unwrap();
    assert_eq!(journal.read(&other, run(1), 0).await.unwrap(), []);
    assert_eq!(journal.blob(&other, hash).await.unwrap(), None);
    assert_eq!(journal.run(&other, run(1)).await.unwrap(), None);
    assert_eq!(journal.runs(&other, 10).await.unwrap(), []);
    assert_eq!(journal.costs(&other, CostBy::Agent).await.unwrap(), []);
    // The same id is another run there: claimed, written and kept apart.
    let theirs = journal.claim(&other, run(1), owner(2)).await.unwrap();
    journal.append(&theirs, Batch::of(event_saying(1, "other's"))).unwrap();
    let read = async |scope| journal.read(scope, run(1), 0).await.unwrap();
    assert_eq!(read(&acme).await, [event_saying(1, "acme's")]);
    assert_eq!(read(&other).await, [event_saying(1, "other's")]);
}
