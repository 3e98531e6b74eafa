//! Runs through the driver, with scripted models and in-memory ports.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test that cannot go on stops"
)]

mod children;
mod compacted;
mod content;
mod documents;
mod doubts;
mod durable;
mod endings;
mod forks;
mod formats;
mod given;
mod guards;
mod help;
mod hooks;
mod injection;
mod leaks;
mod limits;
mod losses;
mod many;
mod media;
mod memory;
mod metered;
mod named;
mod output;
mod own_run;
mod policies;
mod relay;
mod removed;
mod retries;
mod runs;
mod session_media;
mod spending;
mod spotlights;
mod streaming;
mod taint;
mod tool_options;
mod tools;
mod toolset;
mod tree;
mod waits;
mod world;
