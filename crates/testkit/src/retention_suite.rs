//! The laws of removing runs, whatever they are kept in.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a law that does not hold fails its test"
)]

use std::sync::Arc;

use bytes::Bytes;
use largestack_engine::event::{DoubtDecision, DoubtSettled, Forked};
use largestack_engine::{Event, Recorded, Status};
use largestack_ports::journal::{Batch, CostBy, Journal, LedgerLine, RunSummary};
use largestack_ports::retention::{Pruned, Retention, Rule};
use largestack_ports::signals::{Signal, Signals};
use largestack_ports::vault::{Sensitive, TokenVault};
use largestack_types::hash::Hash;
use largestack_types::id::{EffectId, OwnerId, RunId};
use largestack_types::json::Json;
use largestack_types::money::Money;
use largestack_types::scope::{Scope, TenantId};
use largestack_types::time::Timestamp;
use largestack_types::usage::Usage;

mod compaction;

/// What the laws are about.
pub trait Form: Journal + Retention + Signals + TokenVault {}

impl<T: Journal + Retention + Signals + TokenVault> Form for T {}

/// Every law, each over a form of its own.
pub async fn all(forms: &dyn Fn() -> Arc<dyn Form>) {
    what_is_over_and_old_goes_with_its_values_and_what_was_spent_stays(forms()).await;
    what_is_open_held_or_forked_stays(forms()).await;
    a_part_goes_with_the_last_run_that_names_it(forms()).await;
    looking_removes_nothing_and_counts_the_same(forms()).await;
    another_tenants_runs_stay(forms()).await;
    an_event_for_a_run_that_is_nowhere_goes(forms()).await;
    compaction::events_of_a_run_that_is_over_are_given_up_for_one_that_stands_for_them(forms())
        .await;
    compaction::a_run_that_is_held_open_or_another_than_it_was_keeps_its_events(forms()).await;
    compaction::what_begins_with_a_compacted_run_may_be_written_and_no_other_gap(forms()).await;
}

const OWNER: OwnerId = OwnerId::from_u128(1);

fn run(number: u128) -> RunId {
    RunId::from_u128(number)
}

fn event(seq: u64, event: Event) -> Recorded {
    Recorded { seq, at: Timestamp::from_micros(1), event: Arc::new(event) }
}

fn saying(seq: u64, text: &str) -> Recorded {
    let (effect, decision) = (EffectId::INPUT, DoubtDecision::Fail);
    event(seq, Event::DoubtSettled(DoubtSettled { effect, decision, by: text.into() }))
}

fn line(number: u128, root: u128, status: Status) -> RunSummary {
    let at = Timestamp::from_micros(i64::try_from(number).unwrap());
    RunSummary {
        run: run(number),
        root: run(root),
        agent: "a".into(),
        model: "m".into(),
        definition: Hash::of(b"definition"),
        status,
        reason: None,
        input: "What?".into(),
        seq: 1,
        turns: 1,
        usage: Usage::default(),
        cost: Money::ZERO,
        started: at,
        updated: at,
        engine: None,
    }
}

/// Leaves a run that says this, with parts.
async fn left(form: &dyn Form, scope: &Scope, line: RunSummary, (text, parts): (&str, &[&[u8]])) {
    let named: Vec<String> = parts.iter().map(|part| Hash::of(part).to_string()).collect();
    let events = vec![saying(1, &format!("{text} {}", named.join(" and ")))];
    let blobs = parts.iter().map(|part| (Hash::of(part), Bytes::copy_from_slice(part))).collect();
    let spent = LedgerLine {
        at: Timestamp::from_micros(1),
        seq: 1,
        root: line.root,
        agent: "a".into(),
        model: "m".into(),
        usage: Usage::default(),
        cost: Money::from_nanos(5),
        cached: false,
    };
    let lease = form.claim(scope, line.run, OWNER).await.unwrap();
    let batch = Batch { events, blobs, ledger: vec![spent], summary: Some(line), memory: None };
    form.append(&lease, batch).unwrap();
    form.release(&lease).await.unwrap();
    form.durable().await.unwrap();
}

async fn here(form: &dyn Form, scope: &Scope) -> Vec<RunId> {
    let mut runs: Vec<RunId> =
        form.runs(scope, 99).await.unwrap().into_iter().map(|line| line.run).collect();
    runs.reverse();
    runs
}

fn before(micros: i64) -> Rule {
    Rule { before: Some(Timestamp::from_micros(micros)), ..Rule::default() }
}

async fn an_event_for_a_run_that_is_nowhere_goes(form: Arc<dyn Form>) {
    let (form, scope) = (&*form, Scope::local());
    left(form, &scope, line(1, 1, Status::Suspended), ("waits", &[])).await;
    for root in [run(1), run(2)] {
        let data = Json::parse("{}").unwrap();
        let signal = Signal { id: "e1".into(), name: "paid".into(), data, by: "shop".into() };
        form.send(&scope, root, signal).await.unwrap();
    }
    let events = async || {
        let [known, gone] = [1, 2].map(|number| form.kept(&scope, run(number)));
        (known.await.unwrap().len(), gone.await.unwrap().len())
    };
    form.prune(&scope, Rule { dry_run: true, ..Rule::default() }).await.unwrap();
    form.prune(&scope, before(0)).await.unwrap();
    assert_eq!(events().await, (1, 1));
    form.prune(&scope, Rule::default()).await.unwrap();
    assert_eq!(events().await, (1, 0));
}

async fn what_is_over_and_old_goes_with_its_values_and_what_was_spent_stays(form: Arc<dyn Form>) {
    let (form, scope) = (&*form, Scope::local());
    left(form, &scope, line(1, 1, Status::Completed), ("old", &[])).await;
    left(form, &scope, line(2, 1, Status::Failed), ("below", &[])).await;
    left(form, &scope, line(8, 8, Status::Completed), ("new", &[])).await;
    for root in [run(1), run(8)] {
        let pairs = vec![("<CARD_1:abc>".to_owned(), Sensitive::new("4111"))];
        form.put(&scope, root, pairs).await.unwrap();
    }
    let pruned = form.prune(&scope, before(5)).await.unwrap();
    assert_eq!((pruned.runs, pruned.events, pruned.blobs), (2, 2, 0));
    assert!(pruned.bytes > 20, "{pruned:?}");
    assert_eq!(here(form, &scope).await, [run(8)]);
    assert!(form.read(&scope, run(1), 0).await.unwrap().is_empty());
    assert!(form.all(&scope, run(1)).await.unwrap().is_empty());
    assert_eq!(form.all(&scope, run(8)).await.unwrap().len(), 1);
    let costs = form.costs(&scope, CostBy::Agent).await.unwrap();
    let spent: Vec<_> = costs.iter().map(|row| (row.calls, row.cost.nanos())).collect();
    assert_eq!(spent, [(3, 15)]);
    assert_eq!(form.prune(&scope, before(5)).await.unwrap(), Pruned::default());
    let pruned = form.prune(&scope, Rule { keep: 1, ..Rule::default() }).await.unwrap();
    assert_eq!(pruned.runs, 0, "the newest stays");
}

async fn what_is_open_held_or_forked_stays(form: Arc<dyn Form>) {
    let (form, scope) = (&*form, Scope::local());
    left(form, &scope, line(1, 1, Status::Suspended), ("waits", &[])).await;
    left(form, &scope, line(2, 2, Status::Completed), ("held", &[])).await;
    left(form, &scope, line(3, 3, Status::Completed), ("forked", &[])).await;
    left(form, &scope, line(4, 4, Status::Completed), ("free", &[])).await;
    left(form, &scope, line(5, 5, Status::Completed), ("above", &[])).await;
    left(form, &scope, line(6, 5, Status::Running), ("below", &[])).await;
    let lease = form.claim(&scope, run(9), OWNER).await.unwrap();
    let forked = Forked {
        of: run(3),
        at: 1,
        by: "me".into(),
        input: None,
        adjusted: None,
        values: Vec::new(),
        written: None,
    };
    let events = vec![saying(1, "forked"), event(2, Event::Forked(forked))];
    let summary = Some(line(9, 9, Status::Suspended));
    form.append(&lease, Batch { events, summary, ..Batch::default() }).unwrap();
    form.release(&lease).await.unwrap();
    let held = form.claim(&scope, run(2), OWNER).await.unwrap();
    form.durable().await.unwrap();
    let pruned = form.prune(&scope, before(9)).await.unwrap();
    assert_eq!(here(form, &scope).await, [1, 2, 3, 5, 6, 9].map(run));
    let kept = pruned.kept;
    assert_eq!((pruned.runs, kept.open, kept.held, kept.forked), (1, 2, 1, 1));
    form.release(&held).await.unwrap();
    form.durable().await.unwrap();
    assert_eq!(form.prune(&scope, before(9)).await.unwrap().runs, 1);
}

async fn a_part_goes_with_the_last_run_that_names_it(form: Arc<dyn Form>) {
    let (form, scope) = (&*form, Scope::local());
    left(form, &scope, line(1, 1, Status::Completed), ("one", &[b"alone", b"shared"])).await;
    left(form, &scope, line(2, 2, Status::Completed), ("two", &[b"shared"])).await;
    let part = async |bytes: &[u8]| form.blob(&scope, Hash::of(bytes)).await.unwrap();
    let pruned = form.prune(&scope, before(2)).await.unwrap();
    assert_eq!((pruned.runs, pruned.blobs), (1, 1));
    assert!(part(b"alone").await.is_none());
    assert_eq!(part(b"shared").await.as_deref(), Some(&b"shared"[..]));
    let pruned = form.prune(&scope, before(3)).await.unwrap();
    assert_eq!((pruned.runs, pruned.blobs), (1, 1));
    assert!(part(b"shared").await.is_none());
    // It may be kept again.
    left(form, &scope, line(3, 3, Status::Completed), ("three", &[b"shared"])).await;
    assert!(part(b"shared").await.is_some());
}

async fn looking_removes_nothing_and_counts_the_same(form: Arc<dyn Form>) {
    let (form, scope) = (&*form, Scope::local());
    left(form, &scope, line(1, 1, Status::Completed), ("one", &[b"part"])).await;
    let look = Rule { dry_run: true, ..before(5) };
    let looked = form.prune(&scope, look).await.unwrap();
    assert_eq!((looked.runs, looked.blobs), (1, 1));
    assert_eq!(here(form, &scope).await, [run(1)]);
    assert!(form.blob(&scope, Hash::of(b"part")).await.unwrap().is_some());
    assert_eq!(form.prune(&scope, before(5)).await.unwrap(), looked);
}

async fn another_tenants_runs_stay(form: Arc<dyn Form>) {
    let form = &*form;
    let tenant = |name: &str| {
        Scope::authenticated(TenantId::new(name).expect("a tenant's name"), "somebody")
    };
    let (one, two) = (tenant("one"), tenant("two"));
    for scope in [&one, &two] {
        left(form, scope, line(1, 1, Status::Completed), ("same", &[b"part"])).await;
    }
    assert_eq!(form.prune(&one, before(5)).await.unwrap().blobs, 1);
    assert_eq!(here(form, &two).await, [run(1)]);
    assert!(form.blob(&two, Hash::of(b"part")).await.unwrap().is_some());
}
