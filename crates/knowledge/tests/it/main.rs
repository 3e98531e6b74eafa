//! The crate from outside: ingest, search and answer together.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::indexing_slicing,
    reason = "a test that cannot go on stops, and a measurement prints its figures"
)]

mod ingest;
mod labelled;
mod measure;
mod run;
mod tool;
