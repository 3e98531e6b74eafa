//! The store of one machine: SQLite files in one folder, shared by processes. Each file here has
//! one question; another database would stand beside it with the same file names.

mod approvals;
mod asked;
mod barrier;
mod blobs;
mod budgets;
mod cache;
mod documents;
mod health;
mod journal;
mod leases;
mod ledger;
mod limits;
mod migrate;
mod open;
mod owners;
mod pool;
mod queue;
mod results;
mod retention;
mod rotate;
mod rows;
mod runs;
mod search;
mod sessions;
mod shelf;
mod signals;
mod store;
mod switch;
mod transact;
mod vault;
mod watch;
mod writer;

pub use asked::SqliteFile;
pub use health::{Health, Sealed};
pub use queue::Stats;
pub use store::{Options, Store};
