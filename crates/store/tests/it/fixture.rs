//! What the tests are made of.

use std::path::Path;
use std::sync::Arc;

use largestack_engine::event::{DoubtDecision, DoubtSettled};
use largestack_engine::{Event, Recorded, Status};
use largestack_ports::clock::FakeClock;
use largestack_ports::ids::CountingIds;
use largestack_ports::journal::{Batch, RunSummary};
use largestack_store::{Options, Store};
use largestack_types::hash::Hash;
use largestack_types::id::{EffectId, OwnerId, RunId};
use largestack_types::money::Money;
use largestack_types::scope::{Scope, TenantId};
use largestack_types::time::Timestamp;
use largestack_types::usage::Usage;

pub(crate) fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

pub(crate) fn options() -> Options {
    Options::new(Arc::new(CountingIds::default()), Arc::new(FakeClock::default()))
}

pub(crate) fn open(folder: &Path) -> Store {
    Store::open(folder, options()).unwrap()
}

pub(crate) fn run(number: u128) -> RunId {
    RunId::from_u128(number)
}

pub(crate) fn owner(number: u128) -> OwnerId {
    OwnerId::from_u128(number)
}

pub(crate) fn tenant(name: &str) -> Scope {
    Scope::authenticated(TenantId::new(name).unwrap(), "somebody")
}

pub(crate) fn event_saying(seq: u64, text: &str) -> Recorded {
    let event =
        DoubtSettled { effect: EffectId::INPUT, decision: DoubtDecision::Fail, by: text.into() };
    let at = Timestamp::from_micros(i64::try_from(seq).unwrap());
    Recorded { seq, at, event: Arc::new(Event::DoubtSettled(event)) }
}

pub(crate) fn event(seq: u64) -> Recorded {
    event_saying(seq, &format!("event {seq}"))
}

/// Events from `first` to `last`.
pub(crate) fn events(first: u64, last: u64) -> Batch {
    Batch { events: (first..=last).map(event).collect(), ..Batch::default() }
}

pub(crate) fn summary(number: u128, seq: u64) -> RunSummary {
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
        engine: None,
    }
}
