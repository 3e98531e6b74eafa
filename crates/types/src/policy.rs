//! What policies say about something that is about to happen, and why.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// What a policy says. The later, the stricter: of several the strictest holds.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Decision {
    /// It may happen.
    #[default]
    Allow,
    /// A person has to agree first.
    RequireApproval,
    /// It does not happen.
    Refuse,
}

impl Decision {
    /// Every decision with its name in configuration and journals, the mildest first.
    pub const ALL: &'static [(&'static str, Self)] = &[
        ("allow", Self::Allow),
        ("require_approval", Self::RequireApproval),
        ("refuse", Self::Refuse),
    ];

    /// The name in configuration and journals.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::RequireApproval => "require_approval",
            Self::Refuse => "refuse",
        }
    }
}

/// Why a policy says what it says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reason {
    /// The policy that has decided, e.g. `taint.on_untrusted.send`.
    pub policy: Arc<str>,
    /// What it says by itself.
    pub decision: Decision,
    /// In words, without values.
    pub why: Arc<str>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decisions_are_ordered_by_strictness_and_written_by_name() {
        let order: Vec<Decision> = Decision::ALL.iter().map(|(_, decision)| *decision).collect();
        assert!(order.is_sorted() && order[0] == Decision::default());
        for (name, decision) in Decision::ALL {
            assert_eq!(serde_json::to_string(decision).unwrap(), format!("\"{name}\""));
            assert_eq!(decision.name(), *name);
        }
    }
}
