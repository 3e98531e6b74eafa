//! Cassettes over a provider on the loopback, over transports that count what they are asked, and
//! on the disk.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails")]

mod kept;
mod matching;
mod replayed;
mod stage;
