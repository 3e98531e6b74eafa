//! Provider protocols as pure codecs. A [`Wire`] turns a call into an HTTP request and the bytes
//! that come back into events, which one [`Accumulator`] folds into a reply, streamed or not;
//! tables say who speaks which wire, what model families can do and what they cost. Nothing here
//! sends, waits, reads a key or looks at a clock: that is the transport's and the gateway's.
//!
//! ```
//! use largestack_wire::{Mode, decode, model};
//!
//! let target = model::resolve("openai/gpt-4o-mini")?;
//! let body = br#"{"choices": [{"message": {"content": "Hello!"}, "finish_reason": "stop"}]}"#;
//! let outcome = decode(target.wire()?, Mode::Whole, &target, body)?;
//! assert_eq!(outcome.reply.text(), "Hello!");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod accumulate;
mod address;
pub mod anthropic;
pub mod bedrock;
mod body;
pub mod cohere;
mod decode;
pub mod embed;
pub mod error;
mod escape;
pub mod event;
pub mod event_stream;
mod extra;
mod extras;
mod fault;
pub mod frames;
pub mod gemini;
mod json;
pub mod lines;
pub mod model;
mod object;
pub mod ollama;
pub mod openai_chat;
pub mod openai_responses;
mod overlay;
pub mod patience;
pub mod price;
pub mod profile;
pub mod provider;
pub mod quirk;
mod reading;
pub mod rerank;
pub mod schema;
pub mod session;
pub mod shape;
pub mod sse;
mod table;
pub mod tokens;
pub mod wait;
mod wire;

pub use accumulate::{Accumulator, Outcome};
pub use decode::decode;
pub use error::{DecodeError, EncodeError, ModelUnknown, ReadError};
pub use event::{Place, WireEvent};
pub use frames::Frames;
pub use json::from_str as read_json;
pub use model::{Registry, Target};
pub use patience::Patience;
pub use provider::{Auth, Param, Provider, Section};
pub use quirk::{Field, Quirk};
pub use session::{Beginning, Session};
pub use wire::{Decoder, Frame, Framing, Headers, HttpRequest, Mode, WIRES, Wire, wire};
