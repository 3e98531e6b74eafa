//! Runs over another engine's history: in a model of that engine, and on Restate itself.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test that cannot go on stops"
)]

mod history;
mod replay;
#[cfg(feature = "sdk")]
mod server;
#[cfg(feature = "sdk")]
mod services;
mod world;
