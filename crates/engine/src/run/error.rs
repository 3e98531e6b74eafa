//! Events that do not follow from the ones before.

use largestack_types::error::{Code, Coded};
use largestack_types::id::EffectId;

/// An event that cannot happen where it stands: the journal is damaged, or not this run's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FoldError {
    /// Not possible in the state the run is in.
    #[error("event {seq} (`{kind}`) cannot follow: {why}")]
    OutOfPlace {
        /// The event's number.
        seq: u64,
        /// The event's kind.
        kind: &'static str,
        /// What does not fit.
        why: &'static str,
    },
    /// Names an effect that the run does not have.
    #[error("event {seq} (`{kind}`) names the effect {effect}, which the run does not have")]
    NoSuchEffect {
        /// The event's number.
        seq: u64,
        /// The event's kind.
        kind: &'static str,
        /// The effect.
        effect: EffectId,
    },
    /// A total left the range of money.
    #[error("event {seq}: the run's cost is out of range")]
    Cost {
        /// The event's number.
        seq: u64,
    },
}

impl Coded for FoldError {
    fn code(&self) -> Code {
        Code::Journal
    }

    fn message(&self) -> String {
        self.to_string()
    }
}
