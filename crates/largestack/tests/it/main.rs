//! The library as a whole, over the real store.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test that cannot go on stops, and a child process speaks through its output"
)]

mod apart;
mod approvals;
mod captured;
mod cassettes;
mod children;
mod contract;
mod contract_reached;
#[cfg(feature = "tokens")]
mod counted;
mod crash;
mod data;
mod ends;
mod growth;
mod kill;
#[cfg(feature = "cedar")]
mod own_policies;
mod pauses;
mod process;
mod streams;
mod taint;
mod thousand;
mod typed;
mod vendors;
#[cfg(feature = "wasm")]
mod web_assembly;
