//! The laws of keeping less of a run.

use std::sync::Arc;

use bytes::Bytes;
use largestack_engine::event::{Guarded, RunStarted};
use largestack_engine::{Definition, End, EndReason, Event, Recorded, Run, Status};
use largestack_ports::journal::Batch;
use largestack_ports::retention::{Compaction, Rule};
use largestack_types::hash::Hash;
use largestack_types::id::{EffectId, RunId};
use largestack_types::message::Message;
use largestack_types::part::PartId;
use largestack_types::scope::{Scope, TenantId};

use super::{Form, OWNER, before, event, line, run};

/// A run that a guard found something in, twice; the second finding names a part.
fn events(root: RunId) -> Vec<Recorded> {
    let definition = Hash::of(b"definition");
    let started = RunStarted {
        agent: "a".into(),
        definition,
        input: Arc::new(Message::user(PartId::new(0, 1), "What?")),
        history: Vec::new(),
        principal: "local".into(),
        session: None,
        recalled: None,
        adjusted: None,
        parent: None,
        root,
    };
    let found = |stage: &str| {
        let (effect, findings) = (EffectId::INPUT, Vec::new());
        Event::Guarded(Guarded { effect, stage: stage.into(), findings })
    };
    let named = found(&format!("names {}", Hash::of(b"part")));
    let end = End::plain(Status::Completed, EndReason::Stop);
    let events =
        [Event::RunStarted(started), found("one"), named, found("three"), Event::RunFinished(end)];
    (1..).zip(events).map(|(seq, what)| event(seq, what)).collect()
}

fn fold(of: RunId, events: &[Recorded]) -> Run {
    let mut run = Run::new(of, Arc::new(Definition::new("a", "", "m")));
    for recorded in events {
        run.apply(&recorded.event).unwrap();
    }
    run
}

/// All between the first event and the last, given up.
fn compaction(of: RunId, events: &[Recorded]) -> Compaction {
    let (begun, going) = (fold(of, &events[..1]), fold(of, &events[..4]));
    let mut left = going.compacted(&begun).unwrap();
    left.parts = vec![Hash::of(b"part")];
    let by = Recorded { event: Arc::new(Event::Compacted(left)), ..events[3].clone() };
    Compaction { run: of, by, last: 5 }
}

async fn left(form: &dyn Form, scope: &Scope, number: u128) -> Vec<Recorded> {
    let events = events(run(number));
    let lease = form.claim(scope, run(number), OWNER).await.unwrap();
    let blobs = vec![(Hash::of(b"part"), Bytes::from_static(b"part"))];
    let summary = Some(line(number, number, Status::Completed));
    let batch = Batch { events: events.clone(), blobs, summary, ..Batch::default() };
    form.append(&lease, batch).unwrap();
    form.release(&lease).await.unwrap();
    form.durable().await.unwrap();
    events
}

pub(super) async fn events_of_a_run_that_is_over_are_given_up_for_one_that_stands_for_them(
    form: Arc<dyn Form>,
) {
    let (form, scope) = (&*form, Scope::local());
    let tenant = TenantId::new("other").expect("a tenant's name");
    let other = Scope::authenticated(tenant, "somebody");
    let all = left(form, &scope, 1).await;
    left(form, &other, 1).await;
    assert_eq!(form.over(&scope, before(2)).await.unwrap().0, [run(1)]);
    assert!(form.over(&scope, before(1)).await.unwrap().0.is_empty(), "it is not old enough");
    let compaction = compaction(run(1), &all);
    assert!(form.compact(&scope, compaction.clone()).await.unwrap());
    let short = form.read(&scope, run(1), 0).await.unwrap();
    assert_eq!(short.iter().map(|event| event.seq).collect::<Vec<_>>(), [1, 4, 5]);
    assert_eq!(fold(run(1), &short), fold(run(1), &all));
    assert_eq!(form.read(&scope, run(1), 4).await.unwrap(), all[4..]);
    assert_eq!(form.read(&other, run(1), 0).await.unwrap(), all, "another tenant's has all");
    assert!(!form.compact(&scope, compaction).await.unwrap(), "there is nothing left to give up");
    // A part that only those events named goes with the run, not before it.
    assert!(form.blob(&scope, Hash::of(b"part")).await.unwrap().is_some());
    assert_eq!(form.prune(&scope, before(2)).await.unwrap().blobs, 1);
    assert!(form.blob(&scope, Hash::of(b"part")).await.unwrap().is_none());
}

pub(super) async fn a_run_that_is_held_open_or_another_than_it_was_keeps_its_events(
    form: Arc<dyn Form>,
) {
    let (form, scope) = (&*form, Scope::local());
    let all = left(form, &scope, 1).await;
    let lease = form.claim(&scope, run(2), OWNER).await.unwrap();
    let summary = Some(line(2, 2, Status::Suspended));
    let batch = Batch { events: events(run(2)), summary, ..Batch::default() };
    form.append(&lease, batch).unwrap();
    form.release(&lease).await.unwrap();
    let held = form.claim(&scope, run(1), OWNER).await.unwrap();
    form.durable().await.unwrap();
    let (runs, kept) = form.over(&scope, Rule::default()).await.unwrap();
    assert_eq!((runs, kept.open, kept.held), (Vec::new(), 1, 1));
    let compaction = compaction(run(1), &all);
    assert!(!form.compact(&scope, compaction.clone()).await.unwrap(), "a process holds it");
    form.release(&held).await.unwrap();
    form.durable().await.unwrap();
    let older = Compaction { last: 4, ..compaction.clone() };
    assert!(!form.compact(&scope, older).await.unwrap(), "it has gone on since");
    assert_eq!(form.read(&scope, run(1), 0).await.unwrap(), all);
    assert!(form.compact(&scope, compaction).await.unwrap());
}

pub(super) async fn what_begins_with_a_compacted_run_may_be_written_and_no_other_gap(
    form: Arc<dyn Form>,
) {
    let (form, scope) = (&*form, Scope::local());
    let all = events(run(1));
    let by = compaction(run(1), &all).by;
    let lease = form.claim(&scope, run(2), OWNER).await.unwrap();
    let gap = vec![all[0].clone(), all[3].clone()];
    assert!(form.append(&lease, Batch { events: gap, ..Batch::default() }).is_err());
    let other = vec![all[0].clone(), Recorded { seq: 3, ..by.clone() }];
    assert!(form.append(&lease, Batch { events: other, ..Batch::default() }).is_err());
    let short = vec![all[0].clone(), by, all[4].clone()];
    let summary = Some(line(2, 2, Status::Completed));
    let batch = Batch { events: short.clone(), summary, ..Batch::default() };
    form.append(&lease, batch).unwrap();
    form.release(&lease).await.unwrap();
    form.durable().await.unwrap();
    assert_eq!(form.read(&scope, run(2), 0).await.unwrap(), short);
}
