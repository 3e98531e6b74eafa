//! The words every other crate speaks: messages and their labelled parts, token usage, money,
//! ids, scope, time and the error catalogue. Plain values: no I/O, no clock, no randomness, and
//! no opinion on how a provider spells any of it (that is `largestack-wire`).
//!
//! ```
//! use largestack_types::{message::Message, money::Money, part::PartId};
//!
//! let question = Message::user(PartId::new(0, 0), "How long is a day on Mars?");
//! assert_eq!(question.text(), "How long is a day on Mars?");
//! assert_eq!(Money::from_nanos(1_500_000_000).to_string(), "$1.50");
//! ```

pub mod call;
pub mod delta;
pub mod duration;
pub mod embed;
pub mod error;
pub mod errors;
pub mod hash;
pub mod id;
pub mod json;
pub mod label;
pub mod limits;
pub mod message;
pub mod money;
pub mod part;
pub mod percent;
pub mod policy;
pub mod reply;
pub mod scope;
pub mod time;
pub mod tool;
pub mod usage;
