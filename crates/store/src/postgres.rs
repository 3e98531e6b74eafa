//! Budgets in a Postgres server, for processes on several machines. File names are those of the
//! SQLite side.

mod budgets;
mod connect;

pub use budgets::PostgresLedger;
