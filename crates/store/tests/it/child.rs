//! A second process on a store, for the tests.
//!
//! A place is a folder, or `URL|KEY_FILE|LEASE` for a server and the milliseconds of a lease there.
//!
//! `append PLACE SEED RUNS` appends to its runs for as long as it lives and says `RUN SEQ` for
//! everything that is durable; `hold PLACE RUN` takes a run, says `held` and waits until its input
//! ends; `spend FOLDER|URL direct|sliced CALLS` reserves and settles in the budgets of agent `a` and the
//! tenant, says `settled NANOS` for each call, and `closed` when it has given everything back;
//! `talk PLACE RUN` is one run after the other in one session, each with three events and what was
//! said in the append of the last, and says `RUN 3` for each that is durable;
//! `stream FOLDER|URL direct|sliced` makes one call there and says `told NANOS` for each report;
//! `secrets FOLDER PREFIX COUNT` sets that many secrets, one after the other.

use std::error::Error;
use std::hash::{BuildHasher, RandomState};
use std::io::{Read, Write};
use std::path::Path;
use std::sync::Arc;

use largestack_engine::event::{DoubtDecision, DoubtSettled};
use largestack_engine::{Event, Recorded};
use largestack_ports::clock::FakeClock;
use largestack_ports::ids::Ids;
use largestack_ports::journal::{Batch, Journal, Lease};
use largestack_ports::ledger::Ledger;
use largestack_ports::sessions::{Exchange, IfAbsent, Remembered, SessionKey};
use largestack_ports::vault::Sensitive;
use largestack_store::{Options, SecretFile, Store};
use largestack_types::id::{EffectId, OwnerId, RunId};
use largestack_types::message::Message;
use largestack_types::part::PartId;
use largestack_types::scope::Scope;
use largestack_types::time::Timestamp;

mod spending;

/// The budgets in a folder, or of a server.
#[cfg_attr(
    not(feature = "postgres"),
    expect(clippy::unused_async, reason = "a server is connected to, a file is opened")
)]
async fn ledger(place: &str) -> Outcome<Arc<dyn Ledger>> {
    let (ids, clock) = (Arc::new(Random(RandomState::new())), Arc::new(FakeClock::default()));
    #[cfg(feature = "postgres")]
    if place.starts_with("postgres://") {
        return Ok(Arc::new(server(place, ids, clock).await?));
    }
    Ok(Arc::new(Store::open(Path::new(place), Options::new(ids, clock))?))
}

/// A process of the store of a server, which seals nothing.
#[cfg(feature = "postgres")]
async fn server(
    url: &str,
    ids: Arc<dyn Ids>,
    clock: Arc<FakeClock>,
) -> Outcome<largestack_store::PostgresStore> {
    let options = largestack_store::PostgresOptions::new(ids, clock, "no.key".into());
    Ok(largestack_store::PostgresStore::connect(url, options).await?)
}

/// Ids that no two processes share, which counted ones would.
struct Random(RandomState);

impl Ids for Random {
    fn fill(&self, bytes: &mut [u8]) {
        for (at, chunk) in bytes.chunks_mut(8).enumerate() {
            let moment = std::thread::current().id();
            let number = RandomState::new().hash_one((at, moment, self.0.hash_one(at)));
            let length = chunk.len();
            chunk.copy_from_slice(number.to_le_bytes().get(..length).unwrap_or_default());
        }
    }
}

type Outcome<T = ()> = Result<T, Box<dyn Error>>;

fn main() -> Outcome {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["append", place, seed, runs] => append(&*journal(place)?, seed.parse()?, runs.parse()?),
        ["talk", place, first] => talk(&*journal(place)?, first.parse()?),
        ["hold", place, run] => hold(&*journal(place)?, run.parse()?),
        ["spend", place, how, calls] => {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            let ledger = runtime.block_on(ledger(place))?;
            spending::spend(&runtime, ledger, *how == "sliced", calls.parse()?)
        }
        ["secrets", folder, prefix, count] => secrets(Path::new(folder), prefix, count.parse()?),
        ["stream", place, how] => {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            let ledger = runtime.block_on(ledger(place))?;
            spending::stream(&runtime, ledger, *how == "sliced")
        }
        _ => {
            Err("usage: append PLACE SEED RUNS | talk PLACE RUN | hold PLACE RUN | spend FOLDER HOW CALLS".into())
        }
    }
}

fn block_on<T>(future: impl Future<Output = T>) -> Outcome<T> {
    Ok(tokio::runtime::Builder::new_current_thread().build()?.block_on(future))
}

fn journal(place: &str) -> Outcome<Arc<dyn Journal>> {
    // Each process is another one: counted ids would name them all the same.
    let (ids, clock) = (Arc::new(Random(RandomState::new())), Arc::new(FakeClock::default()));
    #[cfg(feature = "postgres")]
    if let [url, key, lease] = *place.split('|').collect::<Vec<_>>() {
        let options = largestack_store::PostgresOptions::new(ids, clock, key.into());
        let lease = std::time::Duration::from_millis(lease.parse()?);
        let options = largestack_store::PostgresOptions { lease, ..options };
        let store = block_on(largestack_store::PostgresStore::connect(url, options))??;
        return Ok(Arc::new(store));
    }
    Ok(Arc::new(Store::open(Path::new(place), Options::new(ids, clock))?))
}

fn secrets(folder: &Path, prefix: &str, count: usize) -> Outcome {
    let file = SecretFile::new(folder, Arc::new(Random(RandomState::new())));
    for n in 0..count {
        file.set(&Scope::local(), &format!("{prefix}{n}"), Sensitive::new(format!("v{n}")))?;
    }
    Ok(())
}

fn event(seq: u64) -> Recorded {
    let by = format!("event {seq}").into();
    let event = Event::DoubtSettled(DoubtSettled {
        effect: EffectId::INPUT,
        decision: DoubtDecision::Fail,
        by,
    });
    Recorded { seq, at: Timestamp::from_micros(0), event: Arc::new(event) }
}

fn append(store: &dyn Journal, seed: u128, runs: u128) -> Outcome {
    let (scope, owner) = (Scope::local(), OwnerId::from_u128(seed));
    let mut leases: Vec<(Lease, u64)> = Vec::new();
    for run in 0..runs {
        let run = RunId::from_u128(seed + run);
        let lease = block_on(store.claim(&scope, run, owner))??;
        let last = block_on(store.read(&scope, run, 0))??.last().map_or(0, |event| event.seq);
        leases.push((lease, last));
    }
    let mut out = std::io::stdout();
    loop {
        for (lease, seq) in &mut leases {
            // One alone and two together, so that a cut falls between and into batches.
            store.append(lease, Batch::of(event(*seq + 1)))?;
            let events = vec![event(*seq + 2), event(*seq + 3)];
            store.append(lease, Batch { events, ..Batch::default() })?;
            *seq += 3;
        }
        block_on(store.durable())??;
        for (lease, seq) in &leases {
            writeln!(out, "{} {seq}", lease.run)?;
        }
        out.flush()?;
        // These nobody waits for.
        for (lease, seq) in &mut leases {
            store.append(lease, Batch::of(event(*seq + 1)))?;
            *seq += 1;
        }
    }
}

fn talk(store: &dyn Journal, first: u128) -> Outcome {
    let sessions = store.sessions().ok_or("no sessions")?;
    let (scope, session) = (Scope::local(), SessionKey::from("talk"));
    let mut out = std::io::stdout();
    for number in first.. {
        let run = RunId::from_u128(number);
        let lease = block_on(store.claim(&scope, run, OwnerId::from_u128(first)))??;
        block_on(sessions.hold(&lease, &session, IfAbsent::Make(None)))??;
        store.append(&lease, Batch::of(event(1)))?;
        store.append(&lease, Batch::of(event(2)))?;
        let messages = vec![Arc::new(Message::user(PartId::new(0, 1), format!("said by {run}")))];
        let exchange = Some(Exchange { run, at: Timestamp::from_micros(0), messages });
        let memory = Some(Remembered { session: session.id(), exchange, digest: None });
        store.append(&lease, Batch { events: vec![event(3)], memory, ..Batch::default() })?;
        if number % 3 == 0 {
            block_on(store.durable())??;
            writeln!(out, "{run} 3")?;
            out.flush()?;
        }
        block_on(store.release(&lease))??;
    }
    Ok(())
}

fn hold(store: &dyn Journal, run: RunId) -> Outcome {
    let lease = block_on(store.claim(&Scope::local(), run, OwnerId::from_u128(7)))??;
    store.append(&lease, Batch::of(event(1)))?;
    block_on(store.durable())??;
    let mut out = std::io::stdout();
    writeln!(out, "held")?;
    out.flush()?;
    std::io::stdin().read_to_string(&mut String::new())?;
    Ok(())
}
