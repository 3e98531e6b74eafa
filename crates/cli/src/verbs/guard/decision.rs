//! What is done about a text as a whole: the strictest of what is done about what was found in it.

use largestack_guard::{Action, inject};
use serde::Serialize;

use crate::exit;

/// From the mildest to the strictest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Decision {
    Allow,
    Warn,
    Redact,
    Tokenise,
    Isolate,
    Block,
}

impl Decision {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Warn => "warn",
            Self::Redact => "redact",
            Self::Tokenise => "tokenise",
            Self::Isolate => "isolate",
            Self::Block => "block",
        }
    }

    /// Whether the text that may go on is another one.
    pub(super) const fn alters(self) -> bool {
        matches!(self, Self::Redact | Self::Tokenise | Self::Isolate)
    }

    /// The exit code.
    pub(super) const fn code(self) -> u8 {
        match self {
            Self::Allow => exit::DONE,
            Self::Block => exit::DENIED,
            _ => exit::BROKEN,
        }
    }
}

impl From<Action> for Decision {
    fn from(action: Action) -> Self {
        match action {
            Action::Allow => Self::Allow,
            Action::Warn => Self::Warn,
            Action::Redact => Self::Redact,
            Action::Tokenise => Self::Tokenise,
            Action::Block => Self::Block,
        }
    }
}

impl From<inject::Action> for Decision {
    fn from(action: inject::Action) -> Self {
        match action {
            inject::Action::Allow => Self::Allow,
            inject::Action::Warn => Self::Warn,
            inject::Action::Isolate => Self::Isolate,
            inject::Action::Block => Self::Block,
        }
    }
}
