//! Workflows over in-memory ports and scripted models.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on stops")]

mod data;
mod doubts;
mod driver;
mod ends;
mod forks;
mod leases;
mod money;
mod patterns;
mod ports;
mod secrets;
mod together;
#[cfg(test)]
mod tools;
mod watched;
mod worker;
mod world;
