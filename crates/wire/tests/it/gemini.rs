//! The wire `gemini`: what goes out, what comes back, recorded traffic and laws.

mod faults;
mod laws;
mod reading;
mod recorded;
mod replies;
mod requests;

use largestack_wire::{Target, Wire, wire};

use crate::support::target;

fn gemini() -> &'static dyn Wire {
    wire("gemini").unwrap()
}

fn google() -> Target {
    target("google/gemini-3-flash-preview")
}
