//! Runs whose facts [Restate](https://restate.dev) keeps. The driver, its stages and the engine are
//! those of every other run: [`RestateJournal`] is one more form of the journal, in which a fact is
//! durable when Restate has recorded the step that it was appended in. What a run is, what is in
//! doubt after a crash and what it may cost is decided where it always is; Restate decides which
//! process drives it, starts it again elsewhere when that one is gone, and keeps what it waits for.
//!
//! [`invocation`] knows Restate only as [`invocation::Steps`]; its services, which need the SDK, are
//! behind the feature `sdk`.

mod attempt;
#[cfg(feature = "sdk")]
pub mod client;
mod copy;
pub mod invocation;
pub mod journal;
pub mod outcome;
#[cfg(feature = "sdk")]
pub mod serve;
#[cfg(feature = "sdk")]
mod service;
pub mod waits;
pub mod work;
pub mod written;

#[cfg(feature = "sdk")]
pub use client::{Client, Register};
pub use journal::RestateJournal;
pub use outcome::{Outcome, Over};
#[cfg(feature = "sdk")]
pub use serve::{Service, ServiceEvent, Timeouts};
pub use work::{Question, Served, Told, Work};
pub use written::Facts;
