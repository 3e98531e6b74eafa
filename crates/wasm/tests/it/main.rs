//! Programs run through the port: what they may, and everything that they may not.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail like tests")]

mod components;
mod escapes;
mod limits;
mod ordinary;
mod world;
