//! Finds secrets, payment cards, identity numbers, bank accounts, e-mail addresses and telephone
//! numbers in text, and takes them
//! out of it: as placeholders that a token vault can turn back, or for good. Pure: no IO, no clock,
//! no randomness; linear in the length of the text, whatever the text; and the same result when the
//! text arrives in pieces. It deliberately does not keep values, call a model, or judge meaning.
//!
//! ```
//! use largestack_guard::{Guard, Kind, Nonce, Policy, Session};
//!
//! let guard = Guard::new(Policy::default());
//! let mut session = Session::new(Nonce::from_random(42));
//!
//! let text = "Charge 4111 1111 1111 1111 and write to ada@example.org";
//! let protected = guard.protect(text, &mut session);
//! assert!(protected.text.starts_with("Charge <CARD_1:") && protected.text.ends_with("example.org"));
//! assert_eq!(protected.findings[0].kind, Kind::Card);
//!
//! let vault = session.take_fresh();
//! let lookup = |placeholder: &str| {
//!     vault.iter().find(|e| e.placeholder == placeholder).map(|e| e.value.clone())
//! };
//! assert_eq!(largestack_guard::detokenise(&protected.text, session.nonce(), lookup), text);
//! ```
//!
//! - `finding`, `policy`: what is found and what is done about it.
//! - `guard`, `stream`, `json`, `projection`: over whole texts, streams and JSON, and back.
//! - `session`, `opaque`, `rewrite`: placeholders, their grammar, and the rewriting of text.
//! - `reading`: the ways in which a text can be read, for whoever judges words.
//! - `content`: what a model may show, beside the values in it; `leak`: the operator's own words in it.
//! - `fold`, `layer`, `view`: how detectors read and run; `secret`, `card`, `id`, `mrz`, `wallet`, `upi`,
//!   `email`, `phone`, `device`, `person`, `digits`, `context`: what they know; `detector`: told.

mod card;
pub mod content;
mod context;
mod detector;
mod device;
mod digits;
mod email;
mod finding;
mod fold;
mod guard;
mod id;
pub mod inject;
mod json;
mod layer;
pub mod leak;
mod mrz;
mod opaque;
mod person;
mod phone;
mod policy;
mod projection;
pub mod reading;
mod rewrite;
mod secret;
mod session;
mod stream;
mod upi;
mod view;
mod wallet;

pub use detector::{Detector, detectors};
pub use finding::{Finding, Kind};
pub use guard::{Guard, Protected, Scan};
pub use json::detokenise_json;
pub use policy::{Action, Mode, Policy};
pub use projection::Projection;
pub use reading::{Form, Reading, readings};
pub use rewrite::{detokenise, tokenise};
pub use session::{BadNonce, Entry, Nonce, Session};
pub use stream::{Holdback, Released};
