//! Scripts that a model has written, performed where they can do nothing by themselves.
//!
//! A script runs in a process of its own ([`worked`]), which is confined by whoever starts it and knows
//! no files, network, environment or clock. What it wants of the world it asks for by calling the
//! tools of the agent as functions. The process remembers nothing: it is given the script with
//! everything that its calls have returned so far ([`Request`]), performs it from the start, and ends
//! with the next calls, or with the end ([`Outcome`]). So a script that waits for a person, or was cut
//! off with the whole machine, goes on from what its run has recorded, and no call is made twice.
//!
//! [`CodeExecute`] is the tool: to the agent's engine a script stands in the place of a model, in a run
//! below the run that called it, so everything it does passes the agent's own stages. This crate decides
//! nothing about calls, and confines nothing by itself.

mod depth;
mod description;
mod function;
mod history;
#[cfg(feature = "javascript")]
mod javascript;
mod limits;
mod outcome;
#[cfg(feature = "python")]
mod python;
mod request;
mod scripts;
#[cfg(any(feature = "python", feature = "javascript"))]
mod session;
mod tool;
mod worker;

pub use limits::CodeLimits;
pub use outcome::{Ended, Mistake, Outcome, Wanted};
pub use request::{Answer, Function, Language, Request};
pub use scripts::{Failure, Scripts};
pub use tool::{CodeExecute, NAME};
pub use worker::worked;
