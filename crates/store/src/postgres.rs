//! What processes on several machines share, in a Postgres server: budgets and rate limits. File
//! names are those of the SQLite side.
//!
//! Every transaction names its tenant, and row-level security shows it that tenant's rows only.

mod address;
mod asked;
mod budgets;
mod connect;
mod fault;
mod limits;
mod migrate;
mod server;

pub use asked::PostgresDatabase;
pub use fault::ServerError;
pub use server::PostgresStore;
