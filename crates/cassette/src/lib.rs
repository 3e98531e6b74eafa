//! Cassettes: exchanges with providers that were recorded once and are given again, so that a test
//! of a real conversation needs neither key nor network and comes out the same every time. They sit
//! at the transport, below every wire: whole replies, streams with the boundaries of their frames,
//! vectors, orders, refusals and connections that broke are all exchanges.
//!
//! What is written is what may be seen by everybody who reads the repository: keys, tokens, account
//! ids and what the guard takes out of texts are replaced before anything reaches the disk. It
//! deliberately does not look into binary frames: an exchange that would have to be changed there
//! is refused.
//!
//! ```
//! use largestack_cassette::{Cassette, RecordMode};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let folder = tempfile::tempdir()?;
//! # let file = folder.path().join("hello.jsonl");
//! let missing = Cassette::open(&file, RecordMode::None);
//! assert!(missing.is_err_and(|error| error.to_string().contains("there is no recording")));
//!
//! let cassette = Cassette::open(&file, RecordMode::Once)?;
//! assert!(cassette.records());
//! // `cassette.over(transport)` is the transport to give to a gateway.
//! assert!(cassette.finish().is_err(), "nothing was recorded");
//! # Ok(())
//! # }
//! ```

mod asked;
mod cassette;
mod difference;
mod error;
mod exchange;
mod file;
mod reading;
mod recording;
mod redact;
mod stable;

pub use cassette::{Cassette, Deck, RecordMode};
pub use error::Error;
pub use stable::stable;
