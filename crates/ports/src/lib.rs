//! The traits services need from the outside world, and in-memory versions of them. Services and
//! adapters never depend on each other: they meet here, and only the composition root knows both.
//!
//! Every trait is object-safe and `Send + Sync + 'static`; methods that wait return boxed futures.
//!
//! ```
//! use largestack_ports::ledger::{BudgetKey, Ledger, MemoryLedger};
//! use largestack_types::{id::RunId, money::Money};
//!
//! let ledger = MemoryLedger::default();
//! let run = BudgetKey::run_tree(RunId::from_u128(1));
//! ledger.set_limit(&run, Some(Money::from_nanos(100)));
//! let reservation = ledger.try_reserve(&[run.clone()], Money::from_nanos(80)).unwrap();
//! assert!(ledger.try_reserve(&[run.clone()], Money::from_nanos(30)).is_err());
//! ledger.settle_now(&reservation, Money::from_nanos(10)).unwrap();
//! assert!(ledger.try_reserve(&[run], Money::from_nanos(30)).is_ok());
//! ```

pub mod blobs;
pub mod clock;
pub mod documents;
pub mod ids;
pub mod journal;
pub mod ledger;
pub mod model;
pub mod switch;
pub mod tasks;
pub mod tool;
pub mod transport;
pub mod vault;

/// A boxed future, as every waiting port method returns.
pub type BoxFuture<'a, T> = futures::future::BoxFuture<'a, T>;
