//! The tables that are part of the binary.

use serde::de::DeserializeOwned;

/// Reads a table of ours.
#[expect(
    clippy::expect_used,
    reason = "the text is compiled in, and a test of each table reads it: no input can reach this"
)]
pub(crate) fn embedded<T: DeserializeOwned>(text: &str) -> T {
    toml::from_str(text).expect("the embedded table is valid")
}
