//! The traits services need from the outside world, and in-memory versions of them. Services and
//! adapters never depend on each other: they meet here, and only the composition root knows both.
//!
//! Every trait is object-safe and `Send + Sync + 'static`; methods that wait return boxed futures.
//!
//! ```
//! use std::sync::Arc;
//! use largestack_ports::ledger::{BudgetKey, MemoryLedger};
//! use largestack_types::{money::Money, scope::Scope};
//!
//! let ledger = MemoryLedger::default();
//! let scopes: Arc<[BudgetKey]> = Arc::new([BudgetKey::tenant(&Scope::local())]);
//! ledger.set_limit(&scopes[0], Some(Money::from_nanos(100)));
//! let reservation = ledger.try_reserve(&scopes, Money::from_nanos(80)).unwrap();
//! assert!(ledger.try_reserve(&scopes, Money::from_nanos(30)).is_err());
//! ledger.try_settle(&reservation, Money::from_nanos(10)).unwrap();
//! assert!(ledger.try_reserve(&scopes, Money::from_nanos(30)).is_ok());
//! ```

pub mod approvals;
pub mod blobs;
pub mod cache;
pub mod clock;
pub mod command;
pub mod context;
pub mod database;
pub mod documents;
pub mod egress;
pub mod embedder;
pub mod ids;
pub mod journal;
pub mod ledger;
pub mod license;
pub mod limits;
pub mod model;
pub mod policies;
pub mod pools;
pub mod queue;
pub mod reranker;
pub mod results;
pub mod retention;
pub mod script;
pub mod secrets;
pub mod sessions;
pub mod signals;
pub mod spending;
pub mod switch;
pub mod tasks;
pub mod tokenizer;
pub mod tool;
pub mod transport;
pub mod tree;
pub mod vault;

/// A boxed future, as every waiting port method returns.
pub type BoxFuture<'a, T> = futures::future::BoxFuture<'a, T>;
