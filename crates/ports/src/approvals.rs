//! Answers that runs wait for.

use largestack_engine::event::{ApprovalAnswered, DoubtSettled};

/// An answer from outside, for a suspended run.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// Of a person to a question.
    Approval(ApprovalAnswered),
    /// About a call in doubt.
    Doubt(DoubtSettled),
}
