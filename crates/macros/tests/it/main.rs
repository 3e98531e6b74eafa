//! `#[tool]` as a user meets it: what a model is told, and what happens when it calls.
#![expect(unreachable_pub, reason = "nothing in a test binary can be reached from outside")]
#![deny(warnings, missing_docs, missing_debug_implementations, clippy::pedantic, nonstandard_style)]

#[cfg(test)]
mod call;
/// Stands where the facade stands in a user's crate.
#[cfg(test)]
mod facade {
    /// What generated code calls.
    #[expect(
        clippy::unused_self,
        clippy::unnecessary_wraps,
        reason = "one signature for all kinds"
    )]
    pub mod __private {
        include!("../../../largestack/src/private.rs");
    }
}
#[cfg(test)]
mod kinds;
#[cfg(test)]
mod method;
#[cfg(test)]
mod schema;
#[cfg(test)]
mod support;
