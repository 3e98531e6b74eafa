//! The laws of a run, without a driver: a scripted world answers effects and its outcomes are
//! folded.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on stops"
)]

mod adopted;
mod endings;
mod fixture;
mod forks;
mod graph;
mod laws;
mod limits;
mod takeover;
mod waits;
mod world;
