//! The crate from outside: ingest, search and answer together.

mod ingest;
mod labelled;
mod measure;
mod run;
mod tool;
