//! The store from outside: laws that hold for every journal, and what only a store on disk can do
//! wrong.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail like tests")]

mod approvals;
mod cache;
mod crash;
mod documents;
mod files;
mod fixture;
mod health;
mod laws;
mod ledger;
mod limits;
mod model;
#[cfg(feature = "postgres")]
mod postgres;
mod results;
mod secrets;
mod sessions;
mod spender;
mod switch;
mod vault;
mod writing;
