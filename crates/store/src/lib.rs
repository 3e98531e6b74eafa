//! Where runs are kept: the journal with its ledger and run list, blobs, the token vault, the kill
//! switch, and the index of ingested documents, in SQLite files of one folder that any number of
//! processes may open, or, but for the documents, in a Postgres server that machines share. One thread writes and commits whatever all runs have queued together;
//! [`Journal::durable`](largestack_ports::journal::Journal::durable) waits for that. It decides
//! nothing about runs and keeps no secrets in clear. Budgets of scopes that outlive a run are kept
//! here, too, for all processes at once.
//!
//! ```
//! use std::sync::Arc;
//! use largestack_ports::{clock::FakeClock, ids::{CountingIds, MakeId}, journal::{Batch, Journal}};
//! use largestack_store::{Options, Store};
//! use largestack_types::{id::{EffectId, OwnerId}, scope::Scope, time::Timestamp};
//! # use largestack_engine::{Event, Recorded, event::{DoubtDecision, DoubtSettled}};
//! # let folder = tempfile::tempdir()?;
//! # let folder = folder.path();
//! # let settled =
//! #     DoubtSettled { effect: EffectId::INPUT, decision: DoubtDecision::Fail, by: "ann".into() };
//! # let event = Recorded {
//! #     seq: 1, at: Timestamp::from_micros(0), event: Arc::new(Event::DoubtSettled(settled)),
//! # };
//!
//! let (ids, clock) = (Arc::new(CountingIds::default()), Arc::new(FakeClock::default()));
//! let run = ids.run_id(Timestamp::from_micros(0));
//! let store = Store::open(folder, Options::new(ids, clock))?;
//! let journal: Arc<dyn Journal> = Arc::new(store);
//! # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
//! let lease = journal.claim(&Scope::local(), run, OwnerId::from_u128(1)).await?;
//! journal.append(&lease, Batch::of(event))?; // returns at once
//! journal.durable().await?; // the barrier
//! assert_eq!(journal.read(&Scope::local(), run, 0).await?.len(), 1);
//! # Ok::<(), largestack_types::errors::LargestackError>(())
//! # })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod error;
mod facts;
mod inbox;
mod keyfile;
mod ledger;
mod place;
#[cfg(feature = "postgres")]
mod postgres;
mod private;
mod reservations;
mod retention;
mod scopes;
mod seal;
mod secrets;
pub mod signed;
mod sqlite;
mod switches;
mod talk;
mod vouching;
mod waiters;

pub use error::StoreError;
pub use keyfile::KEY_FILE;
#[cfg(feature = "postgres")]
pub use postgres::{PostgresDatabase, PostgresOptions, PostgresStore, ServerError};
pub use secrets::SecretFile;
pub use sqlite::{Health, Options, Sealed, SqliteFile, Stats, Store};
pub use switches::{SwitchChange, SwitchScope};
