//! A run as the fold of its events. [`Run::apply`] is the only way a run changes and
//! [`Run::ready`] names what may start now; everything else (performing effects, keeping the
//! journal, looking at a clock) is the driver's. Pure: no I/O, no clock, no randomness, no async.
//!
//! ```
//! use std::sync::Arc;
//! use largestack_engine::{Definition, Effect, Event, Run, event::RunStarted};
//! use largestack_types::{id::RunId, message::Message, part::PartId};
//!
//! let definition = Arc::new(Definition::new("greeter", "Greet.", "test/model"));
//! let id = RunId::from_u128(1);
//! let mut run = Run::new(id, Arc::clone(&definition));
//! run.apply(&Event::RunStarted(RunStarted {
//!     agent: "greeter".into(),
//!     definition: definition.sealed()?.1,
//!     input: Arc::new(Message::user(PartId::new(0, 1), "Hello")),
//!     history: Vec::new(),
//!     principal: "local".into(),
//!     session: None,
//!     recalled: None,
//!     adjusted: None,
//!     parent: None,
//!     root: id,
//! }))?;
//! let mut ready = Vec::new();
//! run.ready(&mut ready);
//! assert!(matches!(ready[..], [Effect::Model { attempt: 1, .. }]));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod compare;
pub mod definition;
pub mod effect;
pub mod event;
mod fingerprint;
pub mod graph;
pub mod history;
mod limits;
pub mod output;
mod run;
pub mod status;

pub use definition::{Definition, InDoubt, OutputRule};
pub use effect::Effect;
pub use event::{Envelope, Event, Recorded};
pub use run::{Attempt, Branch, FoldError, LAST_TURN, Run, SUMMARISE, Told, Wait, answer};
pub use status::{End, EndReason, Limit, Status};
