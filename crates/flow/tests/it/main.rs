//! Workflows over in-memory ports and scripted models.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on stops")]

mod driver;
mod leases;
mod money;
mod patterns;
mod ports;
mod secrets;
mod world;
