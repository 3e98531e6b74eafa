//! The store of several machines, in a Postgres server: runs, sessions, approvals, what placeholders
//! stand for, the kill switch, budgets and rate limits, kept replies. File names are those of the
//! SQLite side.
//!
//! Every transaction names its tenant, and row-level security shows it that tenant's rows only.

mod address;
mod approvals;
mod asked;
mod barrier;
mod blobs;
mod budgets;
mod cache;
mod claims;
mod connect;
mod fault;
mod inside;
mod journal;
mod leases;
mod ledger;
mod limits;
mod losses;
mod master;
mod migrate;
mod queue;
mod results;
mod retention;
mod rows;
mod runs;
mod server;
mod sessions;
mod shelf;
mod signals;
mod switch;
mod told;
mod vault;
mod watch;
mod work;
mod writer;

pub use asked::PostgresDatabase;
pub use fault::ServerError;
pub(crate) use fault::lost;
pub use server::{PostgresOptions, PostgresStore};
