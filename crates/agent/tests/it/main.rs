//! Runs through the driver, with scripted models and in-memory ports.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test that cannot go on stops"
)]

mod children;
mod durable;
mod endings;
mod given;
mod guards;
mod hooks;
mod limits;
mod many;
mod media;
mod memory;
mod metered;
mod output;
mod own_run;
mod relay;
mod retries;
mod runs;
mod session_media;
mod spending;
mod streaming;
mod tool_options;
mod tools;
mod toolset;
mod tree;
mod world;
